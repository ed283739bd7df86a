// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The children and descendants of a process, so that each can be told from a later one of its number.

use std::os::fd::{AsFd, BorrowedFd};

use super::fill::Units;
use super::proc::Proc;
use super::tree::{self, Member};
use crate::sys::{self, Errno, PID_FS_MAGIC, Result, vec};

/// A process by its number, with what tells it from others that have had the number or will.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProcessRef {
    /// Its id in the caller's pid namespace.
    pub pid: u32,
    /// Its parent's.
    pub ppid: u32,
    /// When it started, since boot, of 10 ms grain.
    pub start_boot_ns: u64,
    /// The pidfs inode, which no other process has until reboot (6.9).
    pub inode: Option<u64>,
}

/// The processes whose parent it is.
pub(crate) fn children(pidfd: BorrowedFd<'_>) -> Result<Vec<ProcessRef>> {
    let tree = tree(pidfd)?;
    let parent = tree.first().map_or(0, |root| root.pid);
    of(tree.iter().skip(1).filter(|member| member.ppid == parent))
}

/// Its children, their children and so on, parents before children.
pub(crate) fn descendants(pidfd: BorrowedFd<'_>) -> Result<Vec<ProcessRef>> {
    of(tree(pidfd)?.iter().skip(1))
}

fn tree(pidfd: BorrowedFd<'_>) -> Result<Vec<Member>> {
    let tree = tree::with_descendants(pidfd)?;
    match tree.is_empty() {
        // It lives, but hidepid hides it.
        true => Err(Errno(libc::EACCES)),
        false => Ok(tree),
    }
}

fn of<'a>(members: impl Iterator<Item = &'a Member>) -> Result<Vec<ProcessRef>> {
    let units = Units::new();
    let mut out = Vec::new();
    for member in members {
        let pidfd = match sys::pidfd::open(member.pid as i32) {
            Ok(pidfd) => pidfd,
            // Reaped since; or the number is a thread's by now.
            Err(Errno(libc::ESRCH | libc::EINVAL | libc::ENOENT)) => continue,
            Err(e) => return Err(e),
        };
        // Of this pidfd's process, if that is not reaped after; and of the one that was seen, if it started
        // at the same time.
        let again = tree::member(member.pid);
        let same = again.is_some_and(|again| again.start == member.start);
        if !same || Proc::new(pidfd.as_fd(), member.pid).check().is_err() {
            continue;
        }
        let inode = match sys::fs_is(pidfd.as_fd(), PID_FS_MAGIC) {
            true => Some(sys::fd::mode_and_inode(pidfd.as_fd())?.1),
            false => None,
        };
        let start_boot_ns = units.ns(member.start);
        vec::push(&mut out, ProcessRef { pid: member.pid, ppid: member.ppid, start_boot_ns, inode })?;
    }
    Ok(out)
}
