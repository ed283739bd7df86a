// SPDX-License-Identifier: MIT OR Apache-2.0

//! Descriptors: close, dup, read, write, poll, epoll, clocks.

use core::ffi::CStr;
use core::ptr::null_mut;

use super::{EpollEvent, Errno, PollFd, Result, Timespec, call};

pub(crate) const EPOLLIN: u32 = 1;
pub(crate) const EPOLLPRI: u32 = 2;
pub(crate) const EPOLLONESHOT: u32 = 1 << 30;
pub(crate) const EPOLLET: u32 = 1 << 31;
pub(crate) const POLLIN: i16 = 1;
pub(crate) const POLLOUT: i16 = 4;
pub(crate) const POLLERR: i16 = 8;
pub(crate) const POLLHUP: i16 = 0x10;

const EPOLL_CTL_ADD: i32 = 1;
const EPOLL_CTL_DEL: i32 = 2;
const EPOLL_CTL_MOD: i32 = 3;
const F_SETFD: u32 = 2;
const F_DUPFD_CLOEXEC: u32 = 1030;
const F_ADD_SEALS: u32 = 1033;

/// close(2). The caller owns the number.
pub(crate) fn close(fd: i32) -> Result<()> {
    // SAFETY: the argument is a number, not an address.
    unsafe { call!(SYS_close, fd) }.map(drop)
}

/// close_range(2), Linux 5.9. The caller owns the numbers.
pub(crate) fn close_range(first: u32, last: u32, flags: u32) -> Result<()> {
    // SAFETY: the three arguments are numbers and flags, not addresses.
    unsafe { call!(SYS_close_range, first, last, flags) }.map(drop)
}

/// dup3(2). The caller owns `to`.
pub(crate) fn dup3(from: i32, to: i32, flags: u32) -> Result<()> {
    // SAFETY: the three arguments are numbers and flags, not addresses.
    unsafe { call!(SYS_dup3, from, to, flags) }.map(drop)
}

/// The least number that is no standard stream's.
pub(crate) const ABOVE_STANDARD: usize = 3;

/// The same file, close-on-exec, with a number above the standard streams, if there is one.
#[inline(always)]
pub(crate) fn above_standard(fd: i32) -> i32 {
    if fd as usize >= ABOVE_STANDARD {
        return fd;
    }
    let above = dup_above(fd, ABOVE_STANDARD).unwrap_or(fd);
    if above != fd {
        let _ = close(fd);
    }
    above
}

/// fcntl(F_DUPFD_CLOEXEC) at or above `least`.
pub(crate) fn dup_above(fd: i32, least: usize) -> Result<i32> {
    // SAFETY: F_DUPFD_CLOEXEC takes a number, not an address.
    unsafe { call!(SYS_fcntl, fd, F_DUPFD_CLOEXEC, least) }.map(|fd| fd as i32)
}

/// fcntl(F_SETFD, 0): exec keeps the descriptor.
pub(crate) fn keep_at_exec(fd: i32) -> Result<()> {
    // SAFETY: F_SETFD takes flags, not an address.
    unsafe { call!(SYS_fcntl, fd, F_SETFD, 0) }.map(drop)
}

/// fcntl(F_ADD_SEALS).
pub(crate) fn add_seals(fd: i32, seals: u32) -> Result<()> {
    // SAFETY: F_ADD_SEALS takes flags, not an address.
    unsafe { call!(SYS_fcntl, fd, F_ADD_SEALS, seals) }.map(drop)
}

/// read(2).
pub(crate) fn read(fd: i32, bytes: &mut [u8]) -> Result<usize> {
    // SAFETY: the kernel writes at most `bytes.len()` bytes, into a slice borrowed for the call.
    unsafe { call!(SYS_read, fd, bytes.as_mut_ptr(), bytes.len()) }
}

/// write(2).
pub(crate) fn write(fd: i32, bytes: &[u8]) -> Result<usize> {
    // SAFETY: the kernel reads at most `bytes.len()` bytes, of a slice borrowed for the call.
    unsafe { call!(SYS_write, fd, bytes.as_ptr(), bytes.len()) }
}

/// memfd_create(2).
pub(crate) fn memfd_create(name: &CStr, flags: u32) -> Result<i32> {
    // SAFETY: the kernel reads `name` up to its NUL, which CStr guarantees.
    unsafe { call!(SYS_memfd_create, name.as_ptr(), flags) }.map(|fd| fd as i32)
}

/// epoll_create1(EPOLL_CLOEXEC).
pub(crate) fn epoll_create() -> Result<i32> {
    const EPOLL_CLOEXEC: u32 = 0o2_000_000;
    // SAFETY: the argument is a flag, not an address.
    unsafe { call!(SYS_epoll_create1, EPOLL_CLOEXEC) }.map(|fd| fd as i32)
}

/// epoll_ctl(2).
pub(crate) fn epoll_ctl(epoll: i32, op: i32, fd: i32, events: u32, data: u64) -> Result<()> {
    let event = EpollEvent { events, data };
    // SAFETY: the kernel reads at most one `struct epoll_event`, which lives on this frame.
    unsafe { call!(SYS_epoll_ctl, epoll, op, fd, &raw const event) }.map(drop)
}

/// epoll_ctl(EPOLL_CTL_ADD).
pub(crate) fn epoll_add(epoll: i32, fd: i32, events: u32, data: u64) -> Result<()> {
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, events, data)
}

/// epoll_ctl(EPOLL_CTL_MOD).
pub(crate) fn epoll_change(epoll: i32, fd: i32, events: u32, data: u64) -> Result<()> {
    epoll_ctl(epoll, EPOLL_CTL_MOD, fd, events, data)
}

/// epoll_ctl(EPOLL_CTL_DEL).
pub(crate) fn epoll_remove(epoll: i32, fd: i32) {
    let _ = epoll_ctl(epoll, EPOLL_CTL_DEL, fd, 0, 0);
}

/// epoll_pwait(2) without a mask; a `timeout_ms` of -1 waits without limit.
pub(crate) fn epoll_wait(epoll: i32, events: &mut [EpollEvent], timeout_ms: i32) -> Result<usize> {
    // SAFETY: the kernel writes at most `events.len()` events, into a slice borrowed for the call; the
    // mask is NULL.
    unsafe { call!(SYS_epoll_pwait, epoll, events.as_mut_ptr(), events.len(), timeout_ms, 0, 8) }
}

/// ppoll(2) without a mask; `None` waits without limit.
pub(crate) fn poll(fds: &mut [PollFd], timeout: Option<Timespec>) -> Result<usize> {
    let mut left = timeout.unwrap_or_default();
    let time = if timeout.is_some() { &raw mut left } else { null_mut() };
    // SAFETY: the kernel writes the events of `fds.len()` entries, in a slice borrowed for the call; the
    // time is NULL, or `left` on this frame, into which the kernel writes what is left; no mask.
    unsafe { call!(SYS_ppoll, fds.as_mut_ptr(), fds.len(), time, 0, 8) }
}

/// CLOCK_MONOTONIC in nanoseconds.
pub(crate) fn now() -> u64 {
    let mut time = Timespec::default();
    // SAFETY: the kernel writes one `struct timespec`, which lives on this frame.
    let _: core::result::Result<usize, Errno> = unsafe { call!(SYS_clock_gettime, 1, &raw mut time) };
    (time.sec as u64).wrapping_mul(1_000_000_000).wrapping_add(time.nsec as u64)
}
