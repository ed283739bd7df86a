// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The descriptor: a socket end whose queue, after the start, holds the process's pidfd.
//!
//! A is the caller's end, B its peer. One message on B publishes the start; it stays in A's queue,
//! and every holder of A in any process gets the pidfd by looking at it without taking it.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use crate::forks::Private;
use crate::held::Held;
use crate::pair;
use crate::status::Change;
use crate::sys::{self, Errno, OwnFd, Result};
use crate::watch::Ended;

/// The start message: "procfd", version, and whether a fuse comes with it.
const HEADER: usize = 16;
/// The message of the built-in init.
const ENDED: usize = size_of::<Ended>();
const MAGIC: [u8; 8] = *b"procfd\x00\x01";
const WITH_FUSE: u32 = 1;
/// The process is a built-in init, whose end of the fuse is its own.
const WITH_INIT: u32 = 2;

/// The pair of a new procfd: A, and B, which is the library's own.
pub(crate) fn open() -> Result<(OwnFd, Private)> {
    // Marked before another thread can fork: its child must be able to tell what it has inherited.
    Private::second(pair::marked)
}

/// The same for an object, which a forked copy of this process does not hold.
pub(crate) fn open_held() -> Result<(Held, Private)> {
    let ((a, cookie), b) = Private::second_of_held(pair::marked)?;
    Ok((Held::listed(a, cookie), b))
}

/// The number of the socket behind a descriptor, never used again until reboot. EBADF; EINVAL when
/// it is no socket.
pub(crate) fn cookie(fd: BorrowedFd<'_>) -> Result<u64> {
    sys::sock::cookie(fd).map_err(|_| no_socket(fd))
}

/// The same, where what else it is does not matter.
pub(crate) fn cookie_of_socket(fd: BorrowedFd<'_>) -> Option<u64> {
    sys::sock::cookie(fd).ok()
}

/// EBADF or EINVAL: an `O_PATH` descriptor answers EBADF to much that it does not do.
fn no_socket(fd: BorrowedFd<'_>) -> Errno {
    Errno(if sys::fd::is_open(fd.as_raw_fd()) { libc::EINVAL } else { libc::EBADF })
}

/// Publishes the start. Every holder sees it at once, with the fuse or without.
///
/// `killer` is the clone's own pidfd of a process that ends with the last descriptor of that file. It comes second, where
/// a look at the pidfd makes no duplicate of it.
pub(crate) fn publish(
    b: BorrowedFd<'_>,
    pidfd: BorrowedFd<'_>,
    fuse: bool,
    init: bool,
    killer: Option<BorrowedFd<'_>>,
) -> Result<()> {
    let mut header = [0u8; HEADER];
    let flags = if fuse { WITH_FUSE } else { 0 } | if init { WITH_INIT } else { 0 };
    header[..8].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&flags.to_ne_bytes());
    let fds = [pidfd, killer.unwrap_or(b)];
    sys::sock::send(b, &header, fds.get(..if fuse || killer.is_some() { 2 } else { 1 }).unwrap_or(&fds))
}

/// Whether a start may put its descriptors in flight now: puts as many in flight in a pair of its own.
/// unix(7): the limit is per user, the soft RLIMIT_NOFILE. CAP_SYS_RESOURCE and CAP_SYS_ADMIN lift it.
pub(crate) fn try_in_flight(b: BorrowedFd<'_>, fuse: bool, watched: bool) -> Result<()> {
    let (one, other) = Private::pair(sys::sock::pair)?;
    let fds = [b; 2];
    let first = fds.get(..if fuse { 2 } else { 1 }).unwrap_or(&fds);
    // What goes to the watcher does so on top of what is published.
    let then: &[&[BorrowedFd<'_>]] = if watched { &[first, &fds] } else { &[first] };
    let sent = then.iter().try_for_each(|fds| sys::sock::send(one.as_fd(), b"?", fds));
    drop(other);
    sent
}

/// Whether the last descriptor of A, which has been started and whose peer `b` reports POLLHUP, is closed.
///
/// A closed A left the start message unread, which is an error on B (ECONNRESET) from the instant of the
/// hang-up; or a holder had read the message, and no memory is charged to B any more. A shutdown(2) of B by
/// the watcher, or of A by a holder, does neither.
pub(crate) fn is_gone(b: BorrowedFd<'_>) -> bool {
    sys::bare::is_gone(b.as_raw_fd())
}

/// Takes a start back, which nothing has come of, and what the built-in init has said.
pub(crate) fn retract(a: BorrowedFd<'_>) {
    for _ in 0..2 {
        let _ = sys::sock::take(a, &mut [0; 1]);
    }
}

/// The result of a peek into a procfd's queue.
#[derive(Debug)]
pub(crate) enum Published<const FDS: usize> {
    /// Nothing: not started.
    Not,
    /// Its first descriptors: the pidfd, and with `FDS` 2 the fuse (B).
    Started { fds: [Option<OwnFd>; FDS], init: bool },
}

/// How often a look is repeated that another holder disturbs.
const LOOKS: u32 = 64;

/// Looks at the start message. EINVAL: not one of ours. EMFILE: no room for a duplicate.
pub(crate) fn look<const FDS: usize>(a: BorrowedFd<'_>) -> Result<Published<FDS>> {
    let mut header = [0u8; HEADER];
    let mut reset = true;
    // The built-in init of a program that ended at once may have spoken before the start was published.
    let mut behind = false;
    let mut result = Err(Errno(libc::EINVAL));
    for _ in 0..LOOKS {
        if behind {
            sys::sock::set_peek_offset(a, ENDED as i32)?;
        }
        let mut peeked = match sys::sock::peek::<FDS>(a, &mut header) {
            // What a holder wrote to A was never read when B closed: told once, then cleared.
            Err(Errno(libc::ECONNRESET)) => continue,
            Err(Errno(libc::EAGAIN)) if behind => {
                result = Ok(Published::Not);
                continue;
            }
            // A holder may have set where a look begins (SO_PEEK_OFF), for all of them.
            Err(Errno(libc::EAGAIN)) if sys::sock::reset_peek_offset(a) => continue,
            Err(Errno(libc::EAGAIN)) => return Ok(Published::Not),
            done => done?,
        };
        if peeked.len == 0 {
            // The creator has gone without starting anything.
            result = Ok(Published::Not);
            break;
        }
        if peeked.len != HEADER || !header.starts_with(&MAGIC) {
            // With an offset, which may be another holder's, it need not be the first message.
            if !sys::sock::reset_peek_offset(a) {
                if peeked.len != ENDED || ended(&header).is_none() {
                    return Err(Errno(libc::EINVAL));
                }
                behind = true;
            }
            continue;
        }
        let flags = u32::from_ne_bytes([header[8], header[9], header[10], header[11]]);
        let carried = if flags & WITH_FUSE != 0 { 2 } else { 1 };
        // A message without a fuse in that place has no fuse.
        peeked.fds.iter_mut().skip(carried).for_each(|fd| *fd = None);
        if peeked.fds.iter().take(carried).any(Option::is_none) {
            // No room for a duplicate; or a holder has asked the socket for credentials or times, which
            // take the room of the descriptors.
            if std::mem::take(&mut reset) {
                sys::sock::reset_ancillary(a);
                continue;
            }
            // A message without a descriptor is a forged one.
            result = Err(Errno(if peeked.truncated { libc::EMFILE } else { libc::EINVAL }));
            break;
        }
        result = Ok(Published::Started { fds: peeked.fds, init: flags & WITH_INIT != 0 });
        break;
    }
    if behind {
        sys::sock::reset_peek_offset(a);
    }
    result
}

/// How the program of a built-in init ended. As pid 1 of its namespace the init cannot end by the same signal, so
/// it sends a message before it ends. The message is behind the start message, or before it if the program ended at
/// once.
pub(crate) fn init_change(a: BorrowedFd<'_>) -> Option<Change> {
    let mut found = None;
    for attempt in 0..LOOKS {
        // The offset is the socket's, so another holder that looks at the same time may have moved it.
        let offset = if attempt % 2 == 0 { HEADER as i32 } else { -1 };
        sys::sock::set_peek_offset(a, offset).ok()?;
        let mut bytes = [0u8; HEADER];
        match sys::sock::peek::<0>(a, &mut bytes) {
            Ok(peeked) if peeked.len == ENDED => {
                found = ended(&bytes);
                if found.is_some() {
                    break;
                }
            }
            // What a holder wrote to A was never read when B closed: told once, then cleared.
            Ok(_) | Err(Errno(libc::EAGAIN | libc::ECONNRESET)) => {}
            Err(_) => break,
        }
    }
    sys::sock::reset_peek_offset(a);
    let Ended { code, status, .. } = found?;
    Change::of_child(code, status)
}

/// The message of the built-in init.
fn ended(bytes: &[u8; HEADER]) -> Option<Ended> {
    let mut words = [0; ENDED];
    words.copy_from_slice(bytes.get(..ENDED)?);
    Ended::from_bytes(&words).filter(Ended::is_genuine)
}
