// SPDX-License-Identifier: MIT OR Apache-2.0

//! What the child calls besides its list, while it shares the creator's memory.
//!
//! Every function is inlined into the child's own section and is nothing but the system call: no
//! errno, no lock, no allocation, no panic. scripts/check-child.py reads the object code for it.

use core::ffi::CStr;

use super::cstr::CStrArrayRef;
use super::{
    Errno, F_OWNER_PGRP, F_OWNER_PID, F_SETOWN_EX, F_SETSIG, FOwnerEx, O_ASYNC, RLimit64, Result, Timespec,
    arch, call,
};

macro_rules! calls {
    ($($(#[$doc:meta])* fn $name:ident($($arg:ident: $ty:ty),*) = $nr:ident($($pass:expr),*);)*) => {
        $(
            $(#[$doc])*
            #[inline(always)]
            pub(crate) fn $name($($arg: $ty),*) -> Result<usize> {
                // SAFETY: each reference is borrowed for the call and of the kernel's layout; `CStrArrayRef` owes the
                // strings. The kernel only reads what they point to.
                unsafe { call!($nr $(, $pass)*) }
            }
        )*
    };
}

calls! {
    /// geteuid(2).
    fn geteuid() = SYS_geteuid();
    /// getpid(2).
    fn getpid() = SYS_getpid();
    /// getpgid(2) of the caller.
    fn getpgrp() = SYS_getpgid(0);
    /// getppid(2); 0 when the parent is outside the pid namespace.
    fn getppid() = SYS_getppid();
    /// openat(AT_FDCWD).
    fn open(path: &CStr, flags: i32, mode: u32) = SYS_openat(libc::AT_FDCWD, path.as_ptr(), flags, mode);
    /// close(2).
    fn close(fd: i32) = SYS_close(fd);
    /// dup3(2) without flags.
    fn dup2(from: i32, to: i32) = SYS_dup3(from, to, 0);
    /// fcntl(F_DUPFD_CLOEXEC) at or above `least`.
    fn dup_above(fd: i32, least: i32) = SYS_fcntl(fd, libc::F_DUPFD_CLOEXEC, least);
    /// fcntl(F_SETFD).
    fn set_cloexec(fd: i32, on: bool) = SYS_fcntl(fd, libc::F_SETFD, if on { libc::FD_CLOEXEC } else { 0 });
    /// close_range(2), 5.9.
    fn close_range(first: u32, last: u32, flags: u32) = SYS_close_range(first, last, flags);
    /// unshare(2).
    fn unshare(flags: i32) = SYS_unshare(flags);
    /// setresuid(2), of this thread alone.
    fn setresuid(real: u32, effective: u32, saved: u32) = SYS_setresuid(real, effective, saved);
    /// nanosleep(2).
    fn sleep(time: &Timespec) = SYS_nanosleep(core::ptr::from_ref(time), 0);
    /// execveat(AT_EMPTY_PATH).
    fn execve_fd(fd: i32, argv: CStrArrayRef<'_>, env: CStrArrayRef<'_>) =
        SYS_execveat(fd, c"".as_ptr(), argv.as_ptr(), env.as_ptr(), libc::AT_EMPTY_PATH);
}

/// read(2) of a message of at most two bytes; `Ok(0)` when the other end is closed.
#[inline(always)]
pub(crate) fn read_two(fd: i32) -> Result<usize> {
    let mut bytes = [0u8; 2];
    loop {
        // SAFETY: the kernel writes at most 2 bytes, the size of `bytes` on this frame.
        match unsafe { call!(SYS_read, fd, &raw mut bytes, 2) } {
            Err(Errno(libc::EINTR)) => {}
            done => return done,
        }
    }
}

/// A control message with one descriptor (`struct cmsghdr` and its data).
#[repr(C)]
struct OneDescriptor {
    len: usize,
    level: i32,
    kind: i32,
    fd: i32,
    padding: i32,
}

/// Sends a byte with a descriptor in flight. Never blocks, never raises SIGPIPE.
#[inline(always)]
pub(crate) fn send_fd(socket: i32, fd: i32) -> Result<usize> {
    let byte = 0u8;
    let control = OneDescriptor {
        len: core::mem::offset_of!(OneDescriptor, padding),
        level: libc::SOL_SOCKET,
        kind: libc::SCM_RIGHTS,
        fd,
        padding: 0,
    };
    let iov = [&raw const byte as usize, 1];
    // `struct msghdr`: no name, one iovec, the control message, no flags.
    let message =
        [0, 0, iov.as_ptr() as usize, 1, &raw const control as usize, size_of::<OneDescriptor>(), 0usize];
    // SAFETY: the kernel reads the message, and what it points to: all are on this frame.
    unsafe { call!(SYS_sendmsg, socket, message.as_ptr(), libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT) }
}

/// Whether the peer of a socket has gone.
#[inline(always)]
pub(crate) fn hung_up(fd: i32) -> bool {
    let mut pollfd = libc::pollfd { fd, events: 0, revents: 0 };
    let now = Timespec { sec: 0, nsec: 0 };
    // SAFETY: the kernel writes the events of one entry, `pollfd`, and reads `now`; both are on this frame. No mask.
    let n = unsafe { call!(SYS_ppoll, &raw mut pollfd, 1, &raw const now, 0, 8) };
    n == Ok(1) && pollfd.revents & libc::POLLHUP != 0
}

/// Arms a fuse: `signal` goes to the owner when the peer of `fd` is closed (fcntl(2), O_ASYNC).
#[inline(always)]
pub(crate) fn arm(fd: i32, signal: i32, group: bool, id: i32) -> Result<usize> {
    let owner = FOwnerEx { kind: if group { F_OWNER_PGRP } else { F_OWNER_PID }, pid: id };
    // SAFETY: F_SETOWN_EX reads one `struct f_owner_ex`: `owner` on this frame. The others take numbers.
    unsafe {
        call!(SYS_fcntl, fd, F_SETSIG, signal)?;
        call!(SYS_fcntl, fd, F_SETOWN_EX, &raw const owner)?;
        call!(SYS_fcntl, fd, libc::F_SETFL, O_ASYNC)
    }
}

/// Disarms it.
#[inline(always)]
pub(crate) fn disarm(fd: i32) -> Result<usize> {
    // SAFETY: F_SETFL takes flags, not an address.
    unsafe { call!(SYS_fcntl, fd, libc::F_SETFL, 0) }
}

/// The kernel's `struct sigaction`.
#[repr(C)]
struct KernelSigaction {
    handler: usize,
    flags: usize,
    #[cfg(target_arch = "x86_64")]
    restorer: usize,
    mask: u64,
}

/// Sets one signal to SIG_DFL or SIG_IGN. SIGKILL and SIGSTOP are EINVAL.
#[inline(always)]
pub(crate) fn set_action(signal: i32, ignore: bool) -> Result<usize> {
    let action = KernelSigaction {
        handler: if ignore { libc::SIG_IGN } else { libc::SIG_DFL },
        flags: 0,
        #[cfg(target_arch = "x86_64")]
        restorer: 0,
        mask: 0,
    };
    // SAFETY: the kernel reads `action` on this frame, which has its layout and names no handler.
    unsafe { call!(SYS_rt_sigaction, signal, &raw const action, 0, 8) }
}

/// What CLONE_CLEAR_SIGHAND does: handlers become the default, ignored signals stay ignored.
#[inline(always)]
pub(crate) fn clear_handlers() {
    let mut signal = 1;
    while signal <= 64 {
        let mut action = KernelSigaction {
            handler: 0,
            flags: 0,
            #[cfg(target_arch = "x86_64")]
            restorer: 0,
            mask: 0,
        };
        // SAFETY: the kernel writes one structure of this layout: `action` on this frame.
        let got = unsafe { call!(SYS_rt_sigaction, signal, 0, &raw mut action, 8) };
        if got.is_ok() && action.handler != libc::SIG_IGN && action.handler != libc::SIG_DFL {
            let _ = set_action(signal, false);
        }
        signal += 1;
    }
}

/// Closes the descriptors `first` to `last` one by one, from the list in /proc/self/fd, or, without
/// /proc, up to the limit: for a kernel or filter without close_range(2).
///
/// Not inlined, as the one thing here that has a buffer; in the same section.
#[unsafe(link_section = ".text.procfd_child")]
#[inline(never)]
pub(crate) fn procfd_child_close_listed(first: u32, last: u32) {
    // Not set to zero first: that would be a call of memset.
    let mut buf = core::mem::MaybeUninit::<[u64; 256]>::uninit();
    let dir = match open(c"/proc/self/fd", libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC, 0) {
        Ok(fd) => fd as i32,
        Err(_) => return close_to_limit(first, last),
    };
    loop {
        // SAFETY: the kernel writes at most 2048 bytes, the size of `buf` on this frame.
        let got = match unsafe { call!(SYS_getdents64, dir, buf.as_mut_ptr(), 2048) } {
            Ok(n) if n > 0 => n,
            _ => break,
        };
        let base = buf.as_ptr().cast::<u8>();
        let mut at = 0;
        while at < got {
            // SAFETY: the kernel wrote whole records of linux_dirent64 in the first `got` bytes:
            // reclen at 16, the NUL-terminated name at 19.
            unsafe {
                let record = base.add(at);
                at += usize::from(record.add(16).cast::<u16>().read_unaligned());
                let mut digit = record.add(19);
                let mut number = 0u32;
                let mut is_number = *digit != 0;
                while *digit != 0 {
                    let value = (*digit).wrapping_sub(b'0');
                    is_number &= value < 10;
                    number = number.wrapping_mul(10).wrapping_add(u32::from(value));
                    digit = digit.add(1);
                }
                if is_number && number >= first && number <= last && number as i32 != dir {
                    let _ = close(number as i32);
                }
            }
        }
    }
    let _ = close(dir);
}

#[inline(always)]
fn close_to_limit(first: u32, last: u32) {
    let mut limit = RLimit64 { cur: 0, max: 0 };
    // SAFETY: the kernel writes one limit: `limit` on this frame. No new one is given.
    let _ = unsafe { call!(SYS_prlimit64, 0, libc::RLIMIT_NOFILE, 0, &raw mut limit) };
    let end = if limit.cur > 1 << 20 { 1 << 20 } else { limit.cur as u32 };
    let mut fd = first;
    while fd < end && fd <= last {
        let _ = close(fd as i32);
        fd += 1;
    }
}

/// exit_group(2), or what ends a child whose seccomp program refuses that.
#[inline(always)]
pub(crate) fn exit(code: i32) -> ! {
    // SAFETY: both calls take a number and end the child, which has one thread.
    let _ = unsafe { (call!(SYS_exit_group, code), call!(SYS_exit, code)) };
    arch::trap()
}

/// The errno as it is reported.
#[inline(always)]
pub(crate) fn errno(e: Errno) -> u32 {
    e.0 as u32
}
