// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Questions about a process: the caller names fields, pays for those, and learns which came.
//!
//! | room | holds |
//! |---|---|
//! | `groups` | what can be asked for |
//! | `gather` | which source answers it |
//! | `fill` | which fields an answer fills |
//! | `proc` | the files of one process, and of no other |
//! | `parse` | what those files say |
//! | `tree`, `cgroup` | who belongs together |
//! | `snapshot` | many processes at once |
//! | `ask` | the task that can answer where the leader has ended |
//! | `text`, `lists`, `maps`, `threads`, `family`, `fds` | what has no fixed length |
//! | `of_process` | the methods of a process for those |

mod ask;
mod cgroup;
mod family;
mod fds;
mod fill;
mod gather;
mod groups;
mod lists;
mod maps;
mod of_process;
pub(crate) mod parse;
pub(crate) mod proc;
mod snapshot;
mod text;
mod threads;
mod tree;

use std::os::fd::BorrowedFd;

use crate::procfd::Target;
use crate::registry;
use crate::sys::{self, Errno, Result};

pub use family::ProcessRef;
pub(crate) use family::{children, descendants};
pub(crate) use fds::open_fds;
pub use fds::{FdKind, OpenFd};
pub(crate) use gather::info;
pub use groups::*;
pub(crate) use lists::{affinity, groups, id_map, namespace};
pub(crate) use maps::maps;
pub use maps::{MapFlags, Mapping};
pub use parse::Comm;
pub use snapshot::{Processes, Snapshot};
pub use text::Text;
pub(crate) use text::text;
pub(crate) use threads::threads;
pub use threads::{Thread, ThreadFaults, ThreadSignals, ThreadTimes};

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

/// With the usage of a process that was waited for through this procfd, of which nothing else says it.
pub(crate) fn or_remembered(known: Result<Info>, fd: BorrowedFd<'_>, fields: Fields) -> Result<Info> {
    let missing = match &known {
        Ok(info) => info.usage.is_none(),
        Err(e) => *e == Errno(libc::ESRCH),
    };
    if !missing || !fields.contains(Fields::USAGE) {
        return known;
    }
    match registry::remembered_usage(fd) {
        None => known,
        Some(usage) => {
            let usage = Some(KnownUsage { known: UsageFields::all(), usage });
            Ok(Info { usage, ..known.unwrap_or_default() })
        }
    }
}
