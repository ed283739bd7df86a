// SPDX-License-Identifier: MIT OR Apache-2.0

//! Kernel constants and structures: those of the program without libc, and those that the libc crate
//! lacks or has too narrow.

pub(crate) const CLONE_VM: u64 = 0x100;
pub(crate) const CLONE_FILES: u64 = 0x400;
pub(crate) const CLONE_PIDFD: u64 = 0x1000;
pub(crate) const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;
pub(crate) const CLONE_VFORK: u64 = 0x4000;
pub(crate) const CLONE_PARENT: u64 = 0x8000;
pub(crate) const CLONE_PARENT_SETTID: u64 = 0x10_0000;
pub(crate) const CLONE_CHILD_CLEARTID: u64 = 0x20_0000;
pub(crate) const CLONE_CHILD_SETTID: u64 = 0x100_0000;
/// 5.5; not of the old clone. (The libc crate's overflows to 0 on gnu.)
pub(crate) const CLONE_CLEAR_SIGHAND: u64 = 0x1_0000_0000;
/// These three are 7.1: the child leaves no zombie; it has no_new_privs; SIGKILL ends it with the last descriptor of
/// the file that CLONE_PIDFD gives.
pub(crate) const CLONE_AUTOREAP: u64 = 0x4_0000_0000;
pub(crate) const CLONE_NNP: u64 = 0x8_0000_0000;
pub(crate) const CLONE_PIDFD_AUTOKILL: u64 = 0x10_0000_0000;

/// `struct clone_args` of 5.3, all that is needed here (linux/sched.h).
#[repr(C, align(8))]
#[derive(Default)]
pub(crate) struct CloneArgs {
    pub flags: u64,
    pub pidfd: u64,
    pub child_tid: u64,
    pub parent_tid: u64,
    pub exit_signal: u64,
    pub stack: u64,
    pub stack_size: u64,
    pub tls: u64,
    /// 5.5.
    pub set_tid: u64,
    pub set_tid_size: u64,
    /// 5.7.
    pub cgroup: u64,
}
const _: () = assert!(size_of::<CloneArgs>() == 88);

/// close_range(2), 5.9.
pub(crate) const CLOSE_RANGE_UNSHARE: u32 = 2;

/// `struct pidfd_info` as 6.13 has it (linux/pidfd.h); later kernels add at the end.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(crate) struct PidfdInfo {
    pub mask: u64,
    pub cgroupid: u64,
    pub pid: u32,
    pub tgid: u32,
    pub ppid: u32,
    pub ruid: u32,
    pub rgid: u32,
    pub euid: u32,
    pub egid: u32,
    pub suid: u32,
    pub sgid: u32,
    pub fsuid: u32,
    pub fsgid: u32,
    pub exit_code: i32,
}
const _: () = assert!(size_of::<PidfdInfo>() == 64);

/// The same as 6.16 has it.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(crate) struct PidfdInfoCore {
    pub base: PidfdInfo,
    /// `PIDFD_COREDUMP*`.
    pub coredump_mask: u32,
    /// 6.19; 0 before.
    pub coredump_signal: u32,
}
const _: () = assert!(size_of::<PidfdInfoCore>() == 72);

/// `_IOWR(0xFF, 11, 64 bytes)`.
pub(crate) const PIDFD_GET_INFO: usize = 0xc040_ff0b;
pub(crate) const PIDFD_INFO_PID: u64 = 1;
pub(crate) const PIDFD_INFO_CREDS: u64 = 2;
pub(crate) const PIDFD_INFO_CGROUPID: u64 = 4;
/// 6.15.
pub(crate) const PIDFD_INFO_EXIT: u64 = 8;
/// 6.16. Set for healthy processes too: the core's mask says what is.
pub(crate) const PIDFD_INFO_COREDUMP: u64 = 16;
pub(crate) const PIDFD_COREDUMPED: u32 = 1;
pub(crate) const PIDFD_COREDUMP_SKIP: u32 = 2;
pub(crate) const PIDFD_COREDUMP_USER: u32 = 4;
pub(crate) const PIDFD_COREDUMP_ROOT: u32 = 8;

/// pidfd_open(2), 6.9: a file status flag of the descriptor.
pub(crate) const PIDFD_THREAD: usize = 0o200;

/// pidfd_send_signal(2) scopes, 6.9.
pub(crate) const PIDFD_SIGNAL_THREAD: u32 = 1;
pub(crate) const PIDFD_SIGNAL_PROCESS_GROUP: u32 = 4;

/// fcntl(2) owners, `struct f_owner_ex`.
pub(crate) const F_SETSIG: i32 = 10;
pub(crate) const F_GETSIG: i32 = 11;
pub(crate) const F_SETOWN_EX: i32 = 15;
pub(crate) const F_GETOWN_EX: i32 = 16;
pub(crate) const F_OWNER_PID: i32 = 1;
pub(crate) const F_OWNER_PGRP: i32 = 2;
pub(crate) const O_ASYNC: i32 = 0o20000;

#[repr(C)]
pub(crate) struct FOwnerEx {
    pub kind: i32,
    pub pid: i32,
}

/// `struct epoll_event`.
#[derive(Clone, Copy, Default)]
#[cfg_attr(target_arch = "x86_64", repr(C, packed))]
#[cfg_attr(not(target_arch = "x86_64"), repr(C))]
pub(crate) struct EpollEvent {
    pub events: u32,
    pub data: u64,
}
const _: () = assert!(size_of::<EpollEvent>() == if cfg!(target_arch = "x86_64") { 12 } else { 16 });

/// `struct pollfd`.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct PollFd {
    pub fd: i32,
    pub events: i16,
    pub revents: i16,
}
const _: () = assert!(size_of::<PollFd>() == 8);

/// `siginfo_t` as waitid(2) fills it.
#[derive(Clone, Copy, Default)]
#[repr(C, align(8))]
pub(crate) struct Waited {
    pub signo: i32,
    pub errno: i32,
    pub code: i32,
    _pad: i32,
    pub pid: i32,
    pub uid: u32,
    pub status: i32,
    _rest: [u32; 25],
}
const _: () = assert!(size_of::<Waited>() == 128);

/// `struct signalfd_siginfo`.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub(crate) struct SignalInfo {
    pub signo: u32,
    pub errno: i32,
    pub code: i32,
    pub pid: u32,
    pub uid: u32,
    _fd: i32,
    _tid: u32,
    _band: u32,
    _overrun: u32,
    _trap: u32,
    _status: i32,
    _int: i32,
    pub value: u64,
    _rest: [u64; 9],
}
const _: () = assert!(size_of::<SignalInfo>() == 128);

/// `struct __kernel_timespec`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(crate) struct Timespec {
    pub sec: i64,
    pub nsec: i64,
}

impl Timespec {
    pub(crate) fn from_ns(ns: u64) -> Self {
        Self { sec: (ns / 1_000_000_000) as i64, nsec: (ns % 1_000_000_000) as i64 }
    }

    /// At most this many nanoseconds, of less than a second.
    pub(crate) fn at_most(self, ns: i64) -> Self {
        if self.sec > 0 || self.nsec > ns { Self { sec: 0, nsec: ns } } else { self }
    }
}

/// `struct rlimit64`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RLimit64 {
    pub cur: u64,
    pub max: u64,
}

/// pidfs, 6.9 (linux/magic.h).
pub(crate) const PID_FS_MAGIC: i64 = 0x5049_4446;
pub(crate) const PROC_SUPER_MAGIC: i64 = 0x9fa0;
/// The inode of the root of every procfs (linux/proc_fs.h; user space sees it as such).
pub(crate) const PROC_ROOT_INO: u64 = 1;
/// cgroup v2 (linux/magic.h).
pub(crate) const CGROUP2_SUPER_MAGIC: i64 = 0x6367_7270;
