// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The process behind a descriptor of any kind.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use crate::contexts::{self, Running};
use crate::kept::Keeper;
use crate::pair::{self, Kind};
use crate::proc::{self, parse::stat::stat};
use crate::procfd::{self, Published};
use crate::sys::{self, Errno, OwnFd, PID_FS_MAGIC, PROC_SUPER_MAGIC, Result};

/// A process by any descriptor that stands for one.
#[derive(Debug)]
pub(crate) enum Target<'a> {
    /// A procfd without a process yet.
    Configuring,
    /// The pidfd out of a procfd.
    Own(OwnFd),
    /// The pidfd of a /proc directory.
    OfDir(OwnFd),
    /// The opener's own.
    Kept(Running),
    /// The pidfd of a built-in init.
    Init(OwnFd),
    /// The pidfd that was given.
    Given(BorrowedFd<'a>),
}

impl Target<'_> {
    /// The pidfd. ESRCH while there is no process.
    pub(crate) fn pidfd(&self) -> Result<BorrowedFd<'_>> {
        match self {
            Self::Configuring => Err(Errno(libc::ESRCH)),
            Self::Own(fd) | Self::OfDir(fd) | Self::Init(fd) => Ok(fd.as_fd()),
            Self::Kept(running) => running.pidfd.get(),
            Self::Given(fd) => Ok(*fd),
        }
    }

    /// Whether it is known to be a built-in init: only a procfd says so.
    pub(crate) fn is_init(&self) -> bool {
        matches!(self, Self::Init(_) | Self::Kept(Running { init: true, .. }))
    }

    /// Who keeps the status of the process, of which `fd` is the descriptor.
    pub(crate) fn keeper<'f>(&self, fd: BorrowedFd<'f>) -> Keeper<'f> {
        match self {
            Self::Kept(running) => Keeper::of_context(&running.context),
            Self::Given(_) | Self::OfDir(_) => Keeper::default(),
            Self::Configuring | Self::Own(_) | Self::Init(_) => Keeper::of(fd),
        }
    }
}

/// Finds the process of a procfd, a pidfd or a /proc/PID directory. EBADF: it is not open. EINVAL: it is none of
/// these. ESRCH: the directory's process has gone.
pub(crate) fn resolve(fd: BorrowedFd<'_>) -> Result<Target<'_>> {
    resolve_by(fd, cookie(fd))
}

/// The cookie of a descriptor that may be a procfd of this process. Only a process that has contexts has one to find.
pub(crate) fn cookie(fd: BorrowedFd<'_>) -> Option<u64> {
    if contexts::may_have() { procfd::cookie_of_socket(fd) } else { None }
}

/// The same, where the caller has asked for the [`cookie`].
pub(crate) fn resolve_by(fd: BorrowedFd<'_>, cookie: Option<u64>) -> Result<Target<'_>> {
    match cookie {
        Some(cookie) => {
            if let Some(running) = contexts::started(cookie) {
                return Ok(Target::Kept(running));
            }
        }
        None => match sys::fd::fs_magic(fd) {
            // pidfs (6.9) has nothing but pidfds.
            Ok(PID_FS_MAGIC) => return Ok(Target::Given(fd)),
            Ok(PROC_SUPER_MAGIC) => return from_proc(fd).map(Target::OfDir),
            _ => {}
        },
    }
    match pair::kind(fd)? {
        Kind::Procfd => return published(fd),
        Kind::Placeholder => return Ok(Target::Configuring),
        Kind::Other => {}
    }
    if sys::pidfd::is_pidfd(fd)? { Ok(Target::Given(fd)) } else { Err(Errno(libc::EINVAL)) }
}

/// The process that a procfd shows, which was received as one: a look is all, and the header of the message tells whether
/// the number is a procfd still. Unlike [`resolve`], this does not prove that the message carries a pidfd: the caller's
/// first call on it does. `None`: resolve it.
pub(crate) fn received(a: BorrowedFd<'_>) -> Option<Target<'static>> {
    match procfd::look::<1>(a) {
        Ok(Published::Started { fds: [Some(pidfd)], init }) => Some(shown(pidfd, init)),
        _ => None,
    }
}

fn shown(pidfd: OwnFd, init: bool) -> Target<'static> {
    if init { Target::Init(pidfd) } else { Target::Own(pidfd) }
}

/// The process that a procfd shows.
fn published(a: BorrowedFd<'_>) -> Result<Target<'_>> {
    Ok(match procfd::look::<1>(a)? {
        Published::Not => Target::Configuring,
        Published::Started { fds: [Some(pidfd)], init } => {
            if !sys::pidfd::is_pidfd(pidfd.as_fd())? {
                return Err(Errno(libc::EINVAL));
            }
            shown(pidfd, init)
        }
        Published::Started { fds: [None], .. } => return Err(Errno(libc::EMFILE)),
    })
}

/// The pidfd of a file in a /proc. EINVAL: it is no directory of a process.
fn from_proc(file: BorrowedFd<'_>) -> Result<OwnFd> {
    let (mode, _) = sys::fd::mode_and_inode(file)?;
    if mode & libc::S_IFMT == libc::S_IFDIR { from_proc_dir(file) } else { Err(Errno(libc::EINVAL)) }
}

/// The pidfd of a /proc/PID directory. The library opens the pid that it reads in the directory, and reads the
/// directory again. If it still answers, the pid was not recycled before the open.
fn from_proc_dir(dir: BorrowedFd<'_>) -> Result<OwnFd> {
    let dir = dir.as_raw_fd();
    let pid = pid_of(dir)?;
    if !proc::is_of_own_pid_namespace(dir) {
        // Of another pid namespace, or gone by now.
        return Err(pid_of(dir).err().unwrap_or(Errno(libc::EINVAL)));
    }
    let pidfd = match sys::pidfd::open(pid) {
        // A thread's directory.
        Err(Errno(libc::ENOENT)) => Err(Errno(libc::EINVAL)),
        done => done,
    }?;
    pid_of(dir)?;
    Ok(pidfd)
}

/// The pid that a /proc/PID directory's `stat` begins with. ENOENT there means another directory.
fn pid_of(dir: RawFd) -> Result<i32> {
    let mut buf = [0u8; 2048];
    let len = match sys::fd::read_small(dir, c"stat", &mut buf) {
        Err(Errno(libc::ENOENT)) => Err(Errno(libc::EINVAL)),
        done => done,
    }?;
    buf.get(..len).and_then(stat).map(|stat| stat.pid as i32).ok_or(Errno(libc::EINVAL))
}
