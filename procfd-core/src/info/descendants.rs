// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The children and descendants of a process, so that each can be told from a later one of its number.

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd};

use super::convert::Units;
use crate::proc::{self, Path, Proc};
use crate::sys::{self, Errno, PID_FS_MAGIC, Result, vec};
use crate::wait;

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
    let tree = visible_tree(pidfd)?;
    let parent = tree.first().map_or(0, |root| root.pid);
    references(tree.iter().skip(1).filter(|member| member.ppid == parent))
}

/// Its children, their children and so on, parents before children.
pub(crate) fn descendants(pidfd: BorrowedFd<'_>) -> Result<Vec<ProcessRef>> {
    references(visible_tree(pidfd)?.iter().skip(1))
}

fn visible_tree(pidfd: BorrowedFd<'_>) -> Result<Vec<Member>> {
    let tree = with_descendants(pidfd)?;
    match tree.is_empty() {
        // It lives, but hidepid hides it.
        true => Err(Errno(libc::EACCES)),
        false => Ok(tree),
    }
}

fn references<'a>(members: impl Iterator<Item = &'a Member>) -> Result<Vec<ProcessRef>> {
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
        let again = self::member(member.pid);
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

/// A process of a tree. Number and start together name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub pid: u32,
    pub ppid: u32,
    /// Clock ticks since boot.
    pub start: u64,
}

/// The process itself, then its descendants, parents before children. One whose parent ends while
/// this reads has another parent by then, and may be missing. ESRCH: reaped.
pub(crate) fn with_descendants(pidfd: BorrowedFd<'_>) -> Result<Vec<Member>> {
    let root = Proc::new(pidfd, wait::pid(pidfd)? as u32);
    let mut by_parent: HashMap<u32, Vec<Member>> = HashMap::new();
    let mut tree = Vec::new();
    let mut failed = None;
    proc::processes(|pid| {
        if let Some(member) = member(pid) {
            failed = if pid == root.pid() {
                vec::push(&mut tree, member).err()
            } else if let Err(e) = vec::room_in_map(&mut by_parent) {
                Some(e)
            } else {
                vec::push(by_parent.entry(member.ppid).or_default(), member).err()
            };
        }
        failed.is_none()
    })?;
    failed.map_or(Ok(()), Err)?;
    // Not reaped after all was read: the numbers of its children's parent were its own.
    root.check()?;
    let mut next = 0;
    while let Some(&parent) = tree.get(next) {
        let children = by_parent.remove(&parent.pid).unwrap_or_default();
        vec::room(&mut tree, children.len())?;
        // A child is never older than its parent: an older one is of an earlier process of the number.
        tree.extend(children.into_iter().filter(|child| child.start >= parent.start));
        next += 1;
    }
    Ok(tree)
}

/// What /proc says of the number now.
pub(crate) fn member(pid: u32) -> Option<Member> {
    let stat = proc::stat(Path::new().number(pid)).ok()??;
    Some(Member { pid, ppid: stat.ppid, start: stat.start })
}
