// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The files of one process in /proc, proved to belong to it.
//!
//! | room | holds |
//! |---|---|
//! | `process`, `path` | the files of one process |
//! | `parse` | what those files say |
//! | `namespace` | the pid namespace of a /proc and of a process |
//! | `cgroup` | the directory of a cgroup by its name |
//!
//! A pidfd pins the process, not its pid. The library still opens files by the pid, because this is cheapest.
//! Before an answer counts, [`Proc::check`] asks the pidfd whether the process is still unreaped. If it is, the
//! pid was not recycled in between.
//!
//! The pids of a /proc are those of the pid namespace it was mounted for. The library keeps one descriptor of a
//! /proc that it has proved to belong to the caller's own namespace.

mod cgroup;
mod namespace;
pub(crate) mod parse;
mod path;
mod process;

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::{Arc, Mutex};

use crate::forks::{self, Private};
use crate::sys::per_process::PerProcess;
use crate::sys::{self, Errno, OwnFd, PROC_SUPER_MAGIC, Result, vec};

pub(crate) use cgroup::{open_cgroup, open_cgroup_by_path, path_of_cgroup};
pub(crate) use namespace::{
    is_namespace_init, is_of_own_pid_namespace, is_proc_of_own_pid_namespace, is_proc_root, ns_pid,
};
pub(crate) use path::Path;
pub(crate) use process::Proc;

/// The kept descriptor of /proc.
static ROOT: PerProcess<Mutex<Option<Arc<Private>>>> = PerProcess::new();

/// The /proc of the caller's own pid namespace. EREMOTE: /proc belongs to another one. ENOENT and others: there is none.
///
/// It is kept. Where the program has closed its number, and where the lock is contended, it is opened anew: no call
/// waits here, so that a signal handler may ask.
fn root() -> Result<Arc<Private>> {
    let kept = ROOT.get(forks::generation());
    let known = kept.try_lock().ok().and_then(|kept| kept.clone());
    if let Some(root) = known.filter(|root| root.live().is_ok()) {
        return Ok(root);
    }
    let opened = Private::new(|| {
        let fd = sys::fd::open_at(libc::AT_FDCWD, c"/proc", libc::O_PATH | libc::O_DIRECTORY)?;
        match sys::fs_is(fd.as_fd(), PROC_SUPER_MAGIC) {
            true => Ok(fd),
            false => Err(Errno(libc::ENOENT)),
        }
    })?;
    if !is_proc_of_own_pid_namespace(opened.as_fd()) {
        return Err(Errno(libc::EREMOTE));
    }
    let opened = Arc::new(opened);
    if let Ok(mut kept) = kept.try_lock() {
        *kept = Some(Arc::clone(&opened));
    }
    Ok(opened)
}

/// Whether an errno is about the caller's own resources, and says nothing about the process.
pub(crate) fn is_shortage(e: Errno) -> bool {
    matches!(e, Errno(libc::EMFILE | libc::ENFILE | libc::ENOMEM))
}

/// Whether there is a usable /proc. EREMOTE: it belongs to another pid namespace. ENOENT and others: there is none.
pub(crate) fn is_there() -> Result<()> {
    root().map(drop)
}

/// All pids that /proc lists, in ascending order.
pub(crate) fn processes(each: impl FnMut(u32) -> bool) -> Result<()> {
    let dir = open(c".", libc::O_RDONLY | libc::O_DIRECTORY)?;
    sys::dir::numbers_in(dir.as_fd(), each)
}

/// Opens a path below /proc.
pub(crate) fn open(path: &CStr, flags: i32) -> Result<OwnFd> {
    let dir = root()?;
    sys::fd::open_at(dir.as_fd().as_raw_fd(), path, flags)
}

/// The same as one of the library's own descriptors. The root comes first: to make it takes the lock of the list.
pub(crate) fn open_private(path: &CStr, flags: i32) -> Result<Private> {
    let dir = root()?;
    Private::new(|| sys::fd::open_at(dir.as_fd().as_raw_fd(), path, flags))
}

/// The whole target of a link below /proc.
pub(crate) fn link(path: &CStr) -> Result<Vec<u8>> {
    let (mut buf, mut room) = (Vec::new(), 4096);
    loop {
        vec::lengthen(&mut buf, room)?;
        let len = sys::fd::readlink_at(root()?.as_fd(), path, &mut buf)?;
        if len < buf.len() {
            buf.truncate(len);
            return Ok(buf);
        }
        if len >= 1 << 20 {
            return Err(Errno(libc::ENAMETOOLONG));
        }
        room *= 4;
    }
}

/// The `stat` in the directory of a process or thread. `None`: the text has not the expected form.
pub(crate) fn stat(dir: Path) -> Result<Option<parse::stat::Stat>> {
    read_small(dir.text(c"/stat"), &mut [0; 2048]).map(parse::stat::stat)
}

/// Reads a file below /proc into a buffer, and drops what does not fit.
pub(crate) fn read_small(path: Path, buf: &mut [u8]) -> Result<&[u8]> {
    let file = open(path.as_c_str(), libc::O_RDONLY)?;
    let len = sys::fd::read_once(file.as_fd(), buf)?;
    Ok(buf.get(..len).unwrap_or_default())
}

fn read(path: Path, out: &mut Vec<u8>) -> Result<()> {
    out.clear();
    let file = open(path.as_c_str(), libc::O_RDONLY)?;
    sys::fd::read_all(file.as_fd(), out)
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

    #[test]
    fn a_kept_descriptor_that_was_closed_by_its_number() {
        let number = root().unwrap().as_fd().as_raw_fd();
        let null = std::fs::File::open("/dev/null").unwrap();
        sys::fd::replace_raw(number, null.as_fd()).unwrap();
        let mut own_found = false;
        processes(|pid| {
            own_found |= pid == std::process::id();
            true
        })
        .unwrap();
        assert!(own_found);
        sys::fd::close_raw(number);
    }
}
