// SPDX-License-Identifier: MIT OR Apache-2.0

//! The system calls of the watcher, and of the child that becomes it.
//!
//! Compiled twice: into the library, and into the watcher program, which has neither std nor libc.
//! Everything is raw: the child that starts the watcher shares its creator's memory and may touch
//! neither `errno` nor a libc lock. Descriptors are plain numbers; who owns them is said at the
//! callers.

#![allow(dead_code, reason = "the library and the program each use their part")]

use core::ptr::null_mut;

mod nr;
mod process;
mod sock;

pub(crate) use process::*;
pub(crate) use sock::*;

/// The error number of a call.
pub(crate) type Errno = i32;
pub(crate) type Result<T> = core::result::Result<T, Errno>;

pub(crate) const EPERM: Errno = 1;
pub(crate) const ENOENT: Errno = 2;
pub(crate) const EINTR: Errno = 4;
pub(crate) const EBADF: Errno = 9;
pub(crate) const ECHILD: Errno = 10;
pub(crate) const EAGAIN: Errno = 11;
pub(crate) const ENOMEM: Errno = 12;
pub(crate) const EACCES: Errno = 13;
pub(crate) const EEXIST: Errno = 17;
pub(crate) const EINVAL: Errno = 22;
pub(crate) const EMFILE: Errno = 24;
pub(crate) const EPIPE: Errno = 32;
pub(crate) const ENOSYS: Errno = 38;
pub(crate) const EPROTO: Errno = 71;
pub(crate) const EOPNOTSUPP: Errno = 95;
pub(crate) const ENOBUFS: Errno = 105;
pub(crate) const ECONNRESET: Errno = 104;
pub(crate) const ENOTCONN: Errno = 107;
pub(crate) const ETIMEDOUT: Errno = 110;

pub(crate) const EPOLLIN: u32 = 1;
pub(crate) const EPOLLONESHOT: u32 = 1 << 30;
pub(crate) const EPOLL_CTL_ADD: usize = 1;
pub(crate) const EPOLL_CTL_DEL: usize = 2;
pub(crate) const POLLIN: i16 = 1;
pub(crate) const POLLOUT: i16 = 4;
pub(crate) const POLLHUP: i16 = 0x10;

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
compile_error!("the watcher needs the system calls of this architecture in watch/kernel.rs");

/// One system call; the kernel's answer as it is.
///
/// # Safety
///
/// The caller owes what the system call asks of its arguments.
#[inline(always)]
unsafe fn raw(nr: usize, a: [usize; 6]) -> isize {
    let ret: isize;
    // SAFETY: the register convention of syscall(2); the caller owes the arguments.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        core::arch::asm!(
            "syscall",
            inlateout("rax") nr => ret,
            in("rdi") a[0], in("rsi") a[1], in("rdx") a[2], in("r10") a[3], in("r8") a[4], in("r9") a[5],
            lateout("rcx") _, lateout("r11") _, options(nostack)
        );
        #[cfg(target_arch = "aarch64")]
        core::arch::asm!(
            "svc 0",
            in("x8") nr, inlateout("x0") a[0] => ret,
            in("x1") a[1], in("x2") a[2], in("x3") a[3], in("x4") a[4], in("x5") a[5], options(nostack)
        );
        #[cfg(target_arch = "riscv64")]
        core::arch::asm!(
            "ecall",
            in("a7") nr, inlateout("a0") a[0] => ret,
            in("a1") a[1], in("a2") a[2], in("a3") a[3], in("a4") a[4], in("a5") a[5], options(nostack)
        );
    }
    ret
}

/// `call!(NR, args...)`: the system call, checked. Needs an unsafe block around it.
macro_rules! call {
    ($nr:expr $(, $a:expr)*) => {{
        let mut args = [0usize; 6];
        let mut _at = args.iter_mut();
        $(if let Some(slot) = _at.next() { *slot = $a as usize; })*
        check(raw($nr, args))
    }};
}

use call;

#[inline(always)]
fn check(ret: isize) -> Result<usize> {
    if (-4095..0).contains(&ret) { Err(-ret as Errno) } else { Ok(ret as usize) }
}

/// `struct epoll_event`.
#[derive(Clone, Copy, Default)]
#[cfg_attr(target_arch = "x86_64", repr(C, packed))]
#[cfg_attr(not(target_arch = "x86_64"), repr(C))]
pub(crate) struct EpollEvent {
    pub(crate) events: u32,
    pub(crate) data: u64,
}

/// `struct pollfd`.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct PollFd {
    pub(crate) fd: i32,
    pub(crate) events: i16,
    pub(crate) revents: i16,
}

/// The kernel's `struct timespec` on a 64-bit architecture.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub(crate) struct Timespec {
    pub(crate) sec: i64,
    pub(crate) nsec: i64,
}

impl Timespec {
    pub(crate) fn from_ns(ns: u64) -> Self {
        Self { sec: (ns / 1_000_000_000) as i64, nsec: (ns % 1_000_000_000) as i64 }
    }
}

/// `struct rlimit64`.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub(crate) struct RLimit {
    pub(crate) cur: u64,
    pub(crate) max: u64,
}

const _: () = {
    assert!(size_of::<EpollEvent>() == if cfg!(target_arch = "x86_64") { 12 } else { 16 });
};

/// The bytes of a plain structure.
///
/// # Safety
///
/// `T` has no padding and no pointers.
pub(crate) unsafe fn bytes_of<T: Copy>(value: &T) -> &[u8] {
    // SAFETY: `value` is valid for its size; the caller says that every byte is initialised.
    unsafe { core::slice::from_raw_parts(core::ptr::from_ref(value).cast(), size_of::<T>()) }
}

/// The bytes of a plain structure, to be written.
///
/// # Safety
///
/// `T` has no padding, and every pattern of bits is a value of it.
pub(crate) unsafe fn bytes_of_mut<T: Copy>(value: &mut T) -> &mut [u8] {
    // SAFETY: as in `bytes_of`, and any bytes are a `T`.
    unsafe { core::slice::from_raw_parts_mut(core::ptr::from_mut(value).cast(), size_of::<T>()) }
}

pub(crate) fn exit(code: i32) -> ! {
    loop {
        // SAFETY: ends the process.
        let _ = unsafe { call!(nr::EXIT_GROUP, code) };
    }
}

pub(crate) fn close(fd: i32) -> Result<()> {
    // SAFETY: a number; whose it is, is said at the caller.
    unsafe { call!(nr::CLOSE, fd) }.map(drop)
}

/// close_range(2), Linux 5.9.
pub(crate) fn close_range(first: u32, last: u32, flags: u32) -> Result<()> {
    // SAFETY: numbers.
    unsafe { call!(nr::CLOSE_RANGE, first, last, flags) }.map(drop)
}

pub(crate) fn unshare(flags: u32) -> Result<()> {
    // SAFETY: a number.
    unsafe { call!(nr::UNSHARE, flags) }.map(drop)
}

pub(crate) fn dup3(from: i32, to: i32, flags: u32) -> Result<()> {
    // SAFETY: numbers.
    unsafe { call!(nr::DUP3, from, to, flags) }.map(drop)
}

pub(crate) fn fcntl(fd: i32, command: u32, arg: usize) -> Result<usize> {
    // SAFETY: only commands with a number as argument are used here.
    unsafe { call!(nr::FCNTL, fd, command, arg) }
}

pub(crate) fn read(fd: i32, bytes: &mut [u8]) -> Result<usize> {
    // SAFETY: the kernel writes at most the slice.
    unsafe { call!(nr::READ, fd, bytes.as_mut_ptr(), bytes.len()) }
}

pub(crate) fn write(fd: i32, bytes: &[u8]) -> Result<usize> {
    // SAFETY: the kernel reads the slice.
    unsafe { call!(nr::WRITE, fd, bytes.as_ptr(), bytes.len()) }
}

/// `name` ends with a NUL.
pub(crate) fn memfd_create(name: &core::ffi::CStr, flags: u32) -> Result<i32> {
    // SAFETY: a string with a NUL.
    unsafe { call!(nr::MEMFD_CREATE, name.as_ptr(), flags) }.map(|fd| fd as i32)
}

pub(crate) fn epoll_create() -> Result<i32> {
    const EPOLL_CLOEXEC: u32 = 0o2_000_000;
    // SAFETY: a number.
    unsafe { call!(nr::EPOLL_CREATE1, EPOLL_CLOEXEC) }.map(|fd| fd as i32)
}

pub(crate) fn epoll_add(epoll: i32, fd: i32, events: u32, data: u64) -> Result<()> {
    let event = EpollEvent { events, data };
    // SAFETY: the event outlives the call.
    unsafe { call!(nr::EPOLL_CTL, epoll, EPOLL_CTL_ADD, fd, &raw const event) }.map(drop)
}

pub(crate) fn epoll_remove(epoll: i32, fd: i32) {
    // SAFETY: DEL reads no event.
    let _ = unsafe { call!(nr::EPOLL_CTL, epoll, EPOLL_CTL_DEL, fd, 0) };
}

/// Waits; `timeout_ms` -1 is for ever. Signals are blocked, so EINTR is only a stop or a trace.
pub(crate) fn epoll_wait(epoll: i32, events: &mut [EpollEvent], timeout_ms: i32) -> Result<usize> {
    // SAFETY: the kernel writes at most the slice; no mask is given.
    unsafe { call!(nr::EPOLL_PWAIT, epoll, events.as_mut_ptr(), events.len(), timeout_ms, 0, 8) }
}

/// Waits for any of `fds`; `None` is for ever.
pub(crate) fn poll(fds: &mut [PollFd], timeout: Option<Timespec>) -> Result<usize> {
    let mut left = timeout.unwrap_or_default();
    let time = if timeout.is_some() { &raw mut left } else { null_mut() };
    // SAFETY: the kernel writes to the slice and to `left`.
    unsafe { call!(nr::PPOLL, fds.as_mut_ptr(), fds.len(), time, 0, 8) }
}

/// CLOCK_MONOTONIC in nanoseconds.
pub(crate) fn now() -> u64 {
    let mut time = Timespec::default();
    // SAFETY: the structure outlives the call.
    let _ = unsafe { call!(nr::CLOCK_GETTIME, 1, &raw mut time) };
    (time.sec as u64).wrapping_mul(1_000_000_000).wrapping_add(time.nsec as u64)
}

/// A private mapping of zeroes.
pub(crate) fn map(len: usize) -> Result<*mut u8> {
    const READ_WRITE: usize = 3;
    const PRIVATE_ANONYMOUS: usize = 0x22;
    // SAFETY: a new mapping; nothing existing is touched.
    unsafe { call!(nr::MMAP, 0, len, READ_WRITE, PRIVATE_ANONYMOUS, -1isize, 0) }.map(|at| at as *mut u8)
}

/// Changes the length of a mapping, which may move.
///
/// # Safety
///
/// `at` and `old` are a mapping of the caller's, to which nothing points any more when it is done.
pub(crate) unsafe fn remap(at: *mut u8, old: usize, new: usize) -> Result<*mut u8> {
    const MAYMOVE: usize = 1;
    // SAFETY: the caller owes the mapping.
    unsafe { call!(nr::MREMAP, at, old, new, MAYMOVE, 0) }.map(|at| at as *mut u8)
}

/// # Safety
///
/// `at` and `len` are a mapping of the caller's, to which nothing points any more.
pub(crate) unsafe fn unmap(at: *mut u8, len: usize) {
    // SAFETY: the caller owes the mapping.
    let _ = unsafe { call!(nr::MUNMAP, at, len) };
}
