// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! Questions about a context: state, pid, the error on record.

use std::ffi::{c_char, c_int};

/// The fields named by the mask in arg (PROC_FIELD_*): data is a struct procfd_info.
pub const PROC_INFO: u32 = 0x300;
/// Returns PROC_STATE_*.
pub const PROC_INFO_STATE: u32 = 0x301;
/// Returns the pid in your pid namespace; ESRCH once it is reaped, since the number is then free.
pub const PROC_INFO_PID: u32 = 0x302;
/// Returns a pidfd, close-on-exec. It shares its open file with the procfd's own and its duplicates, so
/// an epoll keeps it until EPOLL_CTL_DEL, whether or not it is closed.
pub const PROC_INFO_PIDFD: u32 = 0x303;
/// The step at which the last process_config call on this context failed: data is a struct procfd_error.
/// For the opener of the context only.
pub const PROC_INFO_ERROR: u32 = 0x304;

/// What PROC_CREATE would do now, step by step, without starting anything: data is a buffer for text, a line for
/// each step; arg PROC_PLAN_JSON: an array of objects with stage, index, what and calls. Returns the whole length,
/// as PROC_INFO_EXE. For the opener of the context only.
pub const PROC_INFO_PLAN: u32 = 0x305;
/// PROC_INFO_PLAN: as JSON.
pub const PROC_PLAN_JSON: u64 = 1;

/// No process yet.
pub const PROC_STATE_CONFIGURING: u32 = 0;
/// The process runs.
pub const PROC_STATE_RUNNING: u32 = 1;
/// The process has ended, reaped or not.
pub const PROC_STATE_EXITED: u32 = 2;

/// Length of procfd_error.message, the NUL included.
pub const PROCFD_ERROR_MESSAGE_MAX: usize = 496;

/// Data of PROC_INFO_ERROR.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct procfd_error {
    /// The step, PROC_STAGE_*; PROC_STAGE_NONE if nothing failed.
    pub stage: u32,
    /// Which of several: the action's position in its list, the resource, the signal, the PATH entry.
    pub index: u32,
    /// The errno of the step.
    pub saved_errno: c_int,
    /// Always 0.
    pub reserved: u32,
    /// NUL-terminated text that names the step and its operand.
    pub message: [c_char; PROCFD_ERROR_MESSAGE_MAX],
}
