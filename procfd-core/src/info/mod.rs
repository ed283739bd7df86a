// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Questions about a process: the caller names fields, pays for those, and learns which came.
//!
//! | room | holds |
//! |---|---|
//! | `fields` | what can be asked for |
//! | `records` | what a field holds |
//! | `sources` | which source answers it |
//! | `convert` | which fields an answer fills |
//! | `absent` | why a field is absent |
//! | `descendants`, `cgroup` | who belongs together |
//! | `snapshot` | many processes at once |
//! | `of_number` | one process without a pidfd, out of files that name it |
//! | `retry` | the task that can answer where the leader has ended |
//! | `text`, `lists`, `maps`, `threads`, `fds` | what has no fixed length |

mod absent;
mod cgroup;
mod convert;
mod descendants;
mod fds;
mod fields;
mod lists;
mod maps;
mod of_number;
mod records;
mod retry;
mod snapshot;
mod sources;
mod text;
mod threads;

use std::os::fd::BorrowedFd;

use crate::kept::Keeper;
use crate::status::Status;
use crate::sys::{self, Errno, Result};
use crate::target::Target;
use crate::wait;

pub use crate::proc::parse::Comm;
pub use descendants::ProcessRef;
pub(crate) use descendants::{children, descendants};
pub(crate) use fds::open_fds;
pub use fds::{FdKind, OpenFd};
pub use fields::*;
pub(crate) use lists::{affinity, groups, id_map, namespace};
pub(crate) use maps::maps;
pub use maps::{MapFlags, Mapping};
pub use records::*;
pub use snapshot::{Processes, Snapshot};
pub(crate) use sources::{asks_the_ioctl, fill};
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

/// Adds to what is known of a process what was kept of one that was waited for, if that was asked for. `known` is the
/// result of [`fill`]. `init` is the procfd of a built-in init, whose end is that of its program.
pub(crate) fn add_kept<'a>(
    out: &mut Info,
    known: Result<()>,
    keeper: impl FnOnce() -> Keeper<'a>,
    init: Option<BorrowedFd<'_>>,
    fields: Fields,
) -> Result<()> {
    const KEPT: Fields = Fields::EXIT.union(Fields::USAGE).union(Fields::COREDUMP);
    let asked = fields & KEPT;
    if asked.is_empty() {
        return known;
    }
    let missing = match known {
        Ok(()) => asked.difference(out.filled(asked)),
        Err(Errno(libc::ESRCH)) => asked,
        Err(e) => return Err(e),
    };
    let kept = if missing.is_empty() { None } else { keeper().kept() };
    if let Err(e) = known {
        if kept.is_none() {
            return Err(e);
        }
        *out = Info::with_all_gone(fields);
    }
    if let Some(Status { change, usage }) = kept {
        if missing.contains(Fields::EXIT) {
            out.exit = Some(change);
        }
        if let (true, Some(usage)) = (missing.contains(Fields::USAGE), usage) {
            out.usage = Some(KnownUsage { known: UsageFields::all(), usage });
        }
        if missing.contains(Fields::COREDUMP) {
            out.coredump = Some(CoreDump::of(change));
        }
    }
    if let (Some(a), Some(change)) = (init, out.exit) {
        out.exit = Some(wait::of_program(a, change));
    }
    Ok(())
}
