# SPDX-License-Identifier: MIT OR Apache-2.0
"""The values that the words of a command line name: processes, signals, times, users, limits."""

from __future__ import annotations

import argparse
import grp
import os
import pathlib
import pwd
import re
import resource
import signal
from typing import Any, Callable, NamedTuple

from .. import Process, open

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
NAMESPACES = ("user", "pid", "mount", "net", "ipc", "uts", "cgroup", "time")
# The kernel's highest pid is below this (include/linux/threads.h, PID_MAX_LIMIT).
PID_LIMIT = 1 << 22


class Target(NamedTuple):
    """A process as PID or PID:INODE names it."""

    pid: int
    inode: int | None

    def open(self) -> Process:
        """The process. ESRCH if the pid belongs to another process than the inode."""
        process = open(pid=self.pid)
        if self.inode is not None and process.info("inode").inode != self.inode:
            process.close()
            raise ProcessLookupError(
                f"pid {self.pid} is another process now, not the one of inode {self.inode}"
            )
        return process


def target(text: str) -> Target:
    """PID, or PID:INODE as `ps -o pid,inode` and util-linux's kill have it."""
    pid, colon, inode = text.partition(":")
    if not (pid.isdecimal() and (inode.isdecimal() or not colon)):
        raise argparse.ArgumentTypeError(f"not a pid, nor PID:INODE: {text!r}")
    if not 0 < int(pid) < PID_LIMIT:
        raise argparse.ArgumentTypeError(f"no process can have the pid {pid}")
    return Target(int(pid), int(inode) if colon else None)


def seconds(text: str) -> float:
    """A time with its unit: 500ms, 5s, 2m, 1h, 1d; without a unit it is seconds."""
    number = text.rstrip("abcdefghijklmnopqrstuvwxyz")
    try:
        time = float(number) * UNITS[text[len(number) :] or "s"]
    except (KeyError, ValueError):
        raise argparse.ArgumentTypeError(f"not a time: {text!r} (500ms, 5s, 2m, 1h)") from None
    if not 0 <= time < float("inf"):
        raise argparse.ArgumentTypeError(f"not a time: {text!r}")
    return time


def signal_number(text: str) -> int:
    """A signal by its number or its name, with or without SIG."""
    if text.isdecimal():
        if int(text) > signal.SIGRTMAX:
            raise argparse.ArgumentTypeError(f"no signal {text}: 0 to {int(signal.SIGRTMAX)}")
        return int(text)
    name = text.upper().replace("SIG", "", 1) if text.upper().startswith("SIG") else text.upper()
    # RTMIN+1 and RTMAX-1 count from their ends.
    base, sign, offset = re.match(r"(RTMIN|RTMAX|.*?)(?:([+-])(\d+))?$", name, re.DOTALL).groups()  # type: ignore[union-attr]
    try:
        number = signal.Signals[f"SIG{base}"] + int(f"{sign or '+'}{offset or 0}")
    except KeyError:
        raise argparse.ArgumentTypeError(f"no signal {text!r}") from None
    if sign and not signal.SIGRTMIN <= number <= signal.SIGRTMAX:
        raise argparse.ArgumentTypeError(f"no signal {text!r}")
    return int(number)


def signals(text: str) -> list[int]:
    """Signals, with commas between."""
    return [signal_number(part) for part in text.split(",")]


def limit(text: str) -> tuple[int, int | tuple[int, int]]:
    """NAME=SOFT[:HARD], by the names of resource.RLIMIT_*."""
    name, _, values = text.partition("=")
    number = getattr(resource, f"RLIMIT_{name.upper()}", None)
    if number is None:
        names = sorted(known[7:].lower() for known in dir(resource) if known.startswith("RLIMIT_"))
        raise argparse.ArgumentTypeError(f"no limit {name!r}; there are {', '.join(names)}")
    try:
        bounds = [-1 if v == "unlimited" else int(v) for v in values.split(":")]
        soft, hard = bounds * 2 if len(bounds) == 1 else bounds
    except ValueError:
        raise argparse.ArgumentTypeError(f"not NAME=SOFT[:HARD]: {text!r}") from None
    return number, (soft, hard)


def id_map(text: str) -> tuple[int, int, int]:
    """INSIDE:OUTSIDE:COUNT."""
    try:
        inside, outside, count = (int(part) for part in text.split(":"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"not INSIDE:OUTSIDE:COUNT: {text!r}") from None
    return inside, outside, count


def namespaces(text: str) -> list[str]:
    """Names of namespaces, with commas between."""
    names = text.split(",")
    for name in names:
        if name not in NAMESPACES:
            known = ", ".join(NAMESPACES)
            raise argparse.ArgumentTypeError(f"no namespace {name!r}; there are {known}")
    return names


def join(text: str) -> tuple[list[str], str | int]:
    """NAME,...=PATH, or NAME,...=PID."""
    names, _, where = text.partition("=")
    if not names or not where:
        raise argparse.ArgumentTypeError(f"not NAME,...=PATH nor NAME,...=PID: {text!r}")
    return namespaces(names), target(where).pid if where.isdecimal() else where


def user(text: str) -> int:
    """A user id, or the user's name."""
    return named("user", text, lambda: pwd.getpwnam(text).pw_uid)


def group(text: str) -> int:
    """A group id, or the group's name."""
    return named("group", text, lambda: grp.getgrnam(text).gr_gid)


def named(kind: str, text: str, look: Callable[[], Any]) -> int:
    try:
        number = int(text) if text.isdecimal() else int(look())
    except KeyError:
        raise argparse.ArgumentTypeError(f"no {kind} {text!r}") from None
    if not 0 <= number < (1 << 32) - 1:
        raise argparse.ArgumentTypeError(f"no {kind} id can be {text}")
    return number


def users(text: str) -> list[int]:
    """Users, with commas between."""
    return [user(part) for part in text.split(",")]


def groups(text: str) -> list[int]:
    """Groups, with commas between; the empty list drops all."""
    return [group(part) for part in text.split(",")] if text else []


def variable(text: str) -> tuple[str, str]:
    """NAME=VALUE."""
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"not NAME=VALUE: {text!r}")
    return name, value


def offset(text: str) -> tuple[str, float]:
    """monotonic=SECONDS or boottime=SECONDS."""
    clock, _, number = text.partition("=")
    try:
        if clock in ("monotonic", "boottime"):
            return clock, float(number)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"not monotonic=SECONDS nor boottime=SECONDS: {text!r}")


# The types of mounts that have a source, and those that have none.
WITH_SOURCE = ("bind", "rbind", "filesystem", "file", "symlink", "move", "propagation")
WITHOUT_SOURCE = (
    *("tmpfs", "proc", "sysfs", "devpts", "mqueue", "cgroup2", "overlay", "dev"),
    *("directory", "remount", "unmount"),
)
ATTRIBUTES = (
    *("ro", "nosuid", "nodev", "noexec", "noatime", "strictatime", "nodiratime"),
    "nosymfollow",
)


def mount(text: str) -> dict[str, object]:
    """TYPE:[SOURCE:]TARGET[:OPTION,...]."""
    kind, *parts = text.split(":")
    if kind not in (*WITH_SOURCE, *WITHOUT_SOURCE):
        known = ", ".join((*WITH_SOURCE, *WITHOUT_SOURCE))
        raise argparse.ArgumentTypeError(f"no type of mount {kind!r}; there are {known}")
    entry: dict[str, object] = {"type": kind}
    if kind in WITH_SOURCE and parts:
        entry["source"] = parts.pop(0)
    if len(parts) not in (1, 2) or not parts[0]:
        wanted = "SOURCE:TARGET" if kind in WITH_SOURCE else "TARGET"
        raise argparse.ArgumentTypeError(f"not {kind}:{wanted}[:OPTION,...]: {text!r}")
    entry["target"] = parts[0]
    others: dict[str, str | None] = {}
    for word in parts[1].split(",") if len(parts) == 2 else ():
        name, equals, value = word.partition("=")
        if not equals and name in (*ATTRIBUTES, "recursive", "create"):
            entry[name] = True
        elif not equals and name == "rw":
            entry["ro"] = False
        elif equals and name == "mode":
            entry["mode"] = octal(value, 0o7777)
        elif equals and name == "size":
            entry["size"] = bytes_of(value)
        elif equals and kind == "overlay" and name in ("lower", "upper", "work"):
            entry[name] = value.split("+") if name == "lower" else value
        else:
            others[name] = value if equals else None
    if others:
        entry["options"] = others
    return entry


def bytes_of(text: str) -> int:
    """A number of bytes, or of k, m, g."""
    number = text.rstrip("kmgKMG")
    power = {"": 0, "k": 1, "m": 2, "g": 3}.get(text[len(number) :].lower())
    if not number.isdecimal() or power is None:
        raise argparse.ArgumentTypeError(f"not a size: {text!r} (4096, 64k, 16m, 1g)")
    return int(number) << (10 * power)


IO_CLASSES = {"realtime": 1, "best-effort": 2, "idle": 3}


def io_priority(text: str) -> tuple[int, int]:
    """CLASS[:LEVEL], by the names that ionice has."""
    name, _, level = text.partition(":")
    if name not in IO_CLASSES or not (level or "0").isdecimal():
        known = ", ".join(IO_CLASSES)
        raise argparse.ArgumentTypeError(f"not CLASS[:LEVEL]: {text!r}; classes are {known}")
    return IO_CLASSES[name], int(level or (7 if name == "idle" else 4))


def content(path: str) -> bytes:
    """The bytes of a file."""
    try:
        return pathlib.Path(path).read_bytes()
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{path}: {error.strerror}") from None


def octal(text: str, highest: int = 0o777) -> int:
    """A file mode creation mask, or a mode."""
    try:
        mask = int(text, 8)
    except ValueError:
        mask = -1
    if not 0 <= mask <= highest:
        raise argparse.ArgumentTypeError(f"not an octal number from 0 to {highest:o}: {text!r}")
    return mask


def login(name: str) -> pwd.struct_passwd:
    """A user of the system, by name or id, for all that belongs to one."""
    try:
        return pwd.getpwuid(int(name)) if name.isdecimal() else pwd.getpwnam(name)
    except (KeyError, OverflowError):
        raise argparse.ArgumentTypeError(f"no user {name!r}") from None


def supplementary(entry: pwd.struct_passwd) -> list[int]:
    """The groups that a login of this user gets."""
    return os.getgrouplist(entry.pw_name, entry.pw_gid)
