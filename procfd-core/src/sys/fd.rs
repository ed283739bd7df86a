// SPDX-License-Identifier: MIT OR Apache-2.0

//! Descriptors: close, flags, poll, epoll, stat, reading small files.

use core::ffi::CStr;
use core::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};

use super::own_fd::OwnFd;

pub(crate) use super::number::{Number, device_and_inode, stat};

use super::bare::{self, PollFd};
use super::{Errno, F_GETOWN_EX, F_GETSIG, F_SETOWN_EX, F_SETSIG, FOwnerEx, Result, Timespec, call};

/// Takes ownership of a descriptor that a system call has just returned. It moves above the standard streams: a
/// program whose streams are closed puts others in their places sooner or later, by number.
pub(super) fn own(fd: usize) -> OwnFd {
    taken(bare::above_standard(fd as RawFd))
}

/// The same of a number from `bare`. Only for one that a call has just returned.
pub(crate) fn made(fd: RawFd) -> OwnFd {
    own(fd as usize)
}

/// Takes ownership of a number as it is. Only for one that its owner gives up.
pub(crate) fn taken(fd: RawFd) -> OwnFd {
    OwnFd::new(Number::of(fd))
}

/// The same as [`made`] of a socket.
pub(super) fn made_socket(fd: RawFd) -> OwnFd {
    OwnFd::socket(Number::of(bare::above_standard(fd)))
}

/// For a caller of the library, who owns it from now on.
impl From<OwnFd> for OwnedFd {
    fn from(fd: OwnFd) -> Self {
        // SAFETY: `OwnFd` has the number of one descriptor that the library owns, and gives it up here. So no other
        // owner has the number.
        unsafe { OwnedFd::from_raw_fd(fd.into_raw_fd()) }
    }
}

/// A borrow of a caller's descriptor number; what is behind it is the kernel's to say.
pub(crate) fn borrow(fd: RawFd) -> Result<BorrowedFd<'static>> {
    if fd < 0 {
        return Err(Errno(libc::EBADF));
    }
    // SAFETY: the number is not -1, the one value that the type forbids. It only goes to the kernel,
    // which answers EBADF where it is not open.
    Ok(unsafe { BorrowedFd::borrow_raw(fd) })
}

/// Closes a bare number; for the descriptors a forked child found in its table.
pub(crate) fn close_raw(fd: RawFd) {
    let _ = bare::close(fd);
}

/// fcntl(F_SETSIG).
pub(crate) fn set_sig(fd: BorrowedFd<'_>, signal: i32) -> Result<()> {
    // SAFETY: F_SETSIG takes a signal number, not an address.
    unsafe { call!(SYS_fcntl, fd.as_raw_fd(), F_SETSIG, signal) }.map(drop)
}

/// fcntl(F_GETSIG).
pub(crate) fn sig(fd: BorrowedFd<'_>) -> Result<i32> {
    // SAFETY: F_GETSIG takes no third argument.
    unsafe { call!(SYS_fcntl, fd.as_raw_fd(), F_GETSIG) }.map(|signal| signal as i32)
}

/// fcntl(F_GETFL).
pub(crate) fn flags(fd: BorrowedFd<'_>) -> Result<i32> {
    // SAFETY: F_GETFL takes no third argument.
    unsafe { call!(SYS_fcntl, fd.as_raw_fd(), libc::F_GETFL) }.map(|flags| flags as i32)
}

/// fcntl(F_GETOWN_EX).
pub(crate) fn owner(fd: BorrowedFd<'_>) -> Result<FOwnerEx> {
    let mut owner = FOwnerEx { kind: 0, pid: 0 };
    // SAFETY: the kernel writes `owner`, which lives on this frame.
    unsafe { call!(SYS_fcntl, fd.as_raw_fd(), F_GETOWN_EX, &raw mut owner) }?;
    Ok(owner)
}

/// fcntl(F_SETOWN_EX).
pub(crate) fn set_owner(fd: BorrowedFd<'_>, owner: FOwnerEx) -> Result<()> {
    // SAFETY: F_SETOWN_EX reads one `struct f_owner_ex`, which is `owner` on this frame.
    unsafe { call!(SYS_fcntl, fd.as_raw_fd(), F_SETOWN_EX, &raw const owner) }.map(drop)
}

/// fcntl(F_SETFL).
pub(crate) fn set_flags(fd: BorrowedFd<'_>, flags: i32) -> Result<()> {
    // SAFETY: F_SETFL takes flags, not an address.
    unsafe { call!(SYS_fcntl, fd.as_raw_fd(), libc::F_SETFL, flags) }.map(drop)
}

/// fcntl(F_DUPFD_CLOEXEC), above the standard streams.
pub(crate) fn dup_cloexec(fd: BorrowedFd<'_>) -> Result<OwnFd> {
    bare::dup_above(fd.as_raw_fd(), bare::ABOVE_STANDARD).map(taken)
}

/// The same at or above a number.
pub(crate) fn dup_cloexec_above(fd: BorrowedFd<'_>, least: RawFd) -> Result<OwnFd> {
    bare::dup_above(fd.as_raw_fd(), (least.max(0) as usize).max(bare::ABOVE_STANDARD)).map(taken)
}

/// A descriptor that only keeps a number.
pub(crate) fn placeholder() -> Result<OwnFd> {
    bare::epoll_create().map(made)
}

/// pipe2(O_CLOEXEC): the reading and the writing end.
pub(crate) fn pipe() -> Result<(OwnFd, OwnFd)> {
    let mut ends = [-1i32; 2];
    // SAFETY: the kernel writes two numbers, into an array borrowed for the call.
    unsafe { call!(SYS_pipe2, ends.as_mut_ptr(), libc::O_CLOEXEC) }?;
    Ok((made(ends[0]), made(ends[1])))
}

/// A new pseudo-terminal: the master and the other end, both close-on-exec, neither a controlling terminal. The size
/// is rows, columns, and both in pixels.
pub(crate) fn pty(size: [u16; 4]) -> Result<(OwnFd, OwnFd)> {
    let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
    let master = open_at(libc::AT_FDCWD, c"/dev/ptmx", flags)?;
    let number = master.as_raw_fd();
    let unlock = 0i32;
    // SAFETY: TIOCSPTLCK reads one number and TIOCSWINSZ four of 16 bits, which outlive the calls; TIOCGPTPEER (4.13)
    // takes flags, not an address, and returns a descriptor.
    unsafe {
        call!(SYS_ioctl, number, libc::TIOCSPTLCK, &raw const unlock)?;
        call!(SYS_ioctl, number, libc::TIOCSWINSZ, size.as_ptr())?;
        call!(SYS_ioctl, number, libc::TIOCGPTPEER, flags)
    }
    .map(|peer| (master, own(peer)))
}

/// fcntl(F_SETPIPE_SZ).
pub(crate) fn set_pipe_size(fd: BorrowedFd<'_>, bytes: i32) -> Result<()> {
    // SAFETY: F_SETPIPE_SZ takes a number, not an address.
    unsafe { call!(SYS_fcntl, fd.as_raw_fd(), libc::F_SETPIPE_SZ, bytes) }.map(drop)
}

/// fcntl(F_GETPIPE_SZ).
#[cfg(test)]
pub(crate) fn pipe_size(fd: BorrowedFd<'_>) -> Result<i32> {
    // SAFETY: F_GETPIPE_SZ takes no third argument.
    unsafe { call!(SYS_fcntl, fd.as_raw_fd(), libc::F_GETPIPE_SZ) }.map(|bytes| bytes as i32)
}

/// The same file with a number above the standard streams, if there is one.
pub(crate) fn above_standard(fd: OwnFd) -> OwnFd {
    if fd.as_raw_fd() as usize >= bare::ABOVE_STANDARD { fd } else { made(fd.into_raw_fd()) }
}

/// dup3(2) onto a descriptor of one's own: the number stands for `with` from now on. EBADF: it is another file's.
pub(crate) fn replace(fd: OwnFd, with: BorrowedFd<'_>) -> Result<OwnFd> {
    let number = fd.live()?.as_raw_fd();
    replace_raw(number, with)?;
    Ok(taken(fd.into_raw_fd()))
}

/// dup3(2) onto a bare number.
pub(crate) fn replace_raw(fd: RawFd, with: BorrowedFd<'_>) -> Result<()> {
    bare::dup3(with.as_raw_fd(), fd, libc::O_CLOEXEC as u32)
}

/// pread(2), again when a signal handler ran.
pub(crate) fn read_at(fd: BorrowedFd<'_>, buf: &mut [u8], offset: u64) -> Result<usize> {
    loop {
        // SAFETY: the kernel writes at most `buf.len()` bytes, into a slice borrowed for the call.
        match unsafe { call!(SYS_pread64, fd.as_raw_fd(), buf.as_mut_ptr(), buf.len(), offset) } {
            Err(Errno(libc::EINTR)) => {}
            done => return done,
        }
    }
}

/// pread(2) into memory that nothing has filled yet: what was read.
pub(crate) fn read_into<'b>(
    fd: BorrowedFd<'_>,
    buf: &'b mut [MaybeUninit<u8>],
    offset: u64,
) -> Result<&'b [u8]> {
    // SAFETY: the kernel writes at most `buf.len()` bytes, into a slice borrowed for the call, and returns how many it
    // has written. So those are initialised, and they stay borrowed.
    unsafe {
        let len = call!(SYS_pread64, fd.as_raw_fd(), buf.as_mut_ptr(), buf.len(), offset)?;
        Ok(core::slice::from_raw_parts(buf.as_ptr().cast(), len.min(buf.len())))
    }
}

/// Whether the number is open.
pub(crate) fn is_open(fd: RawFd) -> bool {
    // SAFETY: F_GETFD takes no third argument.
    unsafe { call!(SYS_fcntl, fd, libc::F_GETFD, 0) }.is_ok()
}

/// Whether exec closes the descriptor.
pub(crate) fn is_cloexec(fd: BorrowedFd<'_>) -> bool {
    // SAFETY: F_GETFD takes no third argument.
    let flags = unsafe { call!(SYS_fcntl, fd.as_raw_fd(), libc::F_GETFD, 0) };
    flags.is_ok_and(|flags| flags & libc::FD_CLOEXEC as usize != 0)
}

/// ppoll(2) of one descriptor; `None` waits without limit. Returns the events, 0 on time-out.
pub(crate) fn poll(fd: BorrowedFd<'_>, events: i16, timeout: Option<Timespec>) -> Result<i16> {
    let mut one = [PollFd { fd: fd.as_raw_fd(), events, revents: 0 }];
    bare::poll(&mut one, timeout)?;
    let [pollfd] = one;
    if pollfd.revents & libc::POLLNVAL != 0 {
        return Err(Errno(libc::EBADF));
    }
    Ok(pollfd.revents)
}

/// ppoll(2) of many; `None` waits without limit. On an error nothing is ready.
pub(crate) fn poll_many(fds: &mut [PollFd], timeout: Option<Timespec>) -> Result<()> {
    bare::poll(fds, timeout).map(drop)
}

/// The same without waiting, where a filter refuses ppoll(2): epoll(7) for the moment, or where it refuses
/// epoll_pwait(2) too, poll(2), which machines after x86-64 do not have. On an error nothing is ready.
pub(crate) fn poll_without_ppoll(fds: &mut [PollFd]) {
    if by_epoll(fds).is_err() {
        // SAFETY: the kernel writes the events of `fds.len()` entries of its own form, in a slice borrowed for the
        // call.
        unsafe { libc::poll(fds.as_mut_ptr().cast(), fds.len() as libc::nfds_t, 0) };
    }
}

fn by_epoll(fds: &mut [PollFd]) -> Result<()> {
    let epoll = made(bare::epoll_create()?);
    for (data, one) in (0u64..).zip(fds.iter_mut()) {
        one.revents = 0;
        let events = u32::from(one.events as u16);
        if one.fd >= 0 {
            let _ = bare::epoll_add(epoll.as_raw_fd(), one.fd, events, data);
        }
    }
    let mut events = [bare::EpollEvent::default(); 32];
    let ready = bare::epoll_wait(epoll.as_raw_fd(), &mut events, 0)?;
    for event in events.iter().take(ready) {
        let (data, events) = (event.data, event.events);
        if let Some(one) = usize::try_from(data).ok().and_then(|at| fds.get_mut(at)) {
            one.revents = events as i16;
        }
    }
    Ok(())
}

/// No wait: the events that are ready now.
pub(crate) const NOW: Option<Timespec> = Some(Timespec { sec: 0, nsec: 0 });

/// Sleeps. Where a filter refuses ppoll(2) it returns sooner; the sleep of std panics where one refuses
/// clock_nanosleep(2).
pub(crate) fn sleep(time: core::time::Duration) {
    let ns = |time: core::time::Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let end = monotonic_ns().saturating_add(ns(time));
    loop {
        let left = end.saturating_sub(monotonic_ns());
        if left == 0 || bare::poll(&mut [], Some(Timespec::from_ns(left))) != Err(bare::EINTR) {
            return;
        }
    }
}

/// CLOCK_MONOTONIC in nanoseconds.
pub(crate) fn monotonic_ns() -> u64 {
    super::query::clock_ns(libc::CLOCK_MONOTONIC).max(0) as u64
}

/// openat(2).
pub(crate) fn open_at(dir: RawFd, path: &CStr, flags: i32) -> Result<OwnFd> {
    // SAFETY: the kernel reads `path` up to its NUL, which CStr guarantees.
    unsafe { call!(SYS_openat, dir, path.as_ptr(), flags | libc::O_CLOEXEC, 0) }.map(own)
}

/// read(2).
pub(crate) fn read(fd: BorrowedFd<'_>, buf: &mut [u8]) -> Result<usize> {
    bare::read(fd.as_raw_fd(), buf)
}

/// write(2).
#[cfg(test)]
pub(crate) fn write(fd: BorrowedFd<'_>, buf: &[u8]) -> Result<usize> {
    bare::write(fd.as_raw_fd(), buf)
}

/// readlinkat(2); the length, which may be the whole buffer.
pub(crate) fn readlink_at(dir: BorrowedFd<'_>, path: &CStr, buf: &mut [u8]) -> Result<usize> {
    // SAFETY: the kernel reads `path` up to its NUL, which CStr guarantees, and writes at most `buf.len()`
    // bytes into a slice borrowed for the call.
    unsafe { call!(SYS_readlinkat, dir.as_raw_fd(), path.as_ptr(), buf.as_mut_ptr(), buf.len()) }
}

/// pread(2) at the beginning. A file that the kernel makes whole when it is read (seq_file) is all there where the
/// answer is short.
///
/// Not read(2): if another thread has put a pipe or a socket of the program's at the number, nothing of that is lost.
pub(crate) fn read_once(fd: BorrowedFd<'_>, buf: &mut [u8]) -> Result<usize> {
    read_at(fd, buf, 0)
}

/// Reads a whole file; after an error there is nothing.
pub(crate) fn read_all(fd: BorrowedFd<'_>, out: &mut Vec<u8>) -> Result<()> {
    out.clear();
    let mut at = 0usize;
    loop {
        let want = at.saturating_mul(2).max(4096);
        out.try_reserve(want.saturating_sub(at)).map_err(|_| Errno(libc::ENOMEM))?;
        out.resize(want, 0);
        match read_at(fd, out.get_mut(at..).unwrap_or_default(), at as u64) {
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
        match read_at(file.as_fd(), buf.get_mut(at..).unwrap_or_default(), at as u64)? {
            0 => break,
            n => at = at.saturating_add(n),
        }
    }
    Ok(at)
}

/// fstatfs(2): the type of the filesystem.
pub(crate) fn fs_magic(fd: BorrowedFd<'_>) -> Result<i64> {
    let mut st = MaybeUninit::<libc::statfs>::zeroed();
    // SAFETY: the kernel writes one `struct statfs`, whose 64-bit form is libc's, into `st` on this frame;
    // all zeroes is a value of it, so what the kernel leaves alone is initialised.
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
