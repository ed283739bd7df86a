# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a program sees of how it was started, as JSON. Runs from -c, without the tree."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import resource
import socket
from typing import Any

PR_GET_PDEATHSIG, PR_GET_SECUREBITS, PR_GET_TIMERSLACK, PR_GET_CHILD_SUBREAPER = 2, 27, 30, 37
IOPRIO_GET = {"x86_64": 252, "aarch64": 31, "riscv64": 31}
# Files of a cgroup, with what they say where nothing is set.
LIMITS = {
    "cpu.idle": "0",
    "cpu.max": "max 100000",
    "cpu.weight": "100",
    "io.max": "",
    "io.weight": "default 100",
    "memory.high": "max",
    "memory.low": "0",
    "memory.max": "max",
    "memory.min": "0",
    "memory.oom.group": "0",
    "memory.swap.max": "max",
    "pids.max": "max",
}
libc = ctypes.CDLL(None)


def text(path: str) -> str:
    try:
        with open(path) as file:
            return file.read().strip()
    except OSError as error:
        return str(error.strerror)


def names(path: str) -> list[str] | str:
    try:
        return sorted(os.listdir(path))
    except OSError as error:
        return str(error.strerror)


def link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError as error:
        return str(error.strerror)


def mounts() -> list[list[Any]]:
    """By mount point: type, attributes, propagation and what of the filesystem is there."""
    found: list[list[Any]] = []
    for line in text("/proc/self/mountinfo").splitlines():
        left, _, right = line.partition(" - ")
        if not right:
            return []
        _, _, _, root, point, attributes, *tags = left.split()
        kind = right.split()[0]
        tags = sorted({re.sub(r":\d+", "", tag) for tag in tags})
        # Where a tmpfs or a namespace begins is the tool's own affair.
        root = "" if kind in ("tmpfs", "nsfs") else root
        found.append([point, kind, root, sorted(attributes.split(",")), tags])
    return found


def descriptors() -> list[int]:
    """Those that are open; the directory's own is closed again."""
    found = []
    for number in range(64):
        with contextlib.suppress(OSError):
            os.fstat(number)
            found.append(number)
    return found


def works(path: str) -> bool | str:
    """Whether a device node can be opened."""
    try:
        os.close(os.open(path, os.O_RDWR))
        return True
    except OSError as error:
        return str(error.strerror)


def integer(option: int) -> int:
    value = ctypes.c_int(-1)
    libc.prctl(option, ctypes.byref(value), 0, 0, 0)
    return value.value


def cgroup() -> dict[str, Any]:
    """The limits of the own cgroup, and whether others are in it."""
    own = re.search("(?m)^0::(/.*)$", text("/proc/self/cgroup"))
    mount = re.search(r"(?m)^\S+ \S+ \S+ \S+ (\S+) .* - cgroup2 ", text("/proc/self/mountinfo"))
    if own is None or mount is None:
        return {}
    folder = f"{mount[1]}{own[1]}"
    files = {name: text(f"{folder}/{name}") for name in names(folder) if name in LIMITS}
    found: dict[str, Any] = {name: said for name, said in files.items() if said != LIMITS[name]}
    found["alone"] = text(f"{folder}/cgroup.procs").split() == [str(os.getpid())]
    return found


seen: dict[str, Any] = {"descriptors": descriptors()}
for line in text("/proc/self/status").splitlines():
    key, _, value = line.partition(":")
    if re.match(r"(Uid|Gid|Groups|Cap...|NoNewPrivs|Seccomp.*|SigIgn|SigBlk|Umask)$", key):
        seen[key] = value.split()
seen["ids"] = [os.getresuid(), os.getresgid(), os.getgroups()]
seen["limits"] = [resource.getrlimit(number) for number in range(16)]
kinds = ("user", "pid", "mnt", "net", "ipc", "uts", "cgroup", "time")
seen["namespaces"] = {kind: link(f"/proc/self/ns/{kind}") for kind in kinds}
seen["maps"] = [text(f"/proc/self/{file}") for file in ("uid_map", "gid_map", "setgroups")]
seen["time_offsets"] = text("/proc/self/timens_offsets")
seen["hostname"] = socket.gethostname()
seen["cwd"] = os.getcwd()
seen["environment"] = dict(sorted(os.environ.items()))
seen["nice"] = os.getpriority(os.PRIO_PROCESS, 0)
seen["ioprio"] = libc.syscall(IOPRIO_GET.get(os.uname().machine, -1), 1, 0)
seen["scheduler"] = [os.sched_getscheduler(0), os.sched_getparam(0).sched_priority]
seen["affinity"] = sorted(os.sched_getaffinity(0))
seen["personality"] = text("/proc/self/personality")
seen["oom_score_adj"] = text("/proc/self/oom_score_adj")
seen["pid"] = os.getpid() if os.getpid() < 8 else "large"
seen["session"] = os.getsid(0) == os.getpid()
seen["group"] = os.getpgid(0) == os.getpid()
seen["pdeathsig"] = integer(PR_GET_PDEATHSIG)
seen["subreaper"] = integer(PR_GET_CHILD_SUBREAPER)
seen["securebits"] = libc.prctl(PR_GET_SECUREBITS, 0, 0, 0, 0)
seen["timer_slack"] = libc.prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0)
seen["cgroup"] = cgroup()
seen["mounts"] = mounts()
seen["root"] = names("/")
seen["null"] = works("/dev/null")
seen["dev"] = names("/dev")
# Others work in a shared one.
seen["tmp"] = "empty" if names("/tmp") == [] else "not empty"
print(json.dumps(seen))
