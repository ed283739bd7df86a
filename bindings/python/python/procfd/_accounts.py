# SPDX-License-Identifier: MIT OR Apache-2.0
"""The user that `user=` names: a user's ids, groups and login variables."""

from __future__ import annotations

import os
import pwd
from typing import Optional

__all__ = ["account", "groups_of", "login_variables"]

Account = tuple[int, Optional[int], Optional[list[int]], list[tuple[str, str]]]


def _entry(user: str | bytes | int) -> pwd.struct_passwd | None:
    """The user's entry in the password database; a number may have none."""
    if isinstance(user, bytes):
        user = os.fsdecode(user)
    if isinstance(user, str):
        try:
            return pwd.getpwnam(user)
        except KeyError:
            raise ValueError(f'there is no user "{user}"') from None
    try:
        return pwd.getpwuid(user)
    except KeyError:
        return None


def groups_of(user: str | bytes | int) -> tuple[int | None, list[int]]:
    """The group and the supplementary groups of a user. A number without an account has none."""
    entry = _entry(user)
    if entry is None:
        return None, []
    return entry.pw_gid, os.getgrouplist(entry.pw_name, entry.pw_gid)


def login_variables(user: str | bytes | int) -> dict[str, str]:
    """The variables that a login sets."""
    entry = _entry(user)
    if entry is None:
        raise ValueError(f"login_env: user {user!r} has no account")
    return {
        "HOME": entry.pw_dir,
        "LOGNAME": entry.pw_name,
        "SHELL": entry.pw_shell or "/bin/sh",
        "USER": entry.pw_name,
    }


def account(user: str | bytes | int, groups_given: bool, login_env: bool) -> Account:
    """The settings of a context. Only a privileged caller can set groups; another keeps its own."""
    entry = _entry(user)
    uid = entry.pw_uid if entry is not None else int(user)
    gid, groups = None, None
    if not groups_given and os.geteuid() == 0:
        gid, groups = groups_of(user)
    return uid, gid, groups, list(login_variables(user).items()) if login_env else []
