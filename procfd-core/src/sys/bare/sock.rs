// SPDX-License-Identifier: MIT OR Apache-2.0

//! Unix sockets, and descriptors in flight.

use core::ptr::null_mut;

use super::{EINVAL, POLLERR, PollFd, Result, Timespec, call, poll};

const MSG_DONTWAIT: u32 = 0x40;
const MSG_NOSIGNAL: u32 = 0x4000;
const MSG_CMSG_CLOEXEC: u32 = 0x4000_0000;
const SOL_SOCKET: i32 = 1;
const SCM_RIGHTS: i32 = 1;
const SCM_CREDENTIALS: i32 = 2;
const SHUT_RDWR: usize = 2;

/// `struct iovec`.
#[repr(C)]
struct IoVec {
    base: *mut u8,
    len: usize,
}

/// `struct msghdr`, padding as the kernel has it.
#[repr(C)]
struct MsgHdr {
    name: *mut u8,
    namelen: u32,
    iov: *mut IoVec,
    iovlen: usize,
    control: *mut u8,
    controllen: usize,
    flags: u32,
}

/// `struct cmsghdr`.
#[derive(Clone, Copy)]
#[repr(C)]
struct CmsgHdr {
    len: usize,
    level: i32,
    kind: i32,
}

const CMSG: usize = size_of::<CmsgHdr>();

/// Room for one `SCM_RIGHTS` of two descriptors and one `SCM_CREDENTIALS`.
#[repr(C, align(8))]
struct Control([u8; 2 * CMSG + 8 + 16]);

const _: () = {
    assert!(size_of::<MsgHdr>() == 56);
    assert!(size_of::<CmsgHdr>() == 16);
};

const AF_UNIX: u16 = 1;
const SEQPACKET: u32 = 5;
const SOCK_CLOEXEC: u32 = 0o2_000_000;
const SOCK_NONBLOCK: u32 = 0o4000;

/// socketpair(AF_UNIX, SOCK_SEQPACKET), close-on-exec.
pub(crate) fn socket_pair() -> Result<(i32, i32)> {
    let mut fds = [-1i32; 2];
    // SAFETY: the kernel writes two numbers, which is the array `fds`.
    unsafe { call!(SYS_socketpair, AF_UNIX, SEQPACKET | SOCK_CLOEXEC, 0, fds.as_mut_ptr()) }?;
    Ok((fds[0], fds[1]))
}

/// A socket to connect or to bind; no call on it waits.
pub(crate) fn socket(close_on_exec: bool) -> Result<i32> {
    let flags = if close_on_exec { SOCK_CLOEXEC } else { 0 };
    // SAFETY: the arguments are numbers and flags, not addresses.
    unsafe { call!(SYS_socket, AF_UNIX, SEQPACKET | SOCK_NONBLOCK | flags, 0) }.map(|fd| fd as i32)
}

/// `struct sockaddr_un`, as far as a name that the kernel has chosen goes.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Address {
    family: u16,
    name: [u8; 22],
    len: u32,
}

/// Listens under a name that the kernel chooses, in the abstract namespace. unix(7), autobind
pub(crate) fn listen(fd: i32) -> Result<Address> {
    let mut address = Address { family: AF_UNIX, name: [0; 22], len: 24 };
    // SAFETY: bind reads the two bytes of the family, at the start of `address`.
    unsafe { call!(SYS_bind, fd, &raw const address, 2) }?;
    // SAFETY: both arguments are numbers, not addresses.
    unsafe { call!(SYS_listen, fd, 1) }?;
    // SAFETY: getsockname writes at most the 24 bytes that `len` says, which are the family and the
    // name, and then writes `len`, which follows them.
    unsafe { call!(SYS_getsockname, fd, &raw mut address, &raw mut address.len) }?;
    if address.len > 24 { Err(EINVAL) } else { Ok(address) }
}

pub(crate) fn connect(fd: i32, address: &Address) -> Result<()> {
    // SAFETY: the kernel reads `len` bytes of the borrowed address; `listen` has checked that it has them.
    unsafe { call!(SYS_connect, fd, core::ptr::from_ref(address), address.len) }.map(drop)
}

pub(crate) fn accept(fd: i32) -> Result<i32> {
    // SAFETY: the address and its length are NULL; the flags are a number.
    unsafe { call!(SYS_accept4, fd, 0, 0, SOCK_CLOEXEC | SOCK_NONBLOCK) }.map(|fd| fd as i32)
}

/// The pid of who connected (SO_PEERCRED).
pub(crate) fn peer_pid(fd: i32) -> Result<i32> {
    const SO_PEERCRED: u32 = 17;
    let mut credentials = [0i32; 3];
    let mut len = 12u32;
    // SAFETY: the kernel writes at most the 12 bytes that `len` says, the size of `credentials`, and `len`.
    unsafe { call!(SYS_getsockopt, fd, SOL_SOCKET, SO_PEERCRED, credentials.as_mut_ptr(), &raw mut len) }?;
    Ok(credentials[0])
}

/// A pidfd of the process that made a pair of sockets, which is the peer of either end (SO_PEERPIDFD, 6.5): for
/// where a filter refuses pidfd_open.
pub(crate) fn peer_pidfd(fd: i32) -> Result<i32> {
    const SO_PEERPIDFD: u32 = 77;
    let mut pidfd = -1i32;
    let mut len = 4u32;
    // SAFETY: the kernel writes at most the 4 bytes that `len` says, the size of `pidfd`, and `len`.
    unsafe { call!(SYS_getsockopt, fd, SOL_SOCKET, SO_PEERPIDFD, &raw mut pidfd, &raw mut len) }?;
    Ok(pidfd)
}

/// Has the kernel say with each message who sent it (SO_PASSCRED).
pub(crate) fn pass_credentials(fd: i32) -> Result<()> {
    const SO_PASSCRED: u32 = 16;
    let on = 1i32;
    // SAFETY: the kernel reads four bytes, which is `on` on this frame.
    unsafe { call!(SYS_setsockopt, fd, SOL_SOCKET, SO_PASSCRED, &raw const on, 4) }.map(drop)
}

/// The descriptors and bytes of a message.
#[derive(Clone, Copy)]
pub(crate) struct Received {
    pub(crate) len: usize,
    /// -1 where there is none. They belong to the receiver.
    pub(crate) fds: [i32; 2],
    /// The sender's pid and uid as the kernel attests them; with `SO_PASSCRED` only.
    pub(crate) sender: Option<(i32, u32)>,
}

/// Sends one message with at most two descriptors. Does not wait.
pub(crate) fn send(fd: i32, bytes: &[u8], fds: &[i32]) -> Result<()> {
    let mut control = Control([0; size_of::<Control>()]);
    let count = if fds.len() > 2 { 2 } else { fds.len() };
    let mut iov = IoVec { base: bytes.as_ptr().cast_mut(), len: bytes.len() };
    let at = control.0.as_mut_ptr();
    let mut controllen = 0;
    if count > 0 {
        controllen = CMSG + 4 * count;
        let head = CmsgHdr { len: controllen, level: SOL_SOCKET, kind: SCM_RIGHTS };
        // SAFETY: `Control` has room for a header and two numbers, and is aligned for both.
        unsafe {
            at.cast::<CmsgHdr>().write(head);
            core::ptr::copy_nonoverlapping(fds.as_ptr(), at.add(CMSG).cast::<i32>(), count);
        }
    }
    let msg = MsgHdr {
        name: null_mut(),
        namelen: 0,
        iov: &raw mut iov,
        iovlen: 1,
        control: if count > 0 { at } else { null_mut() },
        controllen,
        flags: 0,
    };
    // SAFETY: the kernel reads `msg`, the one iovec and `controllen` bytes of `control`, all on this frame,
    // and the bytes of the borrowed slice. It writes none of them.
    unsafe { call!(SYS_sendmsg, fd, &raw const msg, MSG_NOSIGNAL | MSG_DONTWAIT) }.map(drop)
}

/// Takes one message. Does not wait; length 0 is the end.
pub(crate) fn receive(fd: i32, bytes: &mut [u8]) -> Result<Received> {
    let mut control = Control([0; size_of::<Control>()]);
    let mut iov = IoVec { base: bytes.as_mut_ptr(), len: bytes.len() };
    let base = control.0.as_mut_ptr();
    let mut msg = MsgHdr {
        name: null_mut(),
        namelen: 0,
        iov: &raw mut iov,
        iovlen: 1,
        control: base,
        controllen: size_of::<Control>(),
        flags: 0,
    };
    // SAFETY: the kernel writes `msg`, at most `bytes.len()` bytes of the borrowed slice and at most
    // `controllen` bytes of `control`, which is its size; all of them live until the call returns.
    let len = unsafe { call!(SYS_recvmsg, fd, &raw mut msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) }?;
    let mut got = Received { len, fds: [-1; 2], sender: None };
    let filled = if msg.controllen > size_of::<Control>() { size_of::<Control>() } else { msg.controllen };
    let mut at = 0;
    while filled - at >= CMSG {
        // SAFETY: `at` is a multiple of 8 and a whole header lies within what the kernel filled.
        let head = unsafe { base.add(at).cast::<CmsgHdr>().read() };
        if head.len < CMSG || head.len > filled - at {
            break;
        }
        // SAFETY: `head.len` lies within the buffer, as just checked.
        let data = unsafe { base.add(at + CMSG) };
        let room = head.len - CMSG;
        if head.level == SOL_SOCKET && head.kind == SCM_RIGHTS {
            let mut i = 0;
            while i < 2 && (i + 1) * 4 <= room {
                // SAFETY: number i ends within the `room` bytes of data behind the header, as the condition says.
                let fd = unsafe { data.cast::<i32>().add(i).read() };
                if let Some(slot) = got.fds.get_mut(i) {
                    *slot = fd;
                }
                i += 1;
            }
        } else if head.level == SOL_SOCKET && head.kind == SCM_CREDENTIALS && room >= 12 {
            // SAFETY: `struct ucred` is pid, uid and gid, four bytes each: the 12 bytes of room that the condition asks for.
            got.sender = unsafe { Some((data.cast::<i32>().read(), data.cast::<u32>().add(1).read())) };
        }
        let step = (head.len + 7) & !7;
        if step > filled - at {
            break;
        }
        at += step;
    }
    Ok(got)
}

pub(crate) fn shutdown(fd: i32) -> Result<()> {
    // SAFETY: both arguments are numbers, not addresses.
    unsafe { call!(SYS_shutdown, fd, SHUT_RDWR) }.map(drop)
}

/// ioctl(SIOCOUTQ): what was sent and lies in the peer's queue yet, in bytes of memory.
pub(crate) fn unread_by_peer(fd: i32) -> Result<i32> {
    const SIOCOUTQ: u32 = 0x5411;
    let mut bytes = 0i32;
    // SAFETY: the kernel writes one int, which lives on this frame.
    unsafe { call!(SYS_ioctl, fd, SIOCOUTQ, &raw mut bytes) }?;
    Ok(bytes)
}

/// Whether the last descriptor of A, whose peer `b` reports POLLHUP, is closed. A closed A left the start
/// message unread, which is an error on B from the instant of the hang-up; or there is no message in its queue.
/// A shutdown(2) by a holder of A does neither.
pub(crate) fn is_gone(b: i32) -> bool {
    let mut fds = [PollFd { fd: b, events: 0, revents: 0 }];
    let reset = poll(&mut fds, Some(Timespec::default())).is_ok() && fds[0].revents & POLLERR != 0;
    reset || unread_by_peer(b) == Ok(0)
}
