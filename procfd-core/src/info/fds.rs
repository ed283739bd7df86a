// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The open descriptors of a process.

use std::ffi::{CString, OsString};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStringExt;

use super::retry::ask;
use super::text::whole;
use crate::proc::parse::fdinfo::{FdInfo, fdinfo};
use crate::proc::{self, Proc};
use crate::sys::query::{self, File};
use crate::sys::{Errno, OwnFd, Result, vec};

/// The file behind a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FdKind {
    /// The kernel did not tell.
    Unknown,
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A pipe or FIFO.
    Pipe,
    /// A socket.
    Socket,
    /// A character device.
    Character,
    /// A block device.
    Block,
    /// A symbolic link (`O_PATH | O_NOFOLLOW`).
    Link,
    /// Something without a name in any file system: an eventfd, an epoll, a pidfd, a namespace.
    Anonymous,
}

/// One open descriptor.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpenFd {
    /// Its number.
    pub fd: i32,
    /// The file that it refers to.
    pub kind: FdKind,
    /// `O_*`, `O_CLOEXEC` included.
    pub flags: u32,
    /// The position in the file.
    pub position: i64,
    /// The inode; 0 where `kind` is unknown, as the two that follow.
    pub inode: u64,
    /// The device of the file system, as makedev(3) has it.
    pub device: u64,
    /// The device that a device file stands for.
    pub rdev: u64,
    /// The path, with " (deleted)" behind it where that is gone; or `pipe:[inode]`, `socket:[inode]`,
    /// `anon_inode:[eventfd]` and the like.
    pub path: OsString,
}

/// How often a number is looked at again that stands for another file by then.
const TRIES: usize = 64;

/// All of them, by number in ascending order.
pub(crate) fn open_fds(pidfd: BorrowedFd<'_>) -> Result<Vec<OpenFd>> {
    let all = ask(pidfd, |process| {
        let mut all = Vec::new();
        let mut failed = None;
        process.numbers_in(c"fd", |number| {
            match descriptor(process, number) {
                Ok(Some(fd)) => failed = vec::push(&mut all, fd).err(),
                Ok(None) => {}
                Err(e) => failed = Some(e),
            }
            failed.is_none()
        })?;
        match failed {
            Some(e) => Err(e),
            None if all.is_empty() => Err(Errno(libc::ENODATA)),
            None => Ok(all),
        }
    })?;
    Ok(all.unwrap_or_default())
}

/// `None`: closed since it was listed.
fn descriptor(process: &Proc<'_>, number: u32) -> Result<Option<OpenFd>> {
    let fd = i32::try_from(number).map_err(|_| Errno(libc::EOVERFLOW))?;
    let name = |dir| CString::new(format!("{dir}/{number}")).map_err(|_| Errno(libc::EINVAL));
    let (entry, info) = (name("fd")?, name("fdinfo")?);
    for _ in 0..TRIES {
        // A hold on what it refers to, which opens nothing.
        let Some(held) = closed(process.open(&entry, libc::O_PATH))? else { return Ok(None) };
        let Some(text) = closed(whole(process, &info))? else { return Ok(None) };
        let info = fdinfo(&text);
        let (of_held, path) = own(&held)?;
        let same = match (info.ino, of_held.ino) {
            (Some(ino), Some(held)) => ino == held && info.mnt_id == of_held.mnt_id,
            // Before 5.14: it refers to the same before and after.
            _ => closed(process.whole_link(&entry))?.as_ref() == Some(&path),
        };
        if same {
            return Ok(of(fd, path, &info, query::file_of(held.as_fd()).ok()));
        }
    }
    Err(Errno(libc::EAGAIN))
}

/// The answer of /proc about a descriptor of the caller.
fn own(fd: &OwnFd) -> Result<(FdInfo, Vec<u8>)> {
    let path = |dir| proc::Path::new().text(dir).number(fd.as_raw_fd() as u32);
    let mut buf = [0; 1024];
    let info = fdinfo(proc::read_small(path(c"thread-self/fdinfo/"), &mut buf)?);
    Ok((info, proc::link(path(c"thread-self/fd/").as_c_str())?))
}

/// A descriptor that is closed meanwhile is none.
fn closed<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(Errno(libc::ENOENT)) => Ok(None),
        Err(e) => Err(e),
    }
}

fn of(fd: i32, path: Vec<u8>, info: &FdInfo, file: Option<File>) -> Option<OpenFd> {
    Some(OpenFd {
        fd,
        kind: file.as_ref().map_or(FdKind::Unknown, |file| kind(file.mode, &path)),
        flags: info.flags?,
        position: info.pos?,
        inode: file.as_ref().map_or(0, |file| file.inode),
        device: file.as_ref().map_or(0, |file| file.device),
        rdev: file.as_ref().map_or(0, |file| file.rdev),
        path: OsString::from_vec(path),
    })
}

fn kind(mode: u32, path: &[u8]) -> FdKind {
    match mode & libc::S_IFMT {
        libc::S_IFIFO => FdKind::Pipe,
        libc::S_IFSOCK => FdKind::Socket,
        libc::S_IFDIR => FdKind::Directory,
        libc::S_IFCHR => FdKind::Character,
        libc::S_IFBLK => FdKind::Block,
        libc::S_IFLNK => FdKind::Link,
        // Namespaces, and with some kernels anon_inodes, are regular files of an internal file system that
        // is never mounted.
        libc::S_IFREG if path.first() == Some(&b'/') => FdKind::File,
        _ => FdKind::Anonymous,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        assert_eq!(kind(libc::S_IFREG | 0o600, b"/memfd:x (deleted)"), FdKind::File);
        assert_eq!(kind(libc::S_IFREG | 0o444, b"mnt:[4026531832]"), FdKind::Anonymous);
        assert_eq!(kind(0o600, b"anon_inode:[eventpoll]"), FdKind::Anonymous);
        assert_eq!(kind(libc::S_IFIFO, b"pipe:[1]"), FdKind::Pipe);
    }
}
