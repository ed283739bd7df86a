// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The two sockets of a procfd, A and its peer B, and the marks by which every process knows an A and a placeholder.

use std::os::fd::{AsRawFd, BorrowedFd};

use std::sync::atomic::{AtomicBool, Ordering};

use crate::sys::{self, Errno, OwnFd, Result};

/// Says "this socket is a procfd" before any message does. It is a sanity check, not a protection: a receiver of a
/// procfd trusts its sender, as with a pidfd.
const MARK: u64 = 0x7072_6f63_6664_0001;
/// The upper 16 bits of the mark of a placeholder, which is a timer; below them is its serial number.
const PLACEHOLDER: u64 = 0x7066 << SERIAL_BITS;
const SERIAL_BITS: u32 = 48;
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
pub(crate) fn marked() -> Result<(OwnFd, OwnFd)> {
    let (one, other) = sys::sock::pair()?;
    let (b, a) = if one.as_raw_fd() < other.as_raw_fd() { (one, other) } else { (other, one) };
    sys::sock::set_mark(a.live()?, MARK)?;
    // Where a seccomp filter refuses these two, a context without a close policy does without.
    let _ = sys::sock::set_option_i32(a.live()?, SO_LOCK_FILTER, 1);
    if sys::sock::shutdown_read(b.live()?).is_err() {
        IS_LEFT_OPEN.store(true, Ordering::Relaxed);
    }
    Ok((a, b))
}

/// An A that will never have a process. Its peer is closed.
pub(crate) fn dead() -> Result<OwnFd> {
    marked().map(|(a, _)| a)
}

/// Makes sure that B is shut for reading, before it becomes a fuse.
pub(crate) fn shut(b: BorrowedFd<'_>) -> Result<()> {
    if IS_LEFT_OPEN.load(Ordering::Relaxed) { sys::sock::shutdown_read(b) } else { Ok(()) }
}

/// The mark of the placeholder with a serial number.
pub(crate) fn placeholder_mark(serial: u64) -> u64 {
    PLACEHOLDER | serial & ((1 << SERIAL_BITS) - 1)
}

fn is_placeholder(fd: BorrowedFd<'_>) -> bool {
    sys::timer::number(fd).is_ok_and(|mark| mark >> SERIAL_BITS == PLACEHOLDER >> SERIAL_BITS)
}

/// The kind of a descriptor, made by this or any other process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Procfd,
    /// Of a lean context: see [`placeholder`](crate::placeholder).
    Placeholder,
    Other,
}

/// What a descriptor was made as. EBADF.
pub(crate) fn kind(fd: BorrowedFd<'_>) -> Result<Kind> {
    match sys::sock::mark(fd) {
        Ok(MARK) => Ok(Kind::Procfd),
        Err(_) if is_placeholder(fd) => Ok(Kind::Placeholder),
        Err(_) if !sys::fd::is_open(fd.as_raw_fd()) => Err(Errno(libc::EBADF)),
        _ => Ok(Kind::Other),
    }
}
