// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The records of the fields of [`Info`](super::Info).
//!
//! Times are nanoseconds, sizes bytes. A member that may be missing is an `Option`.

use crate::status::{Change, Usage};

/// A structure of plain numbers.
macro_rules! records {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $ty:ty,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
            #[non_exhaustive]
            pub struct $name {
                $($(#[$field_doc])* pub $field: $ty,)*
            }
        )*
    };
}
pub(super) use records;

records! {
    /// [`Fields::IDS`](crate::Fields::IDS).
    ProcessIds {
        /// The id of the thread the descriptor stands for: the leader's, for a process.
        pid: u32,
        /// The process id.
        tgid: u32,
        /// The parent's id, 0 if it is outside the caller's pid namespace.
        ppid: u32,
    }
    /// [`Fields::CREDS`](crate::Fields::CREDS).
    Credentials {
        /// Real user id.
        ruid: u32,
        /// Effective user id.
        euid: u32,
        /// Saved user id.
        suid: u32,
        /// Filesystem user id.
        fsuid: u32,
        /// Real group id.
        rgid: u32,
        /// Effective group id.
        egid: u32,
        /// Saved group id.
        sgid: u32,
        /// Filesystem group id.
        fsgid: u32,
    }
    /// [`Fields::STATE`](crate::Fields::STATE).
    TaskState {
        /// The letter of proc(5): R, S, D, Z, T, t, X, I. For a process whose leader has ended and
        /// other threads live, that of a living one.
        code: u8,
        /// The kernel's PF_* flags of the leading thread.
        flags: u32,
    }
    /// [`Fields::JOB`](crate::Fields::JOB). Ids are 0 where they are outside the caller's pid namespace.
    Job {
        /// Process group.
        pgid: u32,
        /// Session.
        sid: u32,
        /// The foreground process group of the terminal; -1 without a terminal.
        tpgid: i32,
        /// The controlling terminal's device number as makedev(3) has it, 0 for none.
        tty: u64,
    }
    /// [`Fields::START`](crate::Fields::START), of 10 ms grain.
    Start {
        /// Since boot, suspended time included (CLOCK_BOOTTIME).
        boot_ns: u64,
        /// Since 1970 (CLOCK_REALTIME), by the clock's present offset.
        real_ns: u64,
    }
    /// [`Fields::TIMES`](crate::Fields::TIMES).
    Times {
        /// In user mode.
        user_ns: u64,
        /// In the kernel.
        system_ns: u64,
        /// In user mode, by the children it waited for.
        children_user_ns: u64,
        /// In the kernel, by the children it waited for.
        children_system_ns: u64,
        /// As a virtual processor's guest; counted in `user_ns`.
        guest_ns: u64,
        /// The children's guest time; counted in `children_user_ns`.
        children_guest_ns: u64,
        /// Waiting for block I/O, of the leading thread (0 unless the kernel accounts delays).
        block_io_ns: u64,
    }
    /// [`Fields::MEMORY`](crate::Fields::MEMORY).
    Memory {
        /// Address space.
        virt: u64,
        /// Resident pages; may lag by some pages for each processor.
        resident: u64,
    }
    /// [`Fields::FAULTS`](crate::Fields::FAULTS).
    Faults {
        /// Without I/O.
        minor: u64,
        /// With I/O.
        major: u64,
        /// Without I/O, by the children it waited for.
        children_minor: u64,
        /// With I/O, by the children it waited for.
        children_major: u64,
    }
    /// [`Fields::SCHED`](crate::Fields::SCHED).
    Sched {
        /// The kernel's priority as proc(5) shows it: 20 + nice, or -1 - the real-time priority.
        priority: i32,
        /// Nice value.
        nice: i32,
        /// SCHED_*.
        policy: u32,
        /// Real-time priority, 0 for the other policies.
        rt_priority: u32,
        /// The processor it ran on last.
        processor: u32,
    }
    /// [`Fields::CPU_SPLIT`](crate::Fields::CPU_SPLIT).
    CpuSplit {
        /// In user mode.
        user_ns: u64,
        /// In the kernel.
        system_ns: u64,
    }
    /// [`Fields::MEMORY_PARTS`](crate::Fields::MEMORY_PARTS).
    MemoryParts {
        /// Resident pages with a file or shared memory behind them.
        shared: u64,
        /// Code.
        text: u64,
        /// Data and stack.
        data: u64,
    }
    /// [`Fields::MEMORY_DETAIL`](crate::Fields::MEMORY_DETAIL).
    MemoryDetail {
        /// Largest address space.
        peak_virt: u64,
        /// Largest resident set.
        peak_resident: u64,
        /// Resident anonymous pages.
        anon: u64,
        /// Resident file pages.
        file: u64,
        /// Resident shared memory.
        shmem: u64,
        /// Locked.
        locked: u64,
        /// Pinned.
        pinned: u64,
        /// Private writable mappings.
        data: u64,
        /// Stack.
        stack: u64,
        /// The program's code.
        exe: u64,
        /// Libraries' code.
        lib: u64,
        /// Page tables.
        page_tables: u64,
        /// Swapped out anonymous pages.
        swap: u64,
    }
    /// [`Fields::SIGNALS`](crate::Fields::SIGNALS): sets with signal n in bit n-1.
    Signals {
        /// Pending for the leading thread.
        pending_thread: u64,
        /// Pending for the process.
        pending_process: u64,
        /// Blocked by the leading thread.
        blocked: u64,
        /// Ignored.
        ignored: u64,
        /// With a handler.
        caught: u64,
        /// Signals queued for its user.
        queued: u64,
        /// The limit of that (RLIMIT_SIGPENDING).
        queue_limit: u64,
    }
    /// [`Fields::CAPS`](crate::Fields::CAPS): sets with capability n in bit n.
    Caps {
        /// Inheritable.
        inheritable: u64,
        /// Permitted.
        permitted: u64,
        /// Effective.
        effective: u64,
        /// Bounding.
        bounding: u64,
        /// Ambient.
        ambient: u64,
    }
    /// [`Fields::SECURITY`](crate::Fields::SECURITY).
    Security {
        /// no_new_privs.
        no_new_privs: bool,
        /// 0: none, 1: strict, 2: filters.
        seccomp: u32,
        /// How many filters (5.9).
        seccomp_filters: Option<u32>,
    }
    /// [`Fields::NS_PID`](crate::Fields::NS_PID).
    NsPid {
        /// Its id in the innermost pid namespace it is in.
        pid: u32,
        /// How many pid namespaces that is below the caller's.
        depth: u32,
    }
    /// [`Fields::COREDUMP`](crate::Fields::COREDUMP).
    CoreDump {
        /// It has dumped core, or is about it.
        dumped: bool,
        /// The signal that made it (6.19).
        signal: Option<i32>,
    }
    /// [`Fields::IO`](crate::Fields::IO).
    Io {
        /// Bytes by read(2) and similar calls.
        read_chars: u64,
        /// Bytes by write(2) and similar calls.
        write_chars: u64,
        /// The number of these reading calls.
        read_calls: u64,
        /// The number of these writing calls.
        write_calls: u64,
        /// Bytes fetched from storage.
        read_bytes: u64,
        /// Bytes sent to storage.
        write_bytes: u64,
        /// Of those, bytes whose writing was made needless by truncation.
        cancelled_write_bytes: u64,
    }
    /// [`Fields::OOM`](crate::Fields::OOM).
    Oom {
        /// 0 to 2000: who is killed first when memory runs out.
        score: u32,
        /// -1000 to 1000, added to the above.
        score_adj: i32,
    }
    /// [`Fields::LOGIN`](crate::Fields::LOGIN).
    Login {
        /// The user who logged in.
        uid: u32,
        /// The audit session, u32::MAX for none.
        session: u32,
    }
    /// [`Fields::AUTOGROUP`](crate::Fields::AUTOGROUP).
    Autogroup {
        /// Its number.
        id: u64,
        /// Its nice value.
        nice: i32,
    }
    /// [`Fields::FDS`](crate::Fields::FDS).
    Fds {
        /// Open descriptors.
        count: u32,
        /// Room in the descriptor table.
        table: u32,
        /// The soft RLIMIT_NOFILE.
        limit: u64,
    }
    /// [`Fields::NAMESPACES`](crate::Fields::NAMESPACES): inodes; 0 for kinds that the kernel does not have, and
    /// for those that a process has left by its end: all but pid and user.
    NamespaceIds {
        /// Cgroup.
        cgroup: u64,
        /// IPC.
        ipc: u64,
        /// Mount.
        mnt: u64,
        /// Network.
        net: u64,
        /// Pid.
        pid: u64,
        /// The pid namespace of its children; 0 before the first of them is born.
        pid_for_children: u64,
        /// Time.
        time: u64,
        /// The time namespace of its children.
        time_for_children: u64,
        /// User.
        user: u64,
        /// UTS.
        uts: u64,
    }
    /// [`Fields::MEMORY_SET`](crate::Fields::MEMORY_SET).
    MemorySet {
        /// Proportional set size: shared pages divided by their users.
        pss: u64,
        /// Unique set size: pages that no other process has.
        uss: u64,
        /// Swapped out.
        swap: u64,
        /// The proportional part of that.
        swap_pss: u64,
    }
    /// [`Fields::SWITCHES`](crate::Fields::SWITCHES).
    Switches {
        /// Voluntary.
        voluntary: u64,
        /// Involuntary.
        involuntary: u64,
    }
    /// [`Fields::RUN_DELAY`](crate::Fields::RUN_DELAY).
    RunDelay {
        /// Runnable, but waiting for a processor.
        delay_ns: u64,
        /// How often it was given one.
        slices: u64,
    }
}

/// [`Fields::LIMITS`](crate::Fields::LIMITS): soft and hard by RLIMIT_*, u64::MAX for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits(pub [(u64, u64); 16]);

bitflags::bitflags! {
    /// Which fields of a usage are known.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct UsageFields: u32 {
        /// User and system time.
        const TIMES = 0x1;
        /// The largest resident set.
        const MAX_RSS = 0x2;
        /// Page faults.
        const FAULTS = 0x4;
        /// Blocks read and written.
        const BLOCKS = 0x8;
        /// Context switches. Of a process that is neither the caller nor an ended child: those of the
        /// threads that live.
        const SWITCHES = 0x10;
        /// The children it waited for are counted in: an ended child's usage.
        const WITH_CHILDREN = 0x20;
    }
}

/// [`Fields::USAGE`](crate::Fields::USAGE).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct KnownUsage {
    /// Which of its fields are known.
    pub known: UsageFields,
    /// The usage.
    pub usage: Usage,
}

impl CoreDump {
    /// Of a process that has ended.
    pub(crate) fn of(end: Change) -> Self {
        match end {
            Change::Dumped(signal) => Self { dumped: true, signal: Some(signal) },
            _ => Self { dumped: false, signal: None },
        }
    }
}
