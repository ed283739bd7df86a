// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! What the commands of process_config take.

use std::ffi::c_char;

/// PROC_SET_EXEC: search the caller's PATH when the name has no slash.
pub const PROC_EXEC_PATH: u64 = 0x1;

/// setgroups is denied where the kernel asks for it: where the gid map is one line with the caller's
/// own id, which the child writes without privilege.
pub const PROC_SETGROUPS_AUTO: u64 = 0;
/// setgroups stays allowed, or PROC_CREATE fails.
pub const PROC_SETGROUPS_ALLOW: u64 = 1;
/// setgroups is denied.
pub const PROC_SETGROUPS_DENY: u64 = 2;

/// Data of PROC_SET_CLOSE.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct procfd_close {
    /// PROC_SCOPE_PROCESS or PROC_SCOPE_PGROUP.
    pub scope: u32,
    /// A second signal, which the watcher sends delay_ns after the close, if the process still
    /// runs by then; 0 for none. Needs a context with a watcher.
    pub second_signal: u32,
    /// Nanoseconds from the close to second_signal.
    pub delay_ns: u64,
}

/// Data of PROC_FD_DUP. source == target clears close-on-exec.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct procfd_dup {
    /// Descriptor in the child at this point of the list (at its start: the caller's).
    pub source: i32,
    /// Descriptor it becomes in the child.
    pub target: i32,
}

/// Data of PROC_FD_OPEN.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct procfd_open {
    /// NUL-terminated path, relative to the child's directory at this point of the list.
    pub path: *const c_char,
    /// O_* flags of open(2); O_CLOEXEC has no effect.
    pub flags: u64,
    /// File mode for O_CREAT and O_TMPFILE.
    pub mode: u64,
}

/// Data of PROC_FD_CLOSE_RANGE: first to last, both included.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct procfd_range {
    /// First descriptor.
    pub first: u32,
    /// Last descriptor; UINT32_MAX for no end.
    pub last: u32,
}

/// Data of PROC_SET_UID and PROC_SET_GID; UINT32_MAX leaves an id as it is.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct procfd_ids {
    /// Real id.
    pub real: u32,
    /// Effective id.
    pub effective: u32,
    /// Saved id.
    pub saved: u32,
    /// Must be 0.
    pub reserved: u32,
}

/// Data of PROC_SET_RLIMIT; UINT64_MAX is no limit.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct procfd_rlimit {
    /// Soft limit, in the unit of the resource.
    pub soft: u64,
    /// Hard limit, in the unit of the resource.
    pub hard: u64,
}

/// One line of an id map, as in user_namespaces(7).
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct procfd_idmap {
    /// First id inside the namespace.
    pub inside: u32,
    /// First id in the caller's namespace.
    pub outside: u32,
    /// How many ids.
    pub count: u32,
    /// Must be 0.
    pub reserved: u32,
}
