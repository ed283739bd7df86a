# SPDX-License-Identifier: MIT OR Apache-2.0
# Made from procfd-core/src/settings.tsv by scripts/generate: change it there.
"""The options of `procfd run` that are a setting each."""

from __future__ import annotations

# Option, keyword, kind of value, its name and help.
OPTIONS: tuple[tuple[str, str, str, str | None, str | None], ...] = (
    ("--cwd", "cwd", "text", "DIRECTORY", None),
    ("--root", "root", "text", "DIRECTORY", "change root"),
    (
        "--inherit-all",
        "inherit_all",
        "switch",
        None,
        "pass all descriptors that are not close-on-exec",
    ),
    ("--session", "session", "switch", None, "a new session"),
    ("--uid", "uid", "user", None, None),
    ("--gid", "gid", "group", None, None),
    ("--groups", "groups", "groups", "GROUP,...", "supplementary groups; none if empty"),
    ("--umask", "umask", "octal", "OCTAL", None),
    ("--nice", "nice", "int", None, None),
    ("--timer-slack", "timer_slack", "int", "NS", "how late its timers may run, in nanoseconds"),
    ("--personality", "personality", "int", "NUMBER", "its execution domain"),
    ("--no-tsc", "no_tsc", "switch", None, "it may not read the time-stamp counter"),
    ("--subreaper", "subreaper", "switch", None, "orphans below it become its children"),
    (
        "--scheduler",
        "scheduler",
        "text",
        "POLICY",
        "other, batch, idle, fifo:PRIORITY, rr:PRIORITY",
    ),
    ("--affinity", "affinity", "text", "CPU,...", "the CPUs that it may run on, as 0-3,8"),
    (
        "--oom-score-adj",
        "oom_score_adj",
        "int",
        "N",
        "-1000 to 1000: how likely the kernel kills it for want of memory",
    ),
    ("--cgroup", "cgroup", "text", "PATH", "start it in this cgroup"),
    ("--no-new-privs", "no_new_privs", "switch", None, None),
    (
        "--cap-bounding",
        "cap_bounding",
        "caps",
        "CAP,...",
        "the bounding set: names, numbers, all or none",
    ),
    ("--cap-inheritable", "cap_inheritable", "caps", "CAP,...", None),
    (
        "--cap-ambient",
        "cap_ambient",
        "caps",
        "CAP,...",
        "capabilities of the program though it is not root",
    ),
    ("--securebits", "securebits", "securebits", "NAME,...", "noroot, noroot_locked, ..."),
    (
        "--session-keyring",
        "session_keyring",
        "text",
        "NAME",
        "join or make this session keyring; a new one if empty",
    ),
    ("--pdeathsig", "pdeathsig", "signal", "SIGNAL", None),
    ("--hostname", "hostname", "text", None, None),
    ("--domain-name", "domain_name", "text", None, None),
    ("--init", "init", "switch", None, "the built-in init of a new pid namespace"),
    ("--pivot-root", "pivot_root", "text", "DIRECTORY", "the new root, with the mounts beneath it"),
    ("--tmpfs-root", "tmpfs_root", "switch", None, "a fresh tmpfs as the new root"),
    ("--ro-root", "ro_root", "switch", None, "the root and all mounts beneath it read-only"),
    ("--private-tmp", "private_tmp", "switch", None, "an empty /tmp"),
    ("--private-dev", "private_dev", "switch", None, "a /dev with the usual nodes"),
)
