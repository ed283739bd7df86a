// SPDX-License-Identifier: MIT OR Apache-2.0
// Made from procfd-core/src/settings.tsv by scripts/generate: change it there.
#![forbid(unsafe_code)]

//! The steps, with the words of their errors.

use super::Stage;

stages! {
    /// Nothing failed.
    NONE = 0 "nothing";
    /// An argument of process_config.
    CONFIG = 1 "configure";
    /// Settings that do not go together, found by PROC_CREATE before anything was started.
    PLAN = 2 "check the configuration";
    /// The child's stack.
    STACK = 3 "allocate the child's stack";
    /// The descriptors of the close policy.
    FUSE = 4 "prepare the close policy";
    /// clone3(2).
    CLONE = 5 "clone the child";
    /// Handing the start to the procfd; the process was killed and reaped.
    PUBLISH = 6 "publish the start";
    /// The child ended before it ran the program.
    CHILD_DIED = 7 "keep the child alive until it runs the program";
    /// The watcher.
    WATCHER = 8 "start the watcher";
    /// PROC_ATTACH.
    ATTACH = 9 "attach";
    /// newuidmap or newgidmap.
    IDMAP_HELPER = 10 "map ids by helper";
    /// In the child: signal actions; index is the signal.
    SIGNALS = 32 "set the action of a signal";
    /// In the child: setpriority(2).
    NICE = 33 "set the nice value";
    /// In the child: setrlimit(2); index is the resource.
    RLIMIT = 34 "set a resource limit";
    /// In the child: setsid(2).
    SESSION = 35 "start a session";
    /// In the child: setpgid(2).
    PGROUP = 36 "set the process group";
    /// In the child: the controlling terminal.
    CTTY = 37 "set the controlling terminal";
    /// In the child: the foreground process group.
    FOREGROUND = 38 "set the foreground process group";
    /// In the child: arming the close policy.
    ARM = 39 "arm the close policy";
    /// In the child: leaving the shared descriptor table.
    FD_TABLE = 40 "leave the shared descriptor table";
    /// The setgroups policy of the user namespace.
    SETGROUPS = 41 "set the setgroups policy of the user namespace";
    /// The user id map.
    UID_MAP = 42 "write the user id map";
    /// The group id map.
    GID_MAP = 43 "write the group id map";
    /// In the child: sethostname(2).
    HOSTNAME = 44 "set the host name";
    /// In the child: chroot(2).
    ROOT = 45 "change root";
    /// In the child: chdir(2) or fchdir(2); index is the action's position.
    CWD = 46 "change directory";
    /// In the child: a PROC_FD_* action; index is its position.
    FD = 47 "carry out a descriptor action";
    /// In the child: umask(2).
    UMASK = 48 "set the umask";
    /// In the child: setgroups(2).
    GROUPS = 49 "set the supplementary groups";
    /// In the child: setresgid(2).
    GID = 50 "set the group ids";
    /// In the child: setresuid(2).
    UID = 51 "set the user ids";
    /// In the child: no_new_privs.
    NO_NEW_PRIVS = 52 "set no_new_privs";
    /// In the child: the parent-death signal.
    PDEATHSIG = 53 "set the parent-death signal";
    /// In the child: the signal mask.
    SIGMASK = 54 "set the signal mask";
    /// In the child: execve(2); index is the PATH entry.
    EXEC = 55 "execute";
    /// The built-in init of a new pid namespace.
    INIT = 56 "start the built-in init";
    /// In the child: the timer slack.
    TIMERSLACK = 57 "set the timer slack";
    /// In the child: setdomainname(2).
    DOMAINNAME = 112 "set the domain name";
    /// In the child: personality(2).
    PERSONALITY = 113 "set the personality";
    /// In the child: prctl(PR_SET_TSC).
    TSC = 114 "disable the time-stamp counter";
    /// In the child: prctl(PR_SET_CHILD_SUBREAPER).
    SUBREAPER = 115 "make the child a subreaper";
    /// In the child: ioprio_set(2).
    IOPRIO = 116 "set the I/O priority";
    /// In the child: what stops it before the program's first instruction.
    SUSPEND = 119 "suspend the process";
    /// In the child: setns(2); index is the position among those to join.
    JOIN = 118 "join the namespaces";
    /// In the child: unshare(2) in the user namespace that it joins.
    NAMESPACES = 109 "make the namespaces";
    /// In the child: a new time namespace with offsets.
    TIME_OFFSETS = 122 "set the time offsets";
    /// In the child: a kernel parameter; index is its position.
    SYSCTL = 123 "set the parameter";
    /// In the child: the propagation of all mounts.
    MOUNT_PROPAGATION = 64 "set the propagation of the mounts";
    /// In the child: the new root.
    NEW_ROOT = 65 "make the new root";
    /// In the child: the source of a mount; index is its position.
    MOUNT_SOURCE = 66 "open the source of a mount";
    /// In the child: the target of a mount; index is its position.
    MOUNT_TARGET = 67 "open the target of a mount";
    /// In the child: a mount; index is its position.
    MOUNT = 68 "mount";
    /// In the child: pivot_root(2).
    PIVOT_ROOT = 69 "change to the new root";
    /// In the child: the private /tmp.
    PRIVATE_TMP = 70 "mount the private /tmp";
    /// In the child: the private /dev.
    PRIVATE_DEV = 71 "mount the private /dev";
    /// In the child: the scheduling policy.
    SCHEDULER = 96 "set the scheduling policy";
    /// In the child: sched_setaffinity(2).
    AFFINITY = 97 "set the CPU affinity";
    /// In the child: /proc/self/oom_score_adj.
    OOM_SCORE_ADJ = 98 "set oom_score_adj";
    /// In the child: keep-caps.
    KEEP_CAPS = 80 "keep the capabilities";
    /// In the child: capset(2); index 1 is the last one.
    CAPS = 81 "set the capabilities";
    /// In the child: the bounding set; index is the capability.
    BOUNDING = 82 "drop a capability from the bounding set";
    /// In the child: the ambient set; index is the capability.
    AMBIENT = 83 "set the ambient capabilities";
    /// In the child: the securebits.
    SECUREBITS = 84 "set the securebits";
    /// The cgroup: opening it, the clone into it, or in the child the move.
    CGROUP = 99 "start in the cgroup";
    /// The new cgroup: making it, or keeping it.
    CGROUP_LEAF = 107 "make the cgroup";
    /// A limit of the new cgroup; index is its position.
    CGROUP_LIMIT = 108 "set the cgroup limit";
    /// In the child: /proc/self/coredump_filter.
    COREDUMP_FILTER = 100 "set the core dump filter";
    /// In the child: prctl(PR_SET_THP_DISABLE).
    THP_DISABLE = 101 "disable transparent huge pages";
    /// In the child: prctl(PR_SET_MEMORY_MERGE).
    MEMORY_MERGE = 102 "have equal pages merged";
    /// In the child: prctl(PR_SET_MDWE).
    MDWE = 103 "deny memory that is writable and executable";
    /// In the child: prctl(PR_SCHED_CORE).
    CORE_SCHED = 104 "make a core scheduling cookie";
    /// In the child: set_mempolicy(2).
    NUMA = 105 "set the NUMA policy";
    /// In the child: prctl(PR_SET_SPECULATION_CTRL); index is the feature.
    SPECULATION = 106 "control the speculation";
    /// In the child: a seccomp program; index is its position.
    SECCOMP = 85 "start seccomp program";
    /// In the child: the session keyring.
    KEYRING = 86 "join the session keyring";
    /// In the child: the Landlock ruleset.
    LANDLOCK = 87 "restrict by Landlock";
    /// In the child: a Landlock rule; index is its position.
    LANDLOCK_RULE = 88 "add the Landlock rule";
    /// In the child: a Landlock ruleset of the creator's; index is its position.
    LANDLOCK_FD = 91 "restrict by the given Landlock ruleset";
    /// In the child: a label of a security module; index 0 is SELinux, 1 AppArmor, 2 Smack.
    LABEL = 92 "set the security label";
    /// In the child: prctl(PR_MCE_KILL).
    MCE_KILL = 95 "set the policy for memory failures";
}
