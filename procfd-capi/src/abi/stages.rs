// SPDX-License-Identifier: MIT OR Apache-2.0
// Made from procfd-core/src/settings.tsv by scripts/generate: change it there.
#![forbid(unsafe_code)]

//! The steps that an error names.

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
/// In the child: the timer slack.
pub const PROC_STAGE_TIMERSLACK: u32 = 57;
/// In the child: setdomainname(2).
pub const PROC_STAGE_DOMAINNAME: u32 = 112;
/// In the child: personality(2).
pub const PROC_STAGE_PERSONALITY: u32 = 113;
/// In the child: prctl(PR_SET_TSC).
pub const PROC_STAGE_TSC: u32 = 114;
/// In the child: prctl(PR_SET_CHILD_SUBREAPER).
pub const PROC_STAGE_SUBREAPER: u32 = 115;
/// In the child: ioprio_set(2).
pub const PROC_STAGE_IOPRIO: u32 = 116;
/// In the child: what stops it before the program's first instruction.
pub const PROC_STAGE_SUSPEND: u32 = 119;
/// In the child: setns(2); index is the position among those to join.
pub const PROC_STAGE_JOIN: u32 = 118;
/// In the child: unshare(2) in the user namespace that it joins.
pub const PROC_STAGE_NAMESPACES: u32 = 109;
/// In the child: a new time namespace with offsets.
pub const PROC_STAGE_TIME_OFFSETS: u32 = 122;
/// In the child: a kernel parameter; index is its position.
pub const PROC_STAGE_SYSCTL: u32 = 123;
/// In the child: the propagation of all mounts.
pub const PROC_STAGE_MOUNT_PROPAGATION: u32 = 64;
/// In the child: the new root.
pub const PROC_STAGE_NEW_ROOT: u32 = 65;
/// In the child: the source of a mount; index is its position.
pub const PROC_STAGE_MOUNT_SOURCE: u32 = 66;
/// In the child: the target of a mount; index is its position.
pub const PROC_STAGE_MOUNT_TARGET: u32 = 67;
/// In the child: a mount; index is its position.
pub const PROC_STAGE_MOUNT: u32 = 68;
/// In the child: pivot_root(2).
pub const PROC_STAGE_PIVOT_ROOT: u32 = 69;
/// In the child: the private /tmp.
pub const PROC_STAGE_PRIVATE_TMP: u32 = 70;
/// In the child: the private /dev.
pub const PROC_STAGE_PRIVATE_DEV: u32 = 71;
/// In the child: the scheduling policy.
pub const PROC_STAGE_SCHEDULER: u32 = 96;
/// In the child: sched_setaffinity(2).
pub const PROC_STAGE_AFFINITY: u32 = 97;
/// In the child: /proc/self/oom_score_adj.
pub const PROC_STAGE_OOM_SCORE_ADJ: u32 = 98;
/// In the child: keep-caps.
pub const PROC_STAGE_KEEP_CAPS: u32 = 80;
/// In the child: capset(2); index 1 is the last one.
pub const PROC_STAGE_CAPS: u32 = 81;
/// In the child: the bounding set; index is the capability.
pub const PROC_STAGE_BOUNDING: u32 = 82;
/// In the child: the ambient set; index is the capability.
pub const PROC_STAGE_AMBIENT: u32 = 83;
/// In the child: the securebits.
pub const PROC_STAGE_SECUREBITS: u32 = 84;
/// The cgroup: opening it, the clone into it, or in the child the move.
pub const PROC_STAGE_CGROUP: u32 = 99;
/// The new cgroup: making it, or keeping it.
pub const PROC_STAGE_CGROUP_LEAF: u32 = 107;
/// A limit of the new cgroup; index is its position.
pub const PROC_STAGE_CGROUP_LIMIT: u32 = 108;
/// In the child: /proc/self/coredump_filter.
pub const PROC_STAGE_COREDUMP_FILTER: u32 = 100;
/// In the child: prctl(PR_SET_THP_DISABLE).
pub const PROC_STAGE_THP_DISABLE: u32 = 101;
/// In the child: prctl(PR_SET_MEMORY_MERGE).
pub const PROC_STAGE_MEMORY_MERGE: u32 = 102;
/// In the child: prctl(PR_SET_MDWE).
pub const PROC_STAGE_MDWE: u32 = 103;
/// In the child: prctl(PR_SCHED_CORE).
pub const PROC_STAGE_CORE_SCHED: u32 = 104;
/// In the child: set_mempolicy(2).
pub const PROC_STAGE_NUMA: u32 = 105;
/// In the child: prctl(PR_SET_SPECULATION_CTRL); index is the feature.
pub const PROC_STAGE_SPECULATION: u32 = 106;
/// In the child: a seccomp program; index is its position.
pub const PROC_STAGE_SECCOMP: u32 = 85;
/// In the child: the session keyring.
pub const PROC_STAGE_KEYRING: u32 = 86;
/// In the child: the Landlock ruleset.
pub const PROC_STAGE_LANDLOCK: u32 = 87;
/// In the child: a Landlock rule; index is its position.
pub const PROC_STAGE_LANDLOCK_RULE: u32 = 88;
/// In the child: a Landlock ruleset of the creator's; index is its position.
pub const PROC_STAGE_LANDLOCK_FD: u32 = 91;
/// In the child: a label of a security module; index 0 is SELinux, 1 AppArmor, 2 Smack.
pub const PROC_STAGE_LABEL: u32 = 92;
/// In the child: prctl(PR_MCE_KILL).
pub const PROC_STAGE_MCE_KILL: u32 = 95;

/// The core has the same numbers.
#[cfg(test)]
const _: () = {
    assert!(PROC_STAGE_NONE == procfd::Stage::NONE.as_raw());
    assert!(PROC_STAGE_CONFIG == procfd::Stage::CONFIG.as_raw());
    assert!(PROC_STAGE_PLAN == procfd::Stage::PLAN.as_raw());
    assert!(PROC_STAGE_STACK == procfd::Stage::STACK.as_raw());
    assert!(PROC_STAGE_FUSE == procfd::Stage::FUSE.as_raw());
    assert!(PROC_STAGE_CLONE == procfd::Stage::CLONE.as_raw());
    assert!(PROC_STAGE_PUBLISH == procfd::Stage::PUBLISH.as_raw());
    assert!(PROC_STAGE_CHILD_DIED == procfd::Stage::CHILD_DIED.as_raw());
    assert!(PROC_STAGE_WATCHER == procfd::Stage::WATCHER.as_raw());
    assert!(PROC_STAGE_ATTACH == procfd::Stage::ATTACH.as_raw());
    assert!(PROC_STAGE_IDMAP_HELPER == procfd::Stage::IDMAP_HELPER.as_raw());
    assert!(PROC_STAGE_SIGNALS == procfd::Stage::SIGNALS.as_raw());
    assert!(PROC_STAGE_NICE == procfd::Stage::NICE.as_raw());
    assert!(PROC_STAGE_RLIMIT == procfd::Stage::RLIMIT.as_raw());
    assert!(PROC_STAGE_SESSION == procfd::Stage::SESSION.as_raw());
    assert!(PROC_STAGE_PGROUP == procfd::Stage::PGROUP.as_raw());
    assert!(PROC_STAGE_CTTY == procfd::Stage::CTTY.as_raw());
    assert!(PROC_STAGE_FOREGROUND == procfd::Stage::FOREGROUND.as_raw());
    assert!(PROC_STAGE_ARM == procfd::Stage::ARM.as_raw());
    assert!(PROC_STAGE_FD_TABLE == procfd::Stage::FD_TABLE.as_raw());
    assert!(PROC_STAGE_SETGROUPS == procfd::Stage::SETGROUPS.as_raw());
    assert!(PROC_STAGE_UID_MAP == procfd::Stage::UID_MAP.as_raw());
    assert!(PROC_STAGE_GID_MAP == procfd::Stage::GID_MAP.as_raw());
    assert!(PROC_STAGE_HOSTNAME == procfd::Stage::HOSTNAME.as_raw());
    assert!(PROC_STAGE_ROOT == procfd::Stage::ROOT.as_raw());
    assert!(PROC_STAGE_CWD == procfd::Stage::CWD.as_raw());
    assert!(PROC_STAGE_FD == procfd::Stage::FD.as_raw());
    assert!(PROC_STAGE_UMASK == procfd::Stage::UMASK.as_raw());
    assert!(PROC_STAGE_GROUPS == procfd::Stage::GROUPS.as_raw());
    assert!(PROC_STAGE_GID == procfd::Stage::GID.as_raw());
    assert!(PROC_STAGE_UID == procfd::Stage::UID.as_raw());
    assert!(PROC_STAGE_NO_NEW_PRIVS == procfd::Stage::NO_NEW_PRIVS.as_raw());
    assert!(PROC_STAGE_PDEATHSIG == procfd::Stage::PDEATHSIG.as_raw());
    assert!(PROC_STAGE_SIGMASK == procfd::Stage::SIGMASK.as_raw());
    assert!(PROC_STAGE_EXEC == procfd::Stage::EXEC.as_raw());
    assert!(PROC_STAGE_INIT == procfd::Stage::INIT.as_raw());
    assert!(PROC_STAGE_TIMERSLACK == procfd::Stage::TIMERSLACK.as_raw());
    assert!(PROC_STAGE_DOMAINNAME == procfd::Stage::DOMAINNAME.as_raw());
    assert!(PROC_STAGE_PERSONALITY == procfd::Stage::PERSONALITY.as_raw());
    assert!(PROC_STAGE_TSC == procfd::Stage::TSC.as_raw());
    assert!(PROC_STAGE_SUBREAPER == procfd::Stage::SUBREAPER.as_raw());
    assert!(PROC_STAGE_IOPRIO == procfd::Stage::IOPRIO.as_raw());
    assert!(PROC_STAGE_SUSPEND == procfd::Stage::SUSPEND.as_raw());
    assert!(PROC_STAGE_JOIN == procfd::Stage::JOIN.as_raw());
    assert!(PROC_STAGE_NAMESPACES == procfd::Stage::NAMESPACES.as_raw());
    assert!(PROC_STAGE_TIME_OFFSETS == procfd::Stage::TIME_OFFSETS.as_raw());
    assert!(PROC_STAGE_SYSCTL == procfd::Stage::SYSCTL.as_raw());
    assert!(PROC_STAGE_MOUNT_PROPAGATION == procfd::Stage::MOUNT_PROPAGATION.as_raw());
    assert!(PROC_STAGE_NEW_ROOT == procfd::Stage::NEW_ROOT.as_raw());
    assert!(PROC_STAGE_MOUNT_SOURCE == procfd::Stage::MOUNT_SOURCE.as_raw());
    assert!(PROC_STAGE_MOUNT_TARGET == procfd::Stage::MOUNT_TARGET.as_raw());
    assert!(PROC_STAGE_MOUNT == procfd::Stage::MOUNT.as_raw());
    assert!(PROC_STAGE_PIVOT_ROOT == procfd::Stage::PIVOT_ROOT.as_raw());
    assert!(PROC_STAGE_PRIVATE_TMP == procfd::Stage::PRIVATE_TMP.as_raw());
    assert!(PROC_STAGE_PRIVATE_DEV == procfd::Stage::PRIVATE_DEV.as_raw());
    assert!(PROC_STAGE_SCHEDULER == procfd::Stage::SCHEDULER.as_raw());
    assert!(PROC_STAGE_AFFINITY == procfd::Stage::AFFINITY.as_raw());
    assert!(PROC_STAGE_OOM_SCORE_ADJ == procfd::Stage::OOM_SCORE_ADJ.as_raw());
    assert!(PROC_STAGE_KEEP_CAPS == procfd::Stage::KEEP_CAPS.as_raw());
    assert!(PROC_STAGE_CAPS == procfd::Stage::CAPS.as_raw());
    assert!(PROC_STAGE_BOUNDING == procfd::Stage::BOUNDING.as_raw());
    assert!(PROC_STAGE_AMBIENT == procfd::Stage::AMBIENT.as_raw());
    assert!(PROC_STAGE_SECUREBITS == procfd::Stage::SECUREBITS.as_raw());
    assert!(PROC_STAGE_CGROUP == procfd::Stage::CGROUP.as_raw());
    assert!(PROC_STAGE_CGROUP_LEAF == procfd::Stage::CGROUP_LEAF.as_raw());
    assert!(PROC_STAGE_CGROUP_LIMIT == procfd::Stage::CGROUP_LIMIT.as_raw());
    assert!(PROC_STAGE_COREDUMP_FILTER == procfd::Stage::COREDUMP_FILTER.as_raw());
    assert!(PROC_STAGE_THP_DISABLE == procfd::Stage::THP_DISABLE.as_raw());
    assert!(PROC_STAGE_MEMORY_MERGE == procfd::Stage::MEMORY_MERGE.as_raw());
    assert!(PROC_STAGE_MDWE == procfd::Stage::MDWE.as_raw());
    assert!(PROC_STAGE_CORE_SCHED == procfd::Stage::CORE_SCHED.as_raw());
    assert!(PROC_STAGE_NUMA == procfd::Stage::NUMA.as_raw());
    assert!(PROC_STAGE_SPECULATION == procfd::Stage::SPECULATION.as_raw());
    assert!(PROC_STAGE_SECCOMP == procfd::Stage::SECCOMP.as_raw());
    assert!(PROC_STAGE_KEYRING == procfd::Stage::KEYRING.as_raw());
    assert!(PROC_STAGE_LANDLOCK == procfd::Stage::LANDLOCK.as_raw());
    assert!(PROC_STAGE_LANDLOCK_RULE == procfd::Stage::LANDLOCK_RULE.as_raw());
    assert!(PROC_STAGE_LANDLOCK_FD == procfd::Stage::LANDLOCK_FD.as_raw());
    assert!(PROC_STAGE_LABEL == procfd::Stage::LABEL.as_raw());
    assert!(PROC_STAGE_MCE_KILL == procfd::Stage::MCE_KILL.as_raw());
};
