// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! What the commands of process_config take.

use std::ffi::{c_char, c_void};

/// PROC_SET_EXEC: search your PATH when the name has no slash.
pub const PROC_EXEC_PATH: u64 = 0x1;

/// PROC_FD_PIPE: the child reads, you get the writing end.
pub const PROC_PIPE_TO_CHILD: u64 = 0x1_0000_0000;
/// PROC_FD_PIPE: the child writes, you get the reading end.
pub const PROC_PIPE_FROM_CHILD: u64 = 0x2_0000_0000;

/// setgroups is denied where the kernel asks for it: where the gid map is one line with your
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

/// Data of PROC_SET_TIME_LIMIT.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct procfd_time_limit {
    /// The signal at the end of the time; 0 for SIGKILL.
    pub signal: u32,
    /// A second signal delay_ns later, if the process still runs by then; 0 for none.
    pub second_signal: u32,
    /// Nanoseconds from the end of the time to second_signal.
    pub delay_ns: u64,
}

/// Data of PROC_FD_DUP. source == target clears close-on-exec.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct procfd_dup {
    /// Descriptor in the child at this point of the list (at its start: yours).
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
    /// First id in your namespace.
    pub outside: u32,
    /// The number of ids.
    pub count: u32,
    /// Must be 0.
    pub reserved: u32,
}

/// PROC_SET_LANDLOCK: PROC_CREATE fails where the kernel lacks some of it.
pub const PROC_LANDLOCK_STRICT: u64 = 0x1;

/// Data of PROC_SET_LANDLOCK: what it restricts, as in linux/landlock.h.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct procfd_landlock {
    /// LANDLOCK_ACCESS_FS_*: accesses to files.
    pub fs: u64,
    /// LANDLOCK_ACCESS_NET_*: accesses to TCP ports; 6.7.
    pub net: u64,
    /// LANDLOCK_SCOPE_*: what it does not reach outside; 6.12.
    pub scoped: u64,
}

/// PROC_MOUNT: bind your source on the target.
pub const PROC_MOUNT_BIND: u64 = 1;
/// PROC_MOUNT: a new filesystem, whose type is the source.
pub const PROC_MOUNT_FILESYSTEM: u64 = 2;
/// PROC_MOUNT: a private /dev: null, zero, full, random, urandom, tty, new pseudo-terminals, links.
pub const PROC_MOUNT_DEV: u64 = 3;
/// PROC_MOUNT: a file with the content.
pub const PROC_MOUNT_FILE: u64 = 4;
/// PROC_MOUNT: a symbolic link with the source as its text.
pub const PROC_MOUNT_SYMLINK: u64 = 5;
/// PROC_MOUNT: a directory, and those above it; it may exist already.
pub const PROC_MOUNT_DIRECTORY: u64 = 6;
/// PROC_MOUNT: change the attributes of the mount at the target, and with options its filesystem.
pub const PROC_MOUNT_REMOUNT: u64 = 7;
/// PROC_MOUNT: move the mount at the source, a path of the new root, to the target.
pub const PROC_MOUNT_MOVE: u64 = 8;
/// PROC_MOUNT: unmount the target and the mounts beneath it.
pub const PROC_MOUNT_UNMOUNT: u64 = 9;
/// PROC_MOUNT: change the propagation of the mount at the target.
pub const PROC_MOUNT_PROPAGATION: u64 = 10;

/// With the mounts beneath: of a bind, a remount, a propagation.
pub const PROC_MOUNT_RECURSIVE: u64 = 0x1;
/// Make the target, and the directories above it, where they are missing.
pub const PROC_MOUNT_CREATE: u64 = 0x2;
/// Map the ids of a bind by the user namespace.
pub const PROC_MOUNT_IDMAP: u64 = 0x4;

/// Data of PROC_MOUNT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct procfd_mount {
    /// NUL-terminated path of yours, or what the kind says; NULL for none.
    pub source: *const c_char,
    /// NUL-terminated absolute path in the new root, without "..".
    pub target: *const c_char,
    /// Options of the filesystem, KEY=VALUE,KEY; a comma in a value has a backslash before it. NULL for none.
    pub options: *const c_char,
    /// The content of a file.
    pub content: *const c_void,
    /// Bytes of the content.
    pub content_size: u64,
    /// MOUNT_ATTR_* of linux/mount.h to set.
    pub set: u64,
    /// MOUNT_ATTR_* to clear.
    pub clear: u64,
    /// PROC_MOUNT_RECURSIVE, PROC_MOUNT_CREATE, PROC_MOUNT_IDMAP.
    pub flags: u64,
    /// MS_PRIVATE, MS_SLAVE, MS_SHARED or MS_UNBINDABLE, for PROC_MOUNT_PROPAGATION; else 0.
    pub propagation: u64,
    /// Mode of a tmpfs, a /dev, a file, a directory; 0 for 0755, of a file 0444.
    pub mode: u32,
    /// Descriptor of the user namespace, for PROC_MOUNT_IDMAP; else 0.
    pub user_namespace: i32,
}
