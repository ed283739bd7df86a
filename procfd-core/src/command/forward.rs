// SPDX-License-Identifier: MIT OR Apache-2.0
// Made from procfd-core/src/settings/ by scripts/generate: change it there.
#![forbid(unsafe_code)]

//! The settings of a context, as methods of a command.

use std::ffi::OsStr;
use std::os::fd::{OwnedFd, RawFd};
use std::path::Path;
use std::time::Duration;

use super::Command;
use crate::{
    CapSet, IdMap, Landlock, LandlockFs, LandlockLog, LandlockNet, Mount, Namespaces, NumaFlags, NumaPolicy,
    Propagation, Scheduler, SeccompFlags, SecureBits, Setgroups, SignalSet, Speculation, SpeculationControl,
};

macro_rules! forward {
    ($($name:ident($($arg:ident: $kind:ty),*);)*) => {
        impl Command {
            $(
                #[doc = concat!("See [`Context::", stringify!($name), "`](crate::Context::", stringify!($name), ").")]
                pub fn $name(&mut self, $($arg: $kind),*) -> &mut Self {
                    self.configure(|context| context.$name($($arg),*).map(drop))
                }
            )*
        }
    };
}

forward! {
    // capabilities
    cap_bounding(set: CapSet);
    cap_permitted(set: CapSet);
    cap_effective(set: CapSet);
    cap_inheritable(set: CapSet);
    cap_ambient(set: CapSet);
    keep_caps(on: bool);
    securebits(bits: SecureBits);
    // cgroup
    cgroup(path: impl AsRef<Path>);
    cgroup_fd(fd: impl Into<OwnedFd>);
    // clocks
    monotonic_offset(seconds: i64, nanoseconds: u32);
    boottime_offset(seconds: i64, nanoseconds: u32);
    // descriptors
    current_dir_fd(fd: impl Into<OwnedFd>);
    fd(fd: impl Into<OwnedFd>, target: RawFd);
    dup(source: RawFd, target: RawFd);
    open_at(target: RawFd, path: impl AsRef<Path>, flags: i32, mode: u32);
    null(target: RawFd);
    close(fd: RawFd);
    close_range(first: u32, last: u32);
    inherit_all(on: bool);
    // environment
    env_now();
    env(name: impl AsRef<OsStr>, value: impl AsRef<OsStr>);
    env_remove(name: impl AsRef<OsStr>);
    // filesystem
    root(path: impl AsRef<Path>);
    umask(mask: u32);
    // identity
    user(user: impl AsRef<OsStr>);
    groups(groups: &[u32]);
    // joins
    join_fd(kinds: Namespaces, fd: impl Into<OwnedFd>);
    join_path(kind: Namespaces, path: impl AsRef<Path>);
    // labels
    selinux_context(context: impl AsRef<std::ffi::OsStr>);
    apparmor_profile(profile: impl AsRef<std::ffi::OsStr>);
    smack_label(label: impl AsRef<std::ffi::OsStr>);
    // landlock
    landlock(ruleset: Landlock);
    landlock_path(path: impl AsRef<Path>, accesses: LandlockFs);
    landlock_port(port: u16, accesses: LandlockNet);
    landlock_fd(ruleset: impl Into<OwnedFd>, log: LandlockLog);
    // leaf
    cgroup_leaf();
    cgroup_leaf_named(name: impl AsRef<OsStr>);
    cgroup_limit(file: &str, value: impl ToString);
    // lifecycle
    built_in_init(on: bool);
    start_suspended(on: bool);
    no_close_policy();
    // memory
    oom_score_adj(value: i32);
    coredump_filter(filter: u32);
    thp_disable();
    memory_merge();
    mdwe();
    // mounts
    mount(mount: Mount);
    pivot_root(path: impl AsRef<Path>);
    tmpfs_root(on: bool);
    readonly_root(on: bool);
    private_tmp(on: bool);
    private_dev(on: bool);
    mount_propagation(propagation: Propagation);
    // namespaces
    namespaces(namespaces: Namespaces);
    uid_map(map: &[IdMap]);
    gid_map(map: &[IdMap]);
    setgroups(policy: Setgroups);
    hostname(name: impl AsRef<OsStr>);
    domain_name(name: impl AsRef<OsStr>);
    // numa
    numa(policy: NumaPolicy, flags: NumaFlags, nodes: impl IntoIterator<Item = usize>);
    // pids
    set_tid(pids: &[u32]);
    // pipes
    data(target: RawFd, bytes: impl Into<Vec<u8>>);
    pipe_size(bytes: u64);
    // privileges
    no_new_privs();
    session_keyring(name: impl AsRef<OsStr>);
    parent_death_signal(signal: i32);
    // program
    own_path();
    // resources
    rlimit(resource: u32, soft: u64, hard: u64);
    nice(nice: i32);
    timer_slack(ns: u64);
    // scheduling
    scheduler(scheduler: &Scheduler);
    affinity(cpus: impl IntoIterator<Item = usize>);
    core_sched();
    // seccomp
    seccomp(program: &[u8], flags: SeccompFlags);
    // session
    new_session();
    process_group(group: i32);
    controlling_terminal(fd: impl Into<OwnedFd>);
    foreground(fd: impl Into<OwnedFd>);
    // signals
    signal_mask(set: SignalSet);
    default_signals(set: SignalSet);
    ignored_signals(set: SignalSet);
    // speculation
    speculation(feature: Speculation, control: SpeculationControl);
    // sysctls
    sysctl(name: impl AsRef<OsStr>, value: impl AsRef<OsStr>);
    // task
    personality(persona: u32);
    no_tsc();
    subreaper();
    ioprio(class: u16, level: u16);
    mce_kill(policy: u32);
    // time_limit
    time_limit(limit: Duration);
    time_limit_with(limit: Duration, signal: i32, then: Option<(i32, Duration)>);
}
