// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The directory of a cgroup (v2), by its name in /proc.

use std::ffi::{CString, OsStr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::parse::{lines, mountinfo, single_value};
use crate::sys::{self, CGROUP2_SUPER_MAGIC, Errno, OwnFd, Result};

/// The path in the cgroup v2 hierarchy, from the root of the caller's cgroup namespace.
pub(crate) fn path_of_cgroup(proc_dir: BorrowedFd<'_>) -> Result<PathBuf> {
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

/// The directory of a path in the hierarchy, by the first mount that shows it.
pub(crate) fn open_cgroup(path: &Path) -> Result<OwnFd> {
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

/// The directory of a cgroup. The path is one in the hierarchy, one below the caller's cgroup, or one in the file
/// system. ENOENT: no such cgroup. EOPNOTSUPP: no mounted cgroup v2.
pub(crate) fn open_cgroup_by_path(path: &Path) -> Result<OwnFd> {
    if !path.is_absolute() {
        let own = super::open(c"self", libc::O_PATH | libc::O_DIRECTORY)?;
        return open_cgroup(&path_of_cgroup(own.as_fd())?.join(path)).map_err(missing);
    }
    open_cgroup(path).or_else(|e| {
        let name = CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno(libc::EINVAL))?;
        match sys::fd::open_at(libc::AT_FDCWD, &name, libc::O_PATH | libc::O_DIRECTORY) {
            Ok(dir) if sys::fs_is(dir.as_fd(), CGROUP2_SUPER_MAGIC) => Ok(dir),
            _ => Err(missing(e)),
        }
    })
}

fn missing(e: Errno) -> Errno {
    if open_cgroup(Path::new("/")).is_ok() { Errno(libc::ENOENT) } else { e }
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
