// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Proof that a pid belongs to a process, for kernel calls that take only a pid.
//!
//! A pid belongs to a process until the process is reaped, and the pidfd says whether it is. If the pidfd says "not
//! reaped" after a call by pid, the call was about this process. This is exact, and success promises it. If the
//! pidfd says "reaped", the call fails (ESRCH), and it may have reached another process. For that, the process must
//! be reaped and its pid recycled between the look before the call and the call. The kernel gives out pids in turn,
//! so all other pids of the namespace (kernel.pid_max) must be used in these microseconds. You can rule this out
//! for your own children: only you reap them, and the library reaps only those whose last procfd is closed.
//!
//! You cannot reserve a pid. A pidfd does not reserve it. A process group or session with that number does, but in
//! general there is none. A tracer does, but it stops the process.
//!
//! Files below a /proc/PID directory are exact: once the directory is proved to belong to the process, it never
//! belongs to another one.

use std::os::fd::BorrowedFd;

use crate::proc::{self, Path};
use crate::sys::{self, Errno, OwnFd, Result};
use crate::wait;

/// Whether it has ended, reaped or not.
pub(crate) fn has_ended(pidfd: BorrowedFd<'_>) -> Result<bool> {
    sys::fd::poll(pidfd, libc::POLLIN, sys::fd::NOW).map(|events| events != 0)
}

/// The pid of a process that is not reaped. ESRCH: it is reaped. EREMOTE: the process is not in the caller's pid
/// namespace. EOPNOTSUPP: before 6.13, there is no /proc that tells the pid.
pub(crate) fn number(pidfd: BorrowedFd<'_>) -> Result<i32> {
    wait::pid(pidfd).map_err(|e| Errno(if e == Errno(libc::ENOENT) { libc::EOPNOTSUPP } else { e.0 }))
}

/// The pid of a running process. ESRCH: it has ended, reaped or not. Other errors as for [`number`].
pub(crate) fn running(pidfd: BorrowedFd<'_>) -> Result<i32> {
    let pid = number(pidfd)?;
    if has_ended(pidfd)? { Err(Errno(libc::ESRCH)) } else { Ok(pid) }
}

/// Calls `act` with the pid of a running process. ESRCH, whatever `act` returns, if the process is reaped after it.
pub(crate) fn by_number<T>(pidfd: BorrowedFd<'_>, act: impl FnOnce(i32) -> Result<T>) -> Result<T> {
    let done = act(running(pidfd)?);
    wait::pid(pidfd)?;
    done
}

/// The /proc/PID directory of a process that is not reaped. ESRCH: it is reaped. EREMOTE: it is not in the caller's
/// pid namespace. EOPNOTSUPP: there is no /proc of that namespace. EPERM: it is hidden from the caller (`hidepid`).
pub(crate) fn directory(pidfd: BorrowedFd<'_>) -> Result<OwnFd> {
    let path = Path::new().number(number(pidfd)? as u32);
    let opened = own_proc().and_then(|()| proc::open(path.as_c_str(), libc::O_PATH | libc::O_DIRECTORY));
    // The process is still not reaped, so the pid was its own when the directory was opened.
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
