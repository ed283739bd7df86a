// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Enters the namespaces of a process, and moves a process into a cgroup.

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use super::pid_race;
use crate::proc::Proc;
use crate::settings::Namespaces;
use crate::sys::{self, CGROUP2_SUPER_MAGIC, Errno, OwnFd, Result};

/// The order in which they are joined one by one. The user namespace comes first: it gives the right to join the others.
const FILES: [(Namespaces, &CStr); 8] = [
    (Namespaces::USER, c"ns/user"),
    (Namespaces::CGROUP, c"ns/cgroup"),
    (Namespaces::IPC, c"ns/ipc"),
    (Namespaces::UTS, c"ns/uts"),
    (Namespaces::NET, c"ns/net"),
    (Namespaces::PID, c"ns/pid"),
    (Namespaces::TIME, c"ns/time"),
    (Namespaces::MOUNT, c"ns/mnt"),
];

/// Moves the calling thread into namespaces of the process. EINVAL: there is none to join, your process has several
/// threads (user, time), or it shares its directories with another process (mount).
pub(crate) fn enter(pidfd: BorrowedFd<'_>, namespaces: Namespaces) -> Result<()> {
    if namespaces.is_empty() {
        return Err(Errno(libc::EINVAL));
    }
    if pid_race::has_ended(pidfd)? {
        return Err(Errno(libc::ESRCH));
    }
    let entered = match sys::manage::set_namespaces(pidfd, namespaces.bits()) {
        Err(Errno(libc::EINVAL)) if !takes_pidfds() => enter_by_files(pidfd, namespaces),
        done => done,
    };
    if namespaces.contains(Namespaces::USER) {
        sys::task::forget_user_namespace();
    }
    entered
}

/// Whether setns(2) knows pidfds (5.8). With the caller's own pidfd it does nothing, or returns EPERM.
fn takes_pidfds() -> bool {
    let own = (Namespaces::UTS | Namespaces::NET).bits();
    let refused = Err(Errno(libc::EINVAL));
    sys::pidfd::open(sys::task::pid())
        .is_ok_and(|pidfd| sys::manage::set_namespaces(pidfd.as_fd(), own) != refused)
}

/// The time limit of [`await_time_namespace`], in CLOCK_MONOTONIC.
const ENTERING_NS: u64 = 2_000_000_000;

/// Waits until a child that executes is in its new time namespace. execve(2) gives the creator's memory back, which
/// ends the wait of vfork(2), some instants before it enters that namespace. Where /proc does not tell, this
/// returns at once.
pub(crate) fn await_time_namespace(pidfd: BorrowedFd<'_>, pid: i32) {
    let process = Proc::new(pidfd, pid as u32);
    let end = sys::fd::monotonic_ns().saturating_add(ENTERING_NS);
    for tried in 0.. {
        let (mut now, mut new) = ([0; 64], [0; 64]);
        match (process.link(c"ns/time", &mut now), process.link(c"ns/time_for_children", &mut new)) {
            (Ok(now), Ok(new)) if now != new && sys::fd::monotonic_ns() < end => sys::task::pause(tried),
            _ => return,
        }
    }
}

/// The way before 5.8: one by one. The namespaces joined before a failure stay joined.
pub(super) fn enter_by_files(pidfd: BorrowedFd<'_>, namespaces: Namespaces) -> Result<()> {
    let dir = pid_race::directory(pidfd)?;
    let mut files: Vec<(OwnFd, Namespaces)> = Vec::new();
    for (namespace, path) in FILES.into_iter().filter(|(ns, _)| namespaces.contains(*ns)) {
        let file = match sys::fd::open_at(dir.as_raw_fd(), path, libc::O_RDONLY) {
            // The errnos of setns(2) with a pidfd: no permission to ptrace, no process, no such namespace.
            Err(Errno(libc::EACCES)) => Err(Errno(libc::EPERM)),
            Err(Errno(libc::ENOENT)) => {
                pid_race::running(pidfd)?;
                Err(Errno(libc::EINVAL))
            }
            opened => opened,
        }?;
        files.push((file, namespace));
    }
    files.iter().try_for_each(|(file, ns)| sys::manage::set_namespaces(file.as_fd(), ns.bits()))
}

/// Moves the process into the cgroup of an open cgroup v2 directory. EINVAL: it is no such directory.
pub(crate) fn move_to_cgroup(pidfd: BorrowedFd<'_>, cgroup: BorrowedFd<'_>) -> Result<()> {
    if !sys::fd::is_open(cgroup.as_raw_fd()) {
        return Err(Errno(libc::EBADF));
    }
    if !sys::fs_is(cgroup, CGROUP2_SUPER_MAGIC) {
        return Err(Errno(libc::EINVAL));
    }
    pid_race::running(pidfd)?;
    let procs = match sys::fd::open_at(cgroup.as_raw_fd(), c"cgroup.procs", libc::O_WRONLY) {
        Err(Errno(libc::ENOTDIR)) => Err(Errno(libc::EINVAL)),
        opened => opened,
    }?;
    pid_race::by_number(pidfd, |pid| procs.write(pid.to_string().as_bytes()))
}
