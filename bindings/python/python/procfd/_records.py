# SPDX-License-Identifier: MIT OR Apache-2.0
"""The answers to psutil's questions: the tuples of `_details`."""

from __future__ import annotations

from typing import NamedTuple


class Ids(NamedTuple):
    """User or group ids."""

    real: int
    effective: int
    saved: int


class CpuTimes(NamedTuple):
    """CPU times in seconds."""

    user: float
    system: float
    children_user: float
    children_system: float
    iowait: float


class ContextSwitches(NamedTuple):
    """How often it gave the processor up, and lost it."""

    voluntary: int
    involuntary: int


class MemoryInfo(NamedTuple):
    """Sizes in bytes."""

    rss: int
    vms: int
    shared: int
    text: int
    data: int


class MemoryFullInfo(NamedTuple):
    """Sizes in bytes. `uss` is its own alone, `pss` its part of all, `swap` is swapped out."""

    rss: int
    vms: int
    shared: int
    text: int
    data: int
    uss: int
    pss: int
    swap: int


class ThreadTimes(NamedTuple):
    """A thread, with its CPU times in seconds."""

    id: int
    user_time: float
    system_time: float


class OpenFile(NamedTuple):
    """A regular file that is open."""

    path: str
    fd: int
    position: int
    mode: str
    flags: int


class Mapping(NamedTuple):
    """A line of /proc/PID/maps; size in bytes."""

    addr: str
    perms: str
    path: str
    size: int
    offset: int
    device: int
    inode: int


class IoCounters(NamedTuple):
    """Calls, bytes that went to and from storage, and characters."""

    read_count: int
    write_count: int
    read_bytes: int
    write_bytes: int
    read_chars: int
    write_chars: int


class IoPriority(NamedTuple):
    """An I/O class, 0 for none, and the level in it."""

    ioclass: int
    value: int
