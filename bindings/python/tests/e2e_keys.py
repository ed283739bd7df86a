# SPDX-License-Identifier: MIT OR Apache-2.0
# Made from procfd-core/src/settings.tsv by scripts/generate: change it there.
"""The settings that tests/e2e/cases gives by their key and plain words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

PLAIN: dict[str, Callable[[list[str]], Any]] = {
    "own_path": lambda words: True,
    "inherit_all": lambda words: True,
    "sigmask": lambda words: [int(word) for word in words],
    "sigdefault": lambda words: [int(word) for word in words],
    "sigignore": lambda words: [int(word) for word in words],
    "session": lambda words: True,
    "process_group": lambda words: int(words[0]),
    "suspended": lambda words: True,
    "uid": lambda words: int(words[0]),
    "gid": lambda words: int(words[0]),
    "groups": lambda words: [int(word) for word in words],
    "umask": lambda words: int(words[0]),
    "nice": lambda words: int(words[0]),
    "timer_slack": lambda words: int(words[0]),
    "personality": lambda words: int(words[0]),
    "no_tsc": lambda words: True,
    "subreaper": lambda words: True,
    "mce_kill": lambda words: int(words[0]),
    "oom_score_adj": lambda words: int(words[0]),
    "coredump_filter": lambda words: int(words[0]),
    "thp_disable": lambda words: True,
    "memory_merge": lambda words: True,
    "mdwe": lambda words: True,
    "core_sched": lambda words: True,
    "no_new_privs": lambda words: True,
    "cap_bounding": lambda words: [bit for bit in range(64) if int(words[0]) >> bit & 1],
    "cap_permitted": lambda words: [bit for bit in range(64) if int(words[0]) >> bit & 1],
    "cap_effective": lambda words: [bit for bit in range(64) if int(words[0]) >> bit & 1],
    "cap_inheritable": lambda words: [bit for bit in range(64) if int(words[0]) >> bit & 1],
    "cap_ambient": lambda words: [bit for bit in range(64) if int(words[0]) >> bit & 1],
    "keep_caps": lambda words: True,
    "session_keyring": lambda words: words[0],
    "selinux_context": lambda words: words[0],
    "apparmor_profile": lambda words: words[0],
    "smack_label": lambda words: words[0],
    "pdeathsig": lambda words: int(words[0]),
    "hostname": lambda words: words[0],
    "domain_name": lambda words: words[0],
    "set_tid": lambda words: [int(word) for word in words],
    "init": lambda words: True,
    "tmpfs_root": lambda words: True,
    "ro_root": lambda words: True,
    "private_tmp": lambda words: True,
    "private_dev": lambda words: True,
}
