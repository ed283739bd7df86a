// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! What a descriptor number stands for, to be seen again: a program closes numbers that are not its own, and the
//! kernel gives them away again.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use super::{Errno, Result, fd, pidfd};

pub(crate) use super::number::Identity;

/// The device of a pidfd before pidfs.
const PROCESS: u64 = u64::MAX - 1;
/// The process of a pidfd has been reaped: `fdinfo` does not tell which it was.
const REAPED: u64 = u64::MAX;

impl Identity {
    pub(crate) fn of(file: BorrowedFd<'_>) -> Result<Self> {
        let stat = fd::stat(file)?;
        if stat.st_mode & libc::S_IFMT == libc::S_IFSOCK {
            return Self::of_socket(file);
        }
        if stat.st_mode & libc::S_IFMT == 0 && !pidfd::has_own_inode() && pidfd::is_pidfd(file)? {
            return Ok(Self { device: PROCESS, number: process(file).unwrap_or(REAPED) });
        }
        Ok(Self { device: stat.st_dev, number: stat.st_ino })
    }

    /// The device of its file system. `None`: it is known otherwise.
    pub(crate) fn device(self) -> Option<u64> {
        (self.device < PROCESS).then_some(self.device)
    }

    /// Whether `file` is that file.
    pub(crate) fn is(self, file: BorrowedFd<'_>) -> bool {
        match self.device {
            PROCESS => Self::of(file).is_ok_and(|now| {
                now.device == PROCESS && (now.number == self.number || now.number == REAPED)
            }),
            _ => self.is_still(file),
        }
    }
}

/// The pid that `fdinfo` shows of a pidfd.
fn process(file: BorrowedFd<'_>) -> Option<u64> {
    let path = format!("/proc/thread-self/fdinfo/{}\0", file.as_raw_fd());
    let path = std::ffi::CStr::from_bytes_with_nul(path.as_bytes()).ok()?;
    let mut text = [0u8; 512];
    let file = fd::open_at(libc::AT_FDCWD, path, libc::O_RDONLY).ok()?;
    let len = fd::read_once(file.as_fd(), &mut text).ok()?;
    let text = std::str::from_utf8(text.get(..len)?).ok()?;
    let pid = text.lines().find_map(|line| line.strip_prefix("Pid:"))?;
    pid.trim().parse().ok()
}

/// EBADF unless `file` is that file.
pub(crate) fn proved(identity: Identity, file: BorrowedFd<'_>) -> Result<BorrowedFd<'_>> {
    if identity.is(file) { Ok(file) } else { Err(Errno(libc::EBADF)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::{OwnFd, sock};

    fn same(one: &OwnFd, other: &OwnFd) -> bool {
        Identity::of(one.as_fd()).unwrap().is(other.as_fd())
    }

    #[test]
    fn files_of_all_kinds_are_told_apart() {
        let (a, b) = sock::pair().unwrap();
        let own = pidfd::open(super::super::task::pid()).unwrap();
        let child = std::process::Command::new("true").spawn().unwrap();
        let other = pidfd::open(child.id() as i32).unwrap();
        let file: OwnFd = std::fs::File::open("/proc/self/exe").unwrap().into();
        let null: OwnFd = std::fs::File::open("/dev/null").unwrap().into();
        let all = [a, b, own, other, file, null];
        for (i, one) in all.iter().enumerate() {
            assert!(same(one, &fd::dup_cloexec(one.as_fd()).unwrap()), "{i}");
            for (j, other) in all.iter().enumerate() {
                assert_eq!(same(one, other), i == j, "{i} {j}");
            }
        }
        let mut child = child;
        child.wait().unwrap();
    }
}
