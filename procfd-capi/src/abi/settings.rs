// SPDX-License-Identifier: MIT OR Apache-2.0
// Made from procfd-core/src/settings.tsv by scripts/generate: change it there.
#![forbid(unsafe_code)]

//! The commands of process_config.

// ---- process_config: the program ---------------------------------------------------------------

/// Start the process; arg 0, no data. Returns its pid (in your pid namespace). With no
/// program set it forks, and returns 0 in the child.
pub const PROC_CREATE: u32 = 0x100;
/// Add the CLONE_NEW* flags in arg; 0 clears them.
pub const PROC_SET_FLAG: u32 = 0x101;
/// The signal the kernel sends when the last procfd is closed: arg is the signal (0 for none),
/// data NULL or a struct procfd_close. Also a command of `process_manage`.
pub const PROC_SET_CLOSE: u32 = 0x102;
/// How long it may run: arg is nanoseconds (0 for no limit), data NULL for SIGKILL or a struct
/// procfd_time_limit. The watcher or the built-in init keeps the time.
pub const PROC_SET_TIME_LIMIT: u32 = 0x1af;
/// The program: data is its path; arg 0, or PROC_EXEC_PATH to search your PATH.
pub const PROC_SET_EXEC: u32 = 0x103;
/// arg 1: PROC_EXEC_PATH searches the PATH of the environment that the program gets, not the
/// caller's.
pub const PROC_SET_OWN_PATH: u32 = 0x1b0;
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

// ---- process_config: descriptors, in order -----------------------------------------------------

/// dup2 in the child: data is a struct procfd_dup.
pub const PROC_FD_DUP: u32 = 0x120;
/// Open a file in the child at the descriptor in arg: data is a struct procfd_open.
pub const PROC_FD_OPEN: u32 = 0x121;
/// Close the descriptor in arg in the child. It need not be open.
pub const PROC_FD_CLOSE: u32 = 0x122;
/// Close a range in the child: data is a struct procfd_range.
pub const PROC_FD_CLOSE_RANGE: u32 = 0x123;
/// Open /dev/null for reading and writing at the descriptor in arg.
pub const PROC_FD_NULL: u32 = 0x124;
/// Give the child the descriptor in arg under the same number.
pub const PROC_FD_INHERIT: u32 = 0x125;
/// arg 1: the child inherits all descriptors that are not close-on-exec, as in POSIX; arg 0 (the
/// default): 0, 1, 2 and what the other actions name.
pub const PROC_FD_INHERIT_ALL: u32 = 0x126;
/// Make a pipe for the descriptor in the low half of arg, with PROC_PIPE_TO_CHILD or
/// PROC_PIPE_FROM_CHILD. Returns the other end, close-on-exec.
pub const PROC_FD_PIPE: u32 = 0x127;
/// Give the child these bytes to read at the descriptor in arg: a sealed memfd of its own.
pub const PROC_FD_DATA: u32 = 0x128;
/// The size of the pipes that later PROC_FD_PIPE commands make; 0 is the kernel's default.
pub const PROC_FD_PIPE_SIZE: u32 = 0x129;

// ---- process_config: attributes ----------------------------------------------------------------

/// The signal mask: arg holds signal n in bit n-1; or arg 0 and data a sigset_t. Default: that of your
/// thread.
pub const PROC_SET_SIGMASK: u32 = 0x140;
/// Signals set to their default action, as PROC_SET_SIGMASK gives them.
pub const PROC_SET_SIGDEFAULT: u32 = 0x141;
/// Signals set to be ignored, as PROC_SET_SIGMASK gives them.
pub const PROC_SET_SIGIGNORE: u32 = 0x142;
/// arg 1: start a new session (setsid).
pub const PROC_SET_SESSION: u32 = 0x143;
/// Join the process group in arg; 0 starts a new one.
pub const PROC_SET_PGROUP: u32 = 0x144;
/// Make the terminal of your descriptor arg the controlling terminal; needs PROC_SET_SESSION.
pub const PROC_SET_CTTY: u32 = 0x145;
/// Make the child's process group the foreground group of the terminal of your descriptor arg.
pub const PROC_SET_FOREGROUND: u32 = 0x146;
/// Make a pseudo-terminal of this size, the process's 0, 1, 2 and controlling terminal in a new
/// session. Returns the master, close-on-exec.
pub const PROC_SET_PTY: u32 = 0x1cd;
/// arg 1: stop the process once it has executed the program, before the program's first instruction.
/// PROC_RESUME of process_manage lets it go on.
pub const PROC_START_SUSPENDED: u32 = 0x1cc;
/// User ids: arg for all three with data NULL, or data a struct procfd_ids.
pub const PROC_SET_UID: u32 = 0x147;
/// Group ids: arg for all three with data NULL, or data a struct procfd_ids.
pub const PROC_SET_GID: u32 = 0x148;
/// Supplementary groups: data is an array of gid_t, size its bytes; NULL and 0 for none.
pub const PROC_SET_GROUPS: u32 = 0x149;
/// A user with its group and supplementary groups: data is its name or number, which the call looks up.
pub const PROC_SET_USER: u32 = 0x1d0;
/// The file mode creation mask in arg.
pub const PROC_SET_UMASK: u32 = 0x14a;
/// A resource limit: arg is RLIMIT_*, data a struct procfd_rlimit.
pub const PROC_SET_RLIMIT: u32 = 0x14b;
/// The nice value in arg, -20 to 19 (a negative value as (uint64_t)-n).
pub const PROC_SET_NICE: u32 = 0x14c;
/// The timer slack in arg, in nanoseconds: how late a timer may run; 0 for the creator's.
pub const PROC_SET_TIMERSLACK: u32 = 0x155;
/// The execution domain in arg, as in personality(2): ADDR_NO_RANDOMIZE (0x40000) for a memory layout
/// without randomness.
pub const PROC_SET_PERSONALITY: u32 = 0x1c1;
/// arg 1: reading the time-stamp counter is SIGSEGV, as it is in the vDSO and glibc's dynamic linker;
/// x86 only.
pub const PROC_SET_NO_TSC: u32 = 0x1c2;
/// arg 1: the process is a subreaper: its orphaned descendants become its children.
pub const PROC_SET_SUBREAPER: u32 = 0x1c3;
/// The I/O priority in arg, class << 13 | level, as in ioprio_set(2).
pub const PROC_SET_IOPRIO: u32 = 0x1c4;
/// When a memory failure kills the process, PR_MCE_KILL_* of linux/prctl.h in arg: 1 (early) when the
/// kernel finds it, 0 (late) when the process uses the page, 2 as the system has it.
pub const PROC_SET_MCE_KILL: u32 = 0x19f;
/// A feature of the CPU: arg is PR_SPEC_* of linux/prctl.h (the feature), data a uint32_t,
/// PR_SPEC_ENABLE, PR_SPEC_DISABLE or PR_SPEC_FORCE_DISABLE. NULL and 0 for the creator's control.
pub const PROC_SET_SPECULATION: u32 = 0x1ac;
/// The scheduling policy: data is a struct procfd_sched, whose nice value 0 leaves the creator's;
/// NULL and 0 for the creator's.
pub const PROC_SET_SCHEDULER: u32 = 0x1a0;
/// The CPUs that it may run on: data is the mask as sched_setaffinity(2) takes it, size its bytes;
/// NULL and 0 for the creator's.
pub const PROC_SET_AFFINITY: u32 = 0x1a1;
/// oom_score_adj in arg, -1000 to 1000 (a negative value as (uint64_t)-n).
pub const PROC_SET_OOM_SCORE_ADJ: u32 = 0x1a2;
/// The cgroup (v2) that it starts in: data is a path as in /proc/PID/cgroup, a relative one below
/// your own cgroup, or the path of its directory.
pub const PROC_SET_CGROUP: u32 = 0x1a3;
/// The cgroup (v2) that it starts in: arg is a descriptor of its directory.
pub const PROC_SET_CGROUP_FD: u32 = 0x1a4;
/// arg 1: start it in a new cgroup, which is removed when it is empty. data is its name, NULL and 0 for one
/// that the library chooses. The parent is that of PROC_SET_CGROUP; without one your own, or the one
/// above. arg 0: none, and no limits.
pub const PROC_SET_CGROUP_LEAF: u32 = 0x1ad;
/// A limit of a new cgroup (PROC_SET_CGROUP_LEAF), which it asks for: data is "FILE=VALUE", as
/// "memory.max=100M", or "cpus=0.5". In the order given.
pub const PROC_SET_CGROUP_LIMIT: u32 = 0x1ae;
/// Which mappings a core dump has: bits of /proc/PID/coredump_filter, up to 0x1ff.
pub const PROC_SET_COREDUMP_FILTER: u32 = 0x1a6;
/// arg 1: no transparent huge pages.
pub const PROC_SET_THP_DISABLE: u32 = 0x1a7;
/// arg 1: the kernel may merge equal pages (KSM).
pub const PROC_SET_MEMORY_MERGE: u32 = 0x1a8;
/// arg 1: no memory becomes executable that is writable, or was not executable before.
pub const PROC_SET_MDWE: u32 = 0x1a9;
/// arg 1: a core scheduling cookie of its own: only it and its descendants run at once on a core.
pub const PROC_SET_CORE_SCHED: u32 = 0x1aa;
/// The NUMA policy: arg is MPOL_* of linux/mempolicy.h, with MPOL_F_*; data is the mask of nodes as
/// set_mempolicy(2) takes it, size its bytes.
pub const PROC_SET_NUMA: u32 = 0x1ab;
/// arg 1: set no_new_privs.
pub const PROC_SET_NO_NEW_PRIVS: u32 = 0x14d;
/// The capability bounding set: capability n in bit n of arg; UINT64_MAX for all that the kernel has.
pub const PROC_SET_CAP_BOUNDING: u32 = 0x180;
/// The permitted set, as PROC_SET_CAP_BOUNDING gives it. execve(2) computes the program's anew.
pub const PROC_SET_CAP_PERMITTED: u32 = 0x181;
/// The effective set, as PROC_SET_CAP_BOUNDING gives it. execve(2) computes the program's anew.
pub const PROC_SET_CAP_EFFECTIVE: u32 = 0x182;
/// The inheritable set, as PROC_SET_CAP_BOUNDING gives it.
pub const PROC_SET_CAP_INHERITABLE: u32 = 0x183;
/// The ambient set, as PROC_SET_CAP_BOUNDING gives it; its capabilities become inheritable too.
pub const PROC_SET_CAP_AMBIENT: u32 = 0x184;
/// arg 1: a new user keeps the creator's permitted set, as far as execve(2) leaves it.
pub const PROC_SET_KEEP_CAPS: u32 = 0x185;
/// The securebits in arg: SECBIT_* of linux/securebits.h, with their locks.
pub const PROC_SET_SECUREBITS: u32 = 0x186;
/// Add a seccomp program: data is an array of struct sock_filter, size its bytes, arg SECCOMP_FILTER_FLAG_*
/// (TSYNC, LOG, SPEC_ALLOW). NULL, 0 and arg 0 drop those added before. With NEW_LISTENER it returns a
/// socket, which gets the descriptor for the notifications; WAIT_KILLABLE_RECV may go with it.
pub const PROC_SET_SECCOMP: u32 = 0x188;
/// A session keyring: data is its name; an empty one for a new keyring without a name.
pub const PROC_SET_KEYRING: u32 = 0x189;
/// The SELinux context that the program runs in: data is the context.
pub const PROC_SET_SELINUX_CONTEXT: u32 = 0x18e;
/// The AppArmor profile that the program runs under: data is its name.
pub const PROC_SET_APPARMOR_PROFILE: u32 = 0x18f;
/// The Smack label of the process: data is the label.
pub const PROC_SET_SMACK_LABEL: u32 = 0x190;
/// A Landlock ruleset: data is a struct procfd_landlock, what it restricts. arg is PROC_LANDLOCK_STRICT,
/// or 0: what the kernel lacks stays unrestricted. NULL, 0 and arg 0 drop it and its rules.
pub const PROC_SET_LANDLOCK: u32 = 0x18a;
/// Allow the LANDLOCK_ACCESS_FS_* accesses in arg to a file, or to a directory and all beneath it:
/// data is its path, which the child opens.
pub const PROC_LANDLOCK_PATH: u32 = 0x18b;
/// Allow the LANDLOCK_ACCESS_NET_* accesses in arg to a TCP port: data is the port, a uint32_t.
pub const PROC_LANDLOCK_PORT: u32 = 0x18c;
/// Restrict it by a Landlock ruleset of your own too: arg is LANDLOCK_RESTRICT_SELF_LOG_*, data an int, the
/// ruleset's descriptor, which the call duplicates.
pub const PROC_LANDLOCK_FD: u32 = 0x18d;
/// The signal the child gets when the creating thread ends (PR_SET_PDEATHSIG); 0 for none.
pub const PROC_SET_PDEATHSIG: u32 = 0x14e;
/// The signal the creator gets when the child ends; 0 for none. The kernel resets it to
/// SIGCHLD when the child executes a program, so it lasts only for a child that forks.
pub const PROC_SET_EXIT_SIGNAL: u32 = 0x14f;
/// The user id map of a new user namespace: data is an array of struct procfd_idmap.
pub const PROC_SET_UID_MAP: u32 = 0x150;
/// The group id map of a new user namespace: data is an array of struct procfd_idmap.
pub const PROC_SET_GID_MAP: u32 = 0x151;
/// Policy for setgroups(2) in a new user namespace: PROC_SETGROUPS_*.
pub const PROC_SET_SETGROUPS: u32 = 0x152;
/// The host name in a new UTS namespace: data is the name.
pub const PROC_SET_HOSTNAME: u32 = 0x153;
/// The NIS domain name in a new UTS namespace: data is the name.
pub const PROC_SET_DOMAINNAME: u32 = 0x1c0;
/// Join existing namespaces, the CLONE_NEW* kinds in arg: data is an int, a namespace descriptor for
/// one kind, or a pidfd for one or several.
pub const PROC_JOIN_FD: u32 = 0x1c8;
/// Join the existing namespace of the CLONE_NEW* kind in arg at a path: data is the path, which the
/// child opens.
pub const PROC_JOIN_PATH: u32 = 0x1c9;
/// How far a clock of a new time namespace is ahead: arg is CLOCK_MONOTONIC or CLOCK_BOOTTIME, data a
/// struct timespec, whose seconds may be negative.
pub const PROC_SET_TIME_OFFSET: u32 = 0x1ca;
/// A kernel parameter of a new namespace: data is "NAME=VALUE", with the name that sysctl(8) has for it.
pub const PROC_SET_SYSCTL: u32 = 0x1cb;
/// The pids of the process: data is an array of uint32_t, size its bytes; the first is the pid in its
/// own pid namespace, the next ones in those around it. NULL and 0 for the kernel's choice.
pub const PROC_SET_TID: u32 = 0x1d1;

/// arg 1: give the new pid namespace (CLONE_NEWPID) the built-in init: the program runs as pid 2, the
/// init forwards signals to it, reaps orphans, and ends as it ended. A close policy then holds
/// without the watcher: it ends the whole namespace.
pub const PROC_SET_INIT: u32 = 0x154;

/// Add an entry to the list of mounts: arg is PROC_MOUNT_*, data a struct procfd_mount.
pub const PROC_MOUNT: u32 = 0x160;
/// The new root: data is its path. The list of mounts adds to it.
pub const PROC_SET_PIVOT_ROOT: u32 = 0x161;
/// arg 1: a fresh tmpfs as the new root. The child makes missing targets of mounts.
pub const PROC_SET_TMPFS_ROOT: u32 = 0x162;
/// arg 1: the root and all mounts beneath it read-only, but for what the list of mounts adds.
pub const PROC_SET_READONLY_ROOT: u32 = 0x163;
/// arg 1: an empty /tmp, before the list of mounts.
pub const PROC_SET_PRIVATE_TMP: u32 = 0x164;
/// arg 1: a /dev with null, zero, full, random, urandom, tty and new pseudo-terminals, before the list
/// of mounts.
pub const PROC_SET_PRIVATE_DEV: u32 = 0x165;
/// The propagation of all mounts, set before any is made: arg is MS_PRIVATE (the default), MS_SLAVE,
/// MS_SHARED or MS_UNBINDABLE.
pub const PROC_SET_MOUNT_PROPAGATION: u32 = 0x166;
