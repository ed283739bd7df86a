// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The settings of a context, as methods of a command: a new one has one line here. A test compares the list
//! with the families.

use std::ffi::OsStr;
use std::os::fd::{OwnedFd, RawFd};
use std::path::Path;

use super::Command;
use crate::settings::{IdMap, Mount, Namespaces, Propagation, Scheduler, Setgroups, SignalSet};
use crate::{CapSet, SeccompFlags, SecureBits};

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

        #[cfg(test)]
        const FORWARDED: &[&str] = &[$(stringify!($name)),*];
    };
}

forward! {
    // descriptors
    current_dir_fd(fd: impl Into<OwnedFd>);
    fd(fd: impl Into<OwnedFd>, target: RawFd);
    dup(source: RawFd, target: RawFd);
    open_at(target: RawFd, path: impl AsRef<Path>, flags: i32, mode: u32);
    null(target: RawFd);
    close(fd: RawFd);
    close_range(first: u32, last: u32);
    inherit_all(on: bool);
    data(target: RawFd, bytes: impl Into<Vec<u8>>);
    pipe_size(bytes: u64);
    // environment
    env_now();
    env(name: impl AsRef<OsStr>, value: impl AsRef<OsStr>);
    env_remove(name: impl AsRef<OsStr>);
    // filesystem
    root(path: impl AsRef<Path>);
    umask(mask: u32);
    // identity
    groups(groups: &[u32]);
    // joins
    join_fd(kinds: Namespaces, fd: impl Into<OwnedFd>);
    join_path(kind: Namespaces, path: impl AsRef<Path>);
    // lifecycle
    built_in_init(on: bool);
    no_close_policy();
    start_suspended(on: bool);
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
    // capabilities
    cap_bounding(set: CapSet);
    cap_permitted(set: CapSet);
    cap_effective(set: CapSet);
    cap_inheritable(set: CapSet);
    cap_ambient(set: CapSet);
    keep_caps(on: bool);
    securebits(bits: SecureBits);
    // seccomp
    seccomp(program: &[u8], flags: SeccompFlags);
    // privileges
    no_new_privs();
    session_keyring(name: impl AsRef<OsStr>);
    parent_death_signal(signal: i32);
    // resources
    rlimit(resource: u32, soft: u64, hard: u64);
    nice(nice: i32);
    timer_slack(ns: u64);
    // cgroup
    cgroup(path: impl AsRef<Path>);
    cgroup_fd(fd: impl Into<OwnedFd>);
    // scheduling
    scheduler(scheduler: &Scheduler);
    affinity(cpus: impl IntoIterator<Item = usize>);
    // memory
    oom_score_adj(value: i32);
    // task
    personality(persona: u32);
    no_tsc();
    subreaper();
    ioprio(class: u16, level: u16);
    // session
    new_session();
    process_group(group: i32);
    controlling_terminal(fd: impl Into<OwnedFd>);
    foreground(fd: impl Into<OwnedFd>);
    // signals
    signal_mask(set: SignalSet);
    default_signals(set: SignalSet);
    ignored_signals(set: SignalSet);
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::FORWARDED;

    /// What a command has in a form of its own: the program, and the signal of a close policy.
    const ELSEWHERE: &[&str] =
        &["program", "program_in_path", "program_first_of", "program_fd", "env_only", "kill_group_on_close"];

    #[test]
    fn a_command_has_every_setting_of_a_context() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let Ok(own) = fs::read_to_string(source.join("command.rs")) else {
            println!("SKIP: needs root");
            return;
        };
        let mut settings = 0;
        let families = ["context", "settings"].map(|room| fs::read_dir(source.join(room)).unwrap());
        for file in families.into_iter().flatten() {
            let file = file.unwrap();
            if file.file_type().unwrap().is_dir() {
                continue;
            }
            let text = fs::read_to_string(file.path()).unwrap();
            for item in text.split("    pub fn ").skip(1) {
                let head = item.split('{').next().unwrap();
                let name = head.split(['(', '<']).next().unwrap();
                if head.contains("-> Configured<'_>") {
                    settings += 1;
                    assert!(
                        FORWARDED.contains(&name)
                            || ELSEWHERE.contains(&name)
                            || [format!("    pub fn {name}("), format!("    pub fn {name}<")]
                                .iter()
                                .any(|head| own.contains(head)),
                        "Context::{name} has no line in command/forward.rs"
                    );
                }
            }
        }
        assert!(settings > FORWARDED.len(), "{settings}");
    }
}
