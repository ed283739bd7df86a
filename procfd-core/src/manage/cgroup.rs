// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The cgroup directory of a process, and cgroup.kill.
//!
//! The library finds the directory by name. The name alone is no proof, since the process may be moved between the
//! look and the use. Since Linux 6.13 the pidfd tells the cgroup's id, which is the inode of the directory. On older
//! kernels the name must be the same before and after.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use super::pid_race;
use crate::proc;
use crate::sys::{self, Errno, PIDFD_INFO_CGROUPID, Result};

/// Has the kernel kill all processes in the cgroup of the process and below (cgroup.kill, 5.14). EBUSY: the caller
/// is one of them. EACCES: the cgroup does not belong to the caller. EOPNOTSUPP: there is no cgroup v2 in sight, or
/// none with that file. EAGAIN: the process is moved again and again.
pub(crate) fn kill(pidfd: BorrowedFd<'_>) -> Result<()> {
    pid_race::running(pidfd)?;
    let proc_dir = pid_race::directory(pidfd)?;
    let path = proc::path_of_cgroup(proc_dir.as_fd())?;
    let own = proc::open(c"self", libc::O_PATH | libc::O_DIRECTORY)?;
    if proc::path_of_cgroup(own.as_fd())?.starts_with(&path) {
        return Err(Errno(libc::EBUSY));
    }
    let dir = proc::open_cgroup(&path)?;
    let file = match sys::fd::open_at(dir.as_raw_fd(), c"cgroup.kill", libc::O_WRONLY) {
        Err(Errno(libc::ENOENT)) => Err(Errno(libc::EOPNOTSUPP)),
        opened => opened,
    }?;
    let is_its = match sys::pidfd::get_info(pidfd, PIDFD_INFO_CGROUPID) {
        Ok(info) if info.mask & PIDFD_INFO_CGROUPID != 0 => {
            sys::fd::mode_and_inode(dir.as_fd())?.1 == info.cgroupid
        }
        _ => proc::path_of_cgroup(proc_dir.as_fd())? == path,
    };
    if !is_its {
        pid_race::running(pidfd)?;
        return Err(Errno(libc::EAGAIN));
    }
    file.write(b"1")
}
