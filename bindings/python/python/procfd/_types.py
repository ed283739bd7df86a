# SPDX-License-Identifier: MIT OR Apache-2.0
"""The types of the settings."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, Protocol, TypedDict, Union

StrPath = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]


class HasFileno(Protocol):
    """An open file, a socket, a Process, ..."""

    def fileno(self) -> int:
        """The number of its descriptor."""


Fd = Union[int, HasFileno]
Environment = Union[Mapping[str, str], Mapping[bytes, bytes], Mapping[str, StrPath]]
FileAction = Union[tuple[int, int], tuple[int, int, int], tuple[int, int, StrPath, int, int]]
Program = Union[StrPath, Sequence[StrPath]]
User = Union[str, int]
# A type, its source if it has one, its target, attributes and options; or a mapping of them.
Mount = Union[
    tuple[str, StrPath],
    tuple[str, StrPath, StrPath],
    tuple[str, StrPath, Mapping[str, object]],
    tuple[str, StrPath, StrPath, Mapping[str, object]],
    Mapping[str, object],
]
Ids = Union[User, tuple[Union[User, None], Union[User, None], Union[User, None]]]


class Landlock(TypedDict, total=False):
    """The accesses of a process; an access without a key stays unrestricted."""

    read: Iterable[StrPath]
    write: Iterable[StrPath]
    execute: Iterable[StrPath]
    ioctl: Iterable[StrPath]
    bind: Iterable[int]
    connect: Iterable[int]
    scope: Iterable[Literal["abstract_unix_socket", "signal"]]
    strict: bool


# A number, or a name with or without "SIG".
Signal = Union[int, str]
# Names with or without "CAP_", or numbers; or one string of them with commas, "all", "none".
Capabilities = Union[str, Iterable[Union[str, int]]]
Action = Union[
    tuple[Literal["dup"], Fd, int],
    tuple[Literal["open"], int, StrPath, int],
    tuple[Literal["open"], int, StrPath, int, int],
    tuple[Literal["close"], int],
    tuple[Literal["close_range"], int, int],
    tuple[Literal["null"], int],
    tuple[Literal["inherit"], Fd],
    tuple[Literal["data"], int, bytes],
    tuple[Literal["chdir"], StrPath],
    tuple[Literal["fchdir"], Fd],
]


class Settings(TypedDict, total=False):
    """The keywords of `Context`, `Context.configure` and `spawn`; `None` means not set."""

    # generated: settings, from procfd-core/src/settings.tsv
    namespaces: int | str | Iterable[str] | None
    kill_on_close: bool | Signal | None
    close_scope: Literal["process", "group"] | None
    close_then: tuple[Signal, float] | None
    time_limit: float | tuple[float, Signal] | tuple[float, Signal, Signal, float] | None
    search: bool | None
    own_path: bool | None
    program_fd: Fd | None
    env: Environment | None
    env_set: Environment | None
    env_unset: Iterable[str | bytes] | None
    cwd: StrPath | Fd | None
    root: StrPath | None
    stdin: Fd | bytes | None
    stdout: Fd | None
    stderr: Fd | None
    fds: Mapping[int, Fd | bytes | None] | None
    actions: Iterable[Action] | None
    inherit_all: bool | None
    sigmask: Iterable[Signal] | None
    sigdefault: Iterable[Signal] | None
    sigignore: Iterable[Signal] | None
    session: bool | None
    process_group: int | None
    ctty: Fd | None
    foreground: Fd | None
    suspended: bool | None
    user: User | None
    login_env: bool | None
    uid: Ids | None
    gid: Ids | None
    groups: Iterable[User] | None
    umask: int | None
    limits: Mapping[int, int | tuple[int, int]] | Mapping[str, int | tuple[int, int]] | None
    nice: int | None
    timer_slack: int | None
    personality: int | None
    no_tsc: bool | None
    subreaper: bool | None
    ioprio: tuple[int, int] | None
    mce_kill: int | None
    speculation: str | Mapping[str, str] | None
    scheduler: str | int | SchedulerSettings | None
    affinity: str | Iterable[int] | None
    oom_score_adj: int | None
    cgroup: StrPath | Fd | None
    cgroup_leaf: bool | str | None
    cgroup_limits: Mapping[str, int | float | str] | None
    coredump_filter: int | None
    thp_disable: bool | None
    memory_merge: bool | None
    mdwe: bool | None
    core_sched: bool | None
    numa: str | None
    no_new_privs: bool | None
    cap_bounding: Capabilities | None
    cap_permitted: Capabilities | None
    cap_effective: Capabilities | None
    cap_inheritable: Capabilities | None
    cap_ambient: Capabilities | None
    keep_caps: bool | None
    securebits: int | Iterable[str] | None
    seccomp: bytes | Iterable[bytes] | None
    session_keyring: str | bytes | None
    selinux_context: str | bytes | None
    apparmor_profile: str | bytes | None
    smack_label: str | bytes | None
    landlock: Landlock | None
    landlock_fds: Iterable[Fd] | None
    pdeathsig: Signal | None
    uid_map: Iterable[tuple[int, int, int]] | None
    gid_map: Iterable[tuple[int, int, int]] | None
    setgroups: Literal["auto", "allow", "deny"] | None
    hostname: str | bytes | None
    domain_name: str | bytes | None
    join: Iterable[tuple[int | str | Iterable[str], Fd | StrPath]] | None
    time_offsets: Mapping[str, float] | None
    sysctls: Mapping[str, str | int] | None
    set_tid: Iterable[int] | None
    init: bool | None
    mounts: Iterable[Mount] | None
    pivot_root: StrPath | None
    tmpfs_root: bool | None
    ro_root: bool | None
    private_tmp: bool | None
    private_dev: bool | None
    mount_propagation: Literal["private", "slave", "shared", "unbindable"] | None
    # end of settings


class OpenSettings(Settings, total=False):
    """The same with what only the making of a context takes."""

    watch: bool | None
    autoreap: bool | None


class SpawnSettings(OpenSettings, total=False):
    """The same with what only `spawn` takes."""

    program: StrPath | Fd | None
    candidates: Iterable[StrPath] | None


class SchedulerParameters(TypedDict, total=False):
    """The keywords of `Process.set_scheduler`; times are seconds."""

    flags: int
    nice: int
    priority: int
    runtime: float
    deadline: float
    period: float
    util_min: int
    util_max: int


class SchedulerPolicy(TypedDict):
    """The policy by its number, or by its name such as "batch"."""

    policy: int | str


class SchedulerSettings(SchedulerPolicy, SchedulerParameters):
    """The keyword `scheduler` as a mapping."""
