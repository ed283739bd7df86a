// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The end of a child that did not become what it was started for.

use std::os::fd::{AsFd, BorrowedFd, IntoRawFd};

use crate::error::{Error, Stage};
use crate::manage;
use crate::settings::HELD_SECONDS;
use crate::status::{Change, decode};
use crate::sys::{self, Errno, OwnFd, PIDFD_INFO_EXIT};
use crate::wait;

/// Whether the child has not executed. Until then its exit signal is 0, since only execve sets SIGCHLD. A plain
/// waitid therefore does not see the child, ended or still ending: vfork's sleep is over once it has left the memory.
/// If no waitid sees it, another waiter of the program has reaped it, so it had executed. The pid tells more than the
/// pidfd, whose number another thread may have closed.
pub(super) fn never_executed(pid: i32) -> bool {
    sys::task::child_never_executed(pid)
}

/// Waits until a child that is no child of vfork(2) and has its own memory has executed, or ended: the kernel tells
/// nothing of that, so this looks every tenth of a millisecond.
pub(super) fn await_executed(pid: i32) {
    while never_executed(pid) && sys::task::child_has_ended(pid) == Ok(false) {
        sys::fd::sleep(std::time::Duration::from_micros(100));
    }
}

/// Waits for the stop of a suspended start and takes its report, so that no later wait has it. Another waiter of the
/// program may have taken it first; then /proc says so.
pub(super) fn await_stopped(pidfd: BorrowedFd<'_>, pid: i32) -> Result<(), Error> {
    let limit = HELD_SECONDS.saturating_mul(1_000_000_000);
    let began = sys::fd::monotonic_ns();
    loop {
        match sys::task::take_stop(pid) {
            Ok(false) if sys::task::child_has_ended(pid) != Ok(false) => return Ok(()),
            Ok(false) => {}
            // Another waiter has reaped it.
            Ok(true) | Err(_) => return Ok(()),
        }
        if manage::is_in_stop(pidfd).unwrap_or(false) {
            // The report may have come meanwhile.
            let _ = sys::task::take_stop(pid);
            return Ok(());
        }
        if sys::fd::monotonic_ns().saturating_sub(began) >= limit {
            end(pidfd, pid);
            return Err(Error::new(Stage::SUSPEND, 0, Errno(libc::ETIMEDOUT), "")
                .hint("a frozen cgroup, or a security policy that keeps the signal back"));
        }
        sys::fd::sleep(std::time::Duration::from_micros(50));
    }
}

/// Whether our own child has ended, or was even reaped by another waiter. Where nothing tells: no.
pub(super) fn has_ended(pid: i32) -> bool {
    match sys::task::child_has_ended(pid) {
        Ok(ended) => ended,
        Err(e) => e == Errno(libc::ECHILD),
    }
}

/// The child ended itself because another process kept it stopped.
pub(super) fn held_too_long(pidfd: BorrowedFd<'_>, pid: i32, began: Option<u64>) -> Result<(), Error> {
    let Some(began) = began else { return Ok(()) };
    let limit = HELD_SECONDS.saturating_mul(1_000_000_000);
    if sys::fd::monotonic_ns().saturating_sub(began) < limit {
        return Ok(());
    }
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    let change = match sys::pidfd::wait(pidfd, options) {
        Ok(waited) => waited.and_then(|w| Change::of_child(w.code, w.status)),
        Err(_) => after_the_reap(pidfd),
    };
    match change {
        Some(Change::Killed(libc::SIGKILL)) => {
            reap(pidfd, pid);
            Err(Error::new(
                Stage::CHILD_DIED,
                0,
                Errno(libc::ETIMEDOUT),
                format_args!("within {HELD_SECONDS} s of its change of credentials"),
            )
            .hint("a process of the new user may have kept it stopped"))
        }
        _ => Ok(()),
    }
}

/// How a child ended that leaves no zombie, or that another thread has reaped. 6.15
fn after_the_reap(pidfd: BorrowedFd<'_>) -> Option<Change> {
    let info = sys::pidfd::get_info(pidfd, PIDFD_INFO_EXIT).ok()?;
    (info.mask & PIDFD_INFO_EXIT != 0).then(|| decode(info.exit_code))
}

/// The child died without reporting a step.
pub(super) fn died(pidfd: BorrowedFd<'_>, pid: i32, stage: Stage) -> Error {
    let change = match reap(pidfd, pid) {
        Some(w) => Change::of_child(w.code, w.status),
        None => after_the_reap(pidfd),
    };
    let how = match change {
        Some(Change::Exited(code)) => format!("it exited with {code}"),
        Some(Change::Killed(signal) | Change::Dumped(signal)) => format!("signal {signal} ended it"),
        _ => "another thread reaped it".into(),
    };
    Error::new(
        Stage::CHILD_DIED,
        stage.as_raw(),
        Errno(libc::ECHILD),
        match stage {
            Stage::NONE => format!("({how} before its first step)"),
            _ => format!("({how} at the step: {})", stage.name()),
        },
    )
}

/// Whether the pidfd is still that of our own child `pid`. Once the program has closed its number, the kernel may give the
/// number to another file: even to a pidfd of another process or of this one.
pub(super) fn is_its(pidfd: BorrowedFd<'_>, pid: i32) -> bool {
    match wait::pid(pidfd) {
        Ok(now) => now == pid,
        // No descriptor, or none of a process.
        Err(Errno(libc::EBADF | libc::EINVAL)) => false,
        // The pidfd's process is reaped. It is our own child only if that is reaped too.
        Err(Errno(libc::ESRCH)) => sys::task::child_has_ended(pid).is_err(),
        // Nothing tells (before 6.13 without a /proc of our own).
        Err(_) => true,
    }
}

/// The same of what the clone has returned: only another thread can have closed it.
pub(super) fn is_still_its(pidfd: BorrowedFd<'_>, pid: i32) -> bool {
    !sys::task::has_threads() || is_its(pidfd, pid)
}

/// Takes the status of our own child, which is ending. Where a program has closed the pidfd under us, the signal before
/// may have reached another process: then it is sent again, by the pid.
pub(super) fn reap(pidfd: BorrowedFd<'_>, pid: i32) -> Option<sys::pidfd::Waited> {
    if !is_its(pidfd, pid) {
        end_by_pid(pid);
        return None;
    }
    loop {
        match sys::pidfd::wait(pidfd, libc::WEXITED) {
            Err(Errno(libc::EINTR)) => {}
            Err(Errno(libc::EBADF | libc::EINVAL)) => {
                end_by_pid(pid);
                return None;
            }
            done => return done.ok().flatten(),
        }
    }
}

/// Ends our own child, whose pidfd is lost. Until it is reaped, the pid is its.
pub(super) fn end_by_pid(pid: i32) {
    if sys::task::child_has_ended(pid).is_ok() {
        sys::task::kill_child(pid, libc::SIGKILL);
        sys::task::reap_child(pid);
    }
}

/// Does what a failed start needs with the pidfd, and closes it, unless another thread has put another file there.
pub(super) fn give_up(pidfd: OwnFd, pid: i32, end: impl FnOnce(BorrowedFd<'_>) -> Error) -> Error {
    let is_its = is_still_its(pidfd.as_fd(), pid);
    let error = end(pidfd.as_fd());
    if !is_its {
        let _ = pidfd.into_raw_fd();
    }
    error
}

/// Sends SIGKILL to our own child, by its pid where the pidfd is lost. False: we may not.
pub(super) fn kill(pidfd: BorrowedFd<'_>, pid: i32) -> bool {
    let sent = match is_its(pidfd, pid) {
        true => sys::pidfd::send_signal(pidfd, libc::SIGKILL, None, 0),
        false => Err(Errno(libc::EBADF)),
    };
    match sent {
        Ok(()) | Err(Errno(libc::ESRCH)) => true,
        Err(Errno(libc::EPERM)) => false,
        Err(_) => {
            sys::task::kill_child(pid, libc::SIGKILL);
            true
        }
    }
}

/// Ends our own child and takes its status.
pub(super) fn end(pidfd: BorrowedFd<'_>, pid: i32) {
    if kill(pidfd, pid) {
        reap(pidfd, pid);
    }
}

#[cfg(test)]
mod tests;
