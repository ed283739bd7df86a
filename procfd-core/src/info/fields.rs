// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The fields that can be asked for, and what each brings.
//!
//! What a group brings is complete or absent: nothing is filled with zero because it could not be read.

use std::fmt;

use super::records::*;
use crate::proc::parse::Comm;
use crate::status::Change;

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

        /// The fields of a process: those that you asked for and the kernel provides.
        #[derive(Clone, Default, PartialEq)]
        #[non_exhaustive]
        pub struct Info {
            $(
                #[doc = concat!("[`Fields::", stringify!($bit), "`].")]
                pub $field: Option<$ty>,
            )*
            absent: Absent,
        }

        impl fmt::Debug for Info {
            /// The groups that were filled, and why others are absent.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut out = f.debug_struct("Info");
                $(if let Some(value) = &self.$field {
                    out.field(stringify!($field), value);
                })*
                if self.absent != Absent::default() {
                    out.field("absent", &self.absent);
                }
                out.finish()
            }
        }

        impl Info {
            /// The groups that were filled.
            pub fn fields(&self) -> Fields {
                let mut known = Fields::empty();
                $(known.set(Fields::$bit, self.$field.is_some());)*
                known
            }

            /// Those of these groups that were filled. Costs as many looks as it is asked for.
            #[doc(hidden)]
            pub fn filled(&self, of: Fields) -> Fields {
                let (mut left, mut known) = (of.bits(), 0);
                while left != 0 {
                    let bit = left & left.wrapping_neg();
                    left ^= bit;
                    let is_there = match bit {
                        $($value => self.$field.is_some(),)*
                        _ => false,
                    };
                    known |= if is_there { bit } else { 0 };
                }
                Fields::from_bits_retain(known)
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

            /// The groups that were absent for this reason when the process was asked: what was kept of it may have
            /// filled one since.
            #[doc(hidden)]
            pub fn absent_then(&self, why: Missing) -> Fields {
                self.absent.of(why)
            }

            pub(super) fn set_absent(&mut self, absent: Absent) {
                self.absent = absent;
            }

            /// The process has ended, and the kernel has kept nothing of it.
            pub(super) fn with_all_gone(fields: Fields) -> Self {
                Self { absent: Absent::all(fields, Missing::Gone), ..Self::default() }
            }

            /// Takes away all. Without a copy of an empty one, which is long.
            pub(crate) fn empty(&mut self) {
                $(self.$field = None;)*
                self.absent = Absent::default();
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
    /// The fields of one read of `stat`.
    pub(crate) const STAT: Self = Self::STATE
        .union(Self::JOB)
        .union(Self::START)
        .union(Self::COMM)
        .union(Self::TIMES)
        .union(Self::FAULTS)
        .union(Self::SCHED)
        .union(Self::THREADS);
    /// The fields of one read of `statm`.
    pub(crate) const STATM: Self = Self::MEMORY.union(Self::MEMORY_PARTS);
    /// The fields of one read of `status`.
    pub(crate) const STATUS: Self = Self::MEMORY_DETAIL
        .union(Self::SIGNALS)
        .union(Self::CAPS)
        .union(Self::SECURITY)
        .union(Self::TRACER)
        .union(Self::UMASK)
        .union(Self::NS_PID);
    /// The fields of the ioctl.
    pub(crate) const IOCTL: Self = Self::IDS.union(Self::CREDS).union(Self::CGROUP_ID);
    /// The fields that the leading thread loses if it ends before others, each in a separate file.
    pub(crate) const OF_A_LIVING_THREAD: Self = Self::MEMORY
        .union(Self::MEMORY_PARTS)
        .union(Self::NAMESPACES)
        .union(Self::MOUNTS)
        .union(Self::MEMORY_SET)
        .union(Self::PERSONALITY);
    /// The fields that the pidfd itself answers, without the pid and /proc.
    pub(crate) const PIDFD: Self =
        Self::IOCTL.union(Self::EXIT).union(Self::INODE).union(Self::DUMPABLE).union(Self::COREDUMP);
}

/// Why a field that was asked for is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Missing {
    /// The caller is not permitted to know, or does not see the process: `hidepid`, another pid namespace.
    Denied,
    /// This kernel, its configuration or a seccomp filter has no way to tell, or there is no /proc of the caller's pid
    /// namespace.
    Unsupported,
    /// The process has ended, and the field with it.
    Gone,
    /// The process has none: no address space (a kernel thread), no login, no end yet.
    Nothing,
}

/// The reasons of an [`Info`], each with its fields.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Absent {
    denied: Fields,
    unsupported: Fields,
    gone: Fields,
    nothing: Fields,
}

impl Absent {
    /// All of these for one reason.
    pub(super) fn all(fields: Fields, why: Missing) -> Self {
        let mut absent = Self::default();
        absent.add(fields, why);
        absent
    }

    pub(super) fn add(&mut self, fields: Fields, why: Missing) {
        *match why {
            Missing::Denied => &mut self.denied,
            Missing::Unsupported => &mut self.unsupported,
            Missing::Gone => &mut self.gone,
            Missing::Nothing => &mut self.nothing,
        } |= fields;
    }

    pub(super) fn of(&self, why: Missing) -> Fields {
        match why {
            Missing::Denied => self.denied,
            Missing::Unsupported => self.unsupported,
            Missing::Gone => self.gone,
            Missing::Nothing => self.nothing,
        }
    }
}
