// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! A signal to a process and all its descendants: by the kernel where it can, else by the walk of `walk`.

mod walk;

use std::os::fd::{AsRawFd, BorrowedFd};

use self::walk::{of_process, stat, walk};
use super::{cgroup, pid_race};
use crate::proc;
use crate::proc::parse::status::NsIds;
use crate::settings::{SIGNAL_MAX, Scope};
use crate::sys::{self, Errno, Result};
use crate::{leaves, signal};

/// The pidfd of the root, proved to be its own: other threads may take the number while the library reads `/proc`.
pub(crate) type Root<'a> = &'a dyn Fn() -> Result<BorrowedFd<'a>>;

/// How a tree was signalled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TreeMethod {
    /// Each process by its pidfd.
    Walk,
    /// The library killed the init of a pid namespace, and the kernel kills the rest.
    Init,
    /// The kernel kills the cgroup.
    Cgroup,
}

/// The result of a signal to a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KillTree {
    /// The means.
    pub how: TreeMethod,
    /// The number of processes that got the signal: the members of a walk, 1 for an init, 0 for a cgroup that the
    /// kernel kills.
    pub signalled: usize,
    /// The number of processes that the caller may not signal.
    pub refused: usize,
}

/// Signals a process and its descendants; signal 0 counts them. EINVAL: no such signal, a pidfd of a thread, or
/// the init of the caller's own pid namespace. EPERM: the caller may not signal the process itself.
///
/// `built_in`: the process is a built-in init, which forwards signals. The walk sends it only SIGKILL.
pub(crate) fn kill(root: Root<'_>, built_in: bool, signal: i32) -> Result<KillTree> {
    if !(0..=SIGNAL_MAX).contains(&signal) || sys::pidfd::is_thread(root()?) {
        return Err(Errno(libc::EINVAL));
    }
    if signal == libc::SIGKILL {
        if let Some(killed) = kill_leaf(root)? {
            return Ok(killed);
        }
    }
    if signal == libc::SIGKILL && is_init(root()?)? {
        signal::send(root()?, signal, Scope::Process, None)?;
        return Ok(KillTree { how: TreeMethod::Init, signalled: 1, refused: 0 });
    }
    walk(root, signal, built_in)
}

/// SIGKILL to the cgroup that this process has made for the root alone. Its processes count though the root has
/// ended. `None`: there is none.
fn kill_leaf(root: Root<'_>) -> Result<Option<KillTree>> {
    let Some(leaf) = leaves::of(root()?) else { return Ok(None) };
    // An error: the watcher has removed it, or the program has closed its descriptors.
    if !leaf.is_populated().unwrap_or(false) {
        return Ok(None);
    }
    leaf.kill()?;
    // It may have moved to another cgroup.
    match signal::send(root()?, libc::SIGKILL, Scope::Process, None) {
        Ok(()) | Err(Errno(libc::ESRCH)) => {}
        Err(e) => return Err(e),
    }
    Ok(Some(KillTree { how: TreeMethod::Cgroup, signalled: 0, refused: 0 }))
}

/// Sends SIGKILL to the cgroup of a process and to the cgroups below it, by the kernel.
pub(crate) fn kill_cgroup(pidfd: BorrowedFd<'_>) -> Result<KillTree> {
    cgroup::kill(pidfd)?;
    Ok(KillTree { how: TreeMethod::Cgroup, signalled: 0, refused: 0 })
}

/// Sends SIGSTOP or SIGCONT to a process. For a built-in init, a walk sends it to all other processes of the
/// namespace: the init keeps running, since it carries out the close policy and reaps. EPERM: the caller may not
/// signal at least one of them.
pub(crate) fn stop_or_continue(root: Root<'_>, built_in: bool, signal: i32) -> Result<()> {
    if !built_in || pid_race::has_ended(root()?)? {
        return signal::send(root()?, signal, Scope::Process, None);
    }
    match walk(root, signal, true)? {
        KillTree { refused: 0, .. } => Ok(()),
        _ => Err(Errno(libc::EPERM)),
    }
}

/// Whether a process is in a stop. ESRCH: it has ended; EOPNOTSUPP: without a /proc of its pid namespace; EPERM:
/// hidden.
pub(crate) fn is_in_stop(process: BorrowedFd<'_>) -> Result<bool> {
    pid_race::own_proc()?;
    let found = pid_race::by_number(process, |pid| stat(of_process(pid)))?;
    found.map(|stat| stat.state == b'T').ok_or(Errno(libc::EPERM))
}

/// SIGCONT to a process that is stopped. EALREADY: it is not.
pub(crate) fn resume(process: Root<'_>) -> Result<()> {
    // First whether the caller may: that answer does not depend on the state.
    signal::send(process()?, 0, Scope::Process, None)?;
    match is_in_stop(process()?)? {
        true => signal::send(process()?, libc::SIGCONT, Scope::Process, None),
        false => Err(Errno(libc::EALREADY)),
    }
}

/// Whether the process is the init of a pid namespace below the caller's. EINVAL: it is the init of the caller's own.
fn is_init(root: BorrowedFd<'_>) -> Result<bool> {
    let dir = pid_race::directory(root)?;
    match proc::ns_pid(dir.as_raw_fd(), c"status") {
        Some(NsIds { innermost: 1, depth: 1, .. }) => Err(Errno(libc::EINVAL)),
        ids => Ok(ids.is_some_and(|ids| ids.innermost == 1)),
    }
}
