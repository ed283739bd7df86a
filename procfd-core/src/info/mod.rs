// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Questions about a process: the caller names fields, pays for those, and learns which came.
//!
//! | room | holds |
//! |---|---|
//! | `fields` | what can be asked for |
//! | `sources` | which source answers it |
//! | `convert` | which fields an answer fills |
//! | `proc` | the files of one process, and of no other |
//! | `parse` | what those files say |
//! | `descendants`, `cgroup` | who belongs together |
//! | `snapshot` | many processes at once |
//! | `retry` | the task that can answer where the leader has ended |
//! | `text`, `lists`, `maps`, `threads`, `fds` | what has no fixed length |

mod cgroup;
mod convert;
mod descendants;
mod fds;
mod fields;
mod lists;
mod maps;
pub(crate) mod parse;
pub(crate) mod proc;
mod retry;
mod snapshot;
mod sources;
mod text;
mod threads;

use std::os::fd::BorrowedFd;

use crate::contexts;
use crate::procfd::Target;
use crate::sys::{self, Errno, Result};

pub use descendants::ProcessRef;
pub(crate) use descendants::{children, descendants};
pub(crate) use fds::open_fds;
pub use fds::{FdKind, OpenFd};
pub use fields::*;
pub(crate) use lists::{affinity, groups, id_map, namespace};
pub(crate) use maps::maps;
pub use maps::{MapFlags, Mapping};
pub use parse::Comm;
pub use snapshot::{Processes, Snapshot};
pub(crate) use sources::info;
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
    match contexts::remembered_usage(fd) {
        None => known,
        Some(usage) => {
            let usage = Some(KnownUsage { known: UsageFields::all(), usage });
            Ok(Info { usage, ..known.unwrap_or_default() })
        }
    }
}
