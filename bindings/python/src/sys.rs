// SPDX-License-Identifier: MIT OR Apache-2.0

//! The unsafe code: the interpreter's at-fork hooks, pipes, and descriptors by number, which are read and waited for.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

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
    // SAFETY: F_DUPFD_CLOEXEC takes a number, not an address.
    let new = unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, from) };
    if new < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call above made the descriptor, so no other owner has it.
    Ok(unsafe { OwnedFd::from_raw_fd(new) })
}

/// A pipe, close-on-exec: the reading and the writing end.
pub(crate) fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [-1; 2];
    // SAFETY: the kernel writes two numbers, which the array has room for.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call above made both descriptors, so neither has another owner.
    Ok(unsafe { (OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])) })
}

/// Has writes that would wait fail with EAGAIN. The descriptor is the only one of its open file.
pub(crate) fn set_nonblocking(fd: &OwnedFd) -> io::Result<()> {
    // SAFETY: F_SETFL takes a number, not an address.
    match unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// The real user and group id.
pub(crate) fn real_ids() -> (u32, u32) {
    // SAFETY: both calls take no argument and cannot fail.
    unsafe { (libc::getuid(), libc::getgid()) }
}

/// The effective user id.
pub(crate) fn effective_uid() -> u32 {
    // SAFETY: it takes nothing, and does not fail.
    unsafe { libc::geteuid() }
}

/// Waits until one of these can be read, is at its end or in error; `false` when the time is over.
pub(crate) fn poll(fds: &mut [libc::pollfd], timeout: Option<Duration>) -> io::Result<bool> {
    let timeout = timeout.map(|left| libc::timespec {
        tv_sec: left.as_secs().try_into().unwrap_or(libc::time_t::MAX),
        tv_nsec: left.subsec_nanos().into(),
    });
    let limit = timeout.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: the array is ours for the call, with its length; the time is null or outlives the call.
    match unsafe { libc::ppoll(fds.as_mut_ptr(), fds.len() as libc::nfds_t, limit, std::ptr::null()) } {
        -1 => Err(io::Error::last_os_error()),
        ready => Ok(ready > 0),
    }
}

/// Reads once, at most `size` bytes, behind what the buffer holds. 0 is the end.
pub(crate) fn read(fd: RawFd, buffer: &mut Vec<u8>, size: usize) -> io::Result<usize> {
    // A lack of memory is an error of the call, and no end of the program.
    buffer.try_reserve(size).map_err(|_| io::Error::from_raw_os_error(libc::ENOMEM))?;
    let spare = buffer.spare_capacity_mut();
    // SAFETY: the spare room is ours and at least this long; the kernel writes bytes into it and reads none.
    let done = unsafe { libc::read(fd, spare.as_mut_ptr().cast(), spare.len().min(size)) };
    let done = usize::try_from(done).map_err(|_| io::Error::last_os_error())?;
    // SAFETY: the kernel has written so many bytes, which is at most the spare room.
    unsafe { buffer.set_len(buffer.len() + done) };
    Ok(done)
}
