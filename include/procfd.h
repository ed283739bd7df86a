/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * procfd: a process as a file descriptor, from its configuration to its exit status.
 *
 * Calls return a value >= 0, or -1 with errno set. Structures go by pointer and size, and grow
 * at their end. Link with -lprocfd, or ask pkg-config for procfd; see procfd(7).
 *
 * Generated from procfd-capi/src by "make header": change it there.
 */

#ifndef PROCFD_H
#define PROCFD_H

#include <stddef.h>
#include <stdint.h>

#if UINTPTR_MAX < 0xffffffffffffffff
#error "procfd is 64-bit only"
#endif

/*
 * process_open: do without the watcher. The descriptor still reports the start (EPOLLIN);
 * it does not report the exit, and EPOLLHUP on it means only that its creator is gone.
 */
#define PROCFD_NO_WATCH 0x1

/*
 * process_open: reap the child once its last procfd is closed, at the next process_open
 * at the latest. A close policy (PROC_SET_CLOSE) implies it.
 */
#define PROCFD_AUTOREAP 0x2

/*
 * process_open: the descriptor becomes the process's own pidfd at PROC_CREATE, under the same number. It has
 * no watcher and shows no start: epoll entries from before the start are lost. Do not pass or duplicate it before
 * the start. PROC_SET_CLOSE, PROC_SET_INIT and PROCFD_AUTOREAP need the form without this flag.
 */
#define PROCFD_PIDFD 0x4

/*
 * Start the process; arg 0, no data. Returns its pid (in your pid namespace). With no
 * program set it forks, and returns 0 in the child.
 */
#define PROC_CREATE 0x100
/* Add the CLONE_NEW* flags in arg; 0 clears them. */
#define PROC_SET_FLAG 0x101

/*
 * The signal the kernel sends when the last procfd is closed: arg is the signal (0 for none),
 * data NULL or a struct procfd_close. Also a command of process_manage.
 */
#define PROC_SET_CLOSE 0x102

/*
 * How long it may run: arg is nanoseconds (0 for no limit), data NULL for SIGKILL or a struct
 * procfd_time_limit. The watcher or the built-in init keeps the time.
 */
#define PROC_SET_TIME_LIMIT 0x1af
/* The program: data is its path; arg 0, or PROC_EXEC_PATH to search your PATH. */
#define PROC_SET_EXEC 0x103

/*
 * arg 1: PROC_EXEC_PATH searches the PATH of the environment that the program gets, not the
 * caller's.
 */
#define PROC_SET_OWN_PATH 0x1b0
/* The program: arg is an open descriptor of it (fexecve). Scripts need it inherited as well. */
#define PROC_SET_EXEC_FD 0x104
/* The arguments: data is a NULL-terminated char *const [] with at least one string. */
#define PROC_SET_ARGV 0x105
/* The whole environment: data is a NULL-terminated char *const [] of NAME=value. */
#define PROC_SET_ENV 0x106
/* One variable on top of the environment: data is "NAME=value". */
#define PROC_SET_ENV_VAR 0x107
/* Remove one variable: data is its name. */
#define PROC_UNSET_ENV_VAR 0x108
/* Change directory: data is a path. In order with the PROC_FD_* actions. */
#define PROC_SET_CWD 0x109
/* Change directory: arg is a directory descriptor. In order with the PROC_FD_* actions. */
#define PROC_SET_CWD_FD 0x10a
/* Change root (chroot, then chdir to the new root): data is a path. */
#define PROC_SET_ROOT 0x10b
/* Bind the context to the running process of the pidfd in arg. Returns its pid. */
#define PROC_ATTACH 0x10c
/* Copy the configuration into a new context; arg 0. Returns its procfd. */
#define PROC_COPY 0x10d

/* dup2 in the child: data is a struct procfd_dup. */
#define PROC_FD_DUP 0x120
/* Open a file in the child at the descriptor in arg: data is a struct procfd_open. */
#define PROC_FD_OPEN 0x121
/* Close the descriptor in arg in the child. It need not be open. */
#define PROC_FD_CLOSE 0x122
/* Close a range in the child: data is a struct procfd_range. */
#define PROC_FD_CLOSE_RANGE 0x123
/* Open /dev/null for reading and writing at the descriptor in arg. */
#define PROC_FD_NULL 0x124
/* Give the child the descriptor in arg under the same number. */
#define PROC_FD_INHERIT 0x125

/*
 * arg 1: the child inherits all descriptors that are not close-on-exec, as in POSIX; arg 0 (the
 * default): 0, 1, 2 and what the other actions name.
 */
#define PROC_FD_INHERIT_ALL 0x126

/*
 * Make a pipe for the descriptor in the low half of arg, with PROC_PIPE_TO_CHILD or
 * PROC_PIPE_FROM_CHILD. Returns the other end, close-on-exec.
 */
#define PROC_FD_PIPE 0x127
/* Give the child these bytes to read at the descriptor in arg: a sealed memfd of its own. */
#define PROC_FD_DATA 0x128
/* The size of the pipes that later PROC_FD_PIPE commands make; 0 is the kernel's default. */
#define PROC_FD_PIPE_SIZE 0x129

/*
 * The signal mask: arg holds signal n in bit n-1; or arg 0 and data a sigset_t. Default: that of your
 * thread.
 */
#define PROC_SET_SIGMASK 0x140
/* Signals set to their default action, as PROC_SET_SIGMASK gives them. */
#define PROC_SET_SIGDEFAULT 0x141
/* Signals set to be ignored, as PROC_SET_SIGMASK gives them. */
#define PROC_SET_SIGIGNORE 0x142
/* arg 1: start a new session (setsid). */
#define PROC_SET_SESSION 0x143
/* Join the process group in arg; 0 starts a new one. */
#define PROC_SET_PGROUP 0x144
/* Make the terminal of your descriptor arg the controlling terminal; needs PROC_SET_SESSION. */
#define PROC_SET_CTTY 0x145
/* Make the child's process group the foreground group of the terminal of your descriptor arg. */
#define PROC_SET_FOREGROUND 0x146

/*
 * Make a pseudo-terminal of this size, the process's 0, 1, 2 and controlling terminal in a new
 * session. Returns the master, close-on-exec.
 */
#define PROC_SET_PTY 0x1cd

/*
 * arg 1: stop the process once it has executed the program, before the program's first instruction.
 * PROC_RESUME of process_manage lets it go on.
 */
#define PROC_START_SUSPENDED 0x1cc
/* User ids: arg for all three with data NULL, or data a struct procfd_ids. */
#define PROC_SET_UID 0x147
/* Group ids: arg for all three with data NULL, or data a struct procfd_ids. */
#define PROC_SET_GID 0x148
/* Supplementary groups: data is an array of gid_t, size its bytes; NULL and 0 for none. */
#define PROC_SET_GROUPS 0x149
/* A user with its group and supplementary groups: data is its name or number, which the call looks up. */
#define PROC_SET_USER 0x1d0
/* The file mode creation mask in arg. */
#define PROC_SET_UMASK 0x14a
/* A resource limit: arg is RLIMIT_*, data a struct procfd_rlimit. */
#define PROC_SET_RLIMIT 0x14b
/* The nice value in arg, -20 to 19 (a negative value as (uint64_t)-n). */
#define PROC_SET_NICE 0x14c
/* The timer slack in arg, in nanoseconds: how late a timer may run; 0 for the creator's. */
#define PROC_SET_TIMERSLACK 0x155

/*
 * The execution domain in arg, as in personality(2): ADDR_NO_RANDOMIZE (0x40000) for a memory layout
 * without randomness.
 */
#define PROC_SET_PERSONALITY 0x1c1

/*
 * arg 1: reading the time-stamp counter is SIGSEGV, as it is in the vDSO and glibc's dynamic linker;
 * x86 only.
 */
#define PROC_SET_NO_TSC 0x1c2
/* arg 1: the process is a subreaper: its orphaned descendants become its children. */
#define PROC_SET_SUBREAPER 0x1c3
/* The I/O priority in arg, class << 13 | level, as in ioprio_set(2). */
#define PROC_SET_IOPRIO 0x1c4

/*
 * When a memory failure kills the process, PR_MCE_KILL_* of linux/prctl.h in arg: 1 (early) when the
 * kernel finds it, 0 (late) when the process uses the page, 2 as the system has it.
 */
#define PROC_SET_MCE_KILL 0x19f

/*
 * A feature of the CPU: arg is PR_SPEC_* of linux/prctl.h (the feature), data a uint32_t,
 * PR_SPEC_ENABLE, PR_SPEC_DISABLE or PR_SPEC_FORCE_DISABLE. NULL and 0 for the creator's control.
 */
#define PROC_SET_SPECULATION 0x1ac

/*
 * The scheduling policy: data is a struct procfd_sched, whose nice value 0 leaves the creator's;
 * NULL and 0 for the creator's.
 */
#define PROC_SET_SCHEDULER 0x1a0

/*
 * The CPUs that it may run on: data is the mask as sched_setaffinity(2) takes it, size its bytes;
 * NULL and 0 for the creator's.
 */
#define PROC_SET_AFFINITY 0x1a1
/* oom_score_adj in arg, -1000 to 1000 (a negative value as (uint64_t)-n). */
#define PROC_SET_OOM_SCORE_ADJ 0x1a2

/*
 * The cgroup (v2) that it starts in: data is a path as in /proc/PID/cgroup, a relative one below
 * your own cgroup, or the path of its directory.
 */
#define PROC_SET_CGROUP 0x1a3
/* The cgroup (v2) that it starts in: arg is a descriptor of its directory. */
#define PROC_SET_CGROUP_FD 0x1a4

/*
 * arg 1: start it in a new cgroup, which is removed when it is empty. data is its name, NULL and 0 for one
 * that the library chooses. The parent is that of PROC_SET_CGROUP; without one your own, or the one
 * above. arg 0: none, and no limits.
 */
#define PROC_SET_CGROUP_LEAF 0x1ad

/*
 * A limit of a new cgroup (PROC_SET_CGROUP_LEAF), which it asks for: data is "FILE=VALUE", as
 * "memory.max=100M", or "cpus=0.5". In the order given.
 */
#define PROC_SET_CGROUP_LIMIT 0x1ae
/* Which mappings a core dump has: bits of /proc/PID/coredump_filter, up to 0x1ff. */
#define PROC_SET_COREDUMP_FILTER 0x1a6
/* arg 1: no transparent huge pages. */
#define PROC_SET_THP_DISABLE 0x1a7
/* arg 1: the kernel may merge equal pages (KSM). */
#define PROC_SET_MEMORY_MERGE 0x1a8
/* arg 1: no memory becomes executable that is writable, or was not executable before. */
#define PROC_SET_MDWE 0x1a9
/* arg 1: a core scheduling cookie of its own: only it and its descendants run at once on a core. */
#define PROC_SET_CORE_SCHED 0x1aa

/*
 * The NUMA policy: arg is MPOL_* of linux/mempolicy.h, with MPOL_F_*; data is the mask of nodes as
 * set_mempolicy(2) takes it, size its bytes.
 */
#define PROC_SET_NUMA 0x1ab
/* arg 1: set no_new_privs. */
#define PROC_SET_NO_NEW_PRIVS 0x14d
/* The capability bounding set: capability n in bit n of arg; UINT64_MAX for all that the kernel has. */
#define PROC_SET_CAP_BOUNDING 0x180
/* The permitted set, as PROC_SET_CAP_BOUNDING gives it. execve(2) computes the program's anew. */
#define PROC_SET_CAP_PERMITTED 0x181
/* The effective set, as PROC_SET_CAP_BOUNDING gives it. execve(2) computes the program's anew. */
#define PROC_SET_CAP_EFFECTIVE 0x182
/* The inheritable set, as PROC_SET_CAP_BOUNDING gives it. */
#define PROC_SET_CAP_INHERITABLE 0x183
/* The ambient set, as PROC_SET_CAP_BOUNDING gives it; its capabilities become inheritable too. */
#define PROC_SET_CAP_AMBIENT 0x184
/* arg 1: a new user keeps the creator's permitted set, as far as execve(2) leaves it. */
#define PROC_SET_KEEP_CAPS 0x185
/* The securebits in arg: SECBIT_* of linux/securebits.h, with their locks. */
#define PROC_SET_SECUREBITS 0x186

/*
 * Add a seccomp program: data is an array of struct sock_filter, size its bytes, arg SECCOMP_FILTER_FLAG_*
 * (TSYNC, LOG, SPEC_ALLOW). NULL, 0 and arg 0 drop those added before. With NEW_LISTENER it returns a
 * socket, which gets the descriptor for the notifications; WAIT_KILLABLE_RECV may go with it.
 */
#define PROC_SET_SECCOMP 0x188
/* A session keyring: data is its name; an empty one for a new keyring without a name. */
#define PROC_SET_KEYRING 0x189
/* The SELinux context that the program runs in: data is the context. */
#define PROC_SET_SELINUX_CONTEXT 0x18e
/* The AppArmor profile that the program runs under: data is its name. */
#define PROC_SET_APPARMOR_PROFILE 0x18f
/* The Smack label of the process: data is the label. */
#define PROC_SET_SMACK_LABEL 0x190

/*
 * A Landlock ruleset: data is a struct procfd_landlock, what it restricts. arg is PROC_LANDLOCK_STRICT,
 * or 0: what the kernel lacks stays unrestricted. NULL, 0 and arg 0 drop it and its rules.
 */
#define PROC_SET_LANDLOCK 0x18a

/*
 * Allow the LANDLOCK_ACCESS_FS_* accesses in arg to a file, or to a directory and all beneath it:
 * data is its path, which the child opens.
 */
#define PROC_LANDLOCK_PATH 0x18b
/* Allow the LANDLOCK_ACCESS_NET_* accesses in arg to a TCP port: data is the port, a uint32_t. */
#define PROC_LANDLOCK_PORT 0x18c

/*
 * Restrict it by a Landlock ruleset of your own too: arg is LANDLOCK_RESTRICT_SELF_LOG_*, data an int, the
 * ruleset's descriptor, which the call duplicates.
 */
#define PROC_LANDLOCK_FD 0x18d
/* The signal the child gets when the creating thread ends (PR_SET_PDEATHSIG); 0 for none. */
#define PROC_SET_PDEATHSIG 0x14e

/*
 * The signal the creator gets when the child ends; 0 for none. The kernel resets it to
 * SIGCHLD when the child executes a program, so it lasts only for a child that forks.
 */
#define PROC_SET_EXIT_SIGNAL 0x14f
/* The user id map of a new user namespace: data is an array of struct procfd_idmap. */
#define PROC_SET_UID_MAP 0x150
/* The group id map of a new user namespace: data is an array of struct procfd_idmap. */
#define PROC_SET_GID_MAP 0x151
/* Policy for setgroups(2) in a new user namespace: PROC_SETGROUPS_*. */
#define PROC_SET_SETGROUPS 0x152
/* The host name in a new UTS namespace: data is the name. */
#define PROC_SET_HOSTNAME 0x153
/* The NIS domain name in a new UTS namespace: data is the name. */
#define PROC_SET_DOMAINNAME 0x1c0

/*
 * Join existing namespaces, the CLONE_NEW* kinds in arg: data is an int, a namespace descriptor for
 * one kind, or a pidfd for one or several.
 */
#define PROC_JOIN_FD 0x1c8

/*
 * Join the existing namespace of the CLONE_NEW* kind in arg at a path: data is the path, which the
 * child opens.
 */
#define PROC_JOIN_PATH 0x1c9

/*
 * How far a clock of a new time namespace is ahead: arg is CLOCK_MONOTONIC or CLOCK_BOOTTIME, data a
 * struct timespec, whose seconds may be negative.
 */
#define PROC_SET_TIME_OFFSET 0x1ca
/* A kernel parameter of a new namespace: data is "NAME=VALUE", with the name that sysctl(8) has for it. */
#define PROC_SET_SYSCTL 0x1cb

/*
 * The pids of the process: data is an array of uint32_t, size its bytes; the first is the pid in its
 * own pid namespace, the next ones in those around it. NULL and 0 for the kernel's choice.
 */
#define PROC_SET_TID 0x1d1

/*
 * arg 1: give the new pid namespace (CLONE_NEWPID) the built-in init: the program runs as pid 2, the
 * init forwards signals to it, reaps orphans, and ends as it ended. A close policy then holds
 * without the watcher: it ends the whole namespace.
 */
#define PROC_SET_INIT 0x154

/* Add an entry to the list of mounts: arg is PROC_MOUNT_*, data a struct procfd_mount. */
#define PROC_MOUNT 0x160
/* The new root: data is its path. The list of mounts adds to it. */
#define PROC_SET_PIVOT_ROOT 0x161
/* arg 1: a fresh tmpfs as the new root. The child makes missing targets of mounts. */
#define PROC_SET_TMPFS_ROOT 0x162
/* arg 1: the root and all mounts beneath it read-only, but for what the list of mounts adds. */
#define PROC_SET_READONLY_ROOT 0x163
/* arg 1: an empty /tmp, before the list of mounts. */
#define PROC_SET_PRIVATE_TMP 0x164

/*
 * arg 1: a /dev with null, zero, full, random, urandom, tty and new pseudo-terminals, before the list
 * of mounts.
 */
#define PROC_SET_PRIVATE_DEV 0x165

/*
 * The propagation of all mounts, set before any is made: arg is MS_PRIVATE (the default), MS_SLAVE,
 * MS_SHARED or MS_UNBINDABLE.
 */
#define PROC_SET_MOUNT_PROPAGATION 0x166

/* PROC_SET_EXEC: search your PATH when the name has no slash. */
#define PROC_EXEC_PATH 0x1

/* PROC_FD_PIPE: the child reads, you get the writing end. */
#define PROC_PIPE_TO_CHILD 0x100000000ULL
/* PROC_FD_PIPE: the child writes, you get the reading end. */
#define PROC_PIPE_FROM_CHILD 0x200000000ULL

/*
 * setgroups is denied where the kernel asks for it: where the gid map is one line with your
 * own id, which the child writes without privilege.
 */
#define PROC_SETGROUPS_AUTO 0
/* setgroups stays allowed, or PROC_CREATE fails. */
#define PROC_SETGROUPS_ALLOW 1
/* setgroups is denied. */
#define PROC_SETGROUPS_DENY 2

/* PROC_SET_LANDLOCK: PROC_CREATE fails where the kernel lacks some of it. */
#define PROC_LANDLOCK_STRICT 0x1

/* PROC_MOUNT: bind your source on the target. */
#define PROC_MOUNT_BIND 1
/* PROC_MOUNT: a new filesystem, whose type is the source. */
#define PROC_MOUNT_FILESYSTEM 2
/* PROC_MOUNT: a private /dev: null, zero, full, random, urandom, tty, new pseudo-terminals, links. */
#define PROC_MOUNT_DEV 3
/* PROC_MOUNT: a file with the content. */
#define PROC_MOUNT_FILE 4
/* PROC_MOUNT: a symbolic link with the source as its text. */
#define PROC_MOUNT_SYMLINK 5
/* PROC_MOUNT: a directory, and those above it; it may exist already. */
#define PROC_MOUNT_DIRECTORY 6
/* PROC_MOUNT: change the attributes of the mount at the target, and with options its filesystem. */
#define PROC_MOUNT_REMOUNT 7
/* PROC_MOUNT: move the mount at the source, a path of the new root, to the target. */
#define PROC_MOUNT_MOVE 8
/* PROC_MOUNT: unmount the target and the mounts beneath it. */
#define PROC_MOUNT_UNMOUNT 9
/* PROC_MOUNT: change the propagation of the mount at the target. */
#define PROC_MOUNT_PROPAGATION 10

/* With the mounts beneath: of a bind, a remount, a propagation. */
#define PROC_MOUNT_RECURSIVE 0x1
/* Make the target, and the directories above it, where they are missing. */
#define PROC_MOUNT_CREATE 0x2
/* Map the ids of a bind by the user namespace. */
#define PROC_MOUNT_IDMAP 0x4

/* Send the signal in arg (0 only checks): data NULL or a struct procfd_signal. */
#define PROC_SIGNAL 0x200
/* Wait for a change of state: arg 0 or PROC_WAIT_*, data NULL or a struct procfd_wait. Returns 0. */
#define PROC_WAIT 0x201
/* Duplicate the descriptor numbered arg of the process into your process. Returns it. */
#define PROC_GETFD 0x202

/*
 * Send the signal in arg to the process and all its descendants: data NULL or a struct procfd_kill_tree. Returns
 * the number of processes that got it.
 */
#define PROC_KILL_TREE 0x203
/* Stop the process (SIGSTOP); with the built-in init, every process of its namespace but that init. */
#define PROC_STOP 0x204
/* Continue what PROC_STOP has stopped (SIGCONT). */
#define PROC_CONT 0x205
/* Move the calling thread into the namespaces of the process that the CLONE_NEW* flags in arg name. */
#define PROC_SETNS 0x206
/* Read, and with PROC_RLIMIT_SET set, the limit RLIMIT_* in arg: data is a struct procfd_prlimit. */
#define PROC_RLIMIT 0x207
/* Set the nice value of all its threads to arg, -20 to 19, as PROC_SET_NICE takes it. */
#define PROC_PRIORITY 0x208
/* Set the scheduling policy of all its threads: data is a struct procfd_sched. */
#define PROC_SCHEDULER 0x209
/* Set the CPU affinity of all its threads: data is the mask as sched_setaffinity(2) takes it, size its bytes. */
#define PROC_AFFINITY 0x20a
/* Set the I/O priority of all its threads: arg is class << 13 | data, as ioprio_set(2) has it. */
#define PROC_IOPRIO 0x20b
/* Set oom_score_adj to arg, -1000 to 1000 (a negative value as (uint64_t)-n). */
#define PROC_OOM_SCORE_ADJ 0x20c
/* Move the process into the cgroup whose cgroup v2 directory is open as the descriptor in arg. */
#define PROC_CGROUP 0x20d
/* Advise the kernel of its memory: data is a struct procfd_madvise. Returns the bytes advised. */
#define PROC_MADVISE 0x20e
/* Free the memory of a process that SIGKILL is ending, before the process itself does. */
#define PROC_MRELEASE 0x20f
/* Let a process go on that was started suspended (PROC_START_SUSPENDED), or is stopped: SIGCONT. */
#define PROC_RESUME 0x210

/* procfd_kill_tree.flags: every process of its cgroup and of those below (cgroup.kill, 5.14). For SIGKILL. */
#define PROC_TREE_CGROUP 0x1

/* procfd_kill_tree.how: each process by its pidfd. */
#define PROC_TREE_BY_WALK 1
/* procfd_kill_tree.how: the init of a pid namespace was killed, and the kernel kills the rest. */
#define PROC_TREE_BY_INIT 2
/* procfd_kill_tree.how: the kernel kills the cgroup. */
#define PROC_TREE_BY_CGROUP 3

/* procfd_prlimit.flags: set the limit to soft and hard. */
#define PROC_RLIMIT_SET 0x1

/* PROC_WAIT: return at once; EAGAIN when nothing has changed. */
#define PROC_WAIT_NOHANG 0x1
/* PROC_WAIT: leave the process to be waited for again (WNOWAIT). */
#define PROC_WAIT_PEEK 0x2
/* PROC_WAIT: return for a stop too. The kernel reports stops to the parent only. */
#define PROC_WAIT_STOPPED 0x4
/* PROC_WAIT: return for a continuation too. The kernel reports it to the parent only. */
#define PROC_WAIT_CONTINUED 0x8

/* procfd_wait.what: ended by itself; status is the exit code. */
#define PROC_EXITED 1
/* procfd_wait.what: ended by a signal; status is its number. */
#define PROC_KILLED 2
/* procfd_wait.what: ended by a signal and dumped core; status is its number. */
#define PROC_DUMPED 3

/*
 * procfd_wait.what: stopped by a signal; status is its number. To a tracer of its own child, ptrace(2), a ptrace stop
 * comes too: status is then as waitid(2) has it, the signal with the event above its lower 8 bits.
 */
#define PROC_STOPPED 4
/* procfd_wait.what: continued. */
#define PROC_CONTINUED 5

/* procfd_wait.mask: the usage is known. */
#define PROC_WAIT_HAS_USAGE 0x1

/* Scope: the process. */
#define PROC_SCOPE_PROCESS 0
/* Scope: the one thread the pidfd stands for (the leader, for a procfd). PROC_SIGNAL only. */
#define PROC_SCOPE_THREAD 1
/* Scope: the process group. */
#define PROC_SCOPE_PGROUP 2

/* procfd_signal.flags: deliver value with the signal (si_value, si_code SI_QUEUE). */
#define PROC_SIGNAL_VALUE 0x1

/* The fields named by the mask in arg (PROC_FIELD_*): data is a struct procfd_info. */
#define PROC_INFO 0x300
/* Returns PROC_STATE_*. */
#define PROC_INFO_STATE 0x301
/* Returns the pid in your pid namespace; ESRCH once it is reaped, since the number is then free. */
#define PROC_INFO_PID 0x302

/*
 * Returns a pidfd, close-on-exec. It shares its open file with the procfd's own and its duplicates, so
 * an epoll keeps it until EPOLL_CTL_DEL, whether or not it is closed.
 */
#define PROC_INFO_PIDFD 0x303

/*
 * The step at which the last process_config call on this context failed: data is a struct procfd_error.
 * For the opener of the context only.
 */
#define PROC_INFO_ERROR 0x304

/*
 * What PROC_CREATE would do now, step by step, without starting anything: data is a buffer for text, a line for
 * each step; arg PROC_PLAN_JSON: an array of objects with stage, index, what and calls. Returns the whole length,
 * as PROC_INFO_EXE. For the opener of the context only.
 */
#define PROC_INFO_PLAN 0x305
/* PROC_INFO_PLAN: as JSON. */
#define PROC_PLAN_JSON 1

/* No process yet. */
#define PROC_STATE_CONFIGURING 0
/* The process runs. */
#define PROC_STATE_RUNNING 1
/* The process has ended, reaped or not. */
#define PROC_STATE_EXITED 2

/* Length of procfd_error.message, the NUL included. */
#define PROCFD_ERROR_MESSAGE_MAX 496

/* Nothing failed. */
#define PROC_STAGE_NONE 0
/* An argument of process_config. */
#define PROC_STAGE_CONFIG 1
/* Settings that do not go together, found by PROC_CREATE before anything was started. */
#define PROC_STAGE_PLAN 2
/* The child's stack. */
#define PROC_STAGE_STACK 3
/* The descriptors of the close policy. */
#define PROC_STAGE_FUSE 4
/* clone3(2). */
#define PROC_STAGE_CLONE 5
/* Handing the start to the procfd; the process was killed and reaped. */
#define PROC_STAGE_PUBLISH 6
/* The child ended before it ran the program. */
#define PROC_STAGE_CHILD_DIED 7
/* The watcher. */
#define PROC_STAGE_WATCHER 8
/* PROC_ATTACH. */
#define PROC_STAGE_ATTACH 9
/* newuidmap or newgidmap. */
#define PROC_STAGE_IDMAP_HELPER 10
/* In the child: signal actions; index is the signal. */
#define PROC_STAGE_SIGNALS 32
/* In the child: setpriority(2). */
#define PROC_STAGE_NICE 33
/* In the child: setrlimit(2); index is the resource. */
#define PROC_STAGE_RLIMIT 34
/* In the child: setsid(2). */
#define PROC_STAGE_SESSION 35
/* In the child: setpgid(2). */
#define PROC_STAGE_PGROUP 36
/* In the child: the controlling terminal. */
#define PROC_STAGE_CTTY 37
/* In the child: the foreground process group. */
#define PROC_STAGE_FOREGROUND 38
/* In the child: arming the close policy. */
#define PROC_STAGE_ARM 39
/* In the child: leaving the shared descriptor table. */
#define PROC_STAGE_FD_TABLE 40
/* The setgroups policy of the user namespace. */
#define PROC_STAGE_SETGROUPS 41
/* The user id map. */
#define PROC_STAGE_UID_MAP 42
/* The group id map. */
#define PROC_STAGE_GID_MAP 43
/* In the child: sethostname(2). */
#define PROC_STAGE_HOSTNAME 44
/* In the child: chroot(2). */
#define PROC_STAGE_ROOT 45
/* In the child: chdir(2) or fchdir(2); index is the action's position. */
#define PROC_STAGE_CWD 46
/* In the child: a PROC_FD_* action; index is its position. */
#define PROC_STAGE_FD 47
/* In the child: umask(2). */
#define PROC_STAGE_UMASK 48
/* In the child: setgroups(2). */
#define PROC_STAGE_GROUPS 49
/* In the child: setresgid(2). */
#define PROC_STAGE_GID 50
/* In the child: setresuid(2). */
#define PROC_STAGE_UID 51
/* In the child: no_new_privs. */
#define PROC_STAGE_NO_NEW_PRIVS 52
/* In the child: the parent-death signal. */
#define PROC_STAGE_PDEATHSIG 53
/* In the child: the signal mask. */
#define PROC_STAGE_SIGMASK 54
/* In the child: execve(2); index is the PATH entry. */
#define PROC_STAGE_EXEC 55
/* The built-in init of a new pid namespace. */
#define PROC_STAGE_INIT 56
/* In the child: the timer slack. */
#define PROC_STAGE_TIMERSLACK 57
/* In the child: setdomainname(2). */
#define PROC_STAGE_DOMAINNAME 112
/* In the child: personality(2). */
#define PROC_STAGE_PERSONALITY 113
/* In the child: prctl(PR_SET_TSC). */
#define PROC_STAGE_TSC 114
/* In the child: prctl(PR_SET_CHILD_SUBREAPER). */
#define PROC_STAGE_SUBREAPER 115
/* In the child: ioprio_set(2). */
#define PROC_STAGE_IOPRIO 116
/* In the child: what stops it before the program's first instruction. */
#define PROC_STAGE_SUSPEND 119
/* In the child: setns(2); index is the position among those to join. */
#define PROC_STAGE_JOIN 118
/* In the child: unshare(2) in the user namespace that it joins. */
#define PROC_STAGE_NAMESPACES 109
/* In the child: a new time namespace with offsets. */
#define PROC_STAGE_TIME_OFFSETS 122
/* In the child: a kernel parameter; index is its position. */
#define PROC_STAGE_SYSCTL 123
/* In the child: the propagation of all mounts. */
#define PROC_STAGE_MOUNT_PROPAGATION 64
/* In the child: the new root. */
#define PROC_STAGE_NEW_ROOT 65
/* In the child: the source of a mount; index is its position. */
#define PROC_STAGE_MOUNT_SOURCE 66
/* In the child: the target of a mount; index is its position. */
#define PROC_STAGE_MOUNT_TARGET 67
/* In the child: a mount; index is its position. */
#define PROC_STAGE_MOUNT 68
/* In the child: pivot_root(2). */
#define PROC_STAGE_PIVOT_ROOT 69
/* In the child: the private /tmp. */
#define PROC_STAGE_PRIVATE_TMP 70
/* In the child: the private /dev. */
#define PROC_STAGE_PRIVATE_DEV 71
/* In the child: the scheduling policy. */
#define PROC_STAGE_SCHEDULER 96
/* In the child: sched_setaffinity(2). */
#define PROC_STAGE_AFFINITY 97
/* In the child: /proc/self/oom_score_adj. */
#define PROC_STAGE_OOM_SCORE_ADJ 98
/* In the child: keep-caps. */
#define PROC_STAGE_KEEP_CAPS 80
/* In the child: capset(2); index 1 is the last one. */
#define PROC_STAGE_CAPS 81
/* In the child: the bounding set; index is the capability. */
#define PROC_STAGE_BOUNDING 82
/* In the child: the ambient set; index is the capability. */
#define PROC_STAGE_AMBIENT 83
/* In the child: the securebits. */
#define PROC_STAGE_SECUREBITS 84
/* The cgroup: opening it, the clone into it, or in the child the move. */
#define PROC_STAGE_CGROUP 99
/* The new cgroup: making it, or keeping it. */
#define PROC_STAGE_CGROUP_LEAF 107
/* A limit of the new cgroup; index is its position. */
#define PROC_STAGE_CGROUP_LIMIT 108
/* In the child: /proc/self/coredump_filter. */
#define PROC_STAGE_COREDUMP_FILTER 100
/* In the child: prctl(PR_SET_THP_DISABLE). */
#define PROC_STAGE_THP_DISABLE 101
/* In the child: prctl(PR_SET_MEMORY_MERGE). */
#define PROC_STAGE_MEMORY_MERGE 102
/* In the child: prctl(PR_SET_MDWE). */
#define PROC_STAGE_MDWE 103
/* In the child: prctl(PR_SCHED_CORE). */
#define PROC_STAGE_CORE_SCHED 104
/* In the child: set_mempolicy(2). */
#define PROC_STAGE_NUMA 105
/* In the child: prctl(PR_SET_SPECULATION_CTRL); index is the feature. */
#define PROC_STAGE_SPECULATION 106
/* In the child: a seccomp program; index is its position. */
#define PROC_STAGE_SECCOMP 85
/* In the child: the session keyring. */
#define PROC_STAGE_KEYRING 86
/* In the child: the Landlock ruleset. */
#define PROC_STAGE_LANDLOCK 87
/* In the child: a Landlock rule; index is its position. */
#define PROC_STAGE_LANDLOCK_RULE 88
/* In the child: a Landlock ruleset of the creator's; index is its position. */
#define PROC_STAGE_LANDLOCK_FD 91
/* In the child: a label of a security module; index 0 is SELinux, 1 AppArmor, 2 Smack. */
#define PROC_STAGE_LABEL 92
/* In the child: prctl(PR_MCE_KILL). */
#define PROC_STAGE_MCE_KILL 95

/*
 * Wait until any of many processes changes: the descriptor is -1, arg 0 or PROC_WAIT_NOHANG and
 * PROC_WAIT_PEEK, data a struct procfd_changes. Returns the number of entries that have changed or
 * error set. The call reaps no process. The kernel reports a stop or continuation once; with PROC_WAIT_PEEK the
 * next call reports it again.
 */
#define PROC_CHANGES 0x331

/* procfd_change: the process has been started. A state: the call reports it at once, each time you want it. */
#define PROC_CHANGE_START 0x1
/* procfd_change: it was stopped. The kernel reports this to the parent only (6.7). */
#define PROC_CHANGE_STOP 0x2
/* procfd_change: it was continued. The kernel reports this to the parent only (6.7). */
#define PROC_CHANGE_CONTINUE 0x4

/*
 * procfd_change: it has ended. A state. The call also reports it if you want stops or continuations, because
 * none will follow.
 */
#define PROC_CHANGE_EXIT 0x8

/* procfd_info: pid, tgid, ppid. One ioctl (6.13), or /proc. */
#define PROC_FIELD_IDS 0x1
/* procfd_info: the eight user and group ids. One ioctl (6.13), or /proc. */
#define PROC_FIELD_CREDS 0x2
/* procfd_info: cgroup_id, the inode of its cgroup v2 directory. One ioctl (6.13). */
#define PROC_FIELD_CGROUP_ID 0x4

/*
 * procfd_info: exit_what and exit_status of a process that has ended. One ioctl (6.15) once it is reaped; a
 * procfd keeps it for its opener, if the opener has waited through it.
 */
#define PROC_FIELD_EXIT 0x8
/* procfd_info: inode, the pidfs inode, which no other process gets until reboot (6.9). One fstat. */
#define PROC_FIELD_INODE 0x10
/* procfd_info: State and kernel flags. Class stat. */
#define PROC_FIELD_STATE 0x20
/* procfd_info: Process group, session, terminal. Class stat. */
#define PROC_FIELD_JOB 0x40
/* procfd_info: The time of its start. Class stat. */
#define PROC_FIELD_START 0x80
/* procfd_info: The name of its leading thread. Class stat. */
#define PROC_FIELD_COMM 0x100

/*
 * procfd_info: CPU times of the process and of the children that it has waited for, in steps of 10 ms. Class
 * stat.
 */
#define PROC_FIELD_TIMES 0x200

/*
 * procfd_info: Virtual and resident size. Class statm. Absent without an address space: kernel threads,
 * zombies.
 */
#define PROC_FIELD_MEMORY 0x400
/* procfd_info: Page faults. Class stat. */
#define PROC_FIELD_FAULTS 0x800
/* procfd_info: Nice value, priority, policy, processor, of the leading thread. Class stat. */
#define PROC_FIELD_SCHED 0x1000
/* procfd_info: The number of threads. Class stat. */
#define PROC_FIELD_THREADS 0x2000
/* procfd_info: CPU time by its CPU-time clock, exact. Class clock. */
#define PROC_FIELD_CPU 0x4000

/*
 * procfd_info: User and system time by its CPU-time clocks, as sampled by the timer tick:
 * PROC_FIELD_TIMES is the same scaled to the exact sum. Class clock, twice.
 */
#define PROC_FIELD_CPU_SPLIT 0x8000
/* procfd_info: Shared, text and data. Class statm. */
#define PROC_FIELD_MEMORY_PARTS 0x10000
/* procfd_info: Peaks, swap and the kinds of pages. Class status. */
#define PROC_FIELD_MEMORY_DETAIL 0x20000
/* procfd_info: Pending, blocked, ignored and caught signals, and the queue. Class status. */
#define PROC_FIELD_SIGNALS 0x40000
/* procfd_info: Capability sets. Class status. */
#define PROC_FIELD_CAPS 0x80000
/* procfd_info: no_new_privs and seccomp. Class status. */
#define PROC_FIELD_SECURITY 0x100000
/* procfd_info: Its tracer. Class status. */
#define PROC_FIELD_TRACER 0x200000
/* procfd_info: The file mode creation mask. Class status (4.7). */
#define PROC_FIELD_UMASK 0x400000
/* procfd_info: Its pid in its own pid namespace. Class status (4.1). */
#define PROC_FIELD_NS_PID 0x800000
/* procfd_info: The dumpable attribute (PR_SET_DUMPABLE). Class call: an ioctl (6.16). */
#define PROC_FIELD_DUMPABLE 0x1000000
/* procfd_info: The state of its core dump. Class call: an ioctl (6.16). */
#define PROC_FIELD_COREDUMP 0x2000000
/* procfd_info: Bytes read and written. Class file; you must be permitted to trace it. */
#define PROC_FIELD_IO 0x4000000
/* procfd_info: Out-of-memory score and its adjustment. Class file, twice. */
#define PROC_FIELD_OOM 0x8000000
/* procfd_info: Login user and audit session. Class file, twice; absent if none is set. */
#define PROC_FIELD_LOGIN 0x10000000
/* procfd_info: Autogroup. Class file; absent if the kernel has none, or the session is in none. */
#define PROC_FIELD_AUTOGROUP 0x20000000
/* procfd_info: The I/O priority, as ioprio_get(2) has it, of the leading thread. Class call. */
#define PROC_FIELD_IOPRIO 0x40000000
/* procfd_info: The core scheduling cookie. Class call; you must be permitted to trace it (5.14). */
#define PROC_FIELD_CORE_SCHED 0x80000000ULL

/*
 * procfd_info: Open descriptors. Class several: a stat (6.2; before, the directory is read) and two files. You
 * must be permitted to trace it.
 */
#define PROC_FIELD_FDS 0x100000000ULL
/* procfd_info: The namespaces' ids. Class several: ten links. You must be permitted to trace it. */
#define PROC_FIELD_NAMESPACES 0x200000000ULL
/* procfd_info: All resource limits. Class file. */
#define PROC_FIELD_LIMITS 0x400000000ULL
/* procfd_info: The number of mounts that it sees in its mount namespace. Class several: grows with their number. */
#define PROC_FIELD_MOUNTS 0x800000000ULL

/*
 * procfd_info: Proportional and unique set size. Class several: grows with its memory (4.14). You must be
 * permitted to trace it.
 */
#define PROC_FIELD_MEMORY_SET 0x1000000000ULL
/* procfd_info: Context switches of its live threads. Class status, for each thread. */
#define PROC_FIELD_SWITCHES 0x2000000000ULL
/* procfd_info: The time for which its live threads waited for a processor. Class file, for each thread. */
#define PROC_FIELD_RUN_DELAY 0x4000000000ULL

/*
 * procfd_info: As getrusage(2) has it, as far as known. Class several: stat, status, io. One call for your own
 * process, and for your child that has ended.
 */
#define PROC_FIELD_USAGE 0x8000000000ULL
/* procfd_info: The contents of a core dump: bits as in core(5). Class file; for its user. */
#define PROC_FIELD_COREDUMP_FILTER 0x10000000000ULL
/* procfd_info: Timer slack in nanoseconds. Class file; you must be permitted to trace it, with CAP_SYS_NICE. */
#define PROC_FIELD_TIMER_SLACK 0x20000000000ULL
/* procfd_info: The securebits flags. Class call; for your own process only. */
#define PROC_FIELD_SECUREBITS 0x40000000000ULL
/* procfd_info: The execution domain, as personality(2) has it. Class file; you must be permitted to trace it. */
#define PROC_FIELD_PERSONALITY 0x80000000000ULL

/* procfd_info.usage_known: utime_ns and stime_ns. */
#define PROC_USAGE_TIMES 0x1
/* procfd_info.usage_known: maxrss. */
#define PROC_USAGE_MAXRSS 0x2
/* procfd_info.usage_known: minflt and majflt. */
#define PROC_USAGE_FAULTS 0x4
/* procfd_info.usage_known: inblock and oublock. */
#define PROC_USAGE_BLOCKS 0x8

/*
 * procfd_info.usage_known: nvcsw and nivcsw; of the threads that live, unless the process is your own or
 * your child that has ended.
 */
#define PROC_USAGE_SWITCHES 0x10
/* procfd_info.usage_known: the children it waited for are counted in (an ended child's usage). */
#define PROC_USAGE_WITH_CHILDREN 0x20

/*
 * Fill an array with the fields in arg of many processes: data is a struct procfd_snapshot. Each entry has
 * PROC_FIELD_IDS, and PROC_FIELD_START or PROC_FIELD_INODE, whichever is cheaper: it distinguishes the process
 * from a later one with the same pid. Returns the number of filled entries.
 */
#define PROC_SNAPSHOT 0x330

/* procfd_snapshot.scope: all processes that /proc shows, by ascending pid; the descriptor is -1. */
#define PROC_SNAPSHOT_ALL 0

/*
 * procfd_snapshot.scope: those of the list in fds, in its order, one entry each; the descriptor is -1. An
 * entry without fields has a mask of 0, and its error says why.
 */
#define PROC_SNAPSHOT_LIST 1
/* procfd_snapshot.scope: the process of the descriptor and its descendants, parents before children. */
#define PROC_SNAPSHOT_TREE 2
/* procfd_snapshot.scope: the processes of the cgroup whose cgroup v2 directory the descriptor is. */
#define PROC_SNAPSHOT_CGROUP 3

/*
 * procfd_snapshot.flags: the library keeps open what it reads, which makes the next call faster. That takes
 * one descriptor for each process, two with PROC_FIELD_MEMORY or PROC_FIELD_MEMORY_PARTS, and never more
 * than half the soft RLIMIT_NOFILE. Not for PROC_SNAPSHOT_LIST.
 */
#define PROC_SNAPSHOT_KEEP 0x1

/*
 * procfd_snapshot.flags: close the files that earlier calls kept. With room 0 and scope PROC_SNAPSHOT_ALL the
 * call does only this.
 */
#define PROC_SNAPSHOT_DROP 0x2
/* procfd_snapshot.flags: PROC_SNAPSHOT_CGROUP: also of the cgroups beneath. */
#define PROC_SNAPSHOT_BELOW 0x4

/*
 * The path of the program: arg 0, data a buffer. As all texts: returns the length, which may be more than size,
 * and writes what fits, with a NUL after it if that fits too. NULL and 0 ask for the length. ENODATA: a zombie
 * or a kernel thread has none. The path of an unlinked program ends with " (deleted)".
 */
#define PROC_INFO_EXE 0x310
/* The current directory. */
#define PROC_INFO_CWD 0x311
/* The root directory. */
#define PROC_INFO_ROOT 0x312
/* The arguments, each followed by a NUL. The process may have overwritten them. */
#define PROC_INFO_ARGV 0x313
/* The environment at the start of the program, each variable followed by a NUL. */
#define PROC_INFO_ENVIRON 0x314
/* The path of its cgroup v2 directory, from the root of your cgroup namespace. */
#define PROC_INFO_CGROUP 0x315

/*
 * Its mappings: arg 0, data a buffer for records, each a struct procfd_map and its NUL-terminated path. As all
 * records: returns the length of all of them, which may be more than size, and writes those that fit whole. If
 * eight bytes are left after the last, it writes a size of 0 there. NULL and 0 ask for the length.
 */
#define PROC_INFO_MAPS 0x316
/* The auxiliary vector: pairs of uint64_t, type and value, of a 32-bit program too. */
#define PROC_INFO_AUXV 0x317
/* The kernel function its leading thread sleeps in. ENODATA: none, or you may not know it. */
#define PROC_INFO_WCHAN 0x318
/* The label of the security module (attr/current). ENODATA: no module has one. */
#define PROC_INFO_LABEL 0x319
/* The system call its leading thread is in, as proc_pid_syscall(5) has it. */
#define PROC_INFO_SYSCALL 0x31a
/* The kernel's stack of its leading thread, as proc_pid_stack(5) has it; for CAP_SYS_ADMIN. */
#define PROC_INFO_STACK 0x31b
/* The mounts it sees, as proc_pid_mountinfo(5) has them. */
#define PROC_INFO_MOUNTS 0x31c
/* What its descriptor numbered arg refers to, as in procfd_fd. EBADF also means that it is not open. */
#define PROC_INFO_FD_PATH 0x31d

/*
 * Its threads: arg is a mask of PROC_FIELD_*, data an array of struct procfd_thread. The call fills the fields
 * that a thread has. As all lists: returns the number of all entries, which may be more than fit; NULL and 0 ask
 * for that.
 */
#define PROC_INFO_THREADS 0x320

/*
 * Its children: data is an array of struct procfd_ref. Reads every process of the machine. A process that starts
 * or ends meanwhile may be missing.
 */
#define PROC_INFO_CHILDREN 0x321
/* Its children, their children and so on, parents first: as PROC_INFO_CHILDREN. */
#define PROC_INFO_DESCENDANTS 0x322
/* Its supplementary groups: data is an array of gid_t. */
#define PROC_INFO_GROUPS 0x323
/* The processors its leading thread may run on: data is bytes, number n in bit n % 8 of byte n / 8. */
#define PROC_INFO_AFFINITY 0x324
/* The user id map of its user namespace: data is an array of struct procfd_idmap. */
#define PROC_INFO_UID_MAP 0x325
/* The group id map of its user namespace: data is an array of struct procfd_idmap. */
#define PROC_INFO_GID_MAP 0x326

/*
 * Its open descriptors: data is a buffer for records, each a struct procfd_fd and its NUL-terminated path, as
 * PROC_INFO_MAPS has them.
 */
#define PROC_INFO_FDS 0x327
/* A descriptor of the one namespace that arg names (CLONE_NEW*), for setns(2); no data. Returns it. */
#define PROC_INFO_NSFD 0x328

/* procfd_map.flags: it may be read. */
#define PROC_MAP_READ 0x1
/* procfd_map.flags: it may be written. */
#define PROC_MAP_WRITE 0x2
/* procfd_map.flags: it may be executed. */
#define PROC_MAP_EXEC 0x4
/* procfd_map.flags: shared, not copied on write. */
#define PROC_MAP_SHARED 0x8

/* procfd_fd.kind: the kernel does not say; inode, device and rdev are 0. */
#define PROC_FD_KIND_UNKNOWN 0
/* procfd_fd.kind: a regular file. */
#define PROC_FD_KIND_FILE 1
/* procfd_fd.kind: a directory. */
#define PROC_FD_KIND_DIR 2
/* procfd_fd.kind: a pipe or FIFO. */
#define PROC_FD_KIND_PIPE 3
/* procfd_fd.kind: a socket. */
#define PROC_FD_KIND_SOCKET 4
/* procfd_fd.kind: a character device. */
#define PROC_FD_KIND_CHAR 5
/* procfd_fd.kind: a block device. */
#define PROC_FD_KIND_BLOCK 6
/* procfd_fd.kind: a symbolic link (O_PATH | O_NOFOLLOW). */
#define PROC_FD_KIND_LINK 7
/* procfd_fd.kind: without a name in any file system: an eventfd, an epoll, a pidfd, a namespace. */
#define PROC_FD_KIND_ANON 8

/*
 * procfd_ioctl: added to a command, its request whose third argument is the command's arg, without
 * data. _IO(0xd0 + (command >> 8), command & 0xff).
 */
#define PROCFD_IOC_ARG 0xd000

/*
 * procfd_ioctl: added to a command, its request whose third argument points to a struct procfd_ioctl_arg.
 * _IOW(0xd0 + (command >> 8), command & 0xff, struct procfd_ioctl_arg).
 */
#define PROCFD_IOC_DATA 0x4018d000

/*
 * procfd_ioctl, on an open /proc directory: process_open, with the flags as the third argument.
 * _IO(0xd0, 1).
 */
#define PROCFD_IOC_OPEN 0xd001

/*
 * procfd_ioctl: send the signal in the third argument, an int, as PROC_SIGNAL does. The request of
 * the first proposal: _IOW('p', 1, __s32).
 */
#define PROC_FD_SIGNAL 0x40047001

/* procfd_spawn.stdio: your own stream. */
#define PROCFD_STDIO_INHERIT 0
/* procfd_spawn.stdio: a new pipe, whose other end is in pipes. */
#define PROCFD_STDIO_PIPE 1
/* procfd_spawn.stdio: /dev/null. */
#define PROCFD_STDIO_NULL 2
/* procfd_spawn.stdio: your descriptor in fds. */
#define PROCFD_STDIO_FD 3
/* procfd_spawn.stdio, of standard error only: where standard output goes. */
#define PROCFD_STDIO_STDOUT 4
/* procfd_spawn.stdio, of standard input only: the bytes of input, as PROC_FD_DATA has them. */
#define PROCFD_STDIO_DATA 5

/* Options of procfd_spawn; all zero for none. */
struct procfd_spawn {
    /* Those of process_open: PROCFD_NO_WATCH, PROCFD_AUTOREAP, PROCFD_PIDFD. */
    uint64_t flags;
    /* The program, if it is not the first argument. The call searches your PATH for a name without a slash. */
    const char *program;
    /* The whole environment, a NULL-terminated array of NAME=value; NULL for yours. */
    const char *const *env;
    /* The directory in which it starts; NULL for yours. A relative path of the program begins there. */
    const char *cwd;
    /*
     * Out: three descriptors, your ends of the pipes, close-on-exec; -1 for a stream that is no pipe, and for an end
     * that another thread has closed.
     * May be NULL where none is.
     */
    int *pipes;
    /*
     * The signal that the kernel sends to the process alone when the last procfd is closed, as PROC_SET_CLOSE; 0
     * for none.
     */
    uint32_t close_signal;
    /* Standard input, output and error: PROCFD_STDIO_*. */
    uint32_t stdio[3];
    /* Your descriptors of the streams that are PROCFD_STDIO_FD; the others are ignored. */
    int32_t fds[3];
    /* Must be 0. */
    uint32_t reserved;
    /* The bytes of a standard input that is PROCFD_STDIO_DATA; else NULL. */
    const void *input;
    /* The length of input. */
    size_t input_size;
};

/* Resource usage, as getrusage(2) has it; times in nanoseconds, in steps of 1 microsecond. */
struct procfd_rusage {
    /* User CPU time, ns. */
    uint64_t utime_ns;
    /* System CPU time, ns. */
    uint64_t stime_ns;
    /* Largest resident set, bytes. */
    uint64_t maxrss;
    /* Page faults without I/O. */
    uint64_t minflt;
    /* Page faults with I/O. */
    uint64_t majflt;
    /* Blocks read, of 512 bytes. */
    uint64_t inblock;
    /* Blocks written, of 512 bytes. */
    uint64_t oublock;
    /* Voluntary context switches. */
    uint64_t nvcsw;
    /* Involuntary context switches. */
    uint64_t nivcsw;
};

/* Data of PROC_WAIT. */
struct procfd_wait {
    /* In: how long to wait, ns; 0 is no limit. */
    uint64_t timeout_ns;
    /* Out: PROC_EXITED, PROC_KILLED, PROC_DUMPED, PROC_STOPPED, PROC_CONTINUED. */
    uint32_t what;
    /* Out: exit code, or signal number; of a ptrace stop, the event above it. */
    int32_t status;
    /* Out: the members that the call has filled, PROC_WAIT_HAS_*. */
    uint64_t mask;
    /*
     * Out: the usage of the process and of the children that it has waited for. The kernel reports it to the
     * parent, once; a procfd that the parent opened keeps it.
     */
    struct procfd_rusage usage;
};

/* Data of PROC_SET_CLOSE. */
struct procfd_close {
    /* PROC_SCOPE_PROCESS or PROC_SCOPE_PGROUP. */
    uint32_t scope;
    /*
     * A second signal, which the watcher sends delay_ns after the close, if the process still
     * runs by then; 0 for none. Needs a context with a watcher.
     */
    uint32_t second_signal;
    /* Nanoseconds from the close to second_signal. */
    uint64_t delay_ns;
};

/* Data of PROC_SET_TIME_LIMIT. */
struct procfd_time_limit {
    /* The signal at the end of the time; 0 for SIGKILL. */
    uint32_t signal;
    /* A second signal delay_ns later, if the process still runs by then; 0 for none. */
    uint32_t second_signal;
    /* Nanoseconds from the end of the time to second_signal. */
    uint64_t delay_ns;
};

/* Data of PROC_FD_DUP. source == target clears close-on-exec. */
struct procfd_dup {
    /* Descriptor in the child at this point of the list (at its start: yours). */
    int32_t source;
    /* Descriptor it becomes in the child. */
    int32_t target;
};

/* Data of PROC_FD_OPEN. */
struct procfd_open {
    /* NUL-terminated path, relative to the child's directory at this point of the list. */
    const char *path;
    /* O_* flags of open(2); O_CLOEXEC has no effect. */
    uint64_t flags;
    /* File mode for O_CREAT and O_TMPFILE. */
    uint64_t mode;
};

/* Data of PROC_FD_CLOSE_RANGE: first to last, both included. */
struct procfd_range {
    /* First descriptor. */
    uint32_t first;
    /* Last descriptor; UINT32_MAX for no end. */
    uint32_t last;
};

/* Data of PROC_SET_UID and PROC_SET_GID; UINT32_MAX leaves an id as it is. */
struct procfd_ids {
    /* Real id. */
    uint32_t real;
    /* Effective id. */
    uint32_t effective;
    /* Saved id. */
    uint32_t saved;
    /* Must be 0. */
    uint32_t reserved;
};

/* Data of PROC_SET_RLIMIT; UINT64_MAX is no limit. */
struct procfd_rlimit {
    /* Soft limit, in the unit of the resource. */
    uint64_t soft;
    /* Hard limit, in the unit of the resource. */
    uint64_t hard;
};

/* One line of an id map, as in user_namespaces(7). */
struct procfd_idmap {
    /* First id inside the namespace. */
    uint32_t inside;
    /* First id in your namespace. */
    uint32_t outside;
    /* The number of ids. */
    uint32_t count;
    /* Must be 0. */
    uint32_t reserved;
};

/* Data of PROC_SET_LANDLOCK: what it restricts, as in linux/landlock.h. */
struct procfd_landlock {
    /* LANDLOCK_ACCESS_FS_*: accesses to files. */
    uint64_t fs;
    /* LANDLOCK_ACCESS_NET_*: accesses to TCP ports; 6.7. */
    uint64_t net;
    /* LANDLOCK_SCOPE_*: what it does not reach outside; 6.12. */
    uint64_t scoped;
};

/* Data of PROC_MOUNT. */
struct procfd_mount {
    /* NUL-terminated path of yours, or what the kind says; NULL for none. */
    const char *source;
    /* NUL-terminated absolute path in the new root, without "..". */
    const char *target;
    /* Options of the filesystem, KEY=VALUE,KEY; a comma in a value has a backslash before it. NULL for none. */
    const char *options;
    /* The content of a file. */
    const void *content;
    /* Bytes of the content. */
    uint64_t content_size;
    /* MOUNT_ATTR_* of linux/mount.h to set. */
    uint64_t set;
    /* MOUNT_ATTR_* to clear. */
    uint64_t clear;
    /* PROC_MOUNT_RECURSIVE, PROC_MOUNT_CREATE, PROC_MOUNT_IDMAP. */
    uint64_t flags;
    /* MS_PRIVATE, MS_SLAVE, MS_SHARED or MS_UNBINDABLE, for PROC_MOUNT_PROPAGATION; else 0. */
    uint64_t propagation;
    /* Mode of a tmpfs, a /dev, a file, a directory; 0 for 0755, of a file 0444. */
    uint32_t mode;
    /* Descriptor of the user namespace, for PROC_MOUNT_IDMAP; else 0. */
    int32_t user_namespace;
};

/* Data of PROC_SIGNAL. */
struct procfd_signal {
    /* PROC_SCOPE_*. */
    uint32_t scope;
    /* 0 or PROC_SIGNAL_VALUE. */
    uint32_t flags;
    /* The value (a pointer fits), with PROC_SIGNAL_VALUE. */
    uint64_t value;
};

/* Data of PROC_KILL_TREE. */
struct procfd_kill_tree {
    /* 0 or PROC_TREE_CGROUP. */
    uint32_t flags;
    /* Out: PROC_TREE_BY_*. */
    uint32_t how;
    /*
     * Out: the number of processes to which the call itself sent the signal: those of the walk; 1, the init; 0
     * if the kernel kills a cgroup.
     */
    uint32_t signalled;
    /* Out: the number of processes that you may not signal (EPERM). The call still succeeds. */
    uint32_t refused;
};

/* Data of PROC_RLIMIT; UINT64_MAX is no limit. */
struct procfd_prlimit {
    /* 0 or PROC_RLIMIT_SET. */
    uint64_t flags;
    /* Soft limit, in the unit of the resource. */
    uint64_t soft;
    /* Hard limit, in the unit of the resource. */
    uint64_t hard;
    /* Out: the soft limit before. */
    uint64_t old_soft;
    /* Out: the hard limit before. */
    uint64_t old_hard;
};

/* Data of PROC_SCHEDULER, as sched_setattr(2) has it. */
struct procfd_sched {
    /* SCHED_*. */
    uint32_t policy;
    /* Must be 0. */
    uint32_t reserved;
    /* SCHED_FLAG_*. */
    uint64_t flags;
    /* Nice value of SCHED_OTHER and SCHED_BATCH. */
    int32_t nice;
    /* Priority of SCHED_FIFO and SCHED_RR, 1 to 99. */
    uint32_t priority;
    /* SCHED_DEADLINE: ns, for each thread. With other policies the time slice (6.12). */
    uint64_t runtime_ns;
    /* SCHED_DEADLINE: ns. */
    uint64_t deadline_ns;
    /* SCHED_DEADLINE: ns. */
    uint64_t period_ns;
    /* With SCHED_FLAG_UTIL_CLAMP_MIN: 0 to 1024; UINT32_MAX resets it. */
    uint32_t util_min;
    /* With SCHED_FLAG_UTIL_CLAMP_MAX: 0 to 1024; UINT32_MAX resets it. */
    uint32_t util_max;
};

/* Data of PROC_MADVISE. */
struct procfd_madvise {
    /* An array of struct iovec (sys/uio.h) with addresses of the process's own memory. */
    const void *iov;
    /* Entries of it, at most 1024. */
    uint64_t count;
    /* MADV_COLD, MADV_PAGEOUT, MADV_WILLNEED or MADV_COLLAPSE. */
    uint32_t advice;
    /* Must be 0. */
    uint32_t reserved;
};

/* Data of PROC_INFO. */
struct procfd_info {
    /*
     * Out: the fields that the call has filled, PROC_FIELD_*. Each other field that you asked for is in denied,
     * unsupported, gone or nothing.
     */
    uint64_t mask;
    /* PROC_FIELD_INODE. */
    uint64_t inode;
    /* PROC_FIELD_CGROUP_ID. */
    uint64_t cgroup_id;
    /* PROC_FIELD_IDS: thread id; for a process the same as tgid. */
    uint32_t pid;
    /* PROC_FIELD_IDS: process id. */
    uint32_t tgid;
    /* PROC_FIELD_IDS: parent's process id; 0 when it is outside your pid namespace. */
    uint32_t ppid;
    /* PROC_FIELD_CREDS: real user id. */
    uint32_t ruid;
    /* PROC_FIELD_CREDS: real group id. */
    uint32_t rgid;
    /* PROC_FIELD_CREDS: effective user id. */
    uint32_t euid;
    /* PROC_FIELD_CREDS: effective group id. */
    uint32_t egid;
    /* PROC_FIELD_CREDS: saved user id. */
    uint32_t suid;
    /* PROC_FIELD_CREDS: saved group id. */
    uint32_t sgid;
    /* PROC_FIELD_CREDS: filesystem user id. */
    uint32_t fsuid;
    /* PROC_FIELD_CREDS: filesystem group id. */
    uint32_t fsgid;
    /* PROC_FIELD_EXIT: PROC_EXITED, PROC_KILLED or PROC_DUMPED. */
    uint32_t exit_what;
    /* PROC_FIELD_EXIT: exit code, or signal number. */
    int32_t exit_status;
    /* PROC_SNAPSHOT: an errno, which says why the entry has no fields; else 0. */
    int32_t error;
    /* PROC_FIELD_STATE: the letter of proc(5): R, S, D, Z, T, t, X, I. */
    uint32_t state;
    /* PROC_FIELD_STATE: the kernel's PF_* flags. */
    uint32_t task_flags;
    /* PROC_FIELD_START: since boot, suspended time included, ns (in steps of 10 ms). */
    uint64_t start_boot_ns;
    /* PROC_FIELD_START: since 1970 by the clock's present offset, ns. */
    uint64_t start_real_ns;
    /* PROC_FIELD_TIMES: CPU time in user mode, ns (in steps of 10 ms). */
    uint64_t user_ns;
    /* PROC_FIELD_TIMES: CPU time in the kernel, ns. */
    uint64_t system_ns;
    /* PROC_FIELD_TIMES: user time of the children that it has waited for, ns. */
    uint64_t children_user_ns;
    /* PROC_FIELD_TIMES: system time of the children that it has waited for, ns. */
    uint64_t children_system_ns;
    /* PROC_FIELD_MEMORY: address space, bytes. */
    uint64_t mem_virtual;
    /* PROC_FIELD_MEMORY: resident, bytes. Exact, unlike the figure in /proc/PID/stat. */
    uint64_t mem_resident;
    /* PROC_FIELD_COMM: name of the leading thread, any bytes, NUL-terminated. */
    char comm[64];
    /* PROC_FIELD_CPU: exact CPU time, ns. */
    uint64_t cpu_ns;
    /* PROC_FIELD_JOB: process group; 0 when it is outside your pid namespace. */
    uint32_t pgid;
    /* PROC_FIELD_JOB: session; 0 when it is outside your pid namespace. */
    uint32_t sid;
    /* PROC_FIELD_JOB: foreground process group of its terminal; -1 without one. */
    int32_t tpgid;
    /* PROC_FIELD_THREADS: the number of threads. */
    uint32_t threads;
    /* PROC_FIELD_JOB: controlling terminal's device number as makedev(3) has it; 0 for none. */
    uint64_t tty;
    /* PROC_FIELD_FAULTS: page faults without I/O. */
    uint64_t minflt;
    /* PROC_FIELD_FAULTS: page faults with I/O. */
    uint64_t majflt;
    /* PROC_FIELD_FAULTS: the same of the children that it has waited for. */
    uint64_t children_minflt;
    /* PROC_FIELD_FAULTS: the same of the children that it has waited for. */
    uint64_t children_majflt;
    /* PROC_FIELD_SCHED: 20 + nice, or -1 - the real-time priority. */
    int32_t priority;
    /* PROC_FIELD_SCHED: nice value. */
    int32_t nice;
    /* PROC_FIELD_SCHED: SCHED_*. */
    uint32_t policy;
    /* PROC_FIELD_SCHED: real-time priority, 0 for other policies. */
    uint32_t rt_priority;
    /* PROC_FIELD_SCHED: the processor it ran on last. */
    uint32_t processor;
    /* PROC_FIELD_TRACER: the pid of its tracer, 0 for none. */
    uint32_t tracer;
    /* PROC_FIELD_TIMES: CPU time as a virtual processor (guest time), ns; user_ns includes it. */
    uint64_t guest_ns;
    /* PROC_FIELD_TIMES: guest time of the children, ns. */
    uint64_t children_guest_ns;
    /* PROC_FIELD_TIMES: waiting for block I/O, ns; 0 unless the kernel accounts delays. */
    uint64_t block_io_ns;
    /* PROC_FIELD_CPU_SPLIT: user time as sampled by the tick, ns. */
    uint64_t cpu_user_ns;
    /* PROC_FIELD_CPU_SPLIT: system time as sampled by the tick, ns. */
    uint64_t cpu_system_ns;
    /* PROC_FIELD_MEMORY_PARTS: resident pages of files and shared memory, bytes. */
    uint64_t mem_shared;
    /* PROC_FIELD_MEMORY_PARTS: code, bytes. */
    uint64_t mem_text;
    /* PROC_FIELD_MEMORY_PARTS: data and stack, bytes. */
    uint64_t mem_data;
    /* PROC_FIELD_MEMORY_DETAIL: largest address space, bytes. */
    uint64_t mem_peak_virtual;
    /* PROC_FIELD_MEMORY_DETAIL: largest resident set, bytes. */
    uint64_t mem_peak_resident;
    /* PROC_FIELD_MEMORY_DETAIL: resident anonymous pages, bytes. */
    uint64_t mem_anon;
    /* PROC_FIELD_MEMORY_DETAIL: resident file pages, bytes. */
    uint64_t mem_file;
    /* PROC_FIELD_MEMORY_DETAIL: resident shared memory, bytes. */
    uint64_t mem_shmem;
    /* PROC_FIELD_MEMORY_DETAIL: locked, bytes. */
    uint64_t mem_locked;
    /* PROC_FIELD_MEMORY_DETAIL: pinned, bytes. */
    uint64_t mem_pinned;
    /* PROC_FIELD_MEMORY_DETAIL: private writable mappings, bytes. */
    uint64_t mem_private_data;
    /* PROC_FIELD_MEMORY_DETAIL: stack, bytes. */
    uint64_t mem_stack;
    /* PROC_FIELD_MEMORY_DETAIL: the program's code, bytes. */
    uint64_t mem_exe;
    /* PROC_FIELD_MEMORY_DETAIL: libraries' code, bytes. */
    uint64_t mem_lib;
    /* PROC_FIELD_MEMORY_DETAIL: page tables, bytes. */
    uint64_t mem_page_tables;
    /* PROC_FIELD_MEMORY_DETAIL: swapped out anonymous pages, bytes. */
    uint64_t mem_swap;
    /* PROC_FIELD_SIGNALS: pending for the leading thread; signal n is bit n-1. */
    uint64_t sig_pending_thread;
    /* PROC_FIELD_SIGNALS: pending for the process. */
    uint64_t sig_pending_process;
    /* PROC_FIELD_SIGNALS: blocked by the leading thread. */
    uint64_t sig_blocked;
    /* PROC_FIELD_SIGNALS: ignored. */
    uint64_t sig_ignored;
    /* PROC_FIELD_SIGNALS: with a handler. */
    uint64_t sig_caught;
    /* PROC_FIELD_SIGNALS: signals queued for its user. */
    uint64_t sig_queued;
    /* PROC_FIELD_SIGNALS: RLIMIT_SIGPENDING. */
    uint64_t sig_queue_limit;
    /* PROC_FIELD_CAPS: inheritable; capability n is bit n. */
    uint64_t cap_inheritable;
    /* PROC_FIELD_CAPS: permitted. */
    uint64_t cap_permitted;
    /* PROC_FIELD_CAPS: effective. */
    uint64_t cap_effective;
    /* PROC_FIELD_CAPS: bounding. */
    uint64_t cap_bounding;
    /* PROC_FIELD_CAPS: ambient. */
    uint64_t cap_ambient;
    /* PROC_FIELD_SECURITY: 1: set. */
    uint32_t no_new_privs;
    /* PROC_FIELD_SECURITY: 0: none, 1: strict, 2: filters. */
    uint32_t seccomp;
    /* PROC_FIELD_SECURITY: the number of filters; UINT32_MAX if the kernel does not say (before 5.9). */
    uint32_t seccomp_filters;
    /* PROC_FIELD_UMASK: file mode creation mask. */
    uint32_t umask;
    /* PROC_FIELD_NS_PID: its pid in its own pid namespace. */
    uint32_t ns_pid;
    /* PROC_FIELD_NS_PID: the number of pid namespaces between its own and yours. */
    uint32_t ns_depth;
    /* PROC_FIELD_DUMPABLE: as PR_GET_DUMPABLE. */
    uint32_t dumpable;
    /* PROC_FIELD_COREDUMP: 1: it has dumped core, or dumps it now. */
    uint32_t coredump;
    /* PROC_FIELD_COREDUMP: the signal that caused the dump; 0 if the kernel does not say (before 6.19). */
    int32_t coredump_signal;
    /* PROC_FIELD_OOM: -1000 to 1000. */
    int32_t oom_score_adj;
    /* PROC_FIELD_OOM: 0 to 2000. */
    uint32_t oom_score;
    /* PROC_FIELD_LOGIN: the user id of the login. */
    uint32_t loginuid;
    /* PROC_FIELD_LOGIN: the audit session; UINT32_MAX for none. */
    uint32_t audit_session;
    /* PROC_FIELD_AUTOGROUP: nice value of the autogroup. */
    int32_t autogroup_nice;
    /* PROC_FIELD_AUTOGROUP: number of the autogroup. */
    uint64_t autogroup;
    /* PROC_FIELD_IO: bytes by read(2) and similar calls. */
    uint64_t io_read_chars;
    /* PROC_FIELD_IO: bytes by write(2) and similar calls. */
    uint64_t io_write_chars;
    /* PROC_FIELD_IO: the number of these reading calls. */
    uint64_t io_read_calls;
    /* PROC_FIELD_IO: the number of these writing calls. */
    uint64_t io_write_calls;
    /* PROC_FIELD_IO: bytes fetched from storage. */
    uint64_t io_read_bytes;
    /* PROC_FIELD_IO: bytes sent to storage. */
    uint64_t io_write_bytes;
    /* PROC_FIELD_IO: the part of these bytes that a truncation made needless to write. */
    uint64_t io_cancelled_write_bytes;
    /* PROC_FIELD_IOPRIO: I/O priority, as ioprio_get(2). */
    uint32_t ioprio;
    /* PROC_FIELD_FDS: the number of open descriptors. */
    uint32_t fd_count;
    /* PROC_FIELD_FDS: the size of the descriptor table. */
    uint32_t fd_table;
    /* PROC_FIELD_MOUNTS: the number of mounts that it sees in its mount namespace. */
    uint32_t mounts;
    /* PROC_FIELD_FDS: soft RLIMIT_NOFILE. */
    uint64_t fd_limit;
    /* PROC_FIELD_CORE_SCHED: core scheduling cookie of the leading thread, 0 for none. */
    uint64_t core_sched_cookie;
    /*
     * PROC_FIELD_NAMESPACES: inode of the cgroup namespace. Here and below, 0 means that the kernel has no such
     * kind, or that the process has ended: it keeps only pid and user.
     */
    uint64_t ns_cgroup_id;
    /* PROC_FIELD_NAMESPACES: inode of the IPC namespace. */
    uint64_t ns_ipc_id;
    /* PROC_FIELD_NAMESPACES: inode of the mount namespace. */
    uint64_t ns_mnt_id;
    /* PROC_FIELD_NAMESPACES: inode of the network namespace. */
    uint64_t ns_net_id;
    /* PROC_FIELD_NAMESPACES: inode of the pid namespace. */
    uint64_t ns_pid_id;
    /* PROC_FIELD_NAMESPACES: inode of its children's pid namespace; 0 before its first child starts. */
    uint64_t ns_pid_for_children_id;
    /* PROC_FIELD_NAMESPACES: inode of the time namespace. */
    uint64_t ns_time_id;
    /* PROC_FIELD_NAMESPACES: inode of its children's time namespace. */
    uint64_t ns_time_for_children_id;
    /* PROC_FIELD_NAMESPACES: inode of the user namespace. */
    uint64_t ns_user_id;
    /* PROC_FIELD_NAMESPACES: inode of the UTS namespace. */
    uint64_t ns_uts_id;
    /* PROC_FIELD_MEMORY_SET: proportional set size, bytes. */
    uint64_t mem_pss;
    /* PROC_FIELD_MEMORY_SET: unique set size, bytes. */
    uint64_t mem_uss;
    /* PROC_FIELD_MEMORY_SET: swapped out, bytes. */
    uint64_t mem_swapped;
    /* PROC_FIELD_MEMORY_SET: the proportional part of mem_swapped, bytes. */
    uint64_t mem_swap_pss;
    /* PROC_FIELD_SWITCHES: voluntary context switches of its live threads. */
    uint64_t nvcsw;
    /* PROC_FIELD_SWITCHES: involuntary ones. */
    uint64_t nivcsw;
    /* PROC_FIELD_RUN_DELAY: time in which its live threads were runnable, but had no processor, ns. */
    uint64_t run_delay_ns;
    /* PROC_FIELD_RUN_DELAY: the number of times that they got one. */
    uint64_t run_slices;
    /* PROC_FIELD_TIMER_SLACK: timer slack, ns. */
    uint64_t timer_slack_ns;
    /* PROC_FIELD_COREDUMP_FILTER: the contents of a core dump, bits of core(5). */
    uint32_t coredump_filter;
    /* PROC_FIELD_SECUREBITS: securebits flags, of your own process only. */
    uint32_t securebits;
    /* PROC_FIELD_PERSONALITY: execution domain, as personality(2). */
    uint32_t personality;
    /* PROC_FIELD_USAGE: PROC_USAGE_*. */
    uint32_t usage_known;
    /* PROC_FIELD_USAGE: as getrusage(2), where usage_known says so. */
    struct procfd_rusage usage;
    /* PROC_FIELD_LIMITS: all resource limits, by RLIMIT_*. */
    struct procfd_rlimit limits[16];
    /* Of the fields that you asked for, those that you are not permitted to know. */
    uint64_t denied;
    /* Those that this kernel, its configuration or a filter has no way to tell. */
    uint64_t unsupported;
    /* Those that ended with the process. */
    uint64_t gone;
    /* Those that the process does not have. */
    uint64_t nothing;
};

/* Data of PROC_SNAPSHOT. */
struct procfd_snapshot {
    /* PROC_SNAPSHOT_ALL, _LIST, _TREE or _CGROUP. */
    uint32_t scope;
    /* PROC_SNAPSHOT_KEEP, _DROP, _BELOW. */
    uint32_t flags;
    /* PROC_SNAPSHOT_LIST: procfds, pidfds and /proc/PID directories; else NULL. */
    const int *fds;
    /* How many. */
    uint64_t fd_count;
    /* The array: each entry is a struct procfd_info, as much of it as entry_size says. */
    void *entries;
    /* Bytes from one entry to the next, a multiple of 8: sizeof (struct procfd_info). */
    uint64_t entry_size;
    /* The number of entries in the array. */
    uint64_t room;
    /* Out: how many processes there are, or may be: more than the filled entries if room is too small. */
    uint64_t total;
};

/* One process of PROC_CHANGES. */
struct procfd_change {
    /*
     * In: a procfd, also one without a process yet, a pidfd, or a /proc/PID directory. The call skips one below
     * 0.
     */
    int32_t fd;
    /* In: PROC_CHANGE_*; the call skips an entry that wants 0. */
    uint32_t want;
    /* Out: PROC_CHANGE_* that have come. */
    uint32_t changed;
    /*
     * Out: PROC_EXITED, PROC_KILLED, PROC_DUMPED, PROC_STOPPED, PROC_CONTINUED; 0 if the status is not
     * available, or the process has only started.
     */
    uint32_t what;
    /* Out: exit code, or signal number. */
    int32_t status;
    /*
     * Out: an errno, else 0. With PROC_CHANGE_EXIT it says why the status is unknown: EAGAIN (wait until it is
     * reaped), ENODATA, or ESRCH (a directory of a reaped process). Without it: EBADF, EINVAL (refers to no
     * process), EMFILE, ECHILD (stops of another process's child), or ESRCH (its opener has ended and will not
     * start it).
     */
    int32_t error;
};

/* Data of PROC_CHANGES. */
struct procfd_changes {
    /* How long to wait, ns; 0 is no limit. */
    uint64_t timeout_ns;
    /* The array: each entry is a struct procfd_change, as much of it as entry_size says. */
    void *entries;
    /* Bytes from one entry to the next, a multiple of 8: sizeof (struct procfd_change). */
    uint64_t entry_size;
    /* How many entries. */
    uint64_t count;
};

/* Data of PROC_INFO_ERROR. */
struct procfd_error {
    /* The step, PROC_STAGE_*; PROC_STAGE_NONE if nothing failed. */
    uint32_t stage;
    /* Which of several: the action's position in its list, the resource, the signal, the PATH entry. */
    uint32_t index;
    /* The errno of the step. */
    int saved_errno;
    /* Always 0. */
    uint32_t reserved;
    /* NUL-terminated text that names the step and its operand. */
    char message[PROCFD_ERROR_MESSAGE_MAX];
};

/* The third argument of a PROCFD_IOC_DATA request: what the call of the command takes. */
struct procfd_ioctl_arg {
    /* The command's arg. */
    uint64_t arg;
    /* The command's data, or NULL. */
    void *data;
    /* The size of the data, or 0. */
    size_t size;
};

/* Data of PROC_INFO_MAPS: a record of size bytes. The next follows it. */
struct procfd_map {
    /* The size of the record, path included, a multiple of 8. 0 ends the list. */
    uint32_t size;
    /* PROC_MAP_*. */
    uint32_t flags;
    /* Its first address. */
    uint64_t start;
    /* The address after its last. */
    uint64_t end;
    /* Its start in the file. */
    uint64_t offset;
    /* The inode of the file, 0 for none. */
    uint64_t inode;
    /* The device of the file, as makedev(3) has it; 0 for none. */
    uint64_t device;
    /*
     * The offset of the path in the record. The path follows this structure, which later versions may extend.
     * It ends with a NUL. The path of an unlinked file ends with " (deleted)". Other mappings have [heap],
     * [stack], [anon:name] and similar names, or an empty one.
     */
    uint32_t path_offset;
    /* The length of the path, without its NUL. */
    uint32_t path_len;
};

/* Data of PROC_INFO_FDS: a record of size bytes. The next follows it. */
struct procfd_fd {
    /* The size of the record, path included, a multiple of 8. 0 ends the list. */
    uint32_t size;
    /* Its number. */
    int32_t fd;
    /* PROC_FD_KIND_*. */
    uint32_t kind;
    /* O_*, O_CLOEXEC included. */
    uint32_t flags;
    /* The position in the file. */
    int64_t position;
    /* The inode. */
    uint64_t inode;
    /* The device of its file system, as makedev(3) has it. */
    uint64_t device;
    /* The device that a device file refers to. */
    uint64_t rdev;
    /*
     * The offset of the path in the record. The path follows this structure, which later versions may extend.
     * It ends with a NUL. The path of an unlinked file ends with " (deleted)". Other files have pipe:[inode],
     * socket:[inode], anon_inode:[eventfd] and similar names.
     */
    uint32_t path_offset;
    /* The length of the path, without its NUL. */
    uint32_t path_len;
};

/* Data of PROC_INFO_CHILDREN and PROC_INFO_DESCENDANTS. */
struct procfd_ref {
    /* Its pid in your pid namespace. */
    uint32_t pid;
    /* The pid of its parent. */
    uint32_t ppid;
    /* The time of its start since boot, in steps of 10 ms. Together with the pid it identifies the process. */
    uint64_t start_boot_ns;
    /* The pidfs inode, which alone identifies the process until reboot (6.9). 0 before 6.9. */
    uint64_t inode;
};

/* Data of PROC_INFO_THREADS. */
struct procfd_thread {
    /* The PROC_FIELD_* that the call has filled; the others are 0. */
    uint64_t mask;
    /* PROC_FIELD_START: since boot (CLOCK_BOOTTIME), in steps of 10 ms. */
    uint64_t start_boot_ns;
    /* PROC_FIELD_TIMES: CPU time in user mode, in steps of 10 ms. */
    uint64_t user_ns;
    /* PROC_FIELD_TIMES: CPU time in the kernel, in steps of 10 ms. */
    uint64_t system_ns;
    /* PROC_FIELD_TIMES: CPU time as a virtual processor (guest time); user_ns includes it. */
    uint64_t guest_ns;
    /* PROC_FIELD_TIMES: waiting for block I/O (0 unless the kernel accounts delays). */
    uint64_t block_io_ns;
    /* PROC_FIELD_CPU: exact. */
    uint64_t cpu_ns;
    /* PROC_FIELD_RUN_DELAY: time in which it was runnable, but had no processor. */
    uint64_t run_delay_ns;
    /* PROC_FIELD_RUN_DELAY: the number of times that it got one. */
    uint64_t slices;
    /* PROC_FIELD_SWITCHES: voluntary context switches. */
    uint64_t nvcsw;
    /* PROC_FIELD_SWITCHES: involuntary ones. */
    uint64_t nivcsw;
    /* PROC_FIELD_FAULTS: without I/O. */
    uint64_t minflt;
    /* PROC_FIELD_FAULTS: with I/O. */
    uint64_t majflt;
    /* PROC_FIELD_SIGNALS: pending for the thread alone, signal n in bit n-1. */
    uint64_t sig_pending;
    /* PROC_FIELD_SIGNALS: blocked. */
    uint64_t sig_blocked;
    /* PROC_FIELD_IO: bytes by read(2) and similar calls. */
    uint64_t rchar;
    /* PROC_FIELD_IO: bytes by write(2) and similar calls. */
    uint64_t wchar;
    /* PROC_FIELD_IO: the number of these reading calls. */
    uint64_t syscr;
    /* PROC_FIELD_IO: the number of these writing calls. */
    uint64_t syscw;
    /* PROC_FIELD_IO: bytes fetched from storage. */
    uint64_t read_bytes;
    /* PROC_FIELD_IO: bytes sent to storage. */
    uint64_t write_bytes;
    /* PROC_FIELD_IO: the part of these bytes that a truncation made needless to write. */
    uint64_t cancelled_write_bytes;
    /* Always: its id in your pid namespace. */
    uint32_t tid;
    /* PROC_FIELD_STATE: the letter of proc(5). */
    uint32_t state;
    /* PROC_FIELD_STATE: the kernel's PF_* flags. */
    uint32_t kernel_flags;
    /* PROC_FIELD_SCHED: 20 + nice, or -1 - the real-time priority. */
    int32_t priority;
    /* PROC_FIELD_SCHED: the nice value. */
    int32_t nice;
    /* PROC_FIELD_SCHED: SCHED_*. */
    uint32_t policy;
    /* PROC_FIELD_SCHED: real-time priority, 0 for the other policies. */
    uint32_t rt_priority;
    /* PROC_FIELD_SCHED: the processor it ran on last. */
    uint32_t processor;
    /* PROC_FIELD_IOPRIO: as ioprio_get(2) has it. */
    uint32_t ioprio;
    /* 0. */
    uint32_t reserved;
    /* PROC_FIELD_COMM: its name. */
    char comm[64];
    /* 0; for later versions. */
    uint64_t spare[7];
};

#ifdef __cplusplus
extern "C" {
#endif /* __cplusplus */

/*
 * Opens a process context and returns its procfd, close-on-exec. No process exists yet. You drop the
 * context with close(2).
 *
 * flags: PROCFD_NO_WATCH, PROCFD_AUTOREAP, PROCFD_PIDFD.
 *
 * Errors:
 * - EINVAL: you gave unknown flags.
 * - EOPNOTSUPP: you gave PROCFD_PIDFD with PROCFD_AUTOREAP.
 * - EMFILE, ENFILE, ENOMEM, ENOBUFS: there is no room for the descriptors.
 *
 * Thread-safe. Not for signal handlers, nor for a child of vfork.
 */
int process_open(uint64_t flags);

/*
 * Configures the context behind procfd, and with PROC_CREATE starts the process.
 *
 * Structures go by pointer and size: a shorter one is zero-extended, a longer one with a non-zero
 * tail is E2BIG. Strings: size 0 means NUL-terminated, else size bytes.
 *
 * Errors:
 * - EBADF: the descriptor is not open.
 * - EINVAL: it is no procfd; or the command, a flag or a reserved bit is unknown.
 * - EPERM: another process opened the procfd.
 * - EBUSY: its process is started already; or a second seccomp program that notifies.
 * - EFAULT: data is NULL, and the command needs it.
 * - E2BIG, ENAMETOOLONG: data is too long. ENOENT: you gave an empty path. ENOMEM: there is no memory.
 * - PROC_CREATE: the errno of the step that failed. process_info with PROC_INFO_ERROR tells the step, its
 *   operand, and what to do.
 *
 * Thread-safe. Not for signal handlers.
 */
int process_config(int procfd, uint32_t cmd, uint64_t arg, const void *data, size_t size);

/*
 * Manages the process behind a procfd, a pidfd, or an open /proc/PID directory.
 *
 * Errors:
 * - EBADF: the descriptor is not open.
 * - EINVAL: it refers to no process; or the command, a flag or a reserved bit is unknown.
 * - ESRCH: the process does not exist yet, or it is reaped.
 * - EPERM: you may not do this to the process.
 * - EMFILE: there is no room for the pidfd of the procfd. ENOMEM: there is no memory.
 *
 * Of PROC_WAIT:
 * - EAGAIN: nothing has changed, with PROC_WAIT_NOHANG. ETIMEDOUT: your time limit is over.
 * - EINTR: a signal handler ran.
 * - ENODATA: the process has ended, and its status is no longer available.
 * - ECHILD: you asked for the stops of another process's child.
 * - EOPNOTSUPP: you asked for stops with a timeout, and io_uring has no waitid (before 6.7).
 *
 * Of other commands:
 * - PROC_GETFD: EBADF: the process has no such descriptor. ENOSYS: before 5.6.
 * - PROC_SIGNAL: EOPNOTSUPP: a scope, before 6.9.
 * - PROC_SET_CLOSE: EOPNOTSUPP: the process was started without a policy.
 * - PROC_KILL_TREE: EINVAL: the init of your own pid namespace. EBUSY: your own cgroup. EACCES: a cgroup of
 *   another user. EOPNOTSUPP: no /proc, or no cgroup.kill (before 5.14). EREMOTE: not in your pid namespace.
 * - PROC_RESUME: EALREADY: the process is not stopped.
 *
 * The remaining commands are for a running process:
 * - ESRCH: the process has ended, reaped or not.
 * - EREMOTE: it is not in your pid namespace. EOPNOTSUPP: there is no /proc of it.
 * - EACCES: you gave a lower nice value or OOM score, a cgroup of another user, or memory that you may not
 *   trace.
 * - EBUSY: there is no room for SCHED_DEADLINE, or the cgroup has controllers.
 * - EAGAIN: the process makes threads faster than the call can change them.
 * - ENOSYS: PROC_MADVISE before 5.10, PROC_MRELEASE before 5.15.
 *
 * Thread-safe. Not for signal handlers.
 */
int process_manage(int procfd, uint32_t cmd, uint64_t arg, void *data, size_t size);

/*
 * Asks about the process behind a procfd, a pidfd, or an open /proc/PID directory.
 *
 * Errors:
 * - EBADF: the descriptor is not open.
 * - EINVAL: it refers to no process; or the command, a field or a reserved bit is unknown.
 * - ESRCH: the process does not exist yet, or it is reaped and the kernel keeps no answer.
 * - EPERM: you asked PROC_INFO_ERROR of a context that another process opened.
 * - EREMOTE: PROC_INFO_PID: the process is not in your pid namespace.
 * - EFAULT: data is NULL. EMFILE: there is no free descriptor. ENOMEM: there is no memory.
 * - PROC_CHANGES: EAGAIN: nothing has changed, with PROC_WAIT_NOHANG. ETIMEDOUT: your time limit is over. EINTR:
 *   a signal handler ran. EOPNOTSUPP: you asked for stops, before 6.7.
 *
 * Thread-safe. Not for signal handlers.
 */
int process_info(int procfd, uint32_t cmd, uint64_t arg, void *data, size_t size);

/*
 * The calls above in the form of ioctl(2), one request for each command; see ioctl.md of the
 * documentation. libprocfd-ioctl.so, preloaded, makes ioctl() itself understand them.
 *
 * - PROCFD_IOC_OPEN, on an open /proc directory: process_open(third argument).
 * - PROCFD_IOC_ARG + command: the call of the command with arg the third argument, an unsigned long,
 *   and without data.
 * - PROCFD_IOC_DATA + command: the same with what the struct procfd_ioctl_arg says that the third argument
 *   points to.
 * - PROC_FD_SIGNAL: PROC_SIGNAL with the third argument, an int.
 *
 * PROC_SET_CLOSE, which two calls have, is the one of process_config until the process is started,
 * then the one of process_manage.
 *
 * The call always reads the third argument: give 0 to a command without argument.
 *
 * Errors: ENOTTY (another request; a request that does not apply to what fd refers to), EFAULT, and
 * those of the call. A number that is no command of its call is EINVAL.
 *
 * Thread-safe. Not for signal handlers.
 */
int procfd_ioctl(int fd, unsigned long request, ...);

/*
 * Says in words why the last call of the calling thread failed: which command, which of arg, data and
 * size, and what it takes. Empty if the call succeeded. The text is valid until the thread's next call.
 *
 * A PROC_INFO_ERROR that succeeds leaves it as it is. Never NULL; changes no errno.
 *
 * Thread-safe: each thread has its own. Not for signal handlers.
 */
const char *procfd_error_message(void);

/*
 * Starts a program, and returns its procfd, close-on-exec: process_open, the commands of process_config for
 * what the options say, and PROC_CREATE in one call.
 *
 * argv is a NULL-terminated array of strings. The program is the first of them, or what the options say. If its
 * name has no slash, the call searches your PATH. options is NULL with a size of 0, or a structure with sizeof
 * (struct procfd_spawn).
 *
 * A call that fails leaves no process and no descriptor, and writes nothing; procfd_error_message says why.
 *
 * Errors: EFAULT (argv NULL, or pipes with a PROCFD_STDIO_PIPE), EINVAL (an unknown flag or stream; a size that
 * is not a multiple of 8; no program; not a signal), E2BIG, ENAMETOOLONG, EBADF (a stream that is not open),
 * EMFILE, ENFILE, ENOMEM, ENOBUFS, ENOENT and EACCES (the program or the directory); those of the step of
 * PROC_CREATE that failed.
 *
 * Thread-safe. Not for signal handlers, nor for a child of vfork.
 */
int procfd_spawn(const char *const *argv, const struct procfd_spawn *options, size_t size);

/*
 * Opens a procfd, close-on-exec, of the running process with this pid: pidfd_open(2), process_open and
 * PROC_ATTACH in one call. The pid is one of your pid namespace.
 *
 * flags: those of process_open.
 *
 * Errors: EINVAL (not a pid, or a thread's; unknown flags), ESRCH (no such process), EMFILE, ENFILE, ENOMEM,
 * ENOBUFS; those of PROC_ATTACH.
 *
 * Thread-safe. Not for signal handlers, nor for a child of vfork.
 */
int process_open_pid(int pid, uint64_t flags);

/*
 * Writes how a process changed into text, as snprintf(3) does: at most size bytes with the NUL. Returns the
 * length of the whole text without its NUL.
 *
 * The text is "exit code 3", "killed by SIGTERM", "killed by SIGSEGV, core dumped", "stopped by SIGTSTP" or
 * "continued". It is English in every locale.
 *
 * Errors: EFAULT (wait is NULL; text is NULL and size is not 0), EINVAL (what of wait is none of PROC_EXITED to
 * PROC_CONTINUED: no call has filled it).
 *
 * Thread-safe. Not for signal handlers.
 */
int procfd_status_text(const struct procfd_wait *wait, char *text, size_t size);

#ifdef __cplusplus
} /* extern "C" */
#endif /* __cplusplus */

#endif /* PROCFD_H */
