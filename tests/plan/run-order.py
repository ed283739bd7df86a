#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""The order of the calls changes nothing in the child, but where the documents say so. TAP.

Every setting of procfd-core/src/settings.tsv has a call below, or a reason in NOT_HERE. The calls
are made in random orders, and PROC_INFO_PLAN has to say the same each time, as text and as JSON.
What goes into one list (descriptor actions, mounts, seccomp programs, rules, kernel parameters)
keeps its order there. And each call has to change the plan, or it would prove nothing.

PROCFD_STAGE names the staged installation. An argument is the seed, to repeat a run.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import pathlib
import random
import signal
import struct
import sys
import types
from collections.abc import Iterable
from typing import Any, NamedTuple

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "scripts"))
from settings_table import SHAPES, Row, Table  # noqa: E402
from tap import Tap  # noqa: E402

TABLE = Table((ROOT / "procfd-core/src/settings.tsv").read_text())
CASES = ROOT / "tests/e2e/cases"
ABI = ROOT / "bindings/python/python/procfd/_abi.py"
ORDERS = 50

# Settings that have no call below, nor a value in tests/e2e/cases.
NOT_HERE = {
    "PROC_CREATE": "starts the process",
    "PROC_ATTACH": "binds to a process that runs",
    "PROC_COPY": "makes another context",
    "PROC_SET_EXIT_SIGNAL": "is for forks alone, which have no plan of a program",
    "PROC_SET_TIME_LIMIT": "is carried out by the watcher or the built-in init",
    "PROC_SET_CGROUP_LEAF": "is made by the creator, before the child",
    "PROC_SET_CGROUP_LIMIT": "is written by the creator, before the child",
    "PROC_SET_CGROUP": "is a property of the clone, which the plan shows by its file alone",
    "PROC_SET_CGROUP_FD": "is a property of the clone, which the plan shows by its file alone",
}
# Settings that the plan does not show: their calls are made all the same.
NOT_SHOWN = {
    "PROC_SET_ENV": "the environment",
    "PROC_SET_ENV_VAR": "the environment",
    "PROC_UNSET_ENV_VAR": "the environment",
    "PROC_SET_ARGV": "arguments",
    "PROC_SET_OWN_PATH": "is of a search, which takes the place of the program below",
    "PROC_SET_SIGMASK": "the mask; the step is there in any case",
    "PROC_FD_PIPE_SIZE": "is of the pipes that the list makes after it",
    "PROC_FD_PIPE": "the creator makes the pipe at the call; its end is a dup like others",
}


class Call(NamedTuple):
    """One call of process_config. Calls with the same list keep their order."""

    name: str
    arg: int = 0
    data: bytes | ctypes.Structure | ctypes.Array[Any] | None = None
    list: str | None = None
    #: Where the command takes a string that ends with a NUL.
    size: int | None = None


def load_abi() -> types.ModuleType:
    spec = importlib.util.spec_from_file_location("procfd_abi", ABI)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


abi = load_abi()
stage = os.environ.get("PROCFD_STAGE")
library = ctypes.CDLL(
    os.environ.get("PROCFD_LIBRARY") or f"{stage}/lib/libprocfd.so", use_errno=True
)
library.process_config.argtypes = [
    ctypes.c_int,
    ctypes.c_uint32,
    ctypes.c_uint64,
    ctypes.c_void_p,
    ctypes.c_size_t,
]
library.process_info.argtypes = library.process_config.argtypes


def strings(*texts: bytes) -> ctypes.Array[Any]:
    return (ctypes.c_char_p * (len(texts) + 1))(*texts, None)


def text(name: str, value: bytes, in_list: str | None = None, arg: int = 0) -> Call:
    return Call(name, arg, value + b"\0", in_list, 0)


def ids(value: int) -> ctypes.Structure:
    three: ctypes.Structure = abi.procfd_ids(real=value, effective=value, saved=value)
    return three


def mount(kind: str, **members: Any) -> Call:
    return Call(
        "PROC_MOUNT", getattr(abi, f"PROC_MOUNT_{kind}"), abi.procfd_mount(**members), "mounts"
    )


NULL = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
SLASH = os.open("/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
TRUE = os.open("/bin/true", os.O_RDONLY | os.O_CLOEXEC)
SPACE = os.open("/proc/self/ns/ipc", os.O_RDONLY | os.O_CLOEXEC)
# A Landlock ruleset; any descriptor where the kernel has none.
RULES = ctypes.create_string_buffer(struct.pack("=Q", 4), 8)
RULESET = ctypes.CDLL(None).syscall(444, RULES, 8, 0)
if RULESET < 0:
    RULESET = NULL
CLONE_NEWTIME, CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x80, 0x20000, 0x4000000, 0x8000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
SPACES = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET
ALLOW = struct.pack("=HBBI", 6, 0, 0, 0x7FFF0000)
MAP = abi.procfd_idmap(inside=0, outside=os.geteuid(), count=1)
GROUP_MAP = abi.procfd_idmap(inside=0, outside=os.getegid(), count=1)


def of_cases(others: list[Call]) -> list[Call]:
    """The plain settings without a call among the others, with their first value in the cases."""
    words: dict[str, list[str]] = {}
    for line in CASES.read_text().splitlines():
        kind, *rest = line.split("\t")
        if kind == "set":
            words.setdefault(rest[0], rest[1:])
    named = {call.name for call in others} | {call.name for calls, _ in INSTEAD for call in calls}
    rows = [row for row in TABLE.in_cases() if row.name not in named and row.keyword in words]
    return [of_words(row, words[row.keyword]) for row in rows]


def of_words(row: Row, words: list[str]) -> Call:
    """The call that a line of the cases stands for."""
    shape = SHAPES[row.shape].c
    if shape == "SWITCH":
        return Call(row.name, 1)
    if shape == "NUMBER":
        return Call(row.name, int(words[0]) & (2**64 - 1))
    if shape == "SIGNALS":
        return Call(row.name, sum(1 << (int(word) - 1) for word in words))
    if shape == "STRING":
        return text(row.name, words[0].encode())
    if shape == "STRINGS":
        return Call(row.name, 0, strings(*(word.encode() for word in words)), None, 0)
    assert shape == "LIST", shape
    return Call(row.name, 0, struct.pack(f"={len(words)}I", *map(int, words)))


def by_hand() -> list[Call]:
    """What can be set together, but for what the cases have."""
    sets = (1 << 0) | (1 << 10) | (1 << 21) | (1 << 8)
    return [
        text("PROC_SET_EXEC", b"/bin/true"),
        Call("PROC_SET_ARGV", 0, strings(b"true", b"x"), None, 0),
        Call("PROC_SET_ENV", 0, strings(b"A=1"), None, 0),
        text("PROC_SET_ENV_VAR", b"B=2"),
        text("PROC_UNSET_ENV_VAR", b"A"),
        Call("PROC_SET_FLAG", SPACES | CLONE_NEWTIME),
        Call("PROC_SET_CLOSE", signal.SIGKILL),
        text("PROC_SET_CWD", b"/", "descriptors"),
        Call("PROC_SET_CWD_FD", SLASH, None, "descriptors"),
        Call("PROC_FD_DUP", 0, abi.procfd_dup(source=NULL, target=1), "descriptors"),
        Call(
            "PROC_FD_OPEN", 5, abi.procfd_open(path=b"/dev/null", flags=os.O_RDONLY), "descriptors"
        ),
        Call("PROC_FD_CLOSE", 5, None, "descriptors"),
        Call("PROC_FD_CLOSE_RANGE", 0, abi.procfd_range(first=40, last=50), "descriptors"),
        Call("PROC_FD_NULL", 2, None, "descriptors"),
        Call("PROC_FD_INHERIT", NULL, None, "descriptors"),
        Call("PROC_FD_DATA", 6, b"some", "descriptors"),
        Call("PROC_FD_PIPE_SIZE", 4096, None, "descriptors"),
        Call("PROC_FD_PIPE", 7 | abi.PROC_PIPE_TO_CHILD, None, "descriptors"),
        Call("PROC_FD_INHERIT_ALL", 1),
        Call("PROC_SET_CTTY", NULL),
        Call("PROC_SET_FOREGROUND", NULL),
        Call("PROC_SET_UID", 0, ids(0)),
        Call("PROC_SET_GID", 0, ids(0)),
        Call("PROC_SET_GROUPS", 0, struct.pack("=I", 0)),
        Call("PROC_SET_SETGROUPS", abi.PROC_SETGROUPS_ALLOW),
        Call("PROC_SET_UID_MAP", 0, MAP),
        Call("PROC_SET_GID_MAP", 0, GROUP_MAP),
        Call("PROC_SET_RLIMIT", 4, abi.procfd_rlimit(soft=0, hard=0)),
        Call("PROC_SET_RLIMIT", 7, abi.procfd_rlimit(soft=64, hard=64)),
        Call("PROC_SET_NO_TSC", 1),
        Call("PROC_SET_SUBREAPER", 1),
        Call("PROC_SET_IOPRIO", (2 << 13) | 6),
        Call("PROC_SET_SPECULATION", 0, struct.pack("=I", 4)),
        Call("PROC_SET_SCHEDULER", 0, abi.procfd_sched(policy=3)),
        Call("PROC_SET_AFFINITY", 0, b"\x01" + bytes(7)),
        Call("PROC_SET_MEMORY_MERGE", 1),
        Call("PROC_SET_MDWE", 1),
        Call("PROC_SET_CORE_SCHED", 1),
        Call("PROC_SET_NUMA", 1, struct.pack("=Q", 1)),
        Call("PROC_SET_CAP_BOUNDING", sets),
        Call("PROC_SET_CAP_PERMITTED", sets),
        Call("PROC_SET_CAP_EFFECTIVE", sets),
        Call("PROC_SET_CAP_INHERITABLE", 1 << 10),
        Call("PROC_SET_CAP_AMBIENT", 1 << 10),
        Call("PROC_SET_KEEP_CAPS", 1),
        Call("PROC_SET_SECUREBITS", 1),
        Call("PROC_SET_SECCOMP", 0, ALLOW, "seccomp"),
        Call("PROC_SET_SECCOMP", 2, ALLOW, "seccomp"),
        text("PROC_SET_KEYRING", b"ring"),
        Call("PROC_SET_LANDLOCK", 0, abi.procfd_landlock(fs=4 | 8, net=1, scoped=0)),
        text("PROC_LANDLOCK_PATH", b"/usr", "landlock", 4),
        text("PROC_LANDLOCK_PATH", b"/bin", "landlock", 8),
        Call("PROC_LANDLOCK_PORT", 1, struct.pack("=I", 80), "landlock"),
        Call("PROC_LANDLOCK_FD", 0, struct.pack("=i", RULESET), "landlock"),
        text("PROC_SET_SELINUX_CONTEXT", b"user_u:user_r:user_t"),
        Call("PROC_SET_PDEATHSIG", signal.SIGTERM),
        Call("PROC_SET_TIME_OFFSET", 1, struct.pack("=qq", 100, 0)),
        Call("PROC_SET_TIME_OFFSET", 7, struct.pack("=qq", 200, 0)),
        text("PROC_SET_SYSCTL", b"net.ipv4.ip_forward=1", "sysctls"),
        text("PROC_SET_SYSCTL", b"kernel.sem=1 2 3 4", "sysctls"),
        mount("FILESYSTEM", source=b"tmpfs", target=b"/mnt"),
        mount("BIND", source=b"/usr", target=b"/mnt", flags=abi.PROC_MOUNT_RECURSIVE),
        Call("PROC_SET_TMPFS_ROOT", 1),
        Call("PROC_SET_MOUNT_PROPAGATION", 1 << 19),
    ]


# What takes the place of settings that it does not go with: its calls, and what is left out.
INSTEAD: list[tuple[list[Call], set[str]]] = [
    ([Call("PROC_SET_EXEC_FD", TRUE)], {"PROC_SET_EXEC"}),
    (
        [
            text("PROC_SET_EXEC", b"true", None, abi.PROC_EXEC_PATH),
            Call("PROC_SET_OWN_PATH", 1),
            text("PROC_SET_ENV_VAR", b"PATH=/own/path"),
        ],
        {"PROC_SET_EXEC", "PROC_SET_OWN_PATH", "PROC_SET_ENV_VAR"},
    ),
    (
        [Call("PROC_SET_PGROUP", 0)],
        {"PROC_SET_SESSION", "PROC_SET_CTTY", "PROC_SET_PTY"},
    ),
    ([Call("PROC_START_SUSPENDED", 1)], {"PROC_SET_INIT", "PROC_SET_FLAG"}),
    ([text("PROC_SET_ROOT", b"/")], {"PROC_SET_TMPFS_ROOT"}),
    ([text("PROC_SET_PIVOT_ROOT", b"/usr")], {"PROC_SET_TMPFS_ROOT"}),
    ([Call("PROC_SET_READONLY_ROOT", 1)], {"PROC_SET_TMPFS_ROOT"}),
    ([text("PROC_SET_USER", b"0")], {"PROC_SET_UID", "PROC_SET_GID", "PROC_SET_GROUPS"}),
    (
        [Call("PROC_JOIN_FD", CLONE_NEWIPC, struct.pack("=i", SPACE), "joins")],
        {"PROC_SET_FLAG"},
    ),
    (
        [text("PROC_JOIN_PATH", b"/proc/self/ns/uts", "joins", CLONE_NEWUTS)],
        {"PROC_SET_FLAG"},
    ),
    ([Call("PROC_SET_TID", 0, struct.pack("=I", 1))], set()),
    (
        [Call("PROC_SET_PTY", 0, struct.pack("=HHHH", 24, 80, 0, 0), "descriptors")],
        {"PROC_SET_CTTY", "PROC_SET_SESSION"},
    ),
]
# Those need namespaces of their own.
NEED_SPACES = {
    "PROC_SET_UID_MAP",
    "PROC_SET_GID_MAP",
    "PROC_SET_SETGROUPS",
    "PROC_SET_HOSTNAME",
    "PROC_SET_DOMAINNAME",
    "PROC_SET_TIME_OFFSET",
    "PROC_SET_SYSCTL",
    "PROC_MOUNT",
    "PROC_SET_TMPFS_ROOT",
    "PROC_SET_PRIVATE_TMP",
    "PROC_SET_PRIVATE_DEV",
    "PROC_SET_MOUNT_PROPAGATION",
    "PROC_SET_INIT",
}


def words(procfd: int) -> str:
    record = abi.procfd_error()
    library.process_info(
        procfd, abi.PROC_INFO_ERROR, 0, ctypes.byref(record), ctypes.sizeof(record)
    )
    return bytes(record.message).split(b"\0")[0].decode()


def plan(calls: Iterable[Call]) -> tuple[bytes, ...]:
    """What the child would do, as text and JSON; or the refusal."""
    procfd = library.process_open(abi.PROCFD_NO_WATCH)
    ends = []
    try:
        for call in calls:
            data: Any = call.data
            size = call.size
            if data is not None and size is None:
                size = len(data) if isinstance(data, bytes) else ctypes.sizeof(data)
            if data is not None and not isinstance(data, bytes):
                data = ctypes.byref(data)
            result = library.process_config(
                procfd, getattr(abi, call.name), call.arg, data, size or 0
            )
            if result < 0:
                return (f"{call.name}: {words(procfd)}".encode(),)
            if call.name in ("PROC_FD_PIPE", "PROC_SET_PTY"):
                ends.append(result)
        texts = []
        for kind in (0, abi.PROC_PLAN_JSON):
            length = library.process_info(procfd, abi.PROC_INFO_PLAN, kind, None, 0)
            if length < 0:
                return (words(procfd).encode(),)
            room = ctypes.create_string_buffer(length + 1)
            library.process_info(procfd, abi.PROC_INFO_PLAN, kind, room, length + 1)
            texts.append(room.value)
        return tuple(texts)
    finally:
        for end in ends:
            os.close(end)
        os.close(procfd)


def shuffled(calls: list[Call], chance: random.Random) -> list[Call]:
    """In any order, but that of each list."""
    order = chance.sample(calls, len(calls))
    for name in {call.list for call in calls if call.list}:
        own = iter([call for call in calls if call.list == name])
        order = [next(own) if call.list == name else call for call in order]
    return order


def without(calls: list[Call], names: set[str]) -> list[Call]:
    return [call for call in calls if call.name not in names]


def same_in_any_order(calls: list[Call], chance: random.Random) -> list[str]:
    first = plan(calls)
    if len(first) == 1:
        return [f"refused: {first[0].decode()}"]
    for _ in range(ORDERS):
        order = shuffled(calls, chance)
        other = plan(order)
        if other != first:
            names = ", ".join(call.name for call in order)
            return [
                f"in this order: {names}",
                other[0].decode(),
                "and in the first:",
                first[0].decode(),
            ]
    return []


def main() -> int:
    tap = Tap()
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else random.randrange(1 << 32)
    tap.note(f"seed {seed}")
    chance = random.Random(seed)
    known = {row.name for row in TABLE.commands()}
    base = by_hand()
    base += of_cases(base)
    made = {call.name for call in base} | {call.name for calls, _ in INSTEAD for call in calls}
    problems = [
        f"{name} has no call, no case of tests/e2e and no reason"
        for name in sorted(known - made - set(NOT_HERE))
    ]
    problems += [f"{name} is no setting" for name in sorted((made | set(NOT_HERE)) - known)]
    tap.case(f"each of the {len(known)} settings has a call, a case or a reason", problems)

    tap.case(f"{len(base)} calls have the same plan in any order", same_in_any_order(base, chance))
    whole = plan(base)
    # Where another setting has the same step, a plan that has nothing else shows it.
    little = [
        [call for call in base if call.name in names]
        for names in (
            ("PROC_SET_EXEC",),
            ("PROC_SET_EXEC", "PROC_SET_FLAG"),
            ("PROC_SET_EXEC", "PROC_SET_UID"),
        )
    ]
    bare = [(calls, plan(calls)) for calls in little]
    problems = []
    for call in base:
        alone = any(plan([*calls, call])[1:] not in ((), before[1:]) for calls, before in bare)
        if not alone and plan(without(base, {call.name})) == whole and call.name not in NOT_SHOWN:
            problems.append(f"{call.name} changes nothing")
    tap.case("each call changes the plan", problems)

    for calls, left_out in INSTEAD:
        names = left_out | (NEED_SPACES if "PROC_SET_FLAG" in left_out else set())
        rest = without(base, names)
        problems = same_in_any_order(calls + rest, chance)
        if not problems and plan(rest) == plan(calls + rest):
            problems = ["it changes nothing"]
        tap.case(f"so have they with {calls[0].name}", problems)
    return tap.done()


if __name__ == "__main__":
    raise SystemExit(main())
