// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The files of one process in /proc, proved to belong to it.
//!
//! | room | holds |
//! |---|---|
//! | `process`, `path` | the files of one process |
//! | `root` | the kept descriptor of /proc, and its proof |
//! | `parse` | what those files say |
//! | `namespace` | the pid namespace of a /proc and of a process |
//! | `cgroup` | the directory of a cgroup by its name |
//!
//! A pidfd pins the process, not its pid. The library still opens files by the pid, because this is cheapest.
//! Before an answer counts, [`Proc::check`] asks the pidfd whether the process is still unreaped. If it is, the
//! pid was not recycled in between.
//!
//! Files that were opened one inside the other need no pidfd ([`of_number`](crate::info)): the first is still read after
//! the others were opened, so its process had the pid all the time.
//!
//! The pids of a /proc are those of the pid namespace it was mounted for. The library keeps one descriptor of a
//! /proc that it has proved to belong to the caller's own namespace.

mod cgroup;
mod namespace;
pub(crate) mod parse;
mod path;
mod process;
mod root;

use std::ffi::CStr;
use std::os::fd::AsFd;

use crate::sys::{self, Errno, OwnFd, Result};

pub(crate) use cgroup::{open_cgroup, open_cgroup_by_path, path_of_cgroup};
pub(crate) use namespace::{
    is_namespace_init, is_of_own_pid_namespace, is_proc_of_own_pid_namespace, is_proc_root, ns_pid,
};
pub(crate) use path::Path;
pub(crate) use process::Proc;
pub(crate) use root::Root;

/// Whether an errno is about the caller's own resources, and says nothing about the process.
pub(crate) fn is_shortage(e: Errno) -> bool {
    matches!(e, Errno(libc::EMFILE | libc::ENFILE | libc::ENOMEM))
}

/// Whether there is a usable /proc. EREMOTE: it belongs to another pid namespace. ENOENT and others: there is none.
pub(crate) fn is_there() -> Result<()> {
    Root::take().map(drop)
}

/// All pids that /proc lists, in ascending order.
pub(crate) fn processes(each: impl FnMut(u32) -> bool) -> Result<()> {
    let dir = open(c".", libc::O_RDONLY | libc::O_DIRECTORY)?;
    sys::dir::numbers_in(dir.as_fd(), each)
}

/// Opens a path below /proc.
pub(crate) fn open(path: &CStr, flags: i32) -> Result<OwnFd> {
    Root::take()?.open(path, flags)
}

/// The whole target of a link below /proc.
pub(crate) fn link(path: &CStr) -> Result<Vec<u8>> {
    Root::take()?.whole_link(path)
}

/// The `stat` in the directory of a process or thread. `None`: the text has not the expected form.
pub(crate) fn stat(dir: Path) -> Result<Option<parse::stat::Stat>> {
    read_small(dir.text(c"/stat"), &mut [0; 2048]).map(parse::stat::stat)
}

/// Reads a file below /proc into a buffer, and drops what does not fit.
pub(crate) fn read_small(path: Path, buf: &mut [u8]) -> Result<&[u8]> {
    Root::take()?.read_small(&path, buf)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caller_in_proc() {
        let own = sys::pidfd::open(sys::task::pid()).unwrap();
        let process = Proc::new(own.as_fd(), std::process::id());
        let mut text = Vec::new();
        process.read(c"status", &mut text).unwrap();
        assert!(text.starts_with(b"Name:"));
        let mut short = [0; 64];
        assert!(
            process
                .read_small(c"stat", &mut short)
                .unwrap()
                .starts_with(std::process::id().to_string().as_bytes())
        );
        let mut seen = false;
        process
            .numbers_in(c"task", |tid| {
                seen |= tid == std::process::id();
                true
            })
            .unwrap();
        assert!(seen);
        assert_eq!(process.check(), Ok(()));
        let mut own_found = false;
        processes(|pid| {
            own_found |= pid == std::process::id();
            true
        })
        .unwrap();
        assert!(own_found);
    }
}
