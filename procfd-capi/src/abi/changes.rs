// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! What process_info waits for of many processes.

use std::ffi::c_void;

/// Wait until any of many processes changes: the descriptor is -1, arg 0 or PROC_WAIT_NOHANG and
/// PROC_WAIT_PEEK, data a struct procfd_changes. Returns how many of the entries have `changed` or `error`
/// set. No process is reaped by it. Stops and continuations are told once, but not taken with
/// PROC_WAIT_PEEK, and told again.
pub const PROC_CHANGES: u32 = 0x331;

/// procfd_change: the process has been started. A state: told at once, and each time it is wanted.
pub const PROC_CHANGE_START: u32 = 0x1;
/// procfd_change: it was stopped. Only the parent is told (6.7).
pub const PROC_CHANGE_STOP: u32 = 0x2;
/// procfd_change: it was continued. Only the parent is told (6.7).
pub const PROC_CHANGE_CONTINUE: u32 = 0x4;
/// procfd_change: it has ended. A state. Told also to who wants stops or continuations, as none will
/// follow.
pub const PROC_CHANGE_EXIT: u32 = 0x8;

/// One process of PROC_CHANGES.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct procfd_change {
    /// In: a procfd, also one without a process yet, a pidfd, or a /proc/PID directory. One below 0
    /// is passed over.
    pub fd: i32,
    /// In: PROC_CHANGE_*; passed over with 0.
    pub want: u32,
    /// Out: PROC_CHANGE_* that have come.
    pub changed: u32,
    /// Out: PROC_EXITED, PROC_KILLED, PROC_DUMPED, PROC_STOPPED, PROC_CONTINUED; 0 when it is not known
    /// how it ended, or it has only started.
    pub what: u32,
    /// Out: exit code, or signal number.
    pub status: i32,
    /// Out: an errno, else 0. With PROC_CHANGE_EXIT it says why the status is unknown: EAGAIN (wait until it
    /// is reaped), ENODATA, or ESRCH (a directory of a reaped process). Without it: EBADF, EINVAL (stands for
    /// no process), EMFILE, ECHILD (stops of another process's child), or ESRCH (its opener has gone, so
    /// nothing will start it).
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
