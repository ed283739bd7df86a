// SPDX-License-Identifier: MIT OR Apache-2.0

//! The unsafe code: the interpreter's at-fork hooks, and descriptors by number.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use pyo3::Python;
use pyo3::ffi;

/// Runs `fork`, whose result says whether it is in the child, between the hooks that an interpreter
/// has around a fork, as `os.fork` does.
pub(crate) fn around_fork<T>(
    _: Python<'_>,
    fork: impl FnOnce() -> T,
    is_child: impl FnOnce(&T) -> bool,
) -> T {
    // SAFETY: the thread is attached to the interpreter, and stays so until the hook after the fork.
    unsafe { ffi::PyOS_BeforeFork() };
    let forked = fork();
    if is_child(&forked) {
        // SAFETY: called once, by the only thread of the child, before anything else of Python.
        unsafe { ffi::PyOS_AfterFork_Child() };
    } else {
        // SAFETY: called once, in the parent, or where no fork came about.
        unsafe { ffi::PyOS_AfterFork_Parent() };
    }
    forked
}

/// A duplicate, close-on-exec, with a number not below `from`.
pub(crate) fn duplicate(number: RawFd, from: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: plain numbers.
    let new = unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, from) };
    if new < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call above made it, so it has no other owner.
    Ok(unsafe { OwnedFd::from_raw_fd(new) })
}

/// The real user and group id.
pub(crate) fn real_ids() -> (u32, u32) {
    // SAFETY: they take nothing, and do not fail.
    unsafe { (libc::getuid(), libc::getgid()) }
}
