// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! When a child that has changed its credentials is out of the creator's memory.
//!
//! The sleep of vfork(2) ends when execve(2) or the exit of the child gives the memory back. The child's task leads to
//! that memory for some instants more, and the scheduler may put any time between them. A process of the child's new
//! user that opens /proc/PID/mem then is refused only because the memory is not dumpable. So the creator becomes
//! dumpable again only when the task is seen to have left.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use super::end::has_ended;
use crate::proc::{self, Path, Proc};
use crate::settings::HELD_SECONDS;
use crate::sys::{self, Errno};

/// PF_FORKNOEXEC: the task has not executed. execve(2) clears it after it has given the task its new memory.
const NOT_EXECUTED: u32 = 0x40;

/// How long nothing may tell of the child.
const UNKNOWN_NS: u64 = 10_000_000;
/// A yield lets a child on the same CPU go on only if it is in the same scheduling group; a new session and another
/// cgroup are others. So the creator sleeps after some yields.
const YIELDS: u32 = 2;
const PAUSE: Duration = Duration::from_micros(10);
/// The program of the built-in init: the oldest child of the init is another one if the program has ended.
const SECOND_NS: u64 = 1_000_000_000;

/// Waits until the child has left the memory. False: this cannot be seen. `second`: the child has become the built-in
/// init, and its own child has changed its credentials.
pub(super) fn has_left(pidfd: BorrowedFd<'_>, pid: i32, second: bool) -> bool {
    let began = sys::fd::monotonic_ns();
    let mut tries = 0u32;
    loop {
        if has_ended(pid) {
            return true;
        }
        let executed = if second { second_has_executed(pidfd, pid) } else { has_executed(pid) };
        let limit = match executed {
            Some(true) => return true,
            Some(false) if second => SECOND_NS,
            Some(false) => HELD_SECONDS.saturating_mul(1_000_000_000),
            None => UNKNOWN_NS,
        };
        if sys::fd::monotonic_ns().saturating_sub(began) > limit {
            return false;
        }
        tries = tries.saturating_add(1);
        if tries > YIELDS { std::thread::sleep(PAUSE) } else { std::thread::yield_now() }
    }
}

/// Whether our own child has executed.
fn has_executed(pid: i32) -> Option<bool> {
    // EACCES means just that, and comes before it matters that there is no such group.
    match sys::task::set_group(pid, i32::MAX) {
        Err(Errno(libc::EACCES)) => Some(true),
        // In another session the kernel does not come to that question.
        _ => executed_by_stat(pid as u32),
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
