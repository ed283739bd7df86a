// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Numbers that are a process's, for what the kernel does by number only.
//!
//! A number belongs to a process until it is reaped, and the process says itself, by its pidfd, whether it
//! is. So a call by number that is followed by "not reaped" was about this process, whatever happened
//! meanwhile; this much is exact, and success promises it. After "reaped" the call is a failure
//! (ESRCH), and it may have come to another process: if the process was reaped, and its number given out
//! again, between the look before the call and the call. Numbers are given out in turn, so all others of the
//! namespace (kernel.pid_max) would have had to be used in these microseconds. What the caller itself
//! reaps, it can keep from that altogether: nobody else reaps its children, and the library only those
//! whose last procfd is gone.
//!
//! Nothing holds a number in place. A pidfd does not; a process group or session of that number would, and
//! so would being its tracer, but the one is not there in general, and the other stops it.
//!
//! Files below a /proc/PID directory are exact: the directory, once it is proved to be the process's, never
//! becomes another's.

use std::os::fd::{BorrowedFd, OwnedFd};

use crate::info::proc::{self, Path};
use crate::sys::{self, Errno, Result};
use crate::wait;

/// Whether it has ended, reaped or not.
pub(crate) fn has_ended(pidfd: BorrowedFd<'_>) -> Result<bool> {
    sys::fd::poll(pidfd, libc::POLLIN, sys::fd::NOW).map(|events| events != 0)
}

/// The number of a process that is not reaped. ESRCH; EREMOTE: not in the caller's pid namespace, or not known
/// there; EOPNOTSUPP: there is no /proc that tells it (before 6.13).
pub(crate) fn number(pidfd: BorrowedFd<'_>) -> Result<i32> {
    wait::pid(pidfd).map_err(|e| Errno(if e == Errno(libc::ENOENT) { libc::EOPNOTSUPP } else { e.0 }))
}

/// The number of a process that runs. ESRCH: it has ended, reaped or not; else as [`number`].
pub(crate) fn running(pidfd: BorrowedFd<'_>) -> Result<i32> {
    let pid = number(pidfd)?;
    if has_ended(pidfd)? { Err(Errno(libc::ESRCH)) } else { Ok(pid) }
}

/// Does something by number to a process that runs. ESRCH, whatever `act` says, when it is reaped after.
pub(crate) fn by_number<T>(pidfd: BorrowedFd<'_>, act: impl FnOnce(i32) -> Result<T>) -> Result<T> {
    let done = act(running(pidfd)?);
    wait::pid(pidfd)?;
    done
}

/// The /proc/PID directory of a process that is not reaped. ESRCH; EREMOTE; EOPNOTSUPP: there is no /proc
/// of the caller's pid namespace; EPERM: it is hidden from the caller (`hidepid`).
pub(crate) fn directory(pidfd: BorrowedFd<'_>) -> Result<OwnedFd> {
    let path = Path::new().number(number(pidfd)? as u32);
    let opened = own_proc().and_then(|()| proc::open(path.as_c_str(), libc::O_PATH | libc::O_DIRECTORY));
    // Still not reaped: the number was its own when the directory was opened.
    wait::pid(pidfd)?;
    match opened {
        Err(Errno(libc::ENOENT)) => Err(Errno(libc::EPERM)),
        done => done,
    }
}

/// Whether there is a /proc of the caller's pid namespace. EOPNOTSUPP.
pub(crate) fn own_proc() -> Result<()> {
    proc::is_there().map_err(|e| if proc::is_shortage(e) { e } else { Errno(libc::EOPNOTSUPP) })
}
