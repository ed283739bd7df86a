// SPDX-License-Identifier: MIT OR Apache-2.0

//! What a procfd is made of, by bare system calls: a socket pair with a pidfd in its queue.

use std::io;
use std::os::fd::RawFd;

use crate::bare;

/// A and B.
pub fn pair() -> io::Result<(RawFd, RawFd)> {
    let mut fds = [0; 2];
    let kind = libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC;
    // SAFETY: room for two numbers.
    bare::check(unsafe { libc::socketpair(libc::AF_UNIX, kind, 0, fds.as_mut_ptr()) }.into())?;
    Ok((fds[0], fds[1]))
}

/// `struct cmsghdr` with one descriptor behind it.
#[repr(C)]
struct Rights {
    head: libc::cmsghdr,
    fd: RawFd,
}

const LEN: usize = size_of::<libc::cmsghdr>() + size_of::<RawFd>();

/// Calls `f` with a message of 16 bytes and room for one descriptor.
fn with_message<T>(rights: &mut Rights, f: impl FnOnce(&mut libc::msghdr) -> T) -> T {
    let mut header = [0u8; 16];
    let mut iov = libc::iovec { iov_base: header.as_mut_ptr().cast(), iov_len: header.len() };
    // SAFETY: all zeroes is a msghdr.
    let mut msg: libc::msghdr = unsafe { std::mem::zeroed() };
    msg.msg_iov = &raw mut iov;
    msg.msg_iovlen = 1;
    msg.msg_control = std::ptr::from_mut(rights).cast();
    msg.msg_controllen = LEN as _;
    f(&mut msg)
}

/// Puts a descriptor into the queue of B's peer.
pub fn send(b: RawFd, fd: RawFd) -> io::Result<()> {
    // SAFETY: all zeroes is a cmsghdr.
    let mut head: libc::cmsghdr = unsafe { std::mem::zeroed() };
    (head.cmsg_len, head.cmsg_level, head.cmsg_type) = (LEN as _, libc::SOL_SOCKET, libc::SCM_RIGHTS);
    let sent = with_message(&mut Rights { head, fd }, |msg| {
        // SAFETY: what the message points to outlives the call.
        unsafe { libc::sendmsg(b, msg, libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT) }
    });
    bare::check(sent as libc::c_long).map(drop)
}

/// A duplicate of the descriptor in A's queue, which stays there.
pub fn look(a: RawFd) -> io::Result<RawFd> {
    // SAFETY: all zeroes is a cmsghdr.
    let mut rights = Rights { head: unsafe { std::mem::zeroed() }, fd: -1 };
    let flags = libc::MSG_PEEK | libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC;
    let seen = with_message(&mut rights, |msg| {
        // SAFETY: as in `send`.
        unsafe { libc::recvmsg(a, msg, flags) }
    });
    bare::check(seen as libc::c_long)?;
    Ok(rights.fd)
}

/// epoll(7) that reports the other end's close, once.
pub fn epoll_add(epoll: RawFd, b: RawFd) -> io::Result<()> {
    let mut event = libc::epoll_event { events: libc::EPOLLET as u32, u64: b as u64 };
    // SAFETY: one structure, which outlives the call.
    bare::check(unsafe { libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, b, &raw mut event) }.into()).map(drop)
}

/// Which B has been hung up.
pub fn epoll_take(epoll: RawFd) -> io::Result<RawFd> {
    let mut event = libc::epoll_event { events: 0, u64: 0 };
    // SAFETY: room for one event.
    match bare::check(unsafe { libc::epoll_wait(epoll, &raw mut event, 1, 0) }.into())? {
        1 => Ok(event.u64 as RawFd),
        _ => Err(io::Error::other("no B was hung up")),
    }
}
