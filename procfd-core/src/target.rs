// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The process behind a descriptor of any kind.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::contexts::{self, Running};
use crate::kept::Keeper;
use crate::pair::{self, Kind};
use crate::proc::{self, Path, Root, parse::stat::stat};
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

    /// The same after a wait, or after many calls. In a program with threads its number is proved again to be what it
    /// was. EBADF: another thread has closed it.
    pub(crate) fn still(&self) -> Result<BorrowedFd<'_>> {
        match self {
            Self::Own(fd) | Self::OfDir(fd) | Self::Init(fd) => fd.live(),
            Self::Kept(running) if sys::task::has_threads() => running.pidfd.live(),
            _ => self.pidfd(),
        }
    }

    /// Whether it is known to be a built-in init: only a procfd says so.
    pub(crate) fn is_init(&self) -> bool {
        matches!(self, Self::Init(_) | Self::Kept(Running { init: true, .. }))
    }

    /// The keeper of the status of the process that `fd` refers to.
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
    resolve_by(fd, cookie(fd), &AtomicU32::new(0))
}

/// The cookie of a descriptor that may be a procfd of this process. Only a process that has contexts has one to find.
pub(crate) fn cookie(fd: BorrowedFd<'_>) -> Option<u64> {
    if contexts::may_have() { procfd::cookie_of_socket(fd) } else { None }
}

/// The same, where the caller has asked for the [`cookie`]. `guess` is the pid that was last found behind such a number,
/// 0 for none.
pub(crate) fn resolve_by<'a>(
    fd: BorrowedFd<'a>,
    cookie: Option<u64>,
    guess: &AtomicU32,
) -> Result<Target<'a>> {
    match cookie {
        Some(cookie) => {
            if let Some(running) = contexts::started(cookie) {
                return Ok(Target::Kept(running));
            }
        }
        None => match sys::fd::fs_magic(fd) {
            // pidfs (6.9) has nothing but pidfds.
            Ok(PID_FS_MAGIC) => return Ok(Target::Given(fd)),
            Ok(PROC_SUPER_MAGIC) => return from_proc(fd, guess).map(Target::OfDir),
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

/// The process of a directory of /proc, if the file is one now. `guess` is the pid of the last such directory, 0 for
/// none. `None`: resolve it.
pub(crate) fn directory(file: BorrowedFd<'_>, guess: &AtomicU32) -> Option<Target<'static>> {
    let stat = sys::fd::stat(file).ok()?;
    let root = Root::take().ok().filter(|root| is_directory(&stat) && root.has_device(stat.st_dev))?;
    from_own_proc_dir(&root, file, &stat, guess).ok().map(Target::OfDir)
}

/// The pidfd of a file in a /proc. EINVAL: it is no directory of a process.
fn from_proc(file: BorrowedFd<'_>, guess: &AtomicU32) -> Result<OwnFd> {
    let stat = sys::fd::stat(file)?;
    if !is_directory(&stat) {
        return Err(Errno(libc::EINVAL));
    }
    match Root::take() {
        Ok(root) if root.has_device(stat.st_dev) => from_own_proc_dir(&root, file, &stat, guess),
        _ => from_proc_dir(file),
    }
}

fn is_directory(stat: &libc::stat) -> bool {
    stat.st_mode & libc::S_IFMT == libc::S_IFDIR
}

/// The pidfd of a directory on the file system of the proved /proc.
///
/// The open directory holds its inode. The pidfd is opened, and then /proc/PID is found to have the same inode. So the
/// process of the directory is unreaped, and has had the pid since the directory was opened. The kernel may give the
/// number of an inode again after 2^32 others, but not at the same instant: the time of its making is compared, too.
fn from_own_proc_dir(
    root: &Root,
    dir: BorrowedFd<'_>,
    of_dir: &libc::stat,
    guess: &AtomicU32,
) -> Result<OwnFd> {
    let inode = |st: &libc::stat| (st.st_ino, st.st_mtime, st.st_mtime_nsec);
    let is_it = |pid: u32| {
        let now = root.stat(Path::new().number(pid).as_c_str());
        now.is_ok_and(|now| root.has_device(now.st_dev) && inode(&now) == inode(of_dir))
    };
    let opened = |pid: u32| sys::pidfd::open(i32::try_from(pid).ok()?).ok().filter(|_| is_it(pid));
    let known = guess.load(Ordering::Relaxed);
    if let Some(pidfd) = (known != 0).then(|| opened(known)).flatten() {
        return Ok(pidfd);
    }
    let pid = pid_of(dir.as_raw_fd())? as u32;
    match opened(pid) {
        Some(pidfd) => {
            guess.store(pid, Ordering::Relaxed);
            Ok(pidfd)
        }
        // A thread's directory; or the process has gone by now, or has no entry that shows it; or descriptors run out.
        None => from_proc_dir(dir),
    }
}

/// The pidfd of a /proc/PID directory. The library opens the pid that it reads in the directory, and reads the
/// directory again. If it still answers, the pid was not recycled before the open.
fn from_proc_dir(dir: BorrowedFd<'_>) -> Result<OwnFd> {
    let dir = dir.as_raw_fd();
    let pid = pid_of(dir)?;
    if !proc::is_of_own_pid_namespace(dir) {
        // It belongs to another pid namespace, or is gone by now.
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
