// SPDX-License-Identifier: MIT OR Apache-2.0
// Made from procfd-core/src/settings.tsv by scripts/generate: change it there.
#![forbid(unsafe_code)]

//! The keywords whose value goes to the core as it is, and the names of all.

use procfd::Context;
use pyo3::prelude::*;

use super::ids;
use crate::convert;
use crate::error;
use crate::names;

/// Every keyword of a setting.
pub(super) const KEYWORDS: &[&str] = &[
    "namespaces",
    "kill_on_close",
    "close_scope",
    "close_then",
    "search",
    "program_fd",
    "env",
    "env_set",
    "env_unset",
    "cwd",
    "root",
    "stdin",
    "stdout",
    "stderr",
    "fds",
    "actions",
    "inherit_all",
    "sigmask",
    "sigdefault",
    "sigignore",
    "session",
    "process_group",
    "ctty",
    "foreground",
    "user",
    "login_env",
    "uid",
    "gid",
    "groups",
    "umask",
    "limits",
    "nice",
    "timer_slack",
    "personality",
    "no_tsc",
    "subreaper",
    "ioprio",
    "scheduler",
    "affinity",
    "oom_score_adj",
    "no_new_privs",
    "pdeathsig",
    "uid_map",
    "gid_map",
    "setgroups",
    "hostname",
    "domain_name",
    "init",
    "mounts",
    "pivot_root",
    "tmpfs_root",
    "ro_root",
    "private_tmp",
    "private_dev",
    "mount_propagation",
];

/// Sets one of the plain ones; whether it is one.
pub(super) fn set(context: &mut Context, name: &str, value: &Bound<'_, PyAny>) -> PyResult<bool> {
    let done = match name {
        "inherit_all" => context.inherit_all(convert::switch(value, name)?),
        "sigmask" => context.signal_mask(convert::signals(value)?),
        "sigdefault" => context.default_signals(convert::signals(value)?),
        "sigignore" => context.ignored_signals(convert::signals(value)?),
        "session" if !convert::switch(value, name)? => return Ok(true),
        "session" => context.new_session(),
        "process_group" => context.process_group(value.extract()?),
        "ctty" => context.controlling_terminal(convert::duplicate(convert::fd(value)?, 0)?),
        "foreground" => context.foreground(convert::duplicate(convert::fd(value)?, 0)?),
        "uid" => context.uid(ids(value, names::uid)?),
        "gid" => context.gid(ids(value, names::gid)?),
        "groups" => context.groups(&names::gids(value)?),
        "umask" => context.umask(value.extract()?),
        "nice" => context.nice(value.extract()?),
        "timer_slack" => context.timer_slack(value.extract()?),
        "personality" => context.personality(value.extract()?),
        "no_tsc" if !convert::switch(value, name)? => return Ok(true),
        "no_tsc" => context.no_tsc(),
        "subreaper" if !convert::switch(value, name)? => return Ok(true),
        "subreaper" => context.subreaper(),
        "oom_score_adj" => context.oom_score_adj(value.extract()?),
        "no_new_privs" if !convert::switch(value, name)? => return Ok(true),
        "no_new_privs" => context.no_new_privs(),
        "pdeathsig" => context.parent_death_signal(names::signal(value)?),
        "hostname" => context.hostname(convert::os_string(value)?),
        "domain_name" => context.domain_name(convert::os_string(value)?),
        "init" => context.built_in_init(convert::switch(value, name)?),
        "tmpfs_root" => context.tmpfs_root(convert::switch(value, name)?),
        "ro_root" => context.readonly_root(convert::switch(value, name)?),
        "private_tmp" => context.private_tmp(convert::switch(value, name)?),
        "private_dev" => context.private_dev(convert::switch(value, name)?),
        _ => return Ok(false),
    };
    done.map(|_| true).map_err(|e| error::of_config(&e))
}
