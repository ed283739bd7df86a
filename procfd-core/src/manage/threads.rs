// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Something to every thread of a process.
//!
//! Nice value, policy, affinity and I/O priority are a thread's on Linux. A new thread has those of the thread
//! that makes it, so one that is missed can only come of one that has not been seen to yet: the list is
//! read until it has nothing new twice in a row: a reading may skip one behind a thread that ends meanwhile,
//! and one that is being made has its maker's value before it can be seen. So where there are several threads the last
//! reading comes a moment later.

use std::collections::BTreeSet;
use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use super::pid_race;
use crate::sys::{self, Errno, Result};

/// A process that makes threads, from threads not seen to, faster than this often the list is read.
const PASSES: usize = 1000;
/// So many readings in a row have nothing new at the end.
const QUIET_PASSES: usize = 2;
/// A clone takes less, unless the thread that makes it loses its processor in the middle.
const BEING_MADE: Duration = Duration::from_millis(1);

/// Does something to each thread; to the one alone, by a pidfd of a thread (`PIDFD_THREAD`, 6.9). Stops at
/// the first error, with the threads before it done. ESRCH: the process has ended; EAGAIN: it made threads
/// faster than they were seen to.
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
            std::thread::sleep(BEING_MADE);
        }
        if quiet == QUIET_PASSES {
            return if done == 0 { Err(Errno(libc::ESRCH)) } else { Ok(()) };
        }
    }
    Err(Errno(libc::EAGAIN))
}

/// To one thread; whether it was there to the end. As with processes: what was there after the call had the
/// number in it.
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
