// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The commands of process_manage, and what they take.

use std::ffi::c_void;

/// Send the signal in arg (0 only checks): data NULL or a struct procfd_signal.
pub const PROC_SIGNAL: u32 = 0x200;
/// Wait for a change of state: arg 0 or PROC_WAIT_*, data NULL or a struct procfd_wait. Returns 0.
pub const PROC_WAIT: u32 = 0x201;
/// Duplicate the descriptor numbered arg of the process into your process. Returns it.
pub const PROC_GETFD: u32 = 0x202;
/// Send the signal in arg to the process and all its descendants: data NULL or a struct procfd_kill_tree. Returns
/// the number of processes that got it.
pub const PROC_KILL_TREE: u32 = 0x203;
/// Stop the process (SIGSTOP); with the built-in init, every process of its namespace but that init.
pub const PROC_STOP: u32 = 0x204;
/// Continue what PROC_STOP has stopped (SIGCONT).
pub const PROC_CONT: u32 = 0x205;
/// Move the calling thread into the namespaces of the process that the CLONE_NEW* flags in arg name.
pub const PROC_SETNS: u32 = 0x206;
/// Read, and with PROC_RLIMIT_SET set, the limit RLIMIT_* in arg: data is a struct procfd_prlimit.
pub const PROC_RLIMIT: u32 = 0x207;
/// Set the nice value of all its threads to arg, -20 to 19, as PROC_SET_NICE takes it.
pub const PROC_PRIORITY: u32 = 0x208;
/// Set the scheduling policy of all its threads: data is a struct procfd_sched.
pub const PROC_SCHEDULER: u32 = 0x209;
/// Set the CPU affinity of all its threads: data is the mask as sched_setaffinity(2) takes it, size its bytes.
pub const PROC_AFFINITY: u32 = 0x20a;
/// Set the I/O priority of all its threads: arg is class << 13 | data, as ioprio_set(2) has it.
pub const PROC_IOPRIO: u32 = 0x20b;
/// Set oom_score_adj to arg, -1000 to 1000 (a negative value as (uint64_t)-n).
pub const PROC_OOM_SCORE_ADJ: u32 = 0x20c;
/// Move the process into the cgroup whose cgroup v2 directory is open as the descriptor in arg.
pub const PROC_CGROUP: u32 = 0x20d;
/// Advise the kernel of its memory: data is a struct procfd_madvise. Returns the bytes advised.
pub const PROC_MADVISE: u32 = 0x20e;
/// Free the memory of a process that SIGKILL is ending, before the process itself does.
pub const PROC_MRELEASE: u32 = 0x20f;
/// Let a process go on that was started suspended (PROC_START_SUSPENDED), or is stopped: SIGCONT.
pub const PROC_RESUME: u32 = 0x210;

/// procfd_kill_tree.flags: every process of its cgroup and of those below (cgroup.kill, 5.14). For SIGKILL.
pub const PROC_TREE_CGROUP: u32 = 0x1;

/// procfd_kill_tree.how: each process by its pidfd.
pub const PROC_TREE_BY_WALK: u32 = 1;
/// procfd_kill_tree.how: the init of a pid namespace was killed, and the kernel kills the rest.
pub const PROC_TREE_BY_INIT: u32 = 2;
/// procfd_kill_tree.how: the kernel kills the cgroup.
pub const PROC_TREE_BY_CGROUP: u32 = 3;

/// procfd_prlimit.flags: set the limit to soft and hard.
pub const PROC_RLIMIT_SET: u64 = 0x1;

/// PROC_WAIT: return at once; EAGAIN when nothing has changed.
pub const PROC_WAIT_NOHANG: u64 = 0x1;
/// PROC_WAIT: leave the process to be waited for again (WNOWAIT).
pub const PROC_WAIT_PEEK: u64 = 0x2;
/// PROC_WAIT: return for a stop too. The kernel reports stops to the parent only.
pub const PROC_WAIT_STOPPED: u64 = 0x4;
/// PROC_WAIT: return for a continuation too. The kernel reports it to the parent only.
pub const PROC_WAIT_CONTINUED: u64 = 0x8;

/// procfd_wait.what: ended by itself; status is the exit code.
pub const PROC_EXITED: u32 = 1;
/// procfd_wait.what: ended by a signal; status is its number.
pub const PROC_KILLED: u32 = 2;
/// procfd_wait.what: ended by a signal and dumped core; status is its number.
pub const PROC_DUMPED: u32 = 3;
/// procfd_wait.what: stopped by a signal; status is its number. To a tracer of its own child, ptrace(2), a ptrace stop
/// comes too: status is then as waitid(2) has it, the signal with the event above its lower 8 bits.
pub const PROC_STOPPED: u32 = 4;
/// procfd_wait.what: continued.
pub const PROC_CONTINUED: u32 = 5;

/// procfd_wait.mask: the usage is known.
pub const PROC_WAIT_HAS_USAGE: u64 = 0x1;

/// Scope: the process.
pub const PROC_SCOPE_PROCESS: u32 = 0;
/// Scope: the one thread the pidfd stands for (the leader, for a procfd). PROC_SIGNAL only.
pub const PROC_SCOPE_THREAD: u32 = 1;
/// Scope: the process group.
pub const PROC_SCOPE_PGROUP: u32 = 2;

/// procfd_signal.flags: deliver `value` with the signal (si_value, si_code SI_QUEUE).
pub const PROC_SIGNAL_VALUE: u32 = 0x1;

/// Data of PROC_SIGNAL.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct procfd_signal {
    /// PROC_SCOPE_*.
    pub scope: u32,
    /// 0 or PROC_SIGNAL_VALUE.
    pub flags: u32,
    /// The value (a pointer fits), with PROC_SIGNAL_VALUE.
    pub value: u64,
}

/// Data of PROC_KILL_TREE.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct procfd_kill_tree {
    /// 0 or PROC_TREE_CGROUP.
    pub flags: u32,
    /// Out: PROC_TREE_BY_*.
    pub how: u32,
    /// Out: the number of processes to which the call itself sent the signal: those of the walk; 1, the init; 0
    /// if the kernel kills a cgroup.
    pub signalled: u32,
    /// Out: the number of processes that you may not signal (EPERM). The call still succeeds.
    pub refused: u32,
}

/// Data of PROC_RLIMIT; UINT64_MAX is no limit.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct procfd_prlimit {
    /// 0 or PROC_RLIMIT_SET.
    pub flags: u64,
    /// Soft limit, in the unit of the resource.
    pub soft: u64,
    /// Hard limit, in the unit of the resource.
    pub hard: u64,
    /// Out: the soft limit before.
    pub old_soft: u64,
    /// Out: the hard limit before.
    pub old_hard: u64,
}

/// Data of PROC_SCHEDULER, as sched_setattr(2) has it.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct procfd_sched {
    /// SCHED_*.
    pub policy: u32,
    /// Must be 0.
    pub reserved: u32,
    /// SCHED_FLAG_*.
    pub flags: u64,
    /// Nice value of SCHED_OTHER and SCHED_BATCH.
    pub nice: i32,
    /// Priority of SCHED_FIFO and SCHED_RR, 1 to 99.
    pub priority: u32,
    /// SCHED_DEADLINE: ns, for each thread. With other policies the time slice (6.12).
    pub runtime_ns: u64,
    /// SCHED_DEADLINE: ns.
    pub deadline_ns: u64,
    /// SCHED_DEADLINE: ns.
    pub period_ns: u64,
    /// With SCHED_FLAG_UTIL_CLAMP_MIN: 0 to 1024; UINT32_MAX resets it.
    pub util_min: u32,
    /// With SCHED_FLAG_UTIL_CLAMP_MAX: 0 to 1024; UINT32_MAX resets it.
    pub util_max: u32,
}

/// Data of PROC_MADVISE.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct procfd_madvise {
    /// An array of `struct iovec` (sys/uio.h) with addresses of the process's own memory.
    pub iov: *const c_void,
    /// Entries of it, at most 1024.
    pub count: u64,
    /// MADV_COLD, MADV_PAGEOUT, MADV_WILLNEED or MADV_COLLAPSE.
    pub advice: u32,
    /// Must be 0.
    pub reserved: u32,
}

/// Resource usage, as getrusage(2) has it; times in nanoseconds, in steps of 1 microsecond.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct procfd_rusage {
    /// User CPU time, ns.
    pub utime_ns: u64,
    /// System CPU time, ns.
    pub stime_ns: u64,
    /// Largest resident set, bytes.
    pub maxrss: u64,
    /// Page faults without I/O.
    pub minflt: u64,
    /// Page faults with I/O.
    pub majflt: u64,
    /// Blocks read, of 512 bytes.
    pub inblock: u64,
    /// Blocks written, of 512 bytes.
    pub oublock: u64,
    /// Voluntary context switches.
    pub nvcsw: u64,
    /// Involuntary context switches.
    pub nivcsw: u64,
}

/// Data of PROC_WAIT.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct procfd_wait {
    /// In: how long to wait, ns; 0 is no limit.
    pub timeout_ns: u64,
    /// Out: PROC_EXITED, PROC_KILLED, PROC_DUMPED, PROC_STOPPED, PROC_CONTINUED.
    pub what: u32,
    /// Out: exit code, or signal number; of a ptrace stop, the event above it.
    pub status: i32,
    /// Out: the members that the call has filled, PROC_WAIT_HAS_*.
    pub mask: u64,
    /// Out: the usage of the process and of the children that it has waited for. The kernel reports it to the
    /// parent, once; a procfd that the parent opened keeps it.
    pub usage: procfd_rusage,
}
