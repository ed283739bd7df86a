// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The two sockets of a procfd, A and its peer B, and the mark by which every process knows an A.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::sys::{self, Errno, Result};

/// Says "this socket is a procfd" before any message does. This is a 64-bit socket option that every process may
/// set and that has no effect for AF_UNIX: SO_MAX_PACING_RATE. It is a sanity check, not a protection: a receiver of
/// a procfd trusts its sender, as with a pidfd.
const SO_MARK_AS_PROCFD: i32 = 47;
const MARK: u64 = 0x7072_6f63_6664_0001;
const SO_LOCK_FILTER: i32 = 44;

/// Set when shutdown(2) of a B has failed: from then on each fuse makes sure of its own.
static IS_LEFT_OPEN: AtomicBool = AtomicBool::new(false);

/// A, marked, and B.
///
/// B is shut for reading: a holder cannot send into it, neither to fire the fuse nor to put A in flight in
/// its own peer. A holder cannot attach a socket filter to A, which would drop the start message.
///
/// B gets the lower number: a dying process releases its highest descriptor first, and a fuse fires only
/// while B is open.
pub(crate) fn marked() -> Result<(OwnedFd, OwnedFd)> {
    let (one, other) = sys::sock::pair()?;
    let (b, a) = if one.as_raw_fd() < other.as_raw_fd() { (one, other) } else { (other, one) };
    sys::sock::set_option_u64(a.as_fd(), SO_MARK_AS_PROCFD, MARK)?;
    // Where a seccomp filter refuses these two, a context without a close policy does without.
    let _ = sys::sock::set_option_i32(a.as_fd(), SO_LOCK_FILTER, 1);
    if sys::sock::shutdown_read(b.as_fd()).is_err() {
        IS_LEFT_OPEN.store(true, Ordering::Relaxed);
    }
    Ok((a, b))
}

/// An A that will never have a process. Its peer is closed.
pub(crate) fn dead() -> Result<OwnedFd> {
    marked().map(|(a, _)| a)
}

/// Makes sure that B is shut for reading, before it becomes a fuse.
pub(crate) fn shut(b: BorrowedFd<'_>) -> Result<()> {
    if IS_LEFT_OPEN.load(Ordering::Relaxed) { sys::sock::shutdown_read(b) } else { Ok(()) }
}

/// Whether a descriptor is a procfd, opened by this or any other process. EBADF.
pub(crate) fn is_marked(fd: BorrowedFd<'_>) -> Result<bool> {
    match sys::sock::option_u64(fd, SO_MARK_AS_PROCFD) {
        Ok(mark) => Ok(mark == MARK),
        Err(_) if sys::fd::is_open(fd.as_raw_fd()) => Ok(false),
        Err(_) => Err(Errno(libc::EBADF)),
    }
}
