// SPDX-License-Identifier: MIT OR Apache-2.0
// Made from procfd-core/src/settings.tsv by scripts/generate: change it there.
#![forbid(unsafe_code)]

//! What the commands of process_config take.

use super::commands::{Holds, Takes, holds, takes};
use crate::abi::*;

pub(super) const SETTINGS: &[Takes] = takes! {
    PROC_CREATE "0" Holds::Nothing, false;
    PROC_SET_FLAG "CLONE_NEW* to add; 0 clears" Holds::Nothing, false;
    PROC_SET_CLOSE "signal; 0: none" holds!(procfd_close), true;
    PROC_SET_EXEC "0 or PROC_EXEC_PATH" Holds::String, false;
    PROC_SET_EXEC_FD "a descriptor" Holds::Nothing, false;
    PROC_SET_ARGV "0" Holds::Strings, false;
    PROC_SET_ENV "0" Holds::Strings, false;
    PROC_SET_ENV_VAR "0" Holds::String, false;
    PROC_UNSET_ENV_VAR "0" Holds::String, false;
    PROC_SET_CWD "0" Holds::String, false;
    PROC_SET_CWD_FD "a descriptor" Holds::Nothing, false;
    PROC_SET_ROOT "0" Holds::String, false;
    PROC_ATTACH "a pidfd" Holds::Nothing, false;
    PROC_COPY "0" Holds::Nothing, false;
    PROC_FD_DUP "0" holds!(procfd_dup), false;
    PROC_FD_OPEN "target" holds!(procfd_open), false;
    PROC_FD_CLOSE "a descriptor" Holds::Nothing, false;
    PROC_FD_CLOSE_RANGE "0" holds!(procfd_range), false;
    PROC_FD_NULL "a descriptor" Holds::Nothing, false;
    PROC_FD_INHERIT "descriptor" Holds::Nothing, false;
    PROC_FD_INHERIT_ALL "0 or 1" Holds::Nothing, false;
    PROC_FD_PIPE "target, with PROC_PIPE_TO_CHILD or PROC_PIPE_FROM_CHILD" Holds::Nothing, false;
    PROC_FD_DATA "target" Holds::Array("bytes", 1), true;
    PROC_FD_PIPE_SIZE "bytes; 0: the kernel's default" Holds::Nothing, false;
    PROC_SET_SIGMASK "signal n in bit n-1; or 0" Holds::Array("unsigned long", 8), true;
    PROC_SET_SIGDEFAULT "signal n in bit n-1; or 0" Holds::Array("unsigned long", 8), true;
    PROC_SET_SIGIGNORE "signal n in bit n-1; or 0" Holds::Array("unsigned long", 8), true;
    PROC_SET_SESSION "0 or 1" Holds::Nothing, false;
    PROC_SET_PGROUP "group to join; 0: a new one" Holds::Nothing, false;
    PROC_SET_CTTY "a descriptor" Holds::Nothing, false;
    PROC_SET_FOREGROUND "a descriptor" Holds::Nothing, false;
    PROC_SET_PTY "0" Holds::Struct("winsize", 8), true;
    PROC_START_SUSPENDED "0 or 1" Holds::Nothing, false;
    PROC_SET_UID "id, for real, effective and saved; or 0" holds!(procfd_ids), true;
    PROC_SET_GID "id, for real, effective and saved; or 0" holds!(procfd_ids), true;
    PROC_SET_GROUPS "0" Holds::Array("uint32_t", 4), true;
    PROC_SET_UMASK "mask, up to 0777" Holds::Nothing, false;
    PROC_SET_RLIMIT "RLIMIT_*" holds!(procfd_rlimit), false;
    PROC_SET_NICE "-20 to 19, as (uint64_t)" Holds::Nothing, false;
    PROC_SET_TIMERSLACK "nanoseconds; 0: the creator's" Holds::Nothing, false;
    PROC_SET_PERSONALITY "personality(2), such as ADDR_NO_RANDOMIZE" Holds::Nothing, false;
    PROC_SET_NO_TSC "0 or 1" Holds::Nothing, false;
    PROC_SET_SUBREAPER "0 or 1" Holds::Nothing, false;
    PROC_SET_IOPRIO "class << 13 or level" Holds::Nothing, false;
    PROC_SET_SCHEDULER "0" holds!(procfd_sched), true;
    PROC_SET_AFFINITY "0" Holds::Array("bytes", 1), true;
    PROC_SET_OOM_SCORE_ADJ "-1000 to 1000, as (uint64_t)" Holds::Nothing, false;
    PROC_SET_CGROUP "0" Holds::String, false;
    PROC_SET_CGROUP_FD "a descriptor" Holds::Nothing, false;
    PROC_SET_NO_NEW_PRIVS "0 or 1" Holds::Nothing, false;
    PROC_SET_CAP_BOUNDING "capability n in bit n" Holds::Nothing, false;
    PROC_SET_CAP_PERMITTED "capability n in bit n" Holds::Nothing, false;
    PROC_SET_CAP_EFFECTIVE "capability n in bit n" Holds::Nothing, false;
    PROC_SET_CAP_INHERITABLE "capability n in bit n" Holds::Nothing, false;
    PROC_SET_CAP_AMBIENT "capability n in bit n" Holds::Nothing, false;
    PROC_SET_KEEP_CAPS "0 or 1" Holds::Nothing, false;
    PROC_SET_SECUREBITS "SECBIT_*" Holds::Nothing, false;
    PROC_SET_SECCOMP "SECCOMP_FILTER_FLAG_*" Holds::String, true;
    PROC_SET_KEYRING "0" Holds::String, false;
    PROC_SET_PDEATHSIG "signal; 0: none" Holds::Nothing, false;
    PROC_SET_EXIT_SIGNAL "signal; 0: none" Holds::Nothing, false;
    PROC_SET_UID_MAP "0" Holds::Array("struct procfd_idmap", size_of::<procfd_idmap>()), true;
    PROC_SET_GID_MAP "0" Holds::Array("struct procfd_idmap", size_of::<procfd_idmap>()), true;
    PROC_SET_SETGROUPS "PROC_SETGROUPS_AUTO, _ALLOW, _DENY" Holds::Nothing, false;
    PROC_SET_HOSTNAME "0" Holds::String, false;
    PROC_SET_DOMAINNAME "0" Holds::String, false;
    PROC_JOIN_FD "CLONE_NEW* to join" Holds::Array("int", 4), false;
    PROC_JOIN_PATH "one CLONE_NEW*" Holds::String, false;
    PROC_SET_INIT "0 or 1" Holds::Nothing, false;
    PROC_MOUNT "PROC_MOUNT_*" holds!(procfd_mount), false;
    PROC_SET_PIVOT_ROOT "0" Holds::String, false;
    PROC_SET_TMPFS_ROOT "0 or 1" Holds::Nothing, false;
    PROC_SET_READONLY_ROOT "0 or 1" Holds::Nothing, false;
    PROC_SET_PRIVATE_TMP "0 or 1" Holds::Nothing, false;
    PROC_SET_PRIVATE_DEV "0 or 1" Holds::Nothing, false;
    PROC_SET_MOUNT_PROPAGATION "MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE" Holds::Nothing, false;
};
