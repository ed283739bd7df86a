// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! An action on every thread of a process.
//!
//! Nice value, policy, affinity and I/O priority belong to a thread on Linux. A new thread inherits them from the
//! thread that makes it. So only an unchanged thread can make one with the old values. The walk reads the list until
//! two readings in a row have nothing new, for two reasons. A reading may skip a thread behind one that ends
//! meanwhile. A thread under construction has its maker's old values before it can be seen; with several threads the
//! last reading therefore comes a moment later.

use std::collections::BTreeSet;
use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use super::pid_race;
use crate::sys::{self, Errno, Result};

/// The most readings of the list. A process whose unchanged threads make threads faster than this is EAGAIN.
const PASSES: usize = 1000;
/// The number of readings in a row that must have nothing new.
const QUIET_PASSES: usize = 2;
/// The pause before the last reading. A clone takes less, unless its thread is preempted in the middle.
const BEING_MADE: Duration = Duration::from_millis(1);

/// Calls `act` for each thread, or for one thread if the pidfd is a thread's (`PIDFD_THREAD`, 6.9). Stops at the
/// first error; the threads before it are done. ESRCH: the process has ended. EAGAIN: it makes threads faster than
/// they can be read.
pub(crate) fn each(pidfd: BorrowedFd<'_>, mut act: impl FnMut(i32) -> Result<()>) -> Result<()> {
    if sys::pidfd::is_thread(pidfd) {
        return pid_race::by_number(pidfd, act);
    }
    pid_race::running(pidfd)?;
    let dir = pid_race::directory(pidfd)?;
    let mut seen = BTreeSet::new();
    let mut done = 0usize;
    let mut quiet = 0;
    for _ in 0..PASSES {
        let before = seen.len();
        let tasks = sys::fd::open_at(dir.as_raw_fd(), c"task", libc::O_RDONLY | libc::O_DIRECTORY)
            .map_err(|e| if e.0 == libc::ENOENT { Errno(libc::ESRCH) } else { e })?;
        sys::dir::each_number(tasks.as_fd(), |tid| {
            if seen.insert(tid) && one(tasks.as_fd(), tid, &mut act)? {
                done = done.saturating_add(1);
            }
            Ok(())
        })?;
        quiet = if seen.len() == before { quiet + 1 } else { 0 };
        if quiet > 0 && quiet < QUIET_PASSES && seen.len() > 1 {
            sys::fd::sleep(BEING_MADE);
        }
        if quiet == QUIET_PASSES {
            return if done == 0 { Err(Errno(libc::ESRCH)) } else { Ok(()) };
        }
    }
    Err(Errno(libc::EAGAIN))
}

/// Calls `act` for one thread; returns whether the thread existed after the call. If it did, the call was about it.
fn one(tasks: BorrowedFd<'_>, tid: i32, act: &mut impl FnMut(i32) -> Result<()>) -> Result<bool> {
    let gone = |e| matches!(e, Errno(libc::ENOENT | libc::ESRCH));
    let name = CString::new(tid.to_string()).map_err(|_| Errno(libc::EINVAL))?;
    let dir = match sys::fd::open_at(tasks.as_raw_fd(), &name, libc::O_PATH | libc::O_DIRECTORY) {
        Err(e) if gone(e) => return Ok(false),
        opened => opened?,
    };
    let done = act(tid);
    match sys::fd::open_at(dir.as_raw_fd(), c"comm", libc::O_PATH) {
        Err(e) if gone(e) => Ok(false),
        Err(e) => Err(e),
        Ok(_) if done == Err(Errno(libc::ESRCH)) => Ok(false),
        Ok(_) => done.map(|()| true),
    }
}
