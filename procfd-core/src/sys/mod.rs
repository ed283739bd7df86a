// SPDX-License-Identifier: MIT OR Apache-2.0

//! The kernel: every system call the crate makes, and all of its unsafe code.
//!
//! | room | holds |
//! |---|---|
//! | `accounts` | users and their groups |
//! | `bare` | the calls on plain numbers, without std and libc: for the watcher program too |
//! | `child` | what the child may call while it shares the parent's memory |
//! | `cstr` | strings and NULL-terminated string arrays for the kernel |
//! | `dir` | the numbers a directory lists |
//! | `fd` | descriptors: close, flags, poll, epoll, stat |
//! | `fork` | forks of libc and of the kernel, and the hooks of libc |
//! | `forked` | memory that a fork empties |
//! | `identity` | what a number stands for, to be seen again |
//! | `manage` | what is done to another process: limits, scheduling, namespaces, memory |
//! | `memfd` | a sealed file of the library's own, to execute |
//! | `mounts` | which system calls for mounts there are |
//! | `number` | a descriptor's number, and what tells that it still stands for the same file |
//! | `orphan` | a process that is not the caller's child |
//! | `own_fd` | a descriptor that the library closes |
//! | `owned` | descriptors that an object owns for long |
//! | `per_process` | state that forked copies do not share |
//! | `pidfd` | pidfds: open, signal, wait, ask |
//! | `query` | questions by number: CPU clocks, priorities, files |
//! | `sock` | socket pairs, and descriptors in flight |
//! | `stack` | memory for a child: its stack, and a page that it shares |
//! | `task` | clone, signal masks, limits, dumpable |
//! | `timer` | a descriptor with a number in it |
//! | `uring` | a waitid with a timeout |
//! | `vec` | vectors without an abort |

pub(crate) mod accounts;
pub(crate) mod bare;
pub(crate) mod child;
pub(crate) mod clone;
pub(crate) mod cstr;
pub(crate) mod dir;
pub(crate) mod fd;
pub(crate) mod fork;
pub(crate) mod forked;
pub(crate) mod identity;
pub(crate) mod manage;
pub(crate) mod memfd;
pub(crate) mod mounts;
mod number;
pub(crate) mod orphan;
mod own_fd;
pub(crate) mod owned;
pub(crate) mod per_process;
pub(crate) mod pidfd;
pub(crate) mod query;
pub(crate) mod sock;
pub(crate) mod stack;
pub(crate) mod task;
pub(crate) mod timer;
pub(crate) mod uring;
pub(crate) mod vec;

pub use bare::Errno;
pub(crate) use bare::{
    CGROUP2_SUPER_MAGIC, CLONE_AUTOREAP, CLONE_CHILD_CLEARTID, CLONE_CHILD_SETTID, CLONE_CLEAR_SIGHAND,
    CLONE_FILES, CLONE_INTO_CGROUP, CLONE_NNP, CLONE_PARENT, CLONE_PARENT_SETTID, CLONE_PIDFD,
    CLONE_PIDFD_AUTOKILL, CLONE_VFORK, CLONE_VM, CLOSE_RANGE_UNSHARE, CloneArgs, F_GETOWN_EX, F_GETSIG,
    F_OWNER_PGRP, F_OWNER_PID, F_SETOWN_EX, F_SETSIG, FOwnerEx, O_ASYNC, PID_FS_MAGIC, PIDFD_COREDUMP_ROOT,
    PIDFD_COREDUMP_SKIP, PIDFD_COREDUMP_USER, PIDFD_COREDUMPED, PIDFD_GET_INFO, PIDFD_INFO_CGROUPID,
    PIDFD_INFO_COREDUMP, PIDFD_INFO_CREDS, PIDFD_INFO_EXIT, PIDFD_INFO_PID, PIDFD_SIGNAL_PROCESS_GROUP,
    PIDFD_SIGNAL_THREAD, PIDFD_THREAD, PROC_ROOT_INO, PROC_SUPER_MAGIC, PidfdInfo, PidfdInfoCore, RLimit64,
    Timespec,
};
pub(crate) use bare::{PollFd, Result, arch, call};
pub use own_fd::OwnFd;

impl core::fmt::Display for Errno {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // std says "text (os error N)"; the number stands elsewhere already.
        let text = std::io::Error::from_raw_os_error(self.0).to_string();
        f.write_str(text.split(" (os error").next().unwrap_or(&text))
    }
}

impl From<Errno> for std::io::Error {
    fn from(e: Errno) -> Self {
        Self::from_raw_os_error(e.0)
    }
}

/// Whether a descriptor is on a filesystem of this type.
pub(crate) fn fs_is(fd: std::os::fd::BorrowedFd<'_>, magic: i64) -> bool {
    fd::fs_magic(fd) == Ok(magic)
}
