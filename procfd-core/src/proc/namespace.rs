// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The pid namespace of a /proc, and of a process.

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use super::parse::status::{NsIds, status};
use super::{Path, is_shortage, open};
use crate::sys::{self, OwnFd, PROC_ROOT_INO, PROC_SUPER_MAGIC, Result};

/// Whether a descriptor is the root directory of a procfs. EBADF.
pub(crate) fn is_proc_root(fd: BorrowedFd<'_>) -> Result<bool> {
    let (mode, inode) = sys::fd::mode_and_inode(fd)?;
    Ok(inode == PROC_ROOT_INO && mode & libc::S_IFMT == libc::S_IFDIR && sys::fs_is(fd, PROC_SUPER_MAGIC))
}

/// Whether the /proc of this directory has the pids of the caller's pid namespace. If so, the caller has one pid
/// there: `NSpid` lists one pid for each namespace from the mount's inwards.
///
/// A bind mount can put the directory of one /proc into another. So the file must be on the file system of the
/// directory, and so must the root between them; and the caller must be the process that the file names.
pub(crate) fn is_of_own_pid_namespace(dir: RawFd) -> bool {
    let own = || {
        let dir = sys::fd::borrow(dir).ok()?;
        let device = sys::fd::device(dir).ok()?;
        let root = sys::fd::open_at(dir.as_raw_fd(), c"..", libc::O_PATH | libc::O_DIRECTORY).ok()?;
        let file = sys::fd::open_at(root.as_raw_fd(), c"self/status", libc::O_RDONLY).ok()?;
        let same = |fd: &OwnFd| sys::fd::device(fd.as_fd()) == Ok(device);
        let own = is_proc_root(root.as_fd()) == Ok(true) && same(&root) && same(&file);
        ns_pid_in(&file).filter(|ids| own && ids.depth == 1 && ids.innermost == sys::task::pid() as u32)
    };
    own().is_some()
}

/// The same for /proc itself. EMFILE, ENFILE, ENOMEM.
pub(crate) fn is_proc_of_own_pid_namespace(proc: BorrowedFd<'_>) -> Result<bool> {
    let ids = ids_in(sys::fd::open_at(proc.as_raw_fd(), c"self/status", libc::O_RDONLY))?;
    Ok(ids.is_some_and(|ids| ids.depth == 1))
}

/// Whether a process is the init of a pid namespace inside the caller's. A /proc that cannot be asked, or that
/// belongs to another pid namespace, counts as yes. EMFILE, ENFILE, ENOMEM.
pub(crate) fn is_namespace_init(pid: i32) -> Result<bool> {
    let path = Path::new().number(pid as u32).text(c"/status");
    Ok(ids_in(open(path.as_c_str(), libc::O_RDONLY))?.is_none_or(|ids| ids.innermost == 1))
}

/// `None`: the file could not be opened, and neither descriptors nor memory have run out.
fn ids_in(file: Result<OwnFd>) -> Result<Option<NsIds>> {
    match file {
        Err(e) if is_shortage(e) => Err(e),
        opened => Ok(opened.ok().and_then(|file| ns_pid_in(&file))),
    }
}

/// The line `NSpid` of a status file (4.1). The line `Groups` before it may list 65,536 groups.
pub(crate) fn ns_pid(dir: RawFd, path: &CStr) -> Option<NsIds> {
    ns_pid_in(&sys::fd::open_at(dir, path, libc::O_RDONLY).ok()?)
}

fn ns_pid_in(file: &OwnFd) -> Option<NsIds> {
    let mut text = Vec::new();
    sys::fd::read_all(file.as_fd(), &mut text).ok()?;
    status(&text).ns_pid
}
