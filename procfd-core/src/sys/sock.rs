// SPDX-License-Identifier: MIT OR Apache-2.0

//! Socket pairs, and descriptors in flight.

use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

use super::bare;
use super::fd::{made, made_socket, poll};
use super::{Errno, OwnFd, Result, call};

pub(crate) use super::number::{cookie, option_u64};

/// socketpair(AF_UNIX, SOCK_SEQPACKET).
pub(crate) fn pair() -> Result<(OwnFd, OwnFd)> {
    let (a, b) = bare::socket_pair()?;
    Ok((made_socket(a), made_socket(b)))
}

/// Marks a socket, for all who hold it.
///
/// SO_MAX_PACING_RATE is a 64-bit socket option that every process may set, and that has no effect for AF_UNIX.
pub(crate) fn set_mark(fd: BorrowedFd<'_>, mark: u64) -> Result<()> {
    set_option_u64(fd, SO_MAX_PACING_RATE, mark)
}

/// The mark of a socket; of one that has none, a number that no mark is. ENOTSOCK: another file.
pub(crate) fn mark(fd: BorrowedFd<'_>) -> Result<u64> {
    option_u64(fd, SO_MAX_PACING_RATE)
}

const SO_MAX_PACING_RATE: i32 = 47;

/// shutdown(SHUT_RD).
pub(crate) fn shutdown_read(fd: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: both arguments are numbers, not addresses.
    unsafe { call!(SYS_shutdown, fd.as_raw_fd(), libc::SHUT_RD) }.map(drop)
}

/// Sets a 64-bit SOL_SOCKET option.
pub(crate) fn set_option_u64(fd: BorrowedFd<'_>, name: i32, value: u64) -> Result<()> {
    // SAFETY: the kernel reads 8 bytes, the size of `value` on this frame.
    unsafe { call!(SYS_setsockopt, fd.as_raw_fd(), libc::SOL_SOCKET, name, &raw const value, 8) }.map(drop)
}

/// Whether a peek did not begin at the first message; now it does.
pub(crate) fn reset_peek_offset(fd: BorrowedFd<'_>) -> bool {
    let mut offset = -1i32;
    let mut len = 4u32;
    // SAFETY: the kernel writes at most the 4 bytes that `len` says, the size of `offset`, and `len`; both
    // are on this frame.
    let asked = unsafe {
        call!(
            SYS_getsockopt,
            fd.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEEK_OFF,
            &raw mut offset,
            &raw mut len
        )
    };
    asked.is_ok() && offset >= 0 && set_peek_offset(fd, -1).is_ok()
}

/// Turns off what adds control messages of its own to those received.
pub(crate) fn reset_ancillary(fd: BorrowedFd<'_>) {
    /// SO_PASSCRED, SO_PASSSEC, SO_TIMESTAMP, SO_TIMESTAMPNS, SO_TIMESTAMPING (old and new), SO_PASSPIDFD.
    const OPTIONS: [i32; 9] = [16, 34, 29, 35, 37, 63, 64, 65, 76];
    let off = 0i32;
    for option in OPTIONS {
        // SAFETY: the kernel reads 4 bytes, the size of `off` on this frame.
        let _ = unsafe { call!(SYS_setsockopt, fd.as_raw_fd(), libc::SOL_SOCKET, option, &raw const off, 4) };
    }
}

/// SO_PEEK_OFF: where a peek begins.
pub(crate) fn set_peek_offset(fd: BorrowedFd<'_>, offset: i32) -> Result<()> {
    set_option_i32(fd, libc::SO_PEEK_OFF, offset)
}

/// Sets a 32-bit SOL_SOCKET option.
pub(crate) fn set_option_i32(fd: BorrowedFd<'_>, name: i32, value: i32) -> Result<()> {
    // SAFETY: the kernel reads 4 bytes, of a variable on this frame.
    unsafe { call!(SYS_setsockopt, fd.as_raw_fd(), libc::SOL_SOCKET, name, &raw const value, 4) }.map(drop)
}

/// Descriptors that one message can carry here.
pub(crate) const MAX_FDS: usize = 2;

/// A control message with room for [`MAX_FDS`] descriptors (`struct cmsghdr` and its data).
#[repr(C, align(8))]
struct Control {
    len: usize,
    level: i32,
    kind: i32,
    fds: [RawFd; MAX_FDS],
}

/// The pidfd of the sender, which the kernel opens for the receiver where a holder has set SO_PASSPIDFD. It takes the
/// room of descriptors if the message has none.
const SCM_PIDFD: i32 = 4;

const HEADER: usize = std::mem::offset_of!(Control, fds);

fn message(iov: &mut libc::iovec, control: *mut Control, len: usize) -> libc::msghdr {
    // SAFETY: all zeroes is a value of msghdr (musl's has private padding).
    let mut msg: libc::msghdr = unsafe { MaybeUninit::zeroed().assume_init() };
    msg.msg_iov = iov;
    msg.msg_iovlen = 1;
    msg.msg_control = control.cast();
    msg.msg_controllen = len as _;
    msg
}

/// Sends `bytes` with `fds` in flight. Never blocks, never raises SIGPIPE.
pub(crate) fn send(fd: BorrowedFd<'_>, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> Result<()> {
    let mut control = Control {
        len: HEADER + 4 * fds.len(),
        level: libc::SOL_SOCKET,
        kind: libc::SCM_RIGHTS,
        fds: [-1; MAX_FDS],
    };
    for (to, from) in control.fds.iter_mut().zip(fds) {
        *to = from.as_raw_fd();
    }
    let mut iov = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let len = if fds.is_empty() { 0 } else { HEADER + 4 * fds.len() };
    let msg = message(&mut iov, &raw mut control, len);
    // SAFETY: the kernel reads `msg`, its one iovec and `len` bytes of `control`, all on this frame, and the
    // bytes of the borrowed slice. It writes none of them.
    let sent = unsafe {
        call!(SYS_sendmsg, fd.as_raw_fd(), &raw const msg, libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT)
    }?;
    if sent == bytes.len() { Ok(()) } else { Err(Errno(libc::EMSGSIZE)) }
}

/// What a look at the head of a queue shows: bytes, and duplicates of the descriptors in flight.
pub(crate) struct Peeked<const FDS: usize> {
    pub len: usize,
    pub fds: [Option<OwnFd>; FDS],
    /// The message had more descriptors than its buffer or the descriptor table has room for.
    pub truncated: bool,
}

/// Looks at the first message without taking it, and duplicates its first `FDS` descriptors.
///
/// Room is offered for exactly `FDS`: the kernel installs no more (MSG_CTRUNC), so those behind
/// stay untouched, and no descriptor appears in the table that is not owned at once.
pub(crate) fn peek<const FDS: usize>(fd: BorrowedFd<'_>, buf: &mut [u8]) -> Result<Peeked<FDS>> {
    receive(fd, buf, libc::MSG_PEEK)
}

/// Takes the first message, and says how long it was. The kernel drops the descriptors that come with it.
pub(crate) fn take(fd: BorrowedFd<'_>, buf: &mut [u8]) -> Result<usize> {
    receive::<0>(fd, buf, 0).map(|taken| taken.len)
}

/// Waits for the next message, and takes the descriptor that comes with it. EPIPE: no message is left, and the other
/// end is closed.
pub(crate) fn receive_fd(fd: BorrowedFd<'_>) -> Result<OwnFd> {
    loop {
        poll(fd, libc::POLLIN, None)?;
        match receive::<1>(fd, &mut [0; 1], 0) {
            Err(Errno(libc::EAGAIN)) => {}
            Ok(Peeked { fds: [Some(fd)], .. }) => return Ok(fd),
            // There was no room for it.
            Ok(Peeked { truncated: true, .. }) => return Err(Errno(libc::EMFILE)),
            Ok(_) => return Err(Errno(libc::EPIPE)),
            Err(e) => return Err(e),
        }
    }
}

fn receive<const FDS: usize>(fd: BorrowedFd<'_>, buf: &mut [u8], flags: i32) -> Result<Peeked<FDS>> {
    const { assert!(FDS <= MAX_FDS) };
    let mut control = Control { len: 0, level: 0, kind: 0, fds: [-1; MAX_FDS] };
    let mut iov = libc::iovec { iov_base: buf.as_mut_ptr().cast(), iov_len: buf.len() };
    let room = if FDS == 0 { 0 } else { HEADER + 4 * FDS };
    let mut msg = message(&mut iov, &raw mut control, room);
    // SAFETY: the kernel writes `msg`, at most `buf.len()` bytes of the borrowed slice, and at most `room` bytes of
    // `control`. `control` has room for MAX_FDS descriptors, and FDS is at most that.
    let len = unsafe {
        call!(SYS_recvmsg, fd.as_raw_fd(), &raw mut msg, flags | libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC)
    }?;
    #[allow(clippy::unnecessary_cast, reason = "a u32 on musl")]
    let came = msg.msg_controllen as usize > HEADER && control.level == libc::SOL_SOCKET;
    let count = control.len.saturating_sub(HEADER) / 4;
    let mut fds = [const { None }; FDS];
    if came && control.kind == libc::SCM_RIGHTS {
        for (to, from) in fds.iter_mut().zip(control.fds).take(count) {
            if from >= 0 {
                *to = Some(made(from));
            }
        }
    } else if came && control.kind == SCM_PIDFD && control.fds[0] >= 0 {
        drop(made(control.fds[0]));
    }
    Ok(Peeked { len, fds, truncated: msg.msg_flags & libc::MSG_CTRUNC != 0 })
}
