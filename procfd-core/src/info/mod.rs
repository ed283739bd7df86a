// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Questions about a process: the caller names fields, pays for those, and learns which came.
//!
//! | room | holds |
//! |---|---|
//! | `groups` | what can be asked for |
//! | `gather` | which source answers it |
//! | `proc` | the files of one process, and of no other |
//! | `parse` | what those files say |
//! | `tree`, `cgroup` | who belongs together |
//! | `snapshot` | many processes at once |

mod cgroup;
mod gather;
mod groups;
mod parse;
mod proc;
mod snapshot;
mod tree;

use crate::procfd::Target;
use crate::sys::{self, Result};

pub(crate) use gather::info;
pub use groups::*;
pub use parse::Comm;
pub use snapshot::{Processes, Snapshot};

/// Where a context is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProcessState {
    /// No process yet.
    Configuring,
    /// It runs.
    Running,
    /// It has ended, reaped or not.
    Exited,
}

/// The state of what a descriptor stands for.
pub(crate) fn state(target: &Target<'_>) -> Result<ProcessState> {
    let Ok(pidfd) = target.pidfd() else {
        return Ok(ProcessState::Configuring);
    };
    Ok(match sys::fd::poll(pidfd, libc::POLLIN, sys::fd::NOW)? {
        0 => ProcessState::Running,
        _ => ProcessState::Exited,
    })
}
