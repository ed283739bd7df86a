// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The cgroup of a process, as a directory, and its end.
//!
//! The directory is found by name, and by name alone it could be another's: a process may be moved between
//! the look and the use. The kernel tells the number of a process's cgroup by its pidfd (6.13), which is
//! the inode of the directory; before, the name has to be the same before and after.

use std::ffi::{CString, OsStr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::pid_race;
use crate::info::parse::{lines, mountinfo, single_value};
use crate::info::proc;
use crate::sys::{self, CGROUP2_SUPER_MAGIC, Errno, PIDFD_INFO_CGROUPID, Result};

/// Has the kernel kill all in the cgroup of the process and below (cgroup.kill, 5.14). EBUSY: the caller
/// is one of them; EACCES: the cgroup is not the caller's; EOPNOTSUPP: no cgroup v2 in sight, or none with
/// that file; EAGAIN: the process is moved again and again.
pub(crate) fn kill(pidfd: BorrowedFd<'_>) -> Result<()> {
    pid_race::running(pidfd)?;
    let proc_dir = pid_race::directory(pidfd)?;
    let path = path_of(proc_dir.as_fd())?;
    let own = proc::open(c"self", libc::O_PATH | libc::O_DIRECTORY)?;
    if path_of(own.as_fd())?.starts_with(&path) {
        return Err(Errno(libc::EBUSY));
    }
    let dir = open(&path)?;
    let file = match sys::fd::open_at(dir.as_raw_fd(), c"cgroup.kill", libc::O_WRONLY) {
        Err(Errno(libc::ENOENT)) => Err(Errno(libc::EOPNOTSUPP)),
        opened => opened,
    }?;
    let is_its = match sys::pidfd::get_info(pidfd, PIDFD_INFO_CGROUPID) {
        Ok(info) if info.mask & PIDFD_INFO_CGROUPID != 0 => {
            sys::fd::mode_and_inode(dir.as_fd())?.1 == info.cgroupid
        }
        _ => path_of(proc_dir.as_fd())? == path,
    };
    if !is_its {
        pid_race::running(pidfd)?;
        return Err(Errno(libc::EAGAIN));
    }
    sys::fd::write(file.as_fd(), b"1").map(drop)
}

/// The path in the cgroup v2 hierarchy, from the root that the caller's cgroup namespace has.
pub(super) fn path_of(proc_dir: BorrowedFd<'_>) -> Result<PathBuf> {
    let mut buf = vec![0u8; 16 * 1024];
    let len = sys::fd::read_small(proc_dir.as_raw_fd(), c"cgroup", &mut buf)
        .map_err(|e| if e.0 == libc::ENOENT { Errno(libc::ESRCH) } else { e })?;
    below_own_root(buf.get(..len).unwrap_or_default()).ok_or(Errno(libc::EOPNOTSUPP))
}

/// Above the root of the caller's cgroup namespace there is nothing to open.
fn below_own_root(cgroup: &[u8]) -> Option<PathBuf> {
    let path = Path::new(OsStr::from_bytes(single_value::cgroup(cgroup, true)?.path));
    (path.is_absolute() && !path.starts_with("/..")).then(|| path.to_owned())
}

/// The directory of a path in the hierarchy, by whichever mount shows it.
pub(super) fn open(path: &Path) -> Result<OwnedFd> {
    let mut mounts = Vec::new();
    let file = sys::fd::open_at(libc::AT_FDCWD, c"/proc/self/mountinfo", libc::O_RDONLY)?;
    sys::fd::read_all(file.as_fd(), &mut mounts)?;
    for (root, point) in lines(&mounts).filter_map(mountinfo::cgroup2) {
        let Ok(below) = path.strip_prefix(&root) else { continue };
        let Ok(name) = CString::new(point.join(below).into_os_string().as_bytes()) else { continue };
        match sys::fd::open_at(libc::AT_FDCWD, &name, libc::O_PATH | libc::O_DIRECTORY) {
            Ok(dir) if sys::fs_is(dir.as_fd(), CGROUP2_SUPER_MAGIC) => return Ok(dir),
            _ => {}
        }
    }
    Err(Errno(libc::EOPNOTSUPP))
}

/// The directory of a cgroup: by its path in the hierarchy, one below the caller's, or one of the file system.
/// ENOENT: no such cgroup; EOPNOTSUPP: no cgroup v2 in sight.
pub(crate) fn open_by_path(path: &Path) -> Result<OwnedFd> {
    if !path.is_absolute() {
        let own = proc::open(c"self", libc::O_PATH | libc::O_DIRECTORY)?;
        return open(&path_of(own.as_fd())?.join(path)).map_err(missing);
    }
    open(path).or_else(|e| {
        let name = CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno(libc::EINVAL))?;
        match sys::fd::open_at(libc::AT_FDCWD, &name, libc::O_PATH | libc::O_DIRECTORY) {
            Ok(dir) if sys::fs_is(dir.as_fd(), CGROUP2_SUPER_MAGIC) => Ok(dir),
            _ => Err(missing(e)),
        }
    })
}

fn missing(e: Errno) -> Errno {
    if open(Path::new("/")).is_ok() { Errno(libc::ENOENT) } else { e }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_opened() {
        assert_eq!(below_own_root(b"4:memory:/a\n0::/b c/d\n"), Some(PathBuf::from("/b c/d")));
        assert_eq!(below_own_root(b"4:memory:/a\n"), None);
        assert_eq!(below_own_root(b"0::/../x\n"), None);
        assert_eq!(below_own_root(b"0::/..x\n"), Some(PathBuf::from("/..x")));
    }
}
