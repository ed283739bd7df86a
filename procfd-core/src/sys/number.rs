// SPDX-License-Identifier: MIT OR Apache-2.0

//! A descriptor's number, and what tells that it still stands for the same file.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, RawFd};
use std::sync::atomic::Ordering;

use super::bare;
use super::{Errno, Result, call};

/// A number that its owner keeps without a promise: a program may close it, and the kernel give it away.
#[derive(Debug)]
pub(crate) struct Number(RawFd);

impl Number {
    /// One that its owner gives up, as it is.
    pub(super) fn of(fd: RawFd) -> Self {
        Self(fd)
    }

    /// The same of an owner.
    pub(crate) fn keep(fd: impl IntoRawFd) -> Self {
        Self(fd.into_raw_fd())
    }

    /// Closes it; the caller has seen that it is still what was kept.
    pub(crate) fn close(&self) {
        let _ = bare::close(self.0);
    }
}

impl AsFd for Number {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: `keep` and `of` take the number of an owner, so it is not -1, the one value that the type
        // forbids. It only goes to the kernel, which answers EBADF where it is not open.
        unsafe { BorrowedFd::borrow_raw(self.0) }
    }
}

/// An open file, apart from all others that are open at the same time.
///
/// A socket is known by its cookie, another file by device and inode. Before pidfs (6.9) all pidfds have one
/// inode; there the pid in `fdinfo` makes the difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(super) device: u64,
    pub(super) number: u64,
}

const SOCKET: u64 = u64::MAX;

impl Identity {
    /// Of a number that is lost: no file is this one, since no socket has the cookie 0.
    pub(super) const LOST: Self = Self { device: SOCKET, number: 0 };

    /// It, in one system call: before pidfs all pidfds are one file, as all files without a name are.
    pub(crate) fn quick(file: BorrowedFd<'_>) -> Result<Self> {
        let (device, number) = device_and_inode(file)?;
        Ok(Self { device, number })
    }

    /// The same of a file that the caller has just made as a socket.
    pub(crate) fn of_socket(file: BorrowedFd<'_>) -> Result<Self> {
        cookie(file).map(Self::of_cookie)
    }

    /// The same by its cookie.
    pub(crate) fn of_cookie(number: u64) -> Self {
        Self { device: SOCKET, number }
    }

    /// The cookie of a socket.
    pub(crate) fn cookie(self) -> Option<u64> {
        (self.device == SOCKET).then_some(self.number)
    }

    /// Whether `file` is that file, as far as [`quick`](Self::quick) tells.
    pub(super) fn is_still(self, file: BorrowedFd<'_>) -> bool {
        match self.device {
            SOCKET => cookie(file) == Ok(self.number),
            _ => device_and_inode(file) == Ok((self.device, self.number)),
        }
    }

    /// Whether `file` is free, or another file. A file that the kernel cannot ask any more is that file: a directory of
    /// `/proc` whose process has ended (ENOENT, ESRCH).
    pub(super) fn is_gone(self, file: BorrowedFd<'_>) -> bool {
        match self.device {
            SOCKET => cookie(file) != Ok(self.number),
            _ => match device_and_inode(file) {
                Ok(now) => now != (self.device, self.number),
                Err(errno) => errno == Errno(libc::EBADF),
            },
        }
    }
}

/// fstat(2).
pub(crate) fn stat(fd: BorrowedFd<'_>) -> Result<libc::stat> {
    let mut st = core::mem::MaybeUninit::<libc::stat>::zeroed();
    // SAFETY: the kernel writes one `struct stat`, whose form is libc's on the 64-bit architectures this
    // builds for, into `st` on this frame; all zeroes is a value of it.
    unsafe {
        call!(SYS_fstat, fd.as_raw_fd(), st.as_mut_ptr())?;
        Ok(st.assume_init())
    }
}

/// fstat(2): device and inode.
pub(crate) fn device_and_inode(fd: BorrowedFd<'_>) -> Result<(u64, u64)> {
    stat(fd).map(|st| (st.st_dev, st.st_ino))
}

/// A 64-bit SOL_SOCKET option.
pub(crate) fn option_u64(fd: BorrowedFd<'_>, name: i32) -> Result<u64> {
    let mut value = 0u64;
    let mut len = 8u32;
    // SAFETY: the kernel writes at most the 8 bytes that `len` says, the size of `value`, and `len`; both are
    // on this frame.
    unsafe { call!(SYS_getsockopt, fd.as_raw_fd(), libc::SOL_SOCKET, name, &raw mut value, &raw mut len) }?;
    Ok(value)
}

/// SO_COOKIE: the number of the socket, never used again until reboot. ENOTSOCK: another file.
pub(crate) fn cookie(fd: BorrowedFd<'_>) -> Result<u64> {
    const SO_COOKIE: i32 = 57;
    option_u64(fd, SO_COOKIE)
}

/// Whether other threads may run in this process. glibc knows since 2.32 that there are none.
pub(crate) fn has_threads() -> bool {
    static SINGLE: std::sync::OnceLock<Option<&'static std::sync::atomic::AtomicU8>> =
        std::sync::OnceLock::new();
    let single = SINGLE.get_or_init(|| {
        // SAFETY: the name ends with a NUL. The symbol, where there is one, is a `char` that lives as long as libc, and
        // that libc writes as one byte.
        unsafe {
            let at = libc::dlsym(libc::RTLD_DEFAULT, c"__libc_single_threaded".as_ptr());
            at.cast::<std::sync::atomic::AtomicU8>().as_ref()
        }
    });
    single.is_none_or(|single| single.load(Ordering::Relaxed) == 0)
}
