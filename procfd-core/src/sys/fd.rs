// SPDX-License-Identifier: MIT OR Apache-2.0

//! Descriptors: close, flags, poll, epoll, stat, reading small files.

use core::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use super::{Errno, F_SETOWN_EX, F_SETSIG, FOwnerEx, Result, Timespec, call};

/// Takes ownership of a descriptor that a system call has just returned.
pub(super) fn own(fd: usize) -> OwnedFd {
    // SAFETY: the kernel has just made this descriptor for us; nobody else knows its number.
    unsafe { OwnedFd::from_raw_fd(fd as RawFd) }
}

/// The same of a number from `bare`. Only for one that a call has just returned.
pub(crate) fn made(fd: RawFd) -> OwnedFd {
    own(fd as usize)
}

/// A borrow of a caller's descriptor number; what is behind it is the kernel's to say.
pub(crate) fn borrow(fd: RawFd) -> Result<BorrowedFd<'static>> {
    if fd < 0 {
        return Err(Errno(libc::EBADF));
    }
    // SAFETY: only -1 is forbidden. The number is only ever handed to the kernel, which answers
    // EBADF if it is not open.
    Ok(unsafe { BorrowedFd::borrow_raw(fd) })
}

/// Closes a bare number; for the descriptors a forked child found in its table.
pub(crate) fn close_raw(fd: RawFd) {
    // SAFETY: close(2) takes any number. The callers own the number in their own table.
    let _ = unsafe { call!(SYS_close, fd) };
}

/// fcntl(F_SETSIG).
pub(crate) fn set_sig(fd: BorrowedFd<'_>, signal: i32) -> Result<()> {
    // SAFETY: plain numbers.
    unsafe { call!(SYS_fcntl, fd.as_raw_fd(), F_SETSIG, signal) }.map(drop)
}

/// fcntl(F_SETOWN_EX).
pub(crate) fn set_owner(fd: BorrowedFd<'_>, kind: i32, pid: i32) -> Result<()> {
    let owner = FOwnerEx { kind, pid };
    // SAFETY: `owner` outlives the call.
    unsafe { call!(SYS_fcntl, fd.as_raw_fd(), F_SETOWN_EX, &raw const owner) }.map(drop)
}

/// fcntl(F_SETFL).
pub(crate) fn set_flags(fd: BorrowedFd<'_>, flags: i32) -> Result<()> {
    // SAFETY: plain numbers.
    unsafe { call!(SYS_fcntl, fd.as_raw_fd(), libc::F_SETFL, flags) }.map(drop)
}

/// fcntl(F_DUPFD_CLOEXEC), above the standard streams.
pub(crate) fn dup_cloexec(fd: BorrowedFd<'_>) -> Result<OwnedFd> {
    // SAFETY: plain numbers.
    unsafe { call!(SYS_fcntl, fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, 3) }.map(own)
}

/// The same file with a number above the standard streams, if there is one: a program whose streams
/// are closed puts others in their places sooner or later, by number.
pub(crate) fn above_standard(fd: OwnedFd) -> OwnedFd {
    if fd.as_raw_fd() > 2 { fd } else { dup_cloexec(fd.as_fd()).unwrap_or(fd) }
}

/// dup3(2) onto a descriptor of one's own: it stands for `with` from now on.
pub(crate) fn replace(fd: &OwnedFd, with: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: plain numbers; the number stays the owner's.
    unsafe { call!(SYS_dup3, with.as_raw_fd(), fd.as_raw_fd(), libc::O_CLOEXEC) }.map(drop)
}

/// dup3(2) onto a bare number.
#[cfg(test)]
pub(crate) fn replace_raw(fd: RawFd, with: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: plain numbers; the test owns the number in its own table.
    unsafe { call!(SYS_dup3, with.as_raw_fd(), fd, libc::O_CLOEXEC) }.map(drop)
}

/// pread(2).
pub(crate) fn read_at(fd: BorrowedFd<'_>, buf: &mut [u8], offset: u64) -> Result<usize> {
    // SAFETY: the kernel writes at most `buf.len()` bytes.
    unsafe { call!(SYS_pread64, fd.as_raw_fd(), buf.as_mut_ptr(), buf.len(), offset) }
}

/// Whether the number is open.
pub(crate) fn is_open(fd: RawFd) -> bool {
    // SAFETY: plain numbers.
    unsafe { call!(SYS_fcntl, fd, libc::F_GETFD, 0) }.is_ok()
}

/// ppoll(2) of one descriptor; `None` waits without limit. Returns the events, 0 on time-out.
pub(crate) fn poll(fd: BorrowedFd<'_>, events: i16, timeout: Option<Timespec>) -> Result<i16> {
    let mut pollfd = libc::pollfd { fd: fd.as_raw_fd(), events, revents: 0 };
    let mut left = timeout;
    let left = left.as_mut().map_or(core::ptr::null_mut(), |t| &raw mut *t);
    // SAFETY: both structures outlive the call; the kernel may write the time left.
    unsafe { call!(SYS_ppoll, &raw mut pollfd, 1, left, 0, 8) }?;
    if pollfd.revents & libc::POLLNVAL != 0 {
        return Err(Errno(libc::EBADF));
    }
    Ok(pollfd.revents)
}

/// ppoll(2) of many; `None` waits without limit. On an error nothing is ready.
pub(crate) fn poll_many(fds: &mut [libc::pollfd], timeout: Option<Timespec>) -> Result<()> {
    let mut left = timeout;
    let left = left.as_mut().map_or(core::ptr::null_mut(), |t| &raw mut *t);
    // SAFETY: the kernel writes the events of as many as there are, and perhaps the time left.
    unsafe { call!(SYS_ppoll, fds.as_mut_ptr(), fds.len(), left, 0, 8) }.map(drop)
}

/// Nothing to wait for: what is there now.
pub(crate) const NOW: Option<Timespec> = Some(Timespec { sec: 0, nsec: 0 });

/// CLOCK_MONOTONIC in nanoseconds.
pub(crate) fn monotonic_ns() -> u64 {
    let mut ts = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `ts` outlives the call, which cannot fail for this clock. libc's form, for the vdso.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut ts) };
    (ts.tv_sec as u64).saturating_mul(1_000_000_000).saturating_add(ts.tv_nsec as u64)
}

/// epoll_create1(EPOLL_CLOEXEC).
pub(crate) fn epoll_create() -> Result<OwnedFd> {
    // SAFETY: plain numbers.
    unsafe { call!(SYS_epoll_create1, libc::EPOLL_CLOEXEC) }.map(own)
}

/// epoll_ctl(2) with `data`.
pub(crate) fn epoll_ctl(
    epoll: BorrowedFd<'_>,
    op: i32,
    fd: BorrowedFd<'_>,
    events: u32,
    data: u64,
) -> Result<()> {
    let event = libc::epoll_event { events, u64: data };
    // SAFETY: `event` outlives the call.
    unsafe { call!(SYS_epoll_ctl, epoll.as_raw_fd(), op, fd.as_raw_fd(), &raw const event) }.map(drop)
}

/// epoll_wait(2) without waiting; fills `data` and returns how many.
pub(crate) fn epoll_poll(epoll: BorrowedFd<'_>, data: &mut [u64; 32]) -> Result<usize> {
    let mut events = [libc::epoll_event { events: 0, u64: 0 }; 32];
    // SAFETY: the kernel writes at most 32 events into the array. No timeout, no mask.
    let n = unsafe { call!(SYS_epoll_pwait, epoll.as_raw_fd(), events.as_mut_ptr(), 32, 0, 0, 8) }?;
    for (to, from) in data.iter_mut().zip(events.iter().take(n)) {
        *to = from.u64;
    }
    Ok(n)
}

/// openat(2).
pub(crate) fn open_at(dir: RawFd, path: &CStr, flags: i32) -> Result<OwnedFd> {
    // SAFETY: `path` is NUL-terminated and outlives the call.
    unsafe { call!(SYS_openat, dir, path.as_ptr(), flags | libc::O_CLOEXEC, 0) }.map(own)
}

/// read(2).
pub(crate) fn read(fd: BorrowedFd<'_>, buf: &mut [u8]) -> Result<usize> {
    // SAFETY: the kernel writes at most `buf.len()` bytes.
    unsafe { call!(SYS_read, fd.as_raw_fd(), buf.as_mut_ptr(), buf.len()) }
}

/// write(2).
pub(crate) fn write(fd: BorrowedFd<'_>, buf: &[u8]) -> Result<usize> {
    // SAFETY: the kernel reads at most `buf.len()` bytes.
    unsafe { call!(SYS_write, fd.as_raw_fd(), buf.as_ptr(), buf.len()) }
}

/// readlinkat(2); the length, which may be the whole buffer.
pub(crate) fn readlink_at(dir: BorrowedFd<'_>, path: &CStr, buf: &mut [u8]) -> Result<usize> {
    // SAFETY: `path` is NUL-terminated; the kernel writes at most `buf.len()` bytes.
    unsafe { call!(SYS_readlinkat, dir.as_raw_fd(), path.as_ptr(), buf.as_mut_ptr(), buf.len()) }
}

/// read(2), again when a signal handler ran. A file that the kernel makes whole when it is read
/// (seq_file) is all there where the answer is short.
pub(crate) fn read_once(fd: BorrowedFd<'_>, buf: &mut [u8]) -> Result<usize> {
    loop {
        match read(fd, buf) {
            Err(Errno(libc::EINTR)) => {}
            done => return done,
        }
    }
}

/// Reads what is left of a file; after an error there is nothing.
pub(crate) fn read_all(fd: BorrowedFd<'_>, out: &mut Vec<u8>) -> Result<()> {
    out.clear();
    let mut at = 0usize;
    loop {
        let want = at.saturating_mul(2).max(4096);
        out.try_reserve(want.saturating_sub(at)).map_err(|_| Errno(libc::ENOMEM))?;
        out.resize(want, 0);
        match read_once(fd, out.get_mut(at..).unwrap_or_default()) {
            Ok(0) => break,
            Ok(n) => at = at.saturating_add(n),
            Err(e) => {
                out.clear();
                return Err(e);
            }
        }
    }
    out.truncate(at);
    Ok(())
}

/// Reads a small file whole; a longer one is cut at the buffer's end.
pub(crate) fn read_small(dir: RawFd, path: &CStr, buf: &mut [u8]) -> Result<usize> {
    let file = open_at(dir, path, libc::O_RDONLY)?;
    let mut at = 0;
    while at < buf.len() {
        match read_once(file.as_fd(), buf.get_mut(at..).unwrap_or_default())? {
            0 => break,
            n => at = at.saturating_add(n),
        }
    }
    Ok(at)
}

/// fstatfs(2): the type of the filesystem.
pub(crate) fn fs_magic(fd: BorrowedFd<'_>) -> Result<i64> {
    let mut st = core::mem::MaybeUninit::<libc::statfs>::zeroed();
    // SAFETY: the kernel fills the structure, for which all zeroes is a value.
    let st = unsafe {
        call!(SYS_fstatfs, fd.as_raw_fd(), st.as_mut_ptr())?;
        st.assume_init()
    };
    #[allow(clippy::unnecessary_cast, reason = "an unsigned field on some architectures")]
    Ok(st.f_type as i64)
}

/// fstat(2): mode and inode.
pub(crate) fn mode_and_inode(fd: BorrowedFd<'_>) -> Result<(u32, u64)> {
    stat(fd).map(|st| (st.st_mode, st.st_ino))
}

/// fstat(2): the device of the file system. Each instance of a file system has its own.
pub(crate) fn device(fd: BorrowedFd<'_>) -> Result<u64> {
    stat(fd).map(|st| st.st_dev)
}

fn stat(fd: BorrowedFd<'_>) -> Result<libc::stat> {
    let mut st = core::mem::MaybeUninit::<libc::stat>::zeroed();
    // SAFETY: the kernel's and libc's `struct stat` are the same on the 64-bit architectures this
    // builds for, and all zeroes is a value of it.
    unsafe {
        call!(SYS_fstat, fd.as_raw_fd(), st.as_mut_ptr())?;
        Ok(st.assume_init())
    }
}
