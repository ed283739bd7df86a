// SPDX-License-Identifier: MIT OR Apache-2.0
// Made from procfd-core/src/settings.tsv by scripts/generate: change it there.
#![forbid(unsafe_code)]

//! The commands by number; the plain ones read by their shape.

use procfd::ffi::Settings;

use super::Command;
use crate::Result;
use crate::abi::*;
use crate::shapes;

pub(super) fn run(command: Command<'_>) -> Result {
    match command.cmd {
        PROC_CREATE => super::create(command),
        PROC_SET_FLAG => command.set(shapes::flags, Settings::add_namespaces),
        PROC_SET_CLOSE => super::set_close(command),
        PROC_SET_EXEC => super::set_exec(command),
        PROC_SET_EXEC_FD => command.set(shapes::fd, Settings::set_program_fd),
        PROC_SET_ARGV => command.set(shapes::strings, Settings::set_argv),
        PROC_SET_ENV => command.set(shapes::strings, Settings::set_env),
        PROC_SET_ENV_VAR => command.set(shapes::string, Settings::set_env_var),
        PROC_UNSET_ENV_VAR => command.set(shapes::string, Settings::unset_env_var),
        PROC_SET_CWD => command.set(shapes::string, Settings::add_chdir),
        PROC_SET_CWD_FD => command.set(shapes::fd, Settings::add_fchdir),
        PROC_SET_ROOT => command.set(shapes::string, Settings::set_root),
        PROC_ATTACH => super::attach(command),
        PROC_COPY => super::copy(command),
        PROC_FD_DUP => super::fd_dup(command),
        PROC_FD_OPEN => super::fd_open(command),
        PROC_FD_CLOSE => command.set(shapes::fd, Settings::add_close),
        PROC_FD_CLOSE_RANGE => super::fd_close_range(command),
        PROC_FD_NULL => command.set(shapes::fd, Settings::add_null),
        PROC_FD_INHERIT => super::fd_inherit(command),
        PROC_FD_INHERIT_ALL => command.set(shapes::switch, Settings::set_inherit_all),
        PROC_SET_SIGMASK => command.set(shapes::signals, Settings::set_mask),
        PROC_SET_SIGDEFAULT => command.set(shapes::signals, Settings::set_default_signals),
        PROC_SET_SIGIGNORE => command.set(shapes::signals, Settings::set_ignored_signals),
        PROC_SET_SESSION => command.set(shapes::switch, Settings::set_session),
        PROC_SET_PGROUP => command.set(shapes::number, Settings::set_group),
        PROC_SET_CTTY => command.set(shapes::fd, Settings::set_ctty),
        PROC_SET_FOREGROUND => command.set(shapes::fd, Settings::set_foreground),
        PROC_SET_UID => command.set(shapes::ids, Settings::set_uid),
        PROC_SET_GID => command.set(shapes::ids, Settings::set_gid),
        PROC_SET_GROUPS => command.set(shapes::list, Settings::set_groups),
        PROC_SET_UMASK => command.set(shapes::number, Settings::set_umask),
        PROC_SET_RLIMIT => super::set_rlimit(command),
        PROC_SET_NICE => command.set(shapes::signed, Settings::set_nice),
        PROC_SET_TIMERSLACK => command.set(shapes::number, Settings::set_timer_slack),
        PROC_SET_PERSONALITY => command.set(shapes::number, Settings::set_personality),
        PROC_SET_NO_TSC => command.set(shapes::switch, Settings::set_no_tsc),
        PROC_SET_SUBREAPER => command.set(shapes::switch, Settings::set_subreaper),
        PROC_SET_IOPRIO => command.set(shapes::number, Settings::set_ioprio),
        PROC_SET_SCHEDULER => super::set_scheduler(command),
        PROC_SET_AFFINITY => super::set_affinity(command),
        PROC_SET_OOM_SCORE_ADJ => command.set(shapes::signed, Settings::set_oom_score_adj),
        PROC_SET_CGROUP => command.set(shapes::string, Settings::set_cgroup),
        PROC_SET_CGROUP_FD => command.set(shapes::fd, Settings::set_cgroup_fd),
        PROC_SET_NO_NEW_PRIVS => command.set(shapes::switch, Settings::set_no_new_privs),
        PROC_SET_CAP_BOUNDING => command.set(shapes::caps, Settings::set_cap_bounding),
        PROC_SET_CAP_PERMITTED => command.set(shapes::caps, Settings::set_cap_permitted),
        PROC_SET_CAP_EFFECTIVE => command.set(shapes::caps, Settings::set_cap_effective),
        PROC_SET_CAP_INHERITABLE => command.set(shapes::caps, Settings::set_cap_inheritable),
        PROC_SET_CAP_AMBIENT => command.set(shapes::caps, Settings::set_cap_ambient),
        PROC_SET_KEEP_CAPS => command.set(shapes::switch, Settings::set_keep_caps),
        PROC_SET_SECUREBITS => command.set(shapes::number, Settings::set_securebits),
        PROC_SET_SECCOMP => super::set_seccomp(command),
        PROC_SET_KEYRING => command.set(shapes::string, Settings::set_keyring),
        PROC_SET_PDEATHSIG => command.set(shapes::number, Settings::set_pdeathsig),
        PROC_SET_EXIT_SIGNAL => command.set(shapes::number, Settings::set_exit_signal),
        PROC_SET_UID_MAP => command.set(shapes::id_map, Settings::set_uid_map),
        PROC_SET_GID_MAP => command.set(shapes::id_map, Settings::set_gid_map),
        PROC_SET_SETGROUPS => super::set_setgroups(command),
        PROC_SET_HOSTNAME => command.set(shapes::bytes, Settings::set_hostname),
        PROC_SET_DOMAINNAME => command.set(shapes::bytes, Settings::set_domain_name),
        PROC_JOIN_FD => super::join_fd(command),
        PROC_JOIN_PATH => super::join_path(command),
        PROC_SET_INIT => command.set(shapes::switch, Settings::set_init),
        PROC_MOUNT => super::mount(command),
        PROC_SET_PIVOT_ROOT => command.set(shapes::string, Settings::set_pivot_root),
        PROC_SET_TMPFS_ROOT => command.set(shapes::switch, Settings::set_tmpfs_root),
        PROC_SET_READONLY_ROOT => command.set(shapes::switch, Settings::set_readonly_root),
        PROC_SET_PRIVATE_TMP => command.set(shapes::switch, Settings::set_private_tmp),
        PROC_SET_PRIVATE_DEV => command.set(shapes::switch, Settings::set_private_dev),
        PROC_SET_MOUNT_PROPAGATION => super::set_mount_propagation(command),
        _ => Err(command.refused(shapes::INVALID)),
    }
}
