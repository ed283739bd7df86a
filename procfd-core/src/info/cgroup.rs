// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The processes of a cgroup (cgroup v2).

use std::collections::HashSet;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use crate::proc::parse::{lines, unsigned};
use crate::sys::{self, OwnFd, Result, vec};

pub(crate) struct Members {
    /// Their numbers in the caller's pid namespace, ascending.
    pub pids: Vec<u32>,
    /// The inodes of the cgroups asked.
    pub ids: HashSet<u64>,
}

/// The members of a cgroup, and of those beneath it.
pub(crate) fn members(dir: BorrowedFd<'_>, below: bool) -> Result<Members> {
    let mut found = Members { pids: Vec::new(), ids: HashSet::new() };
    add(&mut found, dir)?;
    if below {
        let mut dirs = beneath(dir);
        while let Some(dir) = dirs.pop() {
            // One that is removed meanwhile has no members.
            let _ = add(&mut found, dir.as_fd());
            dirs.extend(beneath(dir.as_fd()));
        }
    }
    found.pids.sort_unstable();
    found.pids.dedup();
    Ok(found)
}

fn add(found: &mut Members, dir: BorrowedFd<'_>) -> Result<()> {
    let file = sys::fd::open_at(dir.as_raw_fd(), c"cgroup.procs", libc::O_RDONLY)?;
    let mut text = Vec::new();
    sys::fd::read_all(file.as_fd(), &mut text)?;
    found.ids.insert(sys::fd::mode_and_inode(dir)?.1);
    // 0 stands for one that the caller's pid namespace does not have.
    for pid in lines(&text).filter_map(unsigned::<u32>).filter(|&pid| pid != 0) {
        vec::push(&mut found.pids, pid)?;
    }
    Ok(())
}

fn beneath(dir: BorrowedFd<'_>) -> Vec<OwnFd> {
    let mut found = Vec::new();
    // The directory's own offset stays where it is.
    let Ok(list) = sys::fd::open_at(dir.as_raw_fd(), c".", libc::O_RDONLY | libc::O_DIRECTORY) else {
        return found;
    };
    let _ = sys::dir::directories_in(list.as_fd(), |name| {
        found.extend(sys::fd::open_at(dir.as_raw_fd(), name, libc::O_RDONLY | libc::O_DIRECTORY).ok());
    });
    found
}
