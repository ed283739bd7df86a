// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! What PROC_INFO answers.
//!
//! The cost classes: "ioctl" is one for all of them (6.13), without it a read of /proc/PID/status; "stat",
//! "statm" and "status" are one read of that file for all of the class; "clock" and "call" are a system
//! call each; "file" is a read of a small file each; "several" grows with what is said there.

use std::ffi::{c_char, c_int, c_void};

use super::{procfd_rlimit, procfd_rusage};

/// procfd_info: pid, tgid, ppid. One ioctl (6.13), or /proc.
pub const PROC_FIELD_IDS: u64 = 0x1;
/// procfd_info: the eight user and group ids. One ioctl (6.13), or /proc.
pub const PROC_FIELD_CREDS: u64 = 0x2;
/// procfd_info: cgroup_id, the inode of its cgroup v2 directory. One ioctl (6.13).
pub const PROC_FIELD_CGROUP_ID: u64 = 0x4;
/// procfd_info: exit_what and exit_status of a process that has ended. One ioctl (6.15) once it is reaped; a
/// procfd keeps it for its opener, if the opener has waited through it.
pub const PROC_FIELD_EXIT: u64 = 0x8;
/// procfd_info: inode, the pidfs inode, which no other process gets until reboot (6.9). One fstat.
pub const PROC_FIELD_INODE: u64 = 0x10;
/// procfd_info: State and kernel flags. Class stat.
pub const PROC_FIELD_STATE: u64 = 0x20;
/// procfd_info: Process group, session, terminal. Class stat.
pub const PROC_FIELD_JOB: u64 = 0x40;
/// procfd_info: The time of its start. Class stat.
pub const PROC_FIELD_START: u64 = 0x80;
/// procfd_info: The name of its leading thread. Class stat.
pub const PROC_FIELD_COMM: u64 = 0x100;
/// procfd_info: CPU times of the process and of the children that it has waited for, in steps of 10 ms. Class
/// stat.
pub const PROC_FIELD_TIMES: u64 = 0x200;
/// procfd_info: Virtual and resident size. Class statm. Absent without an address space: kernel threads,
/// zombies.
pub const PROC_FIELD_MEMORY: u64 = 0x400;
/// procfd_info: Page faults. Class stat.
pub const PROC_FIELD_FAULTS: u64 = 0x800;
/// procfd_info: Nice value, priority, policy, processor, of the leading thread. Class stat.
pub const PROC_FIELD_SCHED: u64 = 0x1000;
/// procfd_info: The number of threads. Class stat.
pub const PROC_FIELD_THREADS: u64 = 0x2000;
/// procfd_info: CPU time by its CPU-time clock, exact. Class clock.
pub const PROC_FIELD_CPU: u64 = 0x4000;
/// procfd_info: User and system time by its CPU-time clocks, as sampled by the timer tick:
/// PROC_FIELD_TIMES is the same scaled to the exact sum. Class clock, twice.
pub const PROC_FIELD_CPU_SPLIT: u64 = 0x8000;
/// procfd_info: Shared, text and data. Class statm.
pub const PROC_FIELD_MEMORY_PARTS: u64 = 0x1_0000;
/// procfd_info: Peaks, swap and the kinds of pages. Class status.
pub const PROC_FIELD_MEMORY_DETAIL: u64 = 0x2_0000;
/// procfd_info: Pending, blocked, ignored and caught signals, and the queue. Class status.
pub const PROC_FIELD_SIGNALS: u64 = 0x4_0000;
/// procfd_info: Capability sets. Class status.
pub const PROC_FIELD_CAPS: u64 = 0x8_0000;
/// procfd_info: no_new_privs and seccomp. Class status.
pub const PROC_FIELD_SECURITY: u64 = 0x10_0000;
/// procfd_info: Its tracer. Class status.
pub const PROC_FIELD_TRACER: u64 = 0x20_0000;
/// procfd_info: The file mode creation mask. Class status (4.7).
pub const PROC_FIELD_UMASK: u64 = 0x40_0000;
/// procfd_info: Its pid in its own pid namespace. Class status (4.1).
pub const PROC_FIELD_NS_PID: u64 = 0x80_0000;
/// procfd_info: The dumpable attribute (PR_SET_DUMPABLE). Class call: an ioctl (6.16).
pub const PROC_FIELD_DUMPABLE: u64 = 0x100_0000;
/// procfd_info: The state of its core dump. Class call: an ioctl (6.16).
pub const PROC_FIELD_COREDUMP: u64 = 0x200_0000;
/// procfd_info: Bytes read and written. Class file; you must be permitted to trace it.
pub const PROC_FIELD_IO: u64 = 0x400_0000;
/// procfd_info: Out-of-memory score and its adjustment. Class file, twice.
pub const PROC_FIELD_OOM: u64 = 0x800_0000;
/// procfd_info: Login user and audit session. Class file, twice; absent if none is set.
pub const PROC_FIELD_LOGIN: u64 = 0x1000_0000;
/// procfd_info: Autogroup. Class file; absent if the kernel has none, or the session is in none.
pub const PROC_FIELD_AUTOGROUP: u64 = 0x2000_0000;
/// procfd_info: The I/O priority, as ioprio_get(2) has it, of the leading thread. Class call.
pub const PROC_FIELD_IOPRIO: u64 = 0x4000_0000;
/// procfd_info: The core scheduling cookie. Class call; you must be permitted to trace it (5.14).
pub const PROC_FIELD_CORE_SCHED: u64 = 0x8000_0000;
/// procfd_info: Open descriptors. Class several: a stat (6.2; before, the directory is read) and two files. You
/// must be permitted to trace it.
pub const PROC_FIELD_FDS: u64 = 0x1_0000_0000;
/// procfd_info: The namespaces' ids. Class several: ten links. You must be permitted to trace it.
pub const PROC_FIELD_NAMESPACES: u64 = 0x2_0000_0000;
/// procfd_info: All resource limits. Class file.
pub const PROC_FIELD_LIMITS: u64 = 0x4_0000_0000;
/// procfd_info: The number of mounts that it sees in its mount namespace. Class several: grows with their number.
pub const PROC_FIELD_MOUNTS: u64 = 0x8_0000_0000;
/// procfd_info: Proportional and unique set size. Class several: grows with its memory (4.14). You must be
/// permitted to trace it.
pub const PROC_FIELD_MEMORY_SET: u64 = 0x10_0000_0000;
/// procfd_info: Context switches of its live threads. Class status, for each thread.
pub const PROC_FIELD_SWITCHES: u64 = 0x20_0000_0000;
/// procfd_info: The time for which its live threads waited for a processor. Class file, for each thread.
pub const PROC_FIELD_RUN_DELAY: u64 = 0x40_0000_0000;
/// procfd_info: As getrusage(2) has it, as far as known. Class several: stat, status, io. One call for your own
/// process, and for your child that has ended.
pub const PROC_FIELD_USAGE: u64 = 0x80_0000_0000;
/// procfd_info: The contents of a core dump: bits as in core(5). Class file; for its user.
pub const PROC_FIELD_COREDUMP_FILTER: u64 = 0x100_0000_0000;
/// procfd_info: Timer slack in nanoseconds. Class file; you must be permitted to trace it, with CAP_SYS_NICE.
pub const PROC_FIELD_TIMER_SLACK: u64 = 0x200_0000_0000;
/// procfd_info: The securebits flags. Class call; for your own process only.
pub const PROC_FIELD_SECUREBITS: u64 = 0x400_0000_0000;
/// procfd_info: The execution domain, as personality(2) has it. Class file; you must be permitted to trace it.
pub const PROC_FIELD_PERSONALITY: u64 = 0x800_0000_0000;

/// procfd_info.usage_known: utime_ns and stime_ns.
pub const PROC_USAGE_TIMES: u32 = 0x1;
/// procfd_info.usage_known: maxrss.
pub const PROC_USAGE_MAXRSS: u32 = 0x2;
/// procfd_info.usage_known: minflt and majflt.
pub const PROC_USAGE_FAULTS: u32 = 0x4;
/// procfd_info.usage_known: inblock and oublock.
pub const PROC_USAGE_BLOCKS: u32 = 0x8;
/// procfd_info.usage_known: nvcsw and nivcsw; of the threads that live, unless the process is your own or
/// your child that has ended.
pub const PROC_USAGE_SWITCHES: u32 = 0x10;
/// procfd_info.usage_known: the children it waited for are counted in (an ended child's usage).
pub const PROC_USAGE_WITH_CHILDREN: u32 = 0x20;

/// Fill an array with the fields in arg of many processes: data is a struct procfd_snapshot. Each entry has
/// PROC_FIELD_IDS, and PROC_FIELD_START or PROC_FIELD_INODE, whichever is cheaper: it distinguishes the process
/// from a later one with the same pid. Returns the number of filled entries.
pub const PROC_SNAPSHOT: u32 = 0x330;

/// procfd_snapshot.scope: all processes that /proc shows, by ascending pid; the descriptor is -1.
pub const PROC_SNAPSHOT_ALL: u32 = 0;
/// procfd_snapshot.scope: those of the list in `fds`, in its order, one entry each; the descriptor is -1. An
/// entry without fields has a mask of 0, and its error says why.
pub const PROC_SNAPSHOT_LIST: u32 = 1;
/// procfd_snapshot.scope: the process of the descriptor and its descendants, parents before children.
pub const PROC_SNAPSHOT_TREE: u32 = 2;
/// procfd_snapshot.scope: the processes of the cgroup whose cgroup v2 directory the descriptor is.
pub const PROC_SNAPSHOT_CGROUP: u32 = 3;

/// procfd_snapshot.flags: the library keeps open what it reads, which makes the next call faster. That takes
/// one descriptor for each process, two with PROC_FIELD_MEMORY or PROC_FIELD_MEMORY_PARTS, and never more
/// than half the soft RLIMIT_NOFILE. Not for PROC_SNAPSHOT_LIST.
pub const PROC_SNAPSHOT_KEEP: u32 = 0x1;
/// procfd_snapshot.flags: close the files that earlier calls kept. With room 0 and scope PROC_SNAPSHOT_ALL the
/// call does only this.
pub const PROC_SNAPSHOT_DROP: u32 = 0x2;
/// procfd_snapshot.flags: PROC_SNAPSHOT_CGROUP: also of the cgroups beneath.
pub const PROC_SNAPSHOT_BELOW: u32 = 0x4;

/// Data of PROC_SNAPSHOT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct procfd_snapshot {
    /// PROC_SNAPSHOT_ALL, _LIST, _TREE or _CGROUP.
    pub scope: u32,
    /// PROC_SNAPSHOT_KEEP, _DROP, _BELOW.
    pub flags: u32,
    /// PROC_SNAPSHOT_LIST: procfds, pidfds and /proc/PID directories; else NULL.
    pub fds: *const c_int,
    /// How many.
    pub fd_count: u64,
    /// The array: each entry is a struct procfd_info, as much of it as entry_size says.
    pub entries: *mut c_void,
    /// Bytes from one entry to the next, a multiple of 8: sizeof (struct procfd_info).
    pub entry_size: u64,
    /// The number of entries in the array.
    pub room: u64,
    /// Out: how many processes there are, or may be: more than the filled entries if room is too small.
    pub total: u64,
}

/// Data of PROC_INFO.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct procfd_info {
    /// Out: the fields that the call has filled, PROC_FIELD_*. Each other field that you asked for is in denied,
    /// unsupported, gone or nothing.
    pub mask: u64,
    /// PROC_FIELD_INODE.
    pub inode: u64,
    /// PROC_FIELD_CGROUP_ID.
    pub cgroup_id: u64,
    /// PROC_FIELD_IDS: thread id; for a process the same as tgid.
    pub pid: u32,
    /// PROC_FIELD_IDS: process id.
    pub tgid: u32,
    /// PROC_FIELD_IDS: parent's process id; 0 when it is outside your pid namespace.
    pub ppid: u32,
    /// PROC_FIELD_CREDS: real user id.
    pub ruid: u32,
    /// PROC_FIELD_CREDS: real group id.
    pub rgid: u32,
    /// PROC_FIELD_CREDS: effective user id.
    pub euid: u32,
    /// PROC_FIELD_CREDS: effective group id.
    pub egid: u32,
    /// PROC_FIELD_CREDS: saved user id.
    pub suid: u32,
    /// PROC_FIELD_CREDS: saved group id.
    pub sgid: u32,
    /// PROC_FIELD_CREDS: filesystem user id.
    pub fsuid: u32,
    /// PROC_FIELD_CREDS: filesystem group id.
    pub fsgid: u32,
    /// PROC_FIELD_EXIT: PROC_EXITED, PROC_KILLED or PROC_DUMPED.
    pub exit_what: u32,
    /// PROC_FIELD_EXIT: exit code, or signal number.
    pub exit_status: i32,
    /// PROC_SNAPSHOT: an errno, which says why the entry has no fields; else 0.
    pub error: i32,
    /// PROC_FIELD_STATE: the letter of proc(5): R, S, D, Z, T, t, X, I.
    pub state: u32,
    /// PROC_FIELD_STATE: the kernel's PF_* flags.
    pub task_flags: u32,
    /// PROC_FIELD_START: since boot, suspended time included, ns (in steps of 10 ms).
    pub start_boot_ns: u64,
    /// PROC_FIELD_START: since 1970 by the clock's present offset, ns.
    pub start_real_ns: u64,
    /// PROC_FIELD_TIMES: CPU time in user mode, ns (in steps of 10 ms).
    pub user_ns: u64,
    /// PROC_FIELD_TIMES: CPU time in the kernel, ns.
    pub system_ns: u64,
    /// PROC_FIELD_TIMES: user time of the children that it has waited for, ns.
    pub children_user_ns: u64,
    /// PROC_FIELD_TIMES: system time of the children that it has waited for, ns.
    pub children_system_ns: u64,
    /// PROC_FIELD_MEMORY: address space, bytes.
    pub mem_virtual: u64,
    /// PROC_FIELD_MEMORY: resident, bytes. Exact, unlike the figure in /proc/PID/stat.
    pub mem_resident: u64,
    /// PROC_FIELD_COMM: name of the leading thread, any bytes, NUL-terminated.
    pub comm: [c_char; 64],
    /// PROC_FIELD_CPU: exact CPU time, ns.
    pub cpu_ns: u64,
    /// PROC_FIELD_JOB: process group; 0 when it is outside your pid namespace.
    pub pgid: u32,
    /// PROC_FIELD_JOB: session; 0 when it is outside your pid namespace.
    pub sid: u32,
    /// PROC_FIELD_JOB: foreground process group of its terminal; -1 without one.
    pub tpgid: i32,
    /// PROC_FIELD_THREADS: the number of threads.
    pub threads: u32,
    /// PROC_FIELD_JOB: controlling terminal's device number as makedev(3) has it; 0 for none.
    pub tty: u64,
    /// PROC_FIELD_FAULTS: page faults without I/O.
    pub minflt: u64,
    /// PROC_FIELD_FAULTS: page faults with I/O.
    pub majflt: u64,
    /// PROC_FIELD_FAULTS: the same of the children that it has waited for.
    pub children_minflt: u64,
    /// PROC_FIELD_FAULTS: the same of the children that it has waited for.
    pub children_majflt: u64,
    /// PROC_FIELD_SCHED: 20 + nice, or -1 - the real-time priority.
    pub priority: i32,
    /// PROC_FIELD_SCHED: nice value.
    pub nice: i32,
    /// PROC_FIELD_SCHED: SCHED_*.
    pub policy: u32,
    /// PROC_FIELD_SCHED: real-time priority, 0 for other policies.
    pub rt_priority: u32,
    /// PROC_FIELD_SCHED: the processor it ran on last.
    pub processor: u32,
    /// PROC_FIELD_TRACER: the pid of its tracer, 0 for none.
    pub tracer: u32,
    /// PROC_FIELD_TIMES: CPU time as a virtual processor (guest time), ns; user_ns includes it.
    pub guest_ns: u64,
    /// PROC_FIELD_TIMES: guest time of the children, ns.
    pub children_guest_ns: u64,
    /// PROC_FIELD_TIMES: waiting for block I/O, ns; 0 unless the kernel accounts delays.
    pub block_io_ns: u64,
    /// PROC_FIELD_CPU_SPLIT: user time as sampled by the tick, ns.
    pub cpu_user_ns: u64,
    /// PROC_FIELD_CPU_SPLIT: system time as sampled by the tick, ns.
    pub cpu_system_ns: u64,
    /// PROC_FIELD_MEMORY_PARTS: resident pages of files and shared memory, bytes.
    pub mem_shared: u64,
    /// PROC_FIELD_MEMORY_PARTS: code, bytes.
    pub mem_text: u64,
    /// PROC_FIELD_MEMORY_PARTS: data and stack, bytes.
    pub mem_data: u64,
    /// PROC_FIELD_MEMORY_DETAIL: largest address space, bytes.
    pub mem_peak_virtual: u64,
    /// PROC_FIELD_MEMORY_DETAIL: largest resident set, bytes.
    pub mem_peak_resident: u64,
    /// PROC_FIELD_MEMORY_DETAIL: resident anonymous pages, bytes.
    pub mem_anon: u64,
    /// PROC_FIELD_MEMORY_DETAIL: resident file pages, bytes.
    pub mem_file: u64,
    /// PROC_FIELD_MEMORY_DETAIL: resident shared memory, bytes.
    pub mem_shmem: u64,
    /// PROC_FIELD_MEMORY_DETAIL: locked, bytes.
    pub mem_locked: u64,
    /// PROC_FIELD_MEMORY_DETAIL: pinned, bytes.
    pub mem_pinned: u64,
    /// PROC_FIELD_MEMORY_DETAIL: private writable mappings, bytes.
    pub mem_private_data: u64,
    /// PROC_FIELD_MEMORY_DETAIL: stack, bytes.
    pub mem_stack: u64,
    /// PROC_FIELD_MEMORY_DETAIL: the program's code, bytes.
    pub mem_exe: u64,
    /// PROC_FIELD_MEMORY_DETAIL: libraries' code, bytes.
    pub mem_lib: u64,
    /// PROC_FIELD_MEMORY_DETAIL: page tables, bytes.
    pub mem_page_tables: u64,
    /// PROC_FIELD_MEMORY_DETAIL: swapped out anonymous pages, bytes.
    pub mem_swap: u64,
    /// PROC_FIELD_SIGNALS: pending for the leading thread; signal n is bit n-1.
    pub sig_pending_thread: u64,
    /// PROC_FIELD_SIGNALS: pending for the process.
    pub sig_pending_process: u64,
    /// PROC_FIELD_SIGNALS: blocked by the leading thread.
    pub sig_blocked: u64,
    /// PROC_FIELD_SIGNALS: ignored.
    pub sig_ignored: u64,
    /// PROC_FIELD_SIGNALS: with a handler.
    pub sig_caught: u64,
    /// PROC_FIELD_SIGNALS: signals queued for its user.
    pub sig_queued: u64,
    /// PROC_FIELD_SIGNALS: RLIMIT_SIGPENDING.
    pub sig_queue_limit: u64,
    /// PROC_FIELD_CAPS: inheritable; capability n is bit n.
    pub cap_inheritable: u64,
    /// PROC_FIELD_CAPS: permitted.
    pub cap_permitted: u64,
    /// PROC_FIELD_CAPS: effective.
    pub cap_effective: u64,
    /// PROC_FIELD_CAPS: bounding.
    pub cap_bounding: u64,
    /// PROC_FIELD_CAPS: ambient.
    pub cap_ambient: u64,
    /// PROC_FIELD_SECURITY: 1: set.
    pub no_new_privs: u32,
    /// PROC_FIELD_SECURITY: 0: none, 1: strict, 2: filters.
    pub seccomp: u32,
    /// PROC_FIELD_SECURITY: the number of filters; UINT32_MAX if the kernel does not say (before 5.9).
    pub seccomp_filters: u32,
    /// PROC_FIELD_UMASK: file mode creation mask.
    pub umask: u32,
    /// PROC_FIELD_NS_PID: its pid in its own pid namespace.
    pub ns_pid: u32,
    /// PROC_FIELD_NS_PID: the number of pid namespaces between its own and yours.
    pub ns_depth: u32,
    /// PROC_FIELD_DUMPABLE: as PR_GET_DUMPABLE.
    pub dumpable: u32,
    /// PROC_FIELD_COREDUMP: 1: it has dumped core, or dumps it now.
    pub coredump: u32,
    /// PROC_FIELD_COREDUMP: the signal that caused the dump; 0 if the kernel does not say (before 6.19).
    pub coredump_signal: i32,
    /// PROC_FIELD_OOM: -1000 to 1000.
    pub oom_score_adj: i32,
    /// PROC_FIELD_OOM: 0 to 2000.
    pub oom_score: u32,
    /// PROC_FIELD_LOGIN: the user id of the login.
    pub loginuid: u32,
    /// PROC_FIELD_LOGIN: the audit session; UINT32_MAX for none.
    pub audit_session: u32,
    /// PROC_FIELD_AUTOGROUP: nice value of the autogroup.
    pub autogroup_nice: i32,
    /// PROC_FIELD_AUTOGROUP: number of the autogroup.
    pub autogroup: u64,
    /// PROC_FIELD_IO: bytes by read(2) and similar calls.
    pub io_read_chars: u64,
    /// PROC_FIELD_IO: bytes by write(2) and similar calls.
    pub io_write_chars: u64,
    /// PROC_FIELD_IO: the number of these reading calls.
    pub io_read_calls: u64,
    /// PROC_FIELD_IO: the number of these writing calls.
    pub io_write_calls: u64,
    /// PROC_FIELD_IO: bytes fetched from storage.
    pub io_read_bytes: u64,
    /// PROC_FIELD_IO: bytes sent to storage.
    pub io_write_bytes: u64,
    /// PROC_FIELD_IO: the part of these bytes that a truncation made needless to write.
    pub io_cancelled_write_bytes: u64,
    /// PROC_FIELD_IOPRIO: I/O priority, as ioprio_get(2).
    pub ioprio: u32,
    /// PROC_FIELD_FDS: the number of open descriptors.
    pub fd_count: u32,
    /// PROC_FIELD_FDS: the size of the descriptor table.
    pub fd_table: u32,
    /// PROC_FIELD_MOUNTS: the number of mounts that it sees in its mount namespace.
    pub mounts: u32,
    /// PROC_FIELD_FDS: soft RLIMIT_NOFILE.
    pub fd_limit: u64,
    /// PROC_FIELD_CORE_SCHED: core scheduling cookie of the leading thread, 0 for none.
    pub core_sched_cookie: u64,
    /// PROC_FIELD_NAMESPACES: inode of the cgroup namespace. Here and below, 0 means that the kernel has no such
    /// kind, or that the process has ended: it keeps only pid and user.
    pub ns_cgroup_id: u64,
    /// PROC_FIELD_NAMESPACES: inode of the IPC namespace.
    pub ns_ipc_id: u64,
    /// PROC_FIELD_NAMESPACES: inode of the mount namespace.
    pub ns_mnt_id: u64,
    /// PROC_FIELD_NAMESPACES: inode of the network namespace.
    pub ns_net_id: u64,
    /// PROC_FIELD_NAMESPACES: inode of the pid namespace.
    pub ns_pid_id: u64,
    /// PROC_FIELD_NAMESPACES: inode of its children's pid namespace; 0 before its first child starts.
    pub ns_pid_for_children_id: u64,
    /// PROC_FIELD_NAMESPACES: inode of the time namespace.
    pub ns_time_id: u64,
    /// PROC_FIELD_NAMESPACES: inode of its children's time namespace.
    pub ns_time_for_children_id: u64,
    /// PROC_FIELD_NAMESPACES: inode of the user namespace.
    pub ns_user_id: u64,
    /// PROC_FIELD_NAMESPACES: inode of the UTS namespace.
    pub ns_uts_id: u64,
    /// PROC_FIELD_MEMORY_SET: proportional set size, bytes.
    pub mem_pss: u64,
    /// PROC_FIELD_MEMORY_SET: unique set size, bytes.
    pub mem_uss: u64,
    /// PROC_FIELD_MEMORY_SET: swapped out, bytes.
    pub mem_swapped: u64,
    /// PROC_FIELD_MEMORY_SET: the proportional part of mem_swapped, bytes.
    pub mem_swap_pss: u64,
    /// PROC_FIELD_SWITCHES: voluntary context switches of its live threads.
    pub nvcsw: u64,
    /// PROC_FIELD_SWITCHES: involuntary ones.
    pub nivcsw: u64,
    /// PROC_FIELD_RUN_DELAY: time in which its live threads were runnable, but had no processor, ns.
    pub run_delay_ns: u64,
    /// PROC_FIELD_RUN_DELAY: the number of times that they got one.
    pub run_slices: u64,
    /// PROC_FIELD_TIMER_SLACK: timer slack, ns.
    pub timer_slack_ns: u64,
    /// PROC_FIELD_COREDUMP_FILTER: the contents of a core dump, bits of core(5).
    pub coredump_filter: u32,
    /// PROC_FIELD_SECUREBITS: securebits flags, of your own process only.
    pub securebits: u32,
    /// PROC_FIELD_PERSONALITY: execution domain, as personality(2).
    pub personality: u32,
    /// PROC_FIELD_USAGE: PROC_USAGE_*.
    pub usage_known: u32,
    /// PROC_FIELD_USAGE: as getrusage(2), where usage_known says so.
    pub usage: procfd_rusage,
    /// PROC_FIELD_LIMITS: all resource limits, by RLIMIT_*.
    pub limits: [procfd_rlimit; 16],
    /// Of the fields that you asked for, those that you are not permitted to know.
    pub denied: u64,
    /// Those that this kernel, its configuration or a filter has no way to tell.
    pub unsupported: u64,
    /// Those that ended with the process.
    pub gone: u64,
    /// Those that the process does not have.
    pub nothing: u64,
}

/// The fields of the core have the same bits, and there are no others.
#[cfg(test)]
const _: () = {
    use procfd::Fields;

    macro_rules! same {
        ($($ours:ident = $theirs:ident;)*) => {
            $(assert!($ours == Fields::$theirs.bits(), stringify!($ours));)*
            assert!(0 $(| $ours)* == Fields::all().bits(), "a field without a constant");
        };
    }
    same! {
        PROC_FIELD_IDS = IDS;
        PROC_FIELD_CREDS = CREDS;
        PROC_FIELD_CGROUP_ID = CGROUP_ID;
        PROC_FIELD_EXIT = EXIT;
        PROC_FIELD_INODE = INODE;
        PROC_FIELD_STATE = STATE;
        PROC_FIELD_JOB = JOB;
        PROC_FIELD_START = START;
        PROC_FIELD_COMM = COMM;
        PROC_FIELD_TIMES = TIMES;
        PROC_FIELD_MEMORY = MEMORY;
        PROC_FIELD_FAULTS = FAULTS;
        PROC_FIELD_SCHED = SCHED;
        PROC_FIELD_THREADS = THREADS;
        PROC_FIELD_CPU = CPU;
        PROC_FIELD_CPU_SPLIT = CPU_SPLIT;
        PROC_FIELD_MEMORY_PARTS = MEMORY_PARTS;
        PROC_FIELD_MEMORY_DETAIL = MEMORY_DETAIL;
        PROC_FIELD_SIGNALS = SIGNALS;
        PROC_FIELD_CAPS = CAPS;
        PROC_FIELD_SECURITY = SECURITY;
        PROC_FIELD_TRACER = TRACER;
        PROC_FIELD_UMASK = UMASK;
        PROC_FIELD_NS_PID = NS_PID;
        PROC_FIELD_DUMPABLE = DUMPABLE;
        PROC_FIELD_COREDUMP = COREDUMP;
        PROC_FIELD_IO = IO;
        PROC_FIELD_OOM = OOM;
        PROC_FIELD_LOGIN = LOGIN;
        PROC_FIELD_AUTOGROUP = AUTOGROUP;
        PROC_FIELD_IOPRIO = IOPRIO;
        PROC_FIELD_CORE_SCHED = CORE_SCHED;
        PROC_FIELD_FDS = FDS;
        PROC_FIELD_NAMESPACES = NAMESPACES;
        PROC_FIELD_LIMITS = LIMITS;
        PROC_FIELD_MOUNTS = MOUNTS;
        PROC_FIELD_MEMORY_SET = MEMORY_SET;
        PROC_FIELD_SWITCHES = SWITCHES;
        PROC_FIELD_RUN_DELAY = RUN_DELAY;
        PROC_FIELD_USAGE = USAGE;
        PROC_FIELD_COREDUMP_FILTER = COREDUMP_FILTER;
        PROC_FIELD_TIMER_SLACK = TIMER_SLACK;
        PROC_FIELD_SECUREBITS = SECUREBITS;
        PROC_FIELD_PERSONALITY = PERSONALITY;
    }
};
