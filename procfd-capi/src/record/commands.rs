// SPDX-License-Identifier: MIT OR Apache-2.0
#![forbid(unsafe_code)]

//! The commands by name.

use super::settings::SETTINGS;
use super::takes::{Holds, Takes, holds, takes};
use crate::abi::*;

const OTHERS: &[Takes] = takes! {
    PROC_SIGNAL "a signal, 0 to 64" holds!(procfd_signal), true;
    PROC_WAIT "PROC_WAIT_* flags" holds!(procfd_wait), true;
    PROC_GETFD "a descriptor of the process" Holds::Nothing, false;
    PROC_KILL_TREE "a signal, 1 to 64; SIGKILL with PROC_TREE_CGROUP" holds!(procfd_kill_tree), true;
    PROC_STOP "0" Holds::Nothing, false;
    PROC_CONT "0" Holds::Nothing, false;
    PROC_RESUME "0" Holds::Nothing, false;
    PROC_SETNS "CLONE_NEW* flags" Holds::Nothing, false;
    PROC_RLIMIT "a resource, RLIMIT_*" holds!(procfd_prlimit), false;
    PROC_PRIORITY "a nice value, -20 to 19" Holds::Nothing, false;
    PROC_SCHEDULER "0" holds!(procfd_sched), false;
    PROC_AFFINITY "0" Holds::Array("bytes of a cpu_set_t", 1), false;
    PROC_IOPRIO "an I/O priority: class << 13 or level" Holds::Nothing, false;
    PROC_OOM_SCORE_ADJ "-1000 to 1000" Holds::Nothing, false;
    PROC_CGROUP "a descriptor of a cgroup directory" Holds::Nothing, false;
    PROC_MADVISE "0" holds!(procfd_madvise), false;
    PROC_MRELEASE "0" Holds::Nothing, false;
    PROC_INFO "PROC_FIELD_* flags" holds!(procfd_info), false;
    PROC_INFO_STATE "0" Holds::Nothing, false;
    PROC_INFO_PID "0" Holds::Nothing, false;
    PROC_INFO_PIDFD "0" Holds::Nothing, false;
    PROC_INFO_ERROR "0" holds!(procfd_error), false;
    PROC_INFO_PLAN "0 or PROC_PLAN_JSON" Holds::Buffer, true;
    PROC_INFO_EXE "0" Holds::Buffer, true;
    PROC_INFO_CWD "0" Holds::Buffer, true;
    PROC_INFO_ROOT "0" Holds::Buffer, true;
    PROC_INFO_ARGV "0" Holds::Buffer, true;
    PROC_INFO_ENVIRON "0" Holds::Buffer, true;
    PROC_INFO_CGROUP "0" Holds::Buffer, true;
    PROC_INFO_MAPS "0" Holds::Buffer, true;
    PROC_INFO_AUXV "0" Holds::Buffer, true;
    PROC_INFO_WCHAN "0" Holds::Buffer, true;
    PROC_INFO_LABEL "0" Holds::Buffer, true;
    PROC_INFO_SYSCALL "0" Holds::Buffer, true;
    PROC_INFO_STACK "0" Holds::Buffer, true;
    PROC_INFO_MOUNTS "0" Holds::Buffer, true;
    PROC_INFO_FD_PATH "a descriptor of the process" Holds::Buffer, true;
    PROC_INFO_THREADS "PROC_FIELD_* flags" Holds::Buffer, true;
    PROC_INFO_CHILDREN "0" Holds::Buffer, true;
    PROC_INFO_DESCENDANTS "0" Holds::Buffer, true;
    PROC_INFO_GROUPS "0" Holds::Buffer, true;
    PROC_INFO_AFFINITY "0" Holds::Buffer, true;
    PROC_INFO_UID_MAP "0" Holds::Buffer, true;
    PROC_INFO_GID_MAP "0" Holds::Buffer, true;
    PROC_INFO_FDS "0" Holds::Buffer, true;
    PROC_INFO_NSFD "one CLONE_NEW* flag" Holds::Nothing, false;
    PROC_SNAPSHOT "PROC_FIELD_* flags" holds!(procfd_snapshot), false;
    PROC_CHANGES "PROC_WAIT_NOHANG and PROC_WAIT_PEEK" holds!(procfd_changes), false;
};

pub(super) fn find(cmd: u32) -> Option<&'static Takes> {
    SETTINGS.iter().chain(OTHERS).find(|takes| takes.cmd == cmd)
}

/// The constant of a command.
pub(crate) fn name(cmd: u32) -> Option<&'static str> {
    find(cmd).map(|takes| takes.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_of_the_header_has_its_name() {
        let sources = [
            include_str!("../abi/settings.rs"),
            include_str!("../abi/manage.rs"),
            include_str!("../abi/state.rs"),
            include_str!("../abi/lists.rs"),
            include_str!("../abi/info.rs"),
            include_str!("../abi/changes.rs"),
        ];
        let mut count = 0;
        for line in sources.iter().flat_map(|source| source.lines()) {
            let Some((constant, value)) =
                line.strip_prefix("pub const ").and_then(|line| line.split_once(": u32 = 0x"))
            else {
                continue;
            };
            let number = u32::from_str_radix(value.trim_end_matches(';'), 16).unwrap();
            if (0x100..0x400).contains(&number) && value.len() == 4 {
                assert_eq!(name(number), Some(constant));
                count += 1;
            }
        }
        assert_eq!(count, SETTINGS.len() + OTHERS.len());
    }
}
