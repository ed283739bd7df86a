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

/// `struct cmsghdr` with two descriptors behind it, at most.
#[repr(C)]
struct Rights {
    head: libc::cmsghdr,
    fds: [RawFd; 2],
}

const LEN: usize = size_of::<libc::cmsghdr>() + size_of::<RawFd>();

/// Calls `f` with a message of 16 bytes and a control message of `len` bytes.
fn with_message<T>(rights: &mut Rights, len: usize, f: impl FnOnce(&mut libc::msghdr) -> T) -> T {
    let mut header = [0u8; 16];
    let mut iov = libc::iovec { iov_base: header.as_mut_ptr().cast(), iov_len: header.len() };
    // SAFETY: all zeroes is a msghdr.
    let mut msg: libc::msghdr = unsafe { std::mem::zeroed() };
    msg.msg_iov = &raw mut iov;
    msg.msg_iovlen = 1;
    msg.msg_control = std::ptr::from_mut(rights).cast();
    msg.msg_controllen = len as _;
    f(&mut msg)
}

/// Puts a descriptor into the queue of B's peer.
pub fn send(b: RawFd, fd: RawFd) -> io::Result<()> {
    send_of(b, [fd, -1], LEN)
}

/// Puts two.
pub fn send_two(b: RawFd, fds: [RawFd; 2]) -> io::Result<()> {
    send_of(b, fds, LEN + size_of::<RawFd>())
}

fn send_of(b: RawFd, fds: [RawFd; 2], len: usize) -> io::Result<()> {
    // SAFETY: all zeroes is a cmsghdr.
    let mut head: libc::cmsghdr = unsafe { std::mem::zeroed() };
    (head.cmsg_len, head.cmsg_level, head.cmsg_type) = (len as _, libc::SOL_SOCKET, libc::SCM_RIGHTS);
    let sent = with_message(&mut Rights { head, fds }, len, |msg| {
        // SAFETY: what the message points to outlives the call.
        unsafe { libc::sendmsg(b, msg, libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT) }
    });
    bare::check(sent as libc::c_long).map(drop)
}

/// A duplicate of the descriptor in A's queue, which stays there.
pub fn look(a: RawFd) -> io::Result<RawFd> {
    // SAFETY: all zeroes is a cmsghdr.
    let mut rights = Rights { head: unsafe { std::mem::zeroed() }, fds: [-1; 2] };
    let flags = libc::MSG_PEEK | libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC;
    let seen = with_message(&mut rights, LEN, |msg| {
        // SAFETY: as in `send`.
        unsafe { libc::recvmsg(a, msg, flags) }
    });
    bare::check(seen as libc::c_long)?;
    let [fd, _] = rights.fds;
    Ok(fd)
}
