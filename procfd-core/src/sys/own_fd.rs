// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! A descriptor that the library has made, or was given, and closes.
//!
//! Another thread of the program may close the number, and the kernel give it to another file. std's `OwnedFd` then
//! aborts a debug build where the number is free, and closes the other file where it is not. This type does neither: a
//! free number does no harm. In a program with threads it closes the number only after a proof that it is still the
//! file that it was. Without threads no other code runs between the two.
//!
//! The proof takes two calls, after the file is made and before it is closed. So a number that is taken in the instant
//! between two neighbouring calls is not seen. A caller of the library gets std's type.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, OwnedFd, RawFd};

use super::number::{Identity, Number, has_threads};
use super::{Errno, Result, bare};

/// A descriptor with its proof. Dropping it closes it, if it is still the file that it was.
#[derive(Debug)]
pub struct OwnFd {
    number: Number,
    /// `None`: the program has one thread, or a filter of system calls refuses the question. The number is then closed
    /// unproved.
    file: Option<Identity>,
}

impl OwnFd {
    /// Takes a number that the caller owns and gives up.
    pub(super) fn new(number: Number) -> Self {
        Self::of(number, Identity::quick)
    }

    /// The same of a socket that a call has just made.
    pub(super) fn socket(number: Number) -> Self {
        Self::of(number, Identity::of_socket)
    }

    #[inline(never)]
    fn of(number: Number, identity: fn(BorrowedFd<'_>) -> Result<Identity>) -> Self {
        if !has_threads() {
            return Self { number, file: None };
        }
        let file = match identity(number.as_fd()) {
            Err(Errno(libc::EBADF | libc::ENOTSOCK)) => Some(Identity::LOST),
            done => done.ok(),
        };
        Self { number, file }
    }

    /// The cookie of a socket, where it is known.
    pub(crate) fn cookie(&self) -> Option<u64> {
        self.file.and_then(Identity::cookie)
    }

    /// The descriptor, for a call that writes. EBADF: the number is another file's.
    pub fn live(&self) -> Result<BorrowedFd<'_>> {
        if self.is_there() { Ok(self.as_fd()) } else { Err(Errno(libc::EBADF)) }
    }

    /// write(2), if the number is still the file that it was. EBADF.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<()> {
        bare::write(self.live()?.as_raw_fd(), bytes).map(drop)
    }

    /// Whether the number is still the file that it was, as far as it is known.
    fn is_there(&self) -> bool {
        self.file.is_none_or(|file| file.is_still(self.as_fd()))
    }
}

impl Drop for OwnFd {
    // Each place that drops one would have a copy of it.
    #[inline(never)]
    fn drop(&mut self) {
        if self.file.is_none_or(|file| !file.is_gone(self.as_fd())) {
            self.number.close();
        }
    }
}

impl AsFd for OwnFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.number.as_fd()
    }
}

impl AsRawFd for OwnFd {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

impl IntoRawFd for OwnFd {
    fn into_raw_fd(self) -> RawFd {
        let number = self.as_raw_fd();
        std::mem::forget(self);
        number
    }
}

/// For callers of the library.
impl From<OwnedFd> for OwnFd {
    fn from(fd: OwnedFd) -> Self {
        Self::new(Number::keep(fd))
    }
}

#[cfg(test)]
impl From<std::fs::File> for OwnFd {
    fn from(file: std::fs::File) -> Self {
        OwnedFd::from(file).into()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{fd, pidfd, sock, task};
    use super::*;

    fn null() -> OwnFd {
        std::fs::File::open("/dev/null").unwrap().into()
    }

    /// The tests run in a thread each, so each descriptor has a proof.
    #[test]
    fn a_number_that_became_another_file_is_neither_written_nor_closed() {
        let (one, _other) = sock::pair().unwrap();
        let (reader, _writer) = fd::pipe().unwrap();
        for fd in [one, reader, pidfd::open(task::pid()).unwrap(), null()] {
            let number = fd.as_raw_fd();
            // No other test has this file.
            let (reader, _writer) = fd::pipe().unwrap();
            fd::replace_raw(number, reader.as_fd()).unwrap();
            assert_eq!(fd.live().unwrap_err(), Errno(libc::EBADF));
            drop(fd);
            assert!(Identity::of(reader.as_fd()).unwrap().is(fd::borrow(number).unwrap()));
            fd::close_raw(number);
        }
    }

    /// A debug build of std aborts here.
    #[test]
    fn a_number_that_is_free_is_no_matter() {
        let fd = null();
        fd::close_raw(fd.as_raw_fd());
        drop(fd);
    }

    /// The kernel has no attributes of a directory of /proc any more once its process has ended.
    #[test]
    fn a_directory_of_a_process_that_has_ended_is_closed() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let path = std::ffi::CString::new(format!("/proc/{}/fd", child.id())).unwrap();
        let directory = fd::open_at(libc::AT_FDCWD, &path, libc::O_RDONLY | libc::O_DIRECTORY).unwrap();
        assert!(directory.file.is_some(), "in a program with threads there is a proof");
        child.kill().unwrap();
        child.wait().unwrap();
        let number = directory.as_raw_fd();
        let left =
            || std::fs::read_link(format!("/proc/self/fd/{number}")).is_ok_and(|to| to == path_of(&path));
        assert!(left());
        drop(directory);
        assert!(!left(), "{number} is still open");
    }

    fn path_of(path: &std::ffi::CStr) -> std::path::PathBuf {
        path.to_str().unwrap().into()
    }

    #[test]
    fn what_it_was_is_closed() {
        let (reader, writer) = fd::pipe().unwrap();
        assert!(reader.live().is_ok());
        drop(reader);
        assert_eq!(fd::write(writer.as_fd(), b"x"), Err(Errno(libc::EPIPE)));
        let kept = null().into_raw_fd();
        assert!(fd::is_open(kept));
        drop(fd::taken(kept));
    }
}
