// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Asking the task of a process that can answer.
//!
//! A process has its memory, descriptors and namespaces through its threads. The files of /proc/PID show the
//! leader, which gives them up when it ends; other threads may live on. A process may also execute a program
//! during a question, which gives it another memory.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use crate::proc::parse::stat::{Stat, has_ended, stat};
use crate::proc::{self, Proc};
use crate::sys::{Errno, Result};
use crate::wait;

/// How often something is asked again that the end of a thread or an exec has spoilt; the first times at
/// once, then after a millisecond.
const TRIES: usize = 64;
const AT_ONCE: usize = 16;
/// How often an empty answer is asked for again.
const EMPTY_TRIES: usize = 4;
/// How often a process that lives is looked for: while a thread of it takes the leader's place, there is nobody
/// under its number for an instant.
const HIDDEN_TRIES: usize = 8;
/// How often a process that has not ended may refuse: it could be the leader since the question, and what
/// refused one that has ended.
const REFUSALS: usize = 3;
/// A kernel thread (linux/sched.h).
const PF_KTHREAD: u32 = 0x20_0000;
/// The same as [`EMPTY_TRIES`] where the caller may not know whether a program is about to start.
const UNSURE_TRIES: usize = 20;

/// The answer of the leader, or of a thread that lives where the leader has ended. A question answers
/// ENODATA for "nothing there" and EAGAIN for "spoilt". `None`: a process with a memory has none.
/// ESRCH: it is reaped. ENODATA: a zombie or a kernel thread. EACCES: this /proc does not show it.
pub(crate) fn ask<T>(
    pidfd: BorrowedFd<'_>,
    mut question: impl FnMut(&Proc<'_>) -> Result<T>,
) -> Result<Option<T>> {
    let leader = Proc::new(pidfd, wait::pid(pidfd)? as u32);
    let (mut empty, mut hidden, mut refusals) = (0, 0, 0);
    for tried in 0..TRIES {
        if tried > AT_ONCE {
            crate::sys::fd::sleep(Duration::from_millis(1));
        } else if tried > 0 {
            std::thread::yield_now();
        }
        let mut answer = question(&leader);
        leader.check()?;
        let refused = matches!(answer, Err(Errno(libc::EACCES | libc::EPERM)));
        if !refused && !is_nothing(&answer) {
            return answer.map(Some);
        }
        let state = match state_of(&leader) {
            Err(Errno(libc::EACCES)) if hidden < HIDDEN_TRIES => {
                hidden += 1;
                continue;
            }
            done => done?,
        };
        if state.flags & PF_KTHREAD != 0 {
            return if refused { answer.map(Some) } else { Err(Errno(libc::ENODATA)) };
        }
        if has_given_up(&state) {
            // Its files are root's by now, and empty.
            match state.threads {
                // A thread that executes a program is becoming the leader.
                0 => continue,
                1 => return Err(Errno(libc::ENODATA)),
                _ => {}
            }
            let mut living = leader;
            if living.turn_to_living_thread().is_none() {
                continue;
            }
            answer = question(&living);
            leader.check()?;
            if !is_nothing(&answer) {
                return answer.map(Some);
            }
            // Nothing there; or the thread has ended, or executed a program and is the leader now.
            let mut again = [0; 2048];
            let of_thread = living.read_small(c"stat", &mut again).ok().and_then(stat);
            if of_thread.is_none_or(|of_thread| has_given_up(&of_thread)) {
                continue;
            }
        } else if refused {
            refusals += 1;
            if refusals == REFUSALS {
                return answer.map(Some);
            }
            continue;
        } else if state.end_code == 0 {
            // The kernel is about to start a program in it, and has not said yet what that is given.
            continue;
        }
        if !matches!(answer, Err(Errno(libc::EAGAIN))) {
            empty += 1;
            if empty == if state.end_code == 1 { UNSURE_TRIES } else { EMPTY_TRIES } {
                return Ok(None);
            }
        }
    }
    Err(Errno(libc::EAGAIN))
}

/// As [`ask`], where ENODATA is the answer of those that have none.
pub(crate) fn ask_for<T>(pidfd: BorrowedFd<'_>, question: impl FnMut(&Proc<'_>) -> Result<T>) -> Result<T> {
    ask(pidfd, question)?.ok_or(Errno(libc::ENODATA))
}

/// The answer of the leader, ended or not. ESRCH: it is reaped. EACCES: this /proc does not show it.
pub(crate) fn ask_leader<T>(
    pidfd: BorrowedFd<'_>,
    mut question: impl FnMut(&Proc<'_>) -> Result<T>,
) -> Result<T> {
    let leader = Proc::new(pidfd, wait::pid(pidfd)? as u32);
    let mut tried = 0;
    loop {
        let answer = question(&leader);
        leader.check()?;
        match answer {
            Err(Errno(libc::ENOENT | libc::ESRCH)) if tried < HIDDEN_TRIES => {
                tried += 1;
                std::thread::yield_now();
            }
            // It lives, so it is the file that is missing.
            Err(Errno(libc::ENOENT | libc::ESRCH)) => {
                return Err(state_of(&leader).err().unwrap_or(Errno(libc::ENODATA)));
            }
            done => return done,
        }
    }
}

/// The answers of the kernel if it has nothing to show.
fn is_nothing<T>(answer: &Result<T>) -> bool {
    matches!(answer, Err(Errno(libc::ENODATA | libc::EAGAIN | libc::ENOENT | libc::ESRCH | libc::EINVAL)))
}

fn state_of(process: &Proc<'_>) -> Result<Stat> {
    let mut buf = [0; 2048];
    match process.read_small(c"stat", &mut buf) {
        Ok(text) => stat(text).ok_or(Errno(libc::EAGAIN)),
        // It lives; if there is a /proc at all, hidepid hides it.
        Err(Errno(libc::ENOENT)) => Err(proc::is_there().err().unwrap_or(Errno(libc::EACCES))),
        Err(e) => Err(e),
    }
}

/// Whether a task has ended, or is about to and has left its memory.
fn has_given_up(stat: &Stat) -> bool {
    has_ended(stat.state) || stat.vsize == 0
}
