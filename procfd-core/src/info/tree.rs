// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Who descends from whom, by what each process says of its parent.

use std::collections::HashMap;
use std::os::fd::BorrowedFd;

use super::proc::{self, Path, Proc};
use crate::sys::{Result, vec};
use crate::wait;

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
