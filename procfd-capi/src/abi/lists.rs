// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! What PROC_INFO_* answer whose length is not fixed.

use std::ffi::c_char;

// ---- process_info: texts ---------------------------------------------------------------------------

/// The path of the program: arg 0, data a buffer. As all texts: returns the length, which may be more than size,
/// and writes what fits, with a NUL after it if that fits too. NULL and 0 ask for the length. ENODATA: a zombie
/// or a kernel thread has none. The path of an unlinked program ends with " (deleted)".
pub const PROC_INFO_EXE: u32 = 0x310;
/// The current directory.
pub const PROC_INFO_CWD: u32 = 0x311;
/// The root directory.
pub const PROC_INFO_ROOT: u32 = 0x312;
/// The arguments, each followed by a NUL. The process may have overwritten them.
pub const PROC_INFO_ARGV: u32 = 0x313;
/// The environment at the start of the program, each variable followed by a NUL.
pub const PROC_INFO_ENVIRON: u32 = 0x314;
/// The path of its cgroup v2 directory, from the root of your cgroup namespace.
pub const PROC_INFO_CGROUP: u32 = 0x315;
/// Its mappings: arg 0, data a buffer for records, each a struct procfd_map and its NUL-terminated path. As all
/// records: returns the length of all of them, which may be more than size, and writes those that fit whole. If
/// eight bytes are left after the last, it writes a size of 0 there. NULL and 0 ask for the length.
pub const PROC_INFO_MAPS: u32 = 0x316;
/// The auxiliary vector: pairs of uint64_t, type and value, of a 32-bit program too.
pub const PROC_INFO_AUXV: u32 = 0x317;
/// The kernel function its leading thread sleeps in. ENODATA: none, or you may not know it.
pub const PROC_INFO_WCHAN: u32 = 0x318;
/// The label of the security module (attr/current). ENODATA: no module has one.
pub const PROC_INFO_LABEL: u32 = 0x319;
/// The system call its leading thread is in, as proc_pid_syscall(5) has it.
pub const PROC_INFO_SYSCALL: u32 = 0x31a;
/// The kernel's stack of its leading thread, as proc_pid_stack(5) has it; for CAP_SYS_ADMIN.
pub const PROC_INFO_STACK: u32 = 0x31b;
/// The mounts it sees, as proc_pid_mountinfo(5) has them.
pub const PROC_INFO_MOUNTS: u32 = 0x31c;
/// What its descriptor numbered arg refers to, as in procfd_fd. EBADF also means that it is not open.
pub const PROC_INFO_FD_PATH: u32 = 0x31d;

// ---- process_info: lists ---------------------------------------------------------------------------

/// Its threads: arg is a mask of PROC_FIELD_*, data an array of struct procfd_thread. The call fills the fields
/// that a thread has. As all lists: returns the number of all entries, which may be more than fit; NULL and 0 ask
/// for that.
pub const PROC_INFO_THREADS: u32 = 0x320;
/// Its children: data is an array of struct procfd_ref. Reads every process of the machine. A process that starts
/// or ends meanwhile may be missing.
pub const PROC_INFO_CHILDREN: u32 = 0x321;
/// Its children, their children and so on, parents first: as PROC_INFO_CHILDREN.
pub const PROC_INFO_DESCENDANTS: u32 = 0x322;
/// Its supplementary groups: data is an array of gid_t.
pub const PROC_INFO_GROUPS: u32 = 0x323;
/// The processors its leading thread may run on: data is bytes, number n in bit n % 8 of byte n / 8.
pub const PROC_INFO_AFFINITY: u32 = 0x324;
/// The user id map of its user namespace: data is an array of struct procfd_idmap.
pub const PROC_INFO_UID_MAP: u32 = 0x325;
/// The group id map of its user namespace: data is an array of struct procfd_idmap.
pub const PROC_INFO_GID_MAP: u32 = 0x326;
/// Its open descriptors: data is a buffer for records, each a struct procfd_fd and its NUL-terminated path, as
/// PROC_INFO_MAPS has them.
pub const PROC_INFO_FDS: u32 = 0x327;
/// A descriptor of the one namespace that arg names (CLONE_NEW*), for setns(2); no data. Returns it.
pub const PROC_INFO_NSFD: u32 = 0x328;

/// procfd_map.flags: it may be read.
pub const PROC_MAP_READ: u32 = 0x1;
/// procfd_map.flags: it may be written.
pub const PROC_MAP_WRITE: u32 = 0x2;
/// procfd_map.flags: it may be executed.
pub const PROC_MAP_EXEC: u32 = 0x4;
/// procfd_map.flags: shared, not copied on write.
pub const PROC_MAP_SHARED: u32 = 0x8;

/// procfd_fd.kind: the kernel does not say; inode, device and rdev are 0.
pub const PROC_FD_KIND_UNKNOWN: u32 = 0;
/// procfd_fd.kind: a regular file.
pub const PROC_FD_KIND_FILE: u32 = 1;
/// procfd_fd.kind: a directory.
pub const PROC_FD_KIND_DIR: u32 = 2;
/// procfd_fd.kind: a pipe or FIFO.
pub const PROC_FD_KIND_PIPE: u32 = 3;
/// procfd_fd.kind: a socket.
pub const PROC_FD_KIND_SOCKET: u32 = 4;
/// procfd_fd.kind: a character device.
pub const PROC_FD_KIND_CHAR: u32 = 5;
/// procfd_fd.kind: a block device.
pub const PROC_FD_KIND_BLOCK: u32 = 6;
/// procfd_fd.kind: a symbolic link (O_PATH | O_NOFOLLOW).
pub const PROC_FD_KIND_LINK: u32 = 7;
/// procfd_fd.kind: without a name in any file system: an eventfd, an epoll, a pidfd, a namespace.
pub const PROC_FD_KIND_ANON: u32 = 8;

/// Data of PROC_INFO_MAPS: a record of `size` bytes. The next follows it.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct procfd_map {
    /// The size of the record, path included, a multiple of 8. 0 ends the list.
    pub size: u32,
    /// PROC_MAP_*.
    pub flags: u32,
    /// Its first address.
    pub start: u64,
    /// The address after its last.
    pub end: u64,
    /// Its start in the file.
    pub offset: u64,
    /// The inode of the file, 0 for none.
    pub inode: u64,
    /// The device of the file, as makedev(3) has it; 0 for none.
    pub device: u64,
    /// The offset of the path in the record. The path follows this structure, which later versions may extend.
    /// It ends with a NUL. The path of an unlinked file ends with " (deleted)". Other mappings have `[heap]`,
    /// `[stack]`, `[anon:name]` and similar names, or an empty one.
    pub path_offset: u32,
    /// The length of the path, without its NUL.
    pub path_len: u32,
}

/// Data of PROC_INFO_FDS: a record of `size` bytes. The next follows it.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct procfd_fd {
    /// The size of the record, path included, a multiple of 8. 0 ends the list.
    pub size: u32,
    /// Its number.
    pub fd: i32,
    /// PROC_FD_KIND_*.
    pub kind: u32,
    /// `O_*`, O_CLOEXEC included.
    pub flags: u32,
    /// The position in the file.
    pub position: i64,
    /// The inode.
    pub inode: u64,
    /// The device of its file system, as makedev(3) has it.
    pub device: u64,
    /// The device that a device file refers to.
    pub rdev: u64,
    /// The offset of the path in the record. The path follows this structure, which later versions may extend.
    /// It ends with a NUL. The path of an unlinked file ends with " (deleted)". Other files have `pipe:[inode]`,
    /// `socket:[inode]`, `anon_inode:[eventfd]` and similar names.
    pub path_offset: u32,
    /// The length of the path, without its NUL.
    pub path_len: u32,
}

/// Data of PROC_INFO_CHILDREN and PROC_INFO_DESCENDANTS.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct procfd_ref {
    /// Its pid in your pid namespace.
    pub pid: u32,
    /// The pid of its parent.
    pub ppid: u32,
    /// The time of its start since boot, in steps of 10 ms. Together with the pid it identifies the process.
    pub start_boot_ns: u64,
    /// The pidfs inode, which alone identifies the process until reboot (6.9). 0 before 6.9.
    pub inode: u64,
}

/// Data of PROC_INFO_THREADS.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct procfd_thread {
    /// The PROC_FIELD_* that the call has filled; the others are 0.
    pub mask: u64,
    /// PROC_FIELD_START: since boot (CLOCK_BOOTTIME), in steps of 10 ms.
    pub start_boot_ns: u64,
    /// PROC_FIELD_TIMES: CPU time in user mode, in steps of 10 ms.
    pub user_ns: u64,
    /// PROC_FIELD_TIMES: CPU time in the kernel, in steps of 10 ms.
    pub system_ns: u64,
    /// PROC_FIELD_TIMES: CPU time as a virtual processor (guest time); user_ns includes it.
    pub guest_ns: u64,
    /// PROC_FIELD_TIMES: waiting for block I/O (0 unless the kernel accounts delays).
    pub block_io_ns: u64,
    /// PROC_FIELD_CPU: exact.
    pub cpu_ns: u64,
    /// PROC_FIELD_RUN_DELAY: time in which it was runnable, but had no processor.
    pub run_delay_ns: u64,
    /// PROC_FIELD_RUN_DELAY: the number of times that it got one.
    pub slices: u64,
    /// PROC_FIELD_SWITCHES: voluntary context switches.
    pub nvcsw: u64,
    /// PROC_FIELD_SWITCHES: involuntary ones.
    pub nivcsw: u64,
    /// PROC_FIELD_FAULTS: without I/O.
    pub minflt: u64,
    /// PROC_FIELD_FAULTS: with I/O.
    pub majflt: u64,
    /// PROC_FIELD_SIGNALS: pending for the thread alone, signal n in bit n-1.
    pub sig_pending: u64,
    /// PROC_FIELD_SIGNALS: blocked.
    pub sig_blocked: u64,
    /// PROC_FIELD_IO: bytes by read(2) and similar calls.
    pub rchar: u64,
    /// PROC_FIELD_IO: bytes by write(2) and similar calls.
    pub wchar: u64,
    /// PROC_FIELD_IO: the number of these reading calls.
    pub syscr: u64,
    /// PROC_FIELD_IO: the number of these writing calls.
    pub syscw: u64,
    /// PROC_FIELD_IO: bytes fetched from storage.
    pub read_bytes: u64,
    /// PROC_FIELD_IO: bytes sent to storage.
    pub write_bytes: u64,
    /// PROC_FIELD_IO: the part of these bytes that a truncation made needless to write.
    pub cancelled_write_bytes: u64,
    /// Always: its id in your pid namespace.
    pub tid: u32,
    /// PROC_FIELD_STATE: the letter of proc(5).
    pub state: u32,
    /// PROC_FIELD_STATE: the kernel's PF_* flags.
    pub kernel_flags: u32,
    /// PROC_FIELD_SCHED: 20 + nice, or -1 - the real-time priority.
    pub priority: i32,
    /// PROC_FIELD_SCHED: the nice value.
    pub nice: i32,
    /// PROC_FIELD_SCHED: SCHED_*.
    pub policy: u32,
    /// PROC_FIELD_SCHED: real-time priority, 0 for the other policies.
    pub rt_priority: u32,
    /// PROC_FIELD_SCHED: the processor it ran on last.
    pub processor: u32,
    /// PROC_FIELD_IOPRIO: as ioprio_get(2) has it.
    pub ioprio: u32,
    /// 0.
    pub reserved: u32,
    /// PROC_FIELD_COMM: its name.
    pub comm: [c_char; 64],
    /// 0; for later versions.
    pub spare: [u64; 7],
}
