// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! What process_info waits for of many processes.

use std::ffi::c_void;

/// Wait until any of many processes changes: the descriptor is -1, arg 0 or PROC_WAIT_NOHANG and
/// PROC_WAIT_PEEK, data a struct procfd_changes. Returns the number of entries that have `changed` or
/// `error` set. The call reaps no process. The kernel reports a stop or continuation once; with PROC_WAIT_PEEK the
/// next call reports it again.
pub const PROC_CHANGES: u32 = 0x331;

/// procfd_change: the process has been started. A state: the call reports it at once, each time you want it.
pub const PROC_CHANGE_START: u32 = 0x1;
/// procfd_change: it was stopped. The kernel reports this to the parent only (6.7).
pub const PROC_CHANGE_STOP: u32 = 0x2;
/// procfd_change: it was continued. The kernel reports this to the parent only (6.7).
pub const PROC_CHANGE_CONTINUE: u32 = 0x4;
/// procfd_change: it has ended. A state. The call also reports it if you want stops or continuations, because
/// none will follow.
pub const PROC_CHANGE_EXIT: u32 = 0x8;

/// One process of PROC_CHANGES.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct procfd_change {
    /// In: a procfd, also one without a process yet, a pidfd, or a /proc/PID directory. The call skips one below
    /// 0.
    pub fd: i32,
    /// In: PROC_CHANGE_*; the call skips an entry that wants 0.
    pub want: u32,
    /// Out: PROC_CHANGE_* that have come.
    pub changed: u32,
    /// Out: PROC_EXITED, PROC_KILLED, PROC_DUMPED, PROC_STOPPED, PROC_CONTINUED; 0 if the status is not
    /// available, or the process has only started.
    pub what: u32,
    /// Out: exit code, or signal number.
    pub status: i32,
    /// Out: an errno, else 0. With PROC_CHANGE_EXIT it says why the status is unknown: EAGAIN (wait until it is
    /// reaped), ENODATA, or ESRCH (a directory of a reaped process). Without it: EBADF, EINVAL (refers to no
    /// process), EMFILE, ECHILD (stops of another process's child), or ESRCH (its opener has ended and will not
    /// start it).
    pub error: i32,
}

/// Data of PROC_CHANGES.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct procfd_changes {
    /// How long to wait, ns; 0 is no limit.
    pub timeout_ns: u64,
    /// The array: each entry is a struct procfd_change, as much of it as entry_size says.
    pub entries: *mut c_void,
    /// Bytes from one entry to the next, a multiple of 8: sizeof (struct procfd_change).
    pub entry_size: u64,
    /// How many entries.
    pub count: u64,
}
