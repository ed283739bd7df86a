# SPDX-License-Identifier: MIT OR Apache-2.0
"""ps, tree, info."""

from __future__ import annotations

import argparse
import contextlib
import pwd
import time
from collections.abc import Callable, Iterator
from typing import Any

from .. import Info, Process, Snapshot, open
from .table import add_json, as_data, line, print_json, size, table, wants_json, width

LISTED = ("ids", "creds", "state", "job", "start", "comm", "times", "memory", "sched", "threads")


def add_to(commands: Any) -> None:
    ps = commands.add_parser("ps", help="all processes")
    ps.add_argument("--user", help="only those of this user (effective id), by name or number")
    ps.add_argument("--sort", choices=SORTS, default="pid", help="the order (default: pid)")
    add_json(ps)
    ps.set_defaults(function=list_all)
    tree = commands.add_parser("tree", help="processes below their parents")
    tree.add_argument("pid", type=int, nargs="?", help="only this process and its descendants")
    add_json(tree)
    tree.set_defaults(function=show_tree)
    info = commands.add_parser("info", help="what is known about one process")
    info.add_argument("pid", type=int)
    info.add_argument("field", nargs="*", help="only these: " + ", ".join([*TEXTS, *FIELDS]))
    add_json(info)
    info.set_defaults(function=show_info)


BITS = {f"signals.{name}" for name in ("pending_thread", "pending_process", "blocked")}
BITS |= {"signals.ignored", "signals.caught", "state.flags"}
TEXTS: dict[str, Callable[[Process], Any]] = {
    "argv": Process.argv,
    "exe": Process.exe,
    "cwd": Process.cwd,
    "root": Process.root,
    "cgroup": Process.cgroup,
    "groups": Process.groups,
}
FIELDS = sorted(name for name in dir(Info) if not name.startswith("_"))
SORTS = {
    "pid": lambda p: pid_of(p),
    "memory": lambda p: -(p.memory.resident if p.memory else 0),
    "time": lambda p: -cpu_ns(p),
    "start": lambda p: p.start.boot_ns if p.start else 0,
}


def pid_of(info: Info) -> int:
    return info.ids.pid if info.ids else 0


def cpu_ns(info: Info) -> int:
    return info.times.user_ns + info.times.system_ns if info.times else 0


NAMES: dict[int, str] = {}


def user_name(uid: int) -> str:
    if uid not in NAMES:
        try:
            NAMES[uid] = pwd.getpwuid(uid).pw_name
        except KeyError:
            NAMES[uid] = str(uid)
    return NAMES[uid]


def duration(ns: int) -> str:
    """Processor time: minutes, seconds, hundredths."""
    seconds, hundredths = divmod(ns // 10_000_000, 100)
    return f"{seconds // 60}:{seconds % 60:02d}.{hundredths:02d}"


def started(ns: int) -> str:
    """The time today, the day before that."""
    when, now = time.localtime(ns / 1e9), time.localtime()
    today = when[:3] == now[:3]
    return time.strftime("%H:%M:%S" if today else "%Y-%m-%d", when)


HEAD = ["PID", "PPID", "USER", "S", "NI", "THR", "RSS", "TIME", "START", "COMMAND"]


def row(info: Info) -> list[Any]:
    assert info.ids is not None
    return [
        info.ids.pid,
        info.ids.ppid,
        user_name(info.creds.euid) if info.creds else None,
        info.state.code if info.state else None,
        info.sched.nice if info.sched else None,
        info.threads,
        size(info.memory.resident if info.memory else None),
        duration(cpu_ns(info)),
        started(info.start.real_ns) if info.start else None,
        info.comm or "",
    ]


def list_all(given: argparse.Namespace) -> int:
    processes = Snapshot(*LISTED).all()
    if given.user is not None:
        user = given.user
        uid = int(user) if user.isdecimal() else pwd.getpwnam(user).pw_uid
        processes = [p for p in processes if p.creds and p.creds.euid == uid]
    processes.sort(key=SORTS[given.sort])
    if wants_json(given):
        print_json([as_data(p._asdict()) for p in processes])
    else:
        print("\n".join(table(HEAD, [row(p) for p in processes], width())))
    return 0


def show_tree(given: argparse.Namespace) -> int:
    snapshot = Snapshot("ids", "comm", "start")
    if given.pid is None:
        processes = snapshot.all()
    else:
        with open(pid=given.pid) as root:
            processes = snapshot.tree(root)
    children: dict[int, list[Info]] = {}
    present = {pid_of(p) for p in processes}
    roots: list[Info] = []
    for process in processes:
        parent = process.ids.ppid if process.ids else 0
        # The root of what was asked for has its parent outside.
        (children.setdefault(parent, []) if parent in present else roots).append(process)
    if wants_json(given):
        print_json([nested(process, children) for process in roots])
    else:
        for process in roots:
            for text in drawn(process, children, "", ""):
                print(line(text, width()))
    return 0


def nested(process: Info, children: dict[int, list[Info]]) -> dict[str, Any]:
    below = [nested(child, children) for child in children.get(pid_of(process), [])]
    return {"pid": pid_of(process), "comm": process.comm, "children": below}


def drawn(process: Info, children: dict[int, list[Info]], first: str, rest: str) -> Iterator[str]:
    yield f"{first}{pid_of(process)} {process.comm or ''}"
    below = children.get(pid_of(process), [])
    for child in below:
        last = child is below[-1]
        corner, stem = ("└─ ", "   ") if last else ("├─ ", "│  ")
        yield from drawn(child, children, rest + corner, rest + stem)


def show_info(given: argparse.Namespace) -> int:
    unknown = set(given.field) - {*FIELDS, *TEXTS}
    if unknown:
        raise SystemExit(f"procfd info: no field {', '.join(sorted(unknown))}")
    wanted = given.field or [*TEXTS, *FIELDS]
    with open(pid=given.pid) as process:
        known = process.info(*(name for name in wanted if name in FIELDS))._asdict()
        for name in wanted:
            if name in TEXTS:
                # Some are only for those who may trace it, and a kernel thread has none.
                with contextlib.suppress(OSError):
                    known[name] = TEXTS[name](process)
    data = {name: as_data(known[name]) for name in wanted if name in known}
    if wants_json(given):
        print_json(data)
        return 0
    rows = []
    for name, value in data.items():
        for key, item in value.items() if isinstance(value, dict) else [("", value)]:
            bits = f"{name}.{key}" in BITS or name == "caps"
            rows.append([f"{name}.{key}" if key else name, f"{item:#x}" if bits else item])
    print("\n".join(table(["FIELD", "VALUE"], rows, width())))
    return 0
