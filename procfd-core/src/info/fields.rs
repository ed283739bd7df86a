// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The fields that can be asked for, and what each brings.
//!
//! Times are nanoseconds, sizes bytes. What a group brings is complete or absent: nothing is filled
//! with zero because it could not be read. What may be missing within a group is an `Option`.

use super::absent::{Absent, Missing};
use crate::proc::parse::Comm;
use crate::status::{Change, Usage};

/// One line per group: its bit, the field of [`Info`], and what that holds.
macro_rules! groups {
    ($($(#[doc = $doc:literal])* $bit:ident = $value:literal, $field:ident: $ty:ty;)*) => {
        bitflags::bitflags! {
            /// Groups of [`Info`], with what each costs.
            ///
            /// | class | cost |
            /// |---|---|
            /// | ioctl | one for all of them (6.13), without it a read of `status` |
            /// | stat, statm, status | one read of that file of /proc for all of the class |
            /// | clock | a clock_gettime each |
            /// | call | a system call each |
            /// | file | a read of a small file each |
            /// | several | several files, or one for each thread, descriptor or mapping |
            #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
            pub struct Fields: u64 {
                $($(#[doc = $doc])* const $bit = $value;)*
            }
        }

        /// What is known of a process: of what was asked, what could be had.
        #[derive(Clone, Debug, Default, PartialEq)]
        #[non_exhaustive]
        pub struct Info {
            $(
                #[doc = concat!("[`Fields::", stringify!($bit), "`].")]
                pub $field: Option<$ty>,
            )*
            absent: Absent,
        }

        impl Info {
            /// The groups that were filled.
            pub fn fields(&self) -> Fields {
                let mut known = Fields::empty();
                $(known.set(Fields::$bit, self.$field.is_some());)*
                known
            }

            /// Why a group is absent that was asked for. `None` for a group that was filled or not asked for; of
            /// several, the first reason that applies to one.
            ///
            /// ```
            /// use procfd::{Fields, Missing, Process};
            ///
            /// let own = Process::open(std::process::id())?;
            /// let info = own.info(Fields::EXIT | Fields::COMM)?;
            /// assert_eq!(info.missing(Fields::EXIT), Some(Missing::Nothing));
            /// assert_eq!(info.missing(Fields::COMM), None);
            /// # Ok::<(), procfd::Error>(())
            /// ```
            pub fn missing(&self, field: Fields) -> Option<Missing> {
                use Missing::{Denied, Gone, Nothing, Unsupported};
                [Denied, Unsupported, Gone, Nothing].into_iter().find(|&why| self.absent(why).intersects(field))
            }

            /// The groups that are absent for this reason. Each group that was asked for is in
            /// [`fields`](Self::fields) or has exactly one reason.
            pub fn absent(&self, why: Missing) -> Fields {
                self.absent.of(why).difference(self.fields())
            }

            pub(super) fn set_absent(&mut self, absent: Absent) {
                self.absent = absent;
            }

            /// Of a process that has ended, and of which nothing is left.
            pub(super) fn with_all_gone(fields: Fields) -> Self {
                Self { absent: Absent::all(fields, Missing::Gone), ..Self::default() }
            }

            /// Takes away the groups in `what`.
            pub(crate) fn clear(&mut self, what: Fields) {
                $(if what.contains(Fields::$bit) { self.$field = None; })*
            }
        }
    };
}

groups! {
    /// Process id, thread group id, parent's id. Class ioctl, or stat where that is read anyway.
    IDS = 0x1, ids: ProcessIds;
    /// The eight user and group ids. Class ioctl.
    CREDS = 0x2, creds: Credentials;
    /// The inode of the cgroup v2 directory. Class ioctl (6.13; nothing before).
    CGROUP_ID = 0x4, cgroup_id: u64;
    /// How it ended. The same ioctl (6.15) once it is reaped; before that a waitid.
    EXIT = 0x8, exit: Change;
    /// The pidfs inode, which no other process has until reboot (6.9). One fstat.
    INODE = 0x10, inode: u64;
    /// State and kernel flags. Class stat.
    STATE = 0x20, state: TaskState;
    /// Process group, session, terminal. Class stat.
    JOB = 0x40, job: Job;
    /// When it started. Class stat.
    START = 0x80, start: Start;
    /// The name of its leading thread. Class stat.
    COMM = 0x100, comm: Comm;
    /// CPU times, of itself and the children it waited for, of 10 ms grain. Class stat.
    TIMES = 0x200, times: Times;
    /// Virtual and resident size. Class statm. Absent without an address space: kernel threads, zombies.
    MEMORY = 0x400, memory: Memory;
    /// Page faults. Class stat.
    FAULTS = 0x800, faults: Faults;
    /// Nice value, priority, policy, processor, of the leading thread. Class stat.
    SCHED = 0x1000, sched: Sched;
    /// How many threads. Class stat.
    THREADS = 0x2000, threads: u32;
    /// CPU time by its CPU-time clock, exact. Class clock.
    CPU = 0x4000, cpu_ns: u64;
    /// User and system time by its CPU-time clocks, as sampled by the timer tick: [`Fields::TIMES`] is
    /// the same scaled to the exact sum. Class clock, twice.
    CPU_SPLIT = 0x8000, cpu_split: CpuSplit;
    /// Shared, text and data. Class statm.
    MEMORY_PARTS = 0x1_0000, memory_parts: MemoryParts;
    /// Peaks, swap and the kinds of pages. Class status.
    MEMORY_DETAIL = 0x2_0000, memory_detail: MemoryDetail;
    /// Pending, blocked, ignored and caught signals, and the queue. Class status.
    SIGNALS = 0x4_0000, signals: Signals;
    /// Capability sets. Class status.
    CAPS = 0x8_0000, caps: Caps;
    /// no_new_privs and seccomp. Class status.
    SECURITY = 0x10_0000, security: Security;
    /// The process that traces it, 0 for none. Class status.
    TRACER = 0x20_0000, tracer: u32;
    /// The file mode creation mask. Class status (4.7).
    UMASK = 0x40_0000, umask: u32;
    /// Its id in its own pid namespace. Class status (4.1).
    NS_PID = 0x80_0000, ns_pid: NsPid;
    /// The dumpable attribute (PR_SET_DUMPABLE). Class call: an ioctl (6.16).
    DUMPABLE = 0x100_0000, dumpable: u32;
    /// Whether it dumps or has dumped core. Class call: an ioctl (6.16).
    COREDUMP = 0x200_0000, coredump: CoreDump;
    /// Bytes read and written. Class file; for those who may trace it.
    IO = 0x400_0000, io: Io;
    /// Badness and its adjustment. Class file, twice.
    OOM = 0x800_0000, oom: Oom;
    /// Login user and audit session. Class file, twice; absent where none is set.
    LOGIN = 0x1000_0000, login: Login;
    /// Autogroup. Class file; absent where the kernel has none or the session is in none.
    AUTOGROUP = 0x2000_0000, autogroup: Autogroup;
    /// The I/O priority, as ioprio_get(2) has it, of the leading thread. Class call.
    IOPRIO = 0x4000_0000, ioprio: u32;
    /// The core scheduling cookie. Class call; for those who may trace it (5.14).
    CORE_SCHED = 0x8000_0000, core_sched: u64;
    /// Open descriptors. Class several: a stat (6.2; before, the directory is read) and two files.
    /// For those who may trace it.
    FDS = 0x1_0000_0000, fds: Fds;
    /// The namespaces' ids. Class several: ten links. For those who may trace it.
    NAMESPACES = 0x2_0000_0000, namespaces: NamespaceIds;
    /// All resource limits. Class file.
    LIMITS = 0x4_0000_0000, limits: Limits;
    /// How many mounts its mount namespace shows it. Class several: grows with their number.
    MOUNTS = 0x8_0000_0000, mounts: u32;
    /// Proportional and unique set size. Class several: grows with its memory (4.14). For those who may
    /// trace it.
    MEMORY_SET = 0x10_0000_0000, memory_set: MemorySet;
    /// Context switches of the threads that live. Class status, for each thread.
    SWITCHES = 0x20_0000_0000, switches: Switches;
    /// How long its living threads waited for a processor. Class file, for each thread.
    RUN_DELAY = 0x40_0000_0000, run_delay: RunDelay;
    /// As getrusage(2) has it, as far as known. Class several: stat, status, io. Of the caller
    /// itself, and of its child that has ended, one call.
    USAGE = 0x80_0000_0000, usage: KnownUsage;
    /// What a core dump holds: bits as in core(5). Class file; for its user.
    COREDUMP_FILTER = 0x100_0000_0000, coredump_filter: u32;
    /// Timer slack in nanoseconds. Class file; for those who may trace it, with CAP_SYS_NICE.
    TIMER_SLACK = 0x200_0000_0000, timer_slack_ns: u64;
    /// The securebits flags. Class call; of the calling thread's process only.
    SECUREBITS = 0x400_0000_0000, securebits: u32;
    /// The execution domain, as personality(2) has it. Class file; for those who may trace it.
    PERSONALITY = 0x800_0000_0000, personality: u32;
}

impl Fields {
    /// What one read of `stat` answers.
    pub(crate) const STAT: Self = Self::STATE
        .union(Self::JOB)
        .union(Self::START)
        .union(Self::COMM)
        .union(Self::TIMES)
        .union(Self::FAULTS)
        .union(Self::SCHED)
        .union(Self::THREADS);
    /// What one read of `status` answers.
    pub(crate) const STATUS: Self = Self::MEMORY_DETAIL
        .union(Self::SIGNALS)
        .union(Self::CAPS)
        .union(Self::SECURITY)
        .union(Self::TRACER)
        .union(Self::UMASK)
        .union(Self::NS_PID);
    /// What the ioctl answers.
    pub(crate) const IOCTL: Self = Self::IDS.union(Self::CREDS).union(Self::CGROUP_ID);
    /// What the leading thread loses when it ends before others, each in files of its own.
    pub(crate) const OF_A_LIVING_THREAD: Self = Self::MEMORY
        .union(Self::MEMORY_PARTS)
        .union(Self::NAMESPACES)
        .union(Self::MOUNTS)
        .union(Self::MEMORY_SET)
        .union(Self::PERSONALITY);
    /// What the pidfd itself answers, without the number or /proc.
    pub(crate) const PIDFD: Self =
        Self::IOCTL.union(Self::EXIT).union(Self::INODE).union(Self::DUMPABLE).union(Self::COREDUMP);
}

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
    /// [`Fields::IDS`].
    ProcessIds {
        /// The id of the thread the descriptor stands for: the leader's, for a process.
        pid: u32,
        /// The process id.
        tgid: u32,
        /// The parent's id, 0 if it is outside the caller's pid namespace.
        ppid: u32,
    }
    /// [`Fields::CREDS`].
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
    /// [`Fields::STATE`].
    TaskState {
        /// The letter of proc(5): R, S, D, Z, T, t, X, I. For a process whose leader has ended and
        /// other threads live, that of a living one.
        code: u8,
        /// The kernel's PF_* flags of the leading thread.
        flags: u32,
    }
    /// [`Fields::JOB`]. Ids are 0 where they are outside the caller's pid namespace.
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
    /// [`Fields::START`], of 10 ms grain.
    Start {
        /// Since boot, suspended time included (CLOCK_BOOTTIME).
        boot_ns: u64,
        /// Since 1970 (CLOCK_REALTIME), by the clock's present offset.
        real_ns: u64,
    }
    /// [`Fields::TIMES`].
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
    /// [`Fields::MEMORY`].
    Memory {
        /// Address space.
        virt: u64,
        /// Resident pages; may lag by some pages for each processor.
        resident: u64,
    }
    /// [`Fields::FAULTS`].
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
    /// [`Fields::SCHED`].
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
    /// [`Fields::CPU_SPLIT`].
    CpuSplit {
        /// In user mode.
        user_ns: u64,
        /// In the kernel.
        system_ns: u64,
    }
    /// [`Fields::MEMORY_PARTS`].
    MemoryParts {
        /// Resident pages with a file or shared memory behind them.
        shared: u64,
        /// Code.
        text: u64,
        /// Data and stack.
        data: u64,
    }
    /// [`Fields::MEMORY_DETAIL`].
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
    /// [`Fields::SIGNALS`]: sets with signal n in bit n-1.
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
    /// [`Fields::CAPS`]: sets with capability n in bit n.
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
    /// [`Fields::SECURITY`].
    Security {
        /// no_new_privs.
        no_new_privs: bool,
        /// 0: none, 1: strict, 2: filters.
        seccomp: u32,
        /// How many filters (5.9).
        seccomp_filters: Option<u32>,
    }
    /// [`Fields::NS_PID`].
    NsPid {
        /// Its id in the innermost pid namespace it is in.
        pid: u32,
        /// How many pid namespaces that is below the caller's.
        depth: u32,
    }
    /// [`Fields::COREDUMP`].
    CoreDump {
        /// It has dumped core, or is about it.
        dumped: bool,
        /// The signal that made it (6.19).
        signal: Option<i32>,
    }
    /// [`Fields::IO`].
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
    /// [`Fields::OOM`].
    Oom {
        /// 0 to 2000: who is killed first when memory runs out.
        score: u32,
        /// -1000 to 1000, added to the above.
        score_adj: i32,
    }
    /// [`Fields::LOGIN`].
    Login {
        /// The user who logged in.
        uid: u32,
        /// The audit session, u32::MAX for none.
        session: u32,
    }
    /// [`Fields::AUTOGROUP`].
    Autogroup {
        /// Its number.
        id: u64,
        /// Its nice value.
        nice: i32,
    }
    /// [`Fields::FDS`].
    Fds {
        /// Open descriptors.
        count: u32,
        /// Room in the descriptor table.
        table: u32,
        /// The soft RLIMIT_NOFILE.
        limit: u64,
    }
    /// [`Fields::NAMESPACES`]: inodes; 0 for kinds that the kernel does not have, and for those that a
    /// process has left by its end: all but pid and user.
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
    /// [`Fields::MEMORY_SET`].
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
    /// [`Fields::SWITCHES`].
    Switches {
        /// Voluntary.
        voluntary: u64,
        /// Involuntary.
        involuntary: u64,
    }
    /// [`Fields::RUN_DELAY`].
    RunDelay {
        /// Runnable, but waiting for a processor.
        delay_ns: u64,
        /// How often it was given one.
        slices: u64,
    }
}

/// [`Fields::LIMITS`]: soft and hard by RLIMIT_*, u64::MAX for none.
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

/// [`Fields::USAGE`].
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
