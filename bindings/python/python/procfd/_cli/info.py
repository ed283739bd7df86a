# SPDX-License-Identifier: MIT OR Apache-2.0
"""info: the fields of one process, in units and names that a person reads."""

from __future__ import annotations

import argparse
import errno
import grp
import os
import pwd
import resource
import signal
import sys
import time
from typing import Any, Callable

from .. import Info, Process, _native
from .arguments import target
from .table import add_json, as_data, failed, print_json, size, table, width

TEXTS: dict[str, Callable[[Process], Any]] = {
    "argv": Process.argv,
    "exe": Process.exe,
    "cwd": Process.cwd,
    "root": Process.root,
    "cgroup": Process.cgroup,
    "groups": Process.groups,
}
FIELDS = sorted(name for name in dir(Info) if not name.startswith("_") and name != "why")
# Why a field is absent.
REASONS = {
    "denied": "(not permitted)",
    "unsupported": "(this kernel cannot tell)",
    "gone": "(the process has ended)",
    "nothing": "(none)",
}


def add_to(commands: Any) -> None:
    info = commands.add_parser("info", help="show the fields of one process")
    info.add_argument("pid", type=target, metavar="PID", help="a pid, or PID:INODE")
    info.add_argument("field", nargs="*", help="only these: " + ", ".join([*TEXTS, *FIELDS]))
    info.add_argument("--raw", action="store_true", help="show the numbers of the kernel")
    add_json(info)
    info.set_defaults(function=show_info, parser=info)


CAPABILITIES = _native._capabilities()
# linux/sched.h, linux/ioprio.h, linux/seccomp.h, proc_pid_stat(5)
SCHEDULERS = {0: "SCHED_OTHER", 1: "SCHED_FIFO", 2: "SCHED_RR", 3: "SCHED_BATCH", 5: "SCHED_IDLE",
              6: "SCHED_DEADLINE", 7: "SCHED_EXT"}  # fmt: skip
IO_CLASSES = {0: "none", 1: "realtime", 2: "best-effort", 3: "idle"}
SECCOMP = {0: "off", 1: "strict", 2: "filter"}
STATES = {"R": "running", "S": "sleeping", "D": "disk sleep", "T": "stopped", "t": "traced",
          "Z": "zombie", "X": "dead", "I": "idle"}  # fmt: skip
LIMITS = {
    number: name
    for name, number in vars(resource).items()
    if name.startswith("RLIMIT_") and name != "RLIMIT_OFILE"
}
LIMITS = {10: "RLIMIT_LOCKS", **LIMITS}
LIMITS_IN_BYTES = frozenset(
    f"RLIMIT_{name}"
    for name in ("AS", "CORE", "DATA", "FSIZE", "MEMLOCK", "MSGQUEUE", "RSS", "STACK")
)
BYTES = ("memory", "memory_detail", "memory_parts", "memory_set")


def bits(mask: int, name: Callable[[int], str]) -> str:
    return " ".join(name(n) for n in range(64) if mask >> n & 1) or "none"


def capability(number: int) -> str:
    return CAPABILITIES[number] if number < len(CAPABILITIES) else str(number)


def capabilities(mask: int) -> str:
    full = (1 << len(CAPABILITIES)) - 1
    if mask & full == full:
        return "all"
    missing = bits(full & ~mask, capability)
    # The shorter list of the two.
    many = bin(mask).count("1") > len(CAPABILITIES) // 2
    return f"all but {missing}" if many else bits(mask, capability)


def signal_name(bit: int) -> str:
    try:
        return signal.Signals(bit + 1).name[3:]
    except ValueError:
        return str(bit + 1)


def with_name(number: int, look: Callable[[int], str]) -> str:
    try:
        return f"{number} ({look(number)})"
    except (KeyError, OverflowError):
        return str(number)


def user(uid: int) -> str:
    return with_name(uid, lambda uid: pwd.getpwuid(uid).pw_name)


def group(gid: int) -> str:
    return with_name(gid, lambda gid: grp.getgrgid(gid).gr_name)


def terminal(device: int) -> str:
    """The name of a terminal (devices.txt: 136 to 143 are pseudo-terminals, 4 consoles)."""
    major, minor = os.major(device), os.minor(device)
    if 136 <= major <= 143:
        return f"/dev/pts/{(major - 136) * 256 + minor}"
    if major == 4:
        return f"/dev/tty{minor}" if minor < 64 else f"/dev/ttyS{minor - 64}"
    return "none" if device == 0 else f"{major}:{minor}"


def bound(value: int, in_bytes: bool) -> str:
    if value < 0:
        return "unlimited"
    return str(size(value)) if in_bytes else str(value)


def duration(ns: int) -> str:
    if ns < 1_000_000:
        return f"{ns / 1000:.0f} us"
    return f"{ns / 1e6:.0f} ms" if ns < 1_000_000_000 else f"{ns / 1e9:.2f} s"


def in_words(name: str, key: str, value: Any) -> tuple[str, str]:
    """The label and the text of one value."""
    label = f"{name}.{key}" if key else name
    if value is None:
        return label, "-"
    text: str | None = None
    if name == "limits":
        label = LIMITS.get(int(key), f"limit {key}")
        in_bytes = label in LIMITS_IN_BYTES
        text = "/".join(bound(one, in_bytes) for one in value)
    elif name == "argv":
        text = " ".join(value)
    elif name == "groups":
        text = " ".join(group(one) for one in value) or "none"
    elif name == "creds":
        text = user(value) if "uid" in key else group(value)
    elif name == "caps":
        text = capabilities(value)
    elif name == "signals" and key in ("pending_thread", "pending_process", "blocked", "ignored",
                                       "caught"):  # fmt: skip
        text = bits(value, signal_name)
    elif name in BYTES or key.endswith(("_bytes", "_chars", "max_rss")):
        text = size(value)
    elif label == "start.real_ns":
        text = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(value / 1e9))
        label = "start.time"
    elif label == "start.boot_ns":
        text, label = f"{value / 1e9:.2f} s after the boot", "start.boot"
    elif label.endswith("_ns"):
        text, label = duration(value), label[:-3]
    elif name == "umask":
        text = f"{value:03o}"
    elif label == "sched.policy":
        text = SCHEDULERS.get(value)
    elif name == "ioprio":
        kind = IO_CLASSES.get(value >> 13, str(value >> 13))
        text = kind if value >> 13 in (0, 3) else f"{kind} {value & 0x1FFF}"
    elif label == "security.seccomp":
        text = SECCOMP.get(value)
    elif label == "state.code":
        text, label = f"{value} ({STATES.get(value, 'unknown')})", "state"
    elif label == "state.flags" or name in ("personality", "coredump_filter"):
        text = f"{value:#x}"
    elif label == "job.tty":
        text = terminal(value)
    elif isinstance(value, bool):
        text = "yes" if value else "no"
    return label, str(value) if text is None else text


def show_info(given: argparse.Namespace) -> int:
    # As in info(), the unit may be left out: cpu is cpu_ns.
    given.field = [f"{name}_ns" if f"{name}_ns" in FIELDS else name for name in given.field]
    unknown = [name for name in given.field if name not in {*FIELDS, *TEXTS}]
    if unknown:
        given.parser.error(f"no field {unknown[0]!r}; there are {', '.join([*TEXTS, *FIELDS])}")
    wanted = given.field or [*TEXTS, *FIELDS]
    result = 0
    try:
        with given.pid.open() as process:
            info = process.info(*(name for name in wanted if name in FIELDS))
            known = info._asdict()
            absent = {name: info.why(name) for name in wanted if name in FIELDS}
            for name in wanted:
                if name not in TEXTS:
                    continue
                try:
                    known[name] = TEXTS[name](process)
                except OSError as error:
                    # Some need the right to trace it, and a kernel thread has none.
                    if error.errno in (errno.EACCES, errno.EPERM):
                        absent[name] = "denied"
                    if given.field:
                        print(
                            f"procfd: pid {given.pid.pid}: {name}: {error.strerror}",
                            file=sys.stderr,
                        )
                        result = 1
    except OSError as error:
        failed(given.pid, error)
        return 1
    data = {name: as_data(known[name]) for name in wanted if name in known}
    if given.json:
        print_json(data)
        return result
    rows: list[list[Any]] = []
    for name in wanted:
        why = absent.get(name)
        # Without names, what the kernel or the process does not have is left out.
        if name not in data and why and (given.field or why == "denied"):
            rows.append([name, REASONS[why]])
        if name not in data:
            continue
        value = data[name]
        for key, item in value.items() if isinstance(value, dict) else [("", value)]:
            if given.raw:
                rows.append([f"{name}.{key}" if key else name, item])
            else:
                rows.append(list(in_words(name, key, item)))
    print("\n".join(table(["FIELD", "VALUE"], rows, width(), set())))
    return result
