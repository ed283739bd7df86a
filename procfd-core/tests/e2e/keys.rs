// SPDX-License-Identifier: MIT OR Apache-2.0
// Made from procfd-core/src/settings.tsv by scripts/generate: change it there.
#![forbid(unsafe_code)]

//! The settings that tests/e2e/cases gives by their key and plain words.

use procfd::{CapSet, Context, Ids};

use super::{Done, number, numbers, signals, word};

/// Whether it is one of these.
pub fn set(c: &mut Context, key: &str, words: &[String]) -> Done<bool> {
    match key {
        "own_path" => c.own_path()?,
        "inherit_all" => c.inherit_all(true)?,
        "sigmask" => c.signal_mask(signals(words)?)?,
        "sigdefault" => c.default_signals(signals(words)?)?,
        "sigignore" => c.ignored_signals(signals(words)?)?,
        "session" => c.new_session()?,
        "process_group" => c.process_group(number(words)?)?,
        "suspended" => c.start_suspended(true)?,
        "uid" => c.uid(Ids::all(number(words)?))?,
        "gid" => c.gid(Ids::all(number(words)?))?,
        "groups" => c.groups(&numbers(words)?)?,
        "umask" => c.umask(number(words)?)?,
        "nice" => c.nice(number(words)?)?,
        "timer_slack" => c.timer_slack(number(words)?)?,
        "personality" => c.personality(number(words)?)?,
        "no_tsc" => c.no_tsc()?,
        "subreaper" => c.subreaper()?,
        "mce_kill" => c.mce_kill(number(words)?)?,
        "oom_score_adj" => c.oom_score_adj(number(words)?)?,
        "coredump_filter" => c.coredump_filter(number(words)?)?,
        "thp_disable" => c.thp_disable()?,
        "memory_merge" => c.memory_merge()?,
        "mdwe" => c.mdwe()?,
        "core_sched" => c.core_sched()?,
        "no_new_privs" => c.no_new_privs()?,
        "cap_bounding" => c.cap_bounding(CapSet::from_bits(number(words)?))?,
        "cap_permitted" => c.cap_permitted(CapSet::from_bits(number(words)?))?,
        "cap_effective" => c.cap_effective(CapSet::from_bits(number(words)?))?,
        "cap_inheritable" => c.cap_inheritable(CapSet::from_bits(number(words)?))?,
        "cap_ambient" => c.cap_ambient(CapSet::from_bits(number(words)?))?,
        "keep_caps" => c.keep_caps(true)?,
        "session_keyring" => c.session_keyring(word(words)?)?,
        "selinux_context" => c.selinux_context(word(words)?)?,
        "apparmor_profile" => c.apparmor_profile(word(words)?)?,
        "smack_label" => c.smack_label(word(words)?)?,
        "pdeathsig" => c.parent_death_signal(number(words)?)?,
        "hostname" => c.hostname(word(words)?)?,
        "domain_name" => c.domain_name(word(words)?)?,
        "set_tid" => c.set_tid(&numbers(words)?)?,
        "init" => c.built_in_init(true)?,
        "tmpfs_root" => c.tmpfs_root(true)?,
        "ro_root" => c.readonly_root(true)?,
        "private_tmp" => c.private_tmp(true)?,
        "private_dev" => c.private_dev(true)?,
        _ => return Ok(false),
    };
    Ok(true)
}
