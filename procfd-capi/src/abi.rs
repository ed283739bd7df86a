// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The constants and structures of `procfd.h`.
//!
//! Numbers are ABI: they are never reused. The families are kept apart: `0x1xx` belongs to
//! `process_config`, `0x2xx` to `process_manage`, `0x3xx` to `process_info`.
//! Literals, not expressions, because the header is generated from them.

use std::ffi::{c_char, c_int, c_void};

mod changes;
mod info;
mod lists;
pub use changes::*;
pub use info::*;
pub use lists::*;

// ---- process_open -------------------------------------------------------------------------

/// `process_open`: do without the watcher. The descriptor still reports the start (EPOLLIN);
/// it does not report the exit, and EPOLLHUP on it means only that its creator is gone.
pub const PROCFD_NO_WATCH: u64 = 0x1;
/// `process_open`: reap the child once its last procfd is closed, at the next `process_open`
/// at the latest. A close policy (PROC_SET_CLOSE) implies it.
pub const PROCFD_AUTOREAP: u64 = 0x2;

// ---- process_config: the program ------------------------------------------------------------

/// Start the process; arg 0, no data. Returns its pid (in the caller's pid namespace). With no
/// program set it forks, and returns 0 in the child.
pub const PROC_CREATE: u32 = 0x100;
/// Add the CLONE_NEW* flags in arg; 0 clears them.
pub const PROC_SET_FLAG: u32 = 0x101;
/// The signal the kernel sends when the last procfd is closed: arg is the signal (0 for none),
/// data NULL or a struct procfd_close. Also a command of `process_manage`.
pub const PROC_SET_CLOSE: u32 = 0x102;
/// The program: data is its path; arg 0, or PROC_EXEC_PATH to search the caller's PATH.
pub const PROC_SET_EXEC: u32 = 0x103;
/// The program: arg is an open descriptor of it (fexecve). Scripts need it inherited as well.
pub const PROC_SET_EXEC_FD: u32 = 0x104;
/// The arguments: data is a NULL-terminated `char *const []` with at least one string.
pub const PROC_SET_ARGV: u32 = 0x105;
/// The whole environment: data is a NULL-terminated `char *const []` of NAME=value.
pub const PROC_SET_ENV: u32 = 0x106;
/// One variable on top of the environment: data is "NAME=value".
pub const PROC_SET_ENV_VAR: u32 = 0x107;
/// Remove one variable: data is its name.
pub const PROC_UNSET_ENV_VAR: u32 = 0x108;
/// Change directory: data is a path. In order with the PROC_FD_* actions.
pub const PROC_SET_CWD: u32 = 0x109;
/// Change directory: arg is a directory descriptor. In order with the PROC_FD_* actions.
pub const PROC_SET_CWD_FD: u32 = 0x10a;
/// Change root (chroot, then chdir to the new root): data is a path.
pub const PROC_SET_ROOT: u32 = 0x10b;
/// Bind the context to the running process of the pidfd in arg. Returns its pid.
pub const PROC_ATTACH: u32 = 0x10c;
/// Copy the configuration into a new context; arg 0. Returns its procfd.
pub const PROC_COPY: u32 = 0x10d;

// ---- process_config: descriptors, in order ----------------------------------------------------

/// dup2 in the child: data is a struct procfd_dup.
pub const PROC_FD_DUP: u32 = 0x120;
/// Open a file in the child at the descriptor in arg: data is a struct procfd_open.
pub const PROC_FD_OPEN: u32 = 0x121;
/// Close the descriptor in arg in the child. That it is not open is no error.
pub const PROC_FD_CLOSE: u32 = 0x122;
/// Close a range in the child: data is a struct procfd_range.
pub const PROC_FD_CLOSE_RANGE: u32 = 0x123;
/// Open /dev/null for reading and writing at the descriptor in arg.
pub const PROC_FD_NULL: u32 = 0x124;
/// Give the child the descriptor in arg under the same number.
pub const PROC_FD_INHERIT: u32 = 0x125;
/// arg 1: all descriptors that are not close-on-exec are inherited, as POSIX has it;
/// arg 0 (the default): 0, 1, 2 and what the other actions name.
pub const PROC_FD_INHERIT_ALL: u32 = 0x126;

// ---- process_config: attributes ------------------------------------------------------------------

/// The signal mask: arg holds signal n in bit n-1; or arg 0 and data a sigset_t. Default: the caller's.
pub const PROC_SET_SIGMASK: u32 = 0x140;
/// Signals set to their default action, as PROC_SET_SIGMASK gives them.
pub const PROC_SET_SIGDEFAULT: u32 = 0x141;
/// Signals set to be ignored, as PROC_SET_SIGMASK gives them.
pub const PROC_SET_SIGIGNORE: u32 = 0x142;
/// arg 1: start a new session (setsid).
pub const PROC_SET_SESSION: u32 = 0x143;
/// Join the process group in arg; 0 starts a new one.
pub const PROC_SET_PGROUP: u32 = 0x144;
/// Make the terminal in arg (a descriptor of the caller) the controlling terminal; needs PROC_SET_SESSION.
pub const PROC_SET_CTTY: u32 = 0x145;
/// Make the child's process group the foreground group of the terminal in arg (a descriptor of the caller).
pub const PROC_SET_FOREGROUND: u32 = 0x146;
/// User ids: arg for all three with data NULL, or data a struct procfd_ids.
pub const PROC_SET_UID: u32 = 0x147;
/// Group ids: arg for all three with data NULL, or data a struct procfd_ids.
pub const PROC_SET_GID: u32 = 0x148;
/// Supplementary groups: data is an array of gid_t, size its bytes; NULL and 0 for none.
pub const PROC_SET_GROUPS: u32 = 0x149;
/// The file mode creation mask in arg.
pub const PROC_SET_UMASK: u32 = 0x14a;
/// A resource limit: arg is RLIMIT_*, data a struct procfd_rlimit.
pub const PROC_SET_RLIMIT: u32 = 0x14b;
/// The nice value in arg, -20 to 19 (a negative value as (uint64_t)-n).
pub const PROC_SET_NICE: u32 = 0x14c;
/// arg 1: set no_new_privs.
pub const PROC_SET_NO_NEW_PRIVS: u32 = 0x14d;
/// The signal the child gets when the creating thread ends (PR_SET_PDEATHSIG); 0 for none.
pub const PROC_SET_PDEATHSIG: u32 = 0x14e;
/// The signal the creator gets when the child ends; 0 for none. The kernel resets it to
/// SIGCHLD when the child executes a program, so it lasts only for a child that forks.
pub const PROC_SET_EXIT_SIGNAL: u32 = 0x14f;
/// The user id map of a new user namespace: data is an array of struct procfd_idmap.
pub const PROC_SET_UID_MAP: u32 = 0x150;
/// The group id map of a new user namespace: data is an array of struct procfd_idmap.
pub const PROC_SET_GID_MAP: u32 = 0x151;
/// What becomes of setgroups in a new user namespace: PROC_SETGROUPS_*.
pub const PROC_SET_SETGROUPS: u32 = 0x152;
/// The host name in a new UTS namespace: data is the name.
pub const PROC_SET_HOSTNAME: u32 = 0x153;

/// arg 1: give the new pid namespace (CLONE_NEWPID) the built-in init: the program runs as pid 2, the
/// init forwards signals to it, reaps orphans, and ends as it ended. A close policy then holds
/// without the watcher: it ends the whole namespace.
pub const PROC_SET_INIT: u32 = 0x154;

/// PROC_SET_EXEC: search the caller's PATH when the name has no slash.
pub const PROC_EXEC_PATH: u64 = 0x1;

/// setgroups is denied where the kernel asks for it: where the gid map is one line with the caller's
/// own id, which the child writes without privilege.
pub const PROC_SETGROUPS_AUTO: u64 = 0;
/// setgroups stays allowed, or PROC_CREATE fails.
pub const PROC_SETGROUPS_ALLOW: u64 = 1;
/// setgroups is denied.
pub const PROC_SETGROUPS_DENY: u64 = 2;

// ---- process_manage ----------------------------------------------------------------------------

/// Send the signal in arg (0 only checks): data NULL or a struct procfd_signal.
pub const PROC_SIGNAL: u32 = 0x200;
/// Wait for a change of state: arg 0 or PROC_WAIT_*, data NULL or a struct procfd_wait. Returns 0.
pub const PROC_WAIT: u32 = 0x201;
/// Duplicate the descriptor numbered arg of the process into the caller. Returns it.
pub const PROC_GETFD: u32 = 0x202;
/// Send the signal in arg to the process and all its descendants: data NULL or a struct procfd_kill_tree.
/// Returns how many processes it was sent to.
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
/// Free the memory of the process, which SIGKILL is ending, without waiting for it to get there.
pub const PROC_MRELEASE: u32 = 0x20f;

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
/// PROC_WAIT: a stop counts too. Only the parent is told of stops.
pub const PROC_WAIT_STOPPED: u64 = 0x4;
/// PROC_WAIT: a continuation counts too. Only the parent is told of it.
pub const PROC_WAIT_CONTINUED: u64 = 0x8;

/// procfd_wait.what: ended by itself; status is the exit code.
pub const PROC_EXITED: u32 = 1;
/// procfd_wait.what: ended by a signal; status is its number.
pub const PROC_KILLED: u32 = 2;
/// procfd_wait.what: ended by a signal and dumped core; status is its number.
pub const PROC_DUMPED: u32 = 3;
/// procfd_wait.what: stopped by a signal; status is its number.
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

/// procfd_signal.flags: `value` is delivered with the signal (si_value, si_code SI_QUEUE).
pub const PROC_SIGNAL_VALUE: u32 = 0x1;

// ---- process_info --------------------------------------------------------------------------------

/// The fields named by the mask in arg (PROC_FIELD_*): data is a struct procfd_info.
pub const PROC_INFO: u32 = 0x300;
/// Returns PROC_STATE_*.
pub const PROC_INFO_STATE: u32 = 0x301;
/// Returns the pid in the caller's pid namespace; ESRCH once it is reaped, since the number is then free.
pub const PROC_INFO_PID: u32 = 0x302;
/// Returns a pidfd, close-on-exec. It shares its open file with the procfd's own and its duplicates, so
/// an epoll keeps it until EPOLL_CTL_DEL, whether or not it is closed.
pub const PROC_INFO_PIDFD: u32 = 0x303;
/// The step at which the last process_config call on this context failed: data is a struct procfd_error.
/// For the opener of the context only.
pub const PROC_INFO_ERROR: u32 = 0x304;

/// No process yet.
pub const PROC_STATE_CONFIGURING: u32 = 0;
/// The process runs.
pub const PROC_STATE_RUNNING: u32 = 1;
/// The process has ended, reaped or not.
pub const PROC_STATE_EXITED: u32 = 2;

// ---- structures ----------------------------------------------------------------------------------

/// The third argument of a PROCFD_IOC_DATA request: what the call of the command takes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct procfd_ioctl_arg {
    /// The command's arg.
    pub arg: u64,
    /// The command's data, or NULL.
    pub data: *mut c_void,
    /// The size of the data, or 0.
    pub size: usize,
}

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
    /// O_* flags of open(2); O_CLOEXEC is EINVAL.
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
    /// Out: to how many processes the call itself sent the signal: those of the walk; 1, the init; 0 where
    /// the kernel kills a cgroup.
    pub signalled: u32,
    /// Out: how many the caller may not signal (EPERM). With those the call still succeeds.
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

/// Resource usage, as getrusage(2) has it; times in nanoseconds (of microsecond grain).
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
    /// Out: exit code, or signal number.
    pub status: i32,
    /// Out: which of the following are known, PROC_WAIT_HAS_*.
    pub mask: u64,
    /// Out: what the process and its waited-for children used. The kernel tells the parent, once; a
    /// procfd that the parent opened keeps it.
    pub usage: procfd_rusage,
}

/// Length of procfd_error.message, the NUL included.
pub const PROCFD_ERROR_MESSAGE_MAX: usize = 496;

/// Data of PROC_INFO_ERROR.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct procfd_error {
    /// The step, PROC_STAGE_*; PROC_STAGE_NONE when nothing failed.
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

// ---- stages --------------------------------------------------------------------------------------

/// Nothing failed.
pub const PROC_STAGE_NONE: u32 = 0;
/// An argument of process_config.
pub const PROC_STAGE_CONFIG: u32 = 1;
/// Settings that do not go together, found by PROC_CREATE before anything was started.
pub const PROC_STAGE_PLAN: u32 = 2;
/// The child's stack.
pub const PROC_STAGE_STACK: u32 = 3;
/// The descriptors of the close policy.
pub const PROC_STAGE_FUSE: u32 = 4;
/// clone3(2).
pub const PROC_STAGE_CLONE: u32 = 5;
/// Handing the start to the procfd; the process was killed and reaped.
pub const PROC_STAGE_PUBLISH: u32 = 6;
/// The child ended before it ran the program.
pub const PROC_STAGE_CHILD_DIED: u32 = 7;
/// The watcher.
pub const PROC_STAGE_WATCHER: u32 = 8;
/// PROC_ATTACH.
pub const PROC_STAGE_ATTACH: u32 = 9;
/// newuidmap or newgidmap.
pub const PROC_STAGE_IDMAP_HELPER: u32 = 10;
/// In the child: signal actions; index is the signal.
pub const PROC_STAGE_SIGNALS: u32 = 32;
/// In the child: setpriority(2).
pub const PROC_STAGE_NICE: u32 = 33;
/// In the child: setrlimit(2); index is the resource.
pub const PROC_STAGE_RLIMIT: u32 = 34;
/// In the child: setsid(2).
pub const PROC_STAGE_SESSION: u32 = 35;
/// In the child: setpgid(2).
pub const PROC_STAGE_PGROUP: u32 = 36;
/// In the child: the controlling terminal.
pub const PROC_STAGE_CTTY: u32 = 37;
/// In the child: the foreground process group.
pub const PROC_STAGE_FOREGROUND: u32 = 38;
/// In the child: arming the close policy.
pub const PROC_STAGE_ARM: u32 = 39;
/// In the child: leaving the shared descriptor table.
pub const PROC_STAGE_FD_TABLE: u32 = 40;
/// The setgroups policy of the user namespace.
pub const PROC_STAGE_SETGROUPS: u32 = 41;
/// The user id map.
pub const PROC_STAGE_UID_MAP: u32 = 42;
/// The group id map.
pub const PROC_STAGE_GID_MAP: u32 = 43;
/// In the child: sethostname(2).
pub const PROC_STAGE_HOSTNAME: u32 = 44;
/// In the child: chroot(2).
pub const PROC_STAGE_ROOT: u32 = 45;
/// In the child: chdir(2) or fchdir(2); index is the action's position.
pub const PROC_STAGE_CWD: u32 = 46;
/// In the child: a PROC_FD_* action; index is its position.
pub const PROC_STAGE_FD: u32 = 47;
/// In the child: umask(2).
pub const PROC_STAGE_UMASK: u32 = 48;
/// In the child: setgroups(2).
pub const PROC_STAGE_GROUPS: u32 = 49;
/// In the child: setresgid(2).
pub const PROC_STAGE_GID: u32 = 50;
/// In the child: setresuid(2).
pub const PROC_STAGE_UID: u32 = 51;
/// In the child: no_new_privs.
pub const PROC_STAGE_NO_NEW_PRIVS: u32 = 52;
/// In the child: the parent-death signal.
pub const PROC_STAGE_PDEATHSIG: u32 = 53;
/// In the child: the signal mask.
pub const PROC_STAGE_SIGMASK: u32 = 54;
/// In the child: execve(2); index is the PATH entry.
pub const PROC_STAGE_EXEC: u32 = 55;
/// The built-in init of a new pid namespace.
pub const PROC_STAGE_INIT: u32 = 56;
