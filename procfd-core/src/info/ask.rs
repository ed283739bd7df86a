// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Asking the task of a process that can answer.
//!
//! What belongs to its memory, its descriptors and its namespaces a process has through its threads. The
//! leader, whose files /proc/PID are, gives them up when it ends, while others may live on. And it may
//! execute a program while it is asked, which gives it another memory.

use std::os::fd::BorrowedFd;

use super::parse::stat::{Stat, stat};
use super::proc::Proc;
use crate::sys::{Errno, Result};
use crate::wait;

/// How often something is asked again that the end of a thread or an exec has spoilt.
const TRIES: usize = 64;
/// How often an empty answer is asked for again.
const EMPTY_TRIES: usize = 4;

/// The answer of the leader, or of a thread that lives where the leader has ended. A question answers
/// ENODATA for "nothing there" and EAGAIN for "spoilt". `None`: a process with a memory has none.
/// ESRCH: it is reaped. ENODATA: a zombie or a kernel thread. EACCES: this /proc does not show it.
pub(crate) fn ask<T>(
    pidfd: BorrowedFd<'_>,
    mut question: impl FnMut(&Proc<'_>) -> Result<T>,
) -> Result<Option<T>> {
    let leader = Proc::new(pidfd, wait::pid(pidfd)? as u32);
    let mut empty = 0;
    for _ in 0..TRIES {
        let mut answer = question(&leader);
        leader.check()?;
        let refused = matches!(answer, Err(Errno(libc::EACCES | libc::EPERM)));
        if !refused && !is_nothing(&answer) {
            return answer.map(Some);
        }
        let state = state_of(&leader)?;
        if has_ended(&state) {
            // Its files are root's by now, and empty.
            let mut living = leader;
            if living.turn_to_living_thread().is_none() {
                leader.check()?;
                return Err(Errno(libc::ENODATA));
            }
            answer = question(&living);
            leader.check()?;
            if !is_nothing(&answer) {
                return answer.map(Some);
            }
            // Nothing there, or the thread has ended, or executed a program and is the leader now.
            let mut again = [0; 2048];
            let of_thread = living.read_small(c"stat", &mut again).ok().and_then(stat);
            if of_thread.is_none_or(|of_thread| has_ended(&of_thread)) {
                continue;
            }
        } else if refused {
            return answer.map(Some);
        } else if state.vsize == 0 {
            return Err(Errno(libc::ENODATA));
        }
        if !matches!(answer, Err(Errno(libc::EAGAIN))) {
            empty += 1;
            if empty == EMPTY_TRIES {
                return Ok(None);
            }
        }
        std::thread::yield_now();
    }
    Err(Errno(libc::EAGAIN))
}

/// As [`ask`], where ENODATA is the answer of those that have none.
pub(crate) fn ask_for<T>(pidfd: BorrowedFd<'_>, question: impl FnMut(&Proc<'_>) -> Result<T>) -> Result<T> {
    ask(pidfd, question)?.ok_or(Errno(libc::ENODATA))
}

/// The answer of the leader, ended or not. ESRCH: it is reaped.
pub(crate) fn ask_leader<T>(
    pidfd: BorrowedFd<'_>,
    question: impl FnOnce(&Proc<'_>) -> Result<T>,
) -> Result<T> {
    let leader = Proc::new(pidfd, wait::pid(pidfd)? as u32);
    let answer = question(&leader);
    leader.check()?;
    match answer {
        // Alive, so it is the file that is missing.
        Err(Errno(libc::ENOENT | libc::ESRCH)) => {
            state_of(&leader)?;
            Err(Errno(libc::ENODATA))
        }
        done => done,
    }
}

/// What the kernel says where there is nothing to show.
fn is_nothing<T>(answer: &Result<T>) -> bool {
    matches!(answer, Err(Errno(libc::ENODATA | libc::EAGAIN | libc::ENOENT | libc::ESRCH | libc::EINVAL)))
}

fn state_of(process: &Proc<'_>) -> Result<Stat> {
    let mut buf = [0; 2048];
    match process.read_small(c"stat", &mut buf) {
        Ok(text) => stat(text).ok_or(Errno(libc::EAGAIN)),
        // It lives; but hidepid hides it.
        Err(Errno(libc::ENOENT)) => Err(Errno(libc::EACCES)),
        Err(e) => Err(e),
    }
}

fn has_ended(stat: &Stat) -> bool {
    matches!(stat.state, b'Z' | b'X')
}
