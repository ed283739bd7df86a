// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! When a child is out of the creator's memory.
//!
//! The sleep of vfork(2) ends when execve(2) or the exit of the child gives the memory back. The child's task leads to
//! that memory for some instants more, and the scheduler may put any time between them. /proc shows the creator's
//! program, arguments and environment as the child's until then.
//!
//! A process of the child's new user that opens /proc/PID/mem then is refused only because the memory is not dumpable.
//! So the creator becomes dumpable again only when the task is seen to have left.

use std::os::fd::BorrowedFd;

use super::end::{has_ended, never_executed};
use crate::proc::{self, Path, Proc};
use crate::settings::HELD_SECONDS;
use crate::sys::{self, Errno};

/// PF_FORKNOEXEC: the task has not executed. execve(2) clears it after it has given the task its new memory.
const NOT_EXECUTED: u32 = 0x40;

/// How long nothing may tell of the child.
const UNKNOWN_NS: u64 = 10_000_000;
/// The program of the built-in init: the oldest child of the init is another one if the program has ended.
const SECOND_NS: u64 = 1_000_000_000;

/// Whether the child executes its program: true once it has that program's memory. `copies`: until then it has a copy of
/// the creator's.
pub(super) fn has_executed(pidfd: BorrowedFd<'_>, pid: i32, copies: bool) -> bool {
    if executed_by_group(pid) {
        return true;
    }
    if never_executed(pid) {
        return false;
    }
    // A child of another session, or one that is about to have its memory.
    if copies || sys::task::shares_memory(pid) != Some(false) {
        await_left(pidfd, pid, false);
    }
    true
}

/// Whether a child has left the creator's memory.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// The child has executed its program, or the image of the built-in init.
    Executed,
    /// The child has left the memory: it may have ended.
    Memory,
    /// This cannot be seen.
    Unknown,
}

/// Waits until the child has left the memory. `second`: the child has become the built-in init, and its own child has
/// changed its credentials.
pub(super) fn await_left(pidfd: BorrowedFd<'_>, pid: i32, second: bool) -> Left {
    // Nearly always it has.
    if !second && executed_by_group(pid) {
        return Left::Executed;
    }
    let began = sys::fd::monotonic_ns();
    for tried in 0.. {
        if has_ended(pid) {
            return Left::Memory;
        }
        let executed = if second { second_has_executed(pidfd, pid) } else { first_has_executed(pid) };
        let limit = match executed {
            Some(true) if second => return Left::Memory,
            Some(true) => return Left::Executed,
            Some(false) if second => SECOND_NS,
            Some(false) => HELD_SECONDS.saturating_mul(1_000_000_000),
            None => UNKNOWN_NS,
        };
        if sys::fd::monotonic_ns().saturating_sub(began) > limit {
            break;
        }
        sys::task::pause(tried);
    }
    Left::Unknown
}

/// Whether our own child is known to have executed. EACCES means just that, and comes before it matters that there is no
/// such group. Of a child in another session the kernel does not come to that question.
fn executed_by_group(pid: i32) -> bool {
    sys::task::set_group(pid, i32::MAX) == Err(Errno(libc::EACCES))
}

fn first_has_executed(pid: i32) -> Option<bool> {
    match executed_by_group(pid) {
        true => Some(true),
        false => executed_by_stat(pid as u32),
    }
}

fn second_has_executed(init: BorrowedFd<'_>, pid: i32) -> Option<bool> {
    let mut children = Vec::new();
    Proc::new(init, pid as u32).read_of_thread(pid as u32, c"children", &mut children).ok()?;
    let text = std::str::from_utf8(&children).ok()?;
    match text.split_ascii_whitespace().next() {
        Some(first) => executed_by_stat(first.parse().ok()?),
        None => Some(true),
    }
}

fn executed_by_stat(pid: u32) -> Option<bool> {
    let stat = proc::stat(Path::new().number(pid)).ok()??;
    Some(stat.flags & NOT_EXECUTED == 0)
}
