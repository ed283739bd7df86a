# SPDX-License-Identifier: MIT OR Apache-2.0
"""ps and tree."""

from __future__ import annotations

import argparse
import pwd
import sys
import time
from collections.abc import Iterator
from typing import Any, Callable, NamedTuple

from .. import Info, Snapshot
from . import arguments
from .arguments import Target, target
from .table import (
    add_json,
    as_data,
    clean,
    failed,
    line,
    print_json,
    size,
    table,
    width,
)

LISTED = ("ids", "creds", "state", "job", "start", "comm", "times", "memory", "sched", "threads",
          "inode")  # fmt: skip


def add_to(commands: Any) -> None:
    ps = commands.add_parser("ps", help="all processes, or some")
    ps.add_argument("pid", type=target, nargs="*", metavar="PID", help="only these: PID[:INODE]")
    ps.add_argument(
        "-u", "--user", type=arguments.users, metavar="USER,...", help="only those of these users"
    )
    ps.add_argument(
        "-o",
        "--columns",
        type=columns,
        metavar="NAME,...",
        help="the columns: " + ", ".join(COLUMNS),
    )
    ps.add_argument("--sort", choices=SORTS, default="pid", help="the order (default: pid)")
    add_json(ps)
    ps.set_defaults(function=list_all)
    tree = commands.add_parser("tree", help="processes below their parents")
    tree.add_argument(
        "pid", type=target, nargs="?", metavar="PID", help="only this process and its descendants"
    )
    add_json(tree)
    tree.set_defaults(function=show_tree)


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
    """The time if it was today, else the day."""
    when, now = time.localtime(ns / 1e9), time.localtime()
    today = when[:3] == now[:3]
    return time.strftime("%H:%M:%S" if today else "%Y-%m-%d", when)


def command_line(info: Info) -> str:
    """The arguments; the name in brackets if there are none to be seen, as ps(1) has it."""
    words: list[str] = []
    try:
        process = Target(pid_of(info), info.inode).open()
        with process:
            words = process.argv()
    except OSError:
        pass
    return " ".join(words) if words else f"[{info.comm or '?'}]"


class Column(NamedTuple):
    """A column of ps."""

    head: str
    right: bool
    cell: Callable[[Info], Any]
    # The first to go where the terminal is narrow; 0: never.
    spare: int = 0


COLUMNS = {
    "pid": Column("PID", True, pid_of),
    "inode": Column("INODE", True, lambda p: p.inode),
    "ppid": Column("PPID", True, lambda p: p.ids.ppid if p.ids else None, 6),
    "pgid": Column("PGID", True, lambda p: p.job.pgid if p.job else None),
    "sid": Column("SID", True, lambda p: p.job.sid if p.job else None),
    "user": Column("USER", False, lambda p: user_name(p.creds.euid) if p.creds else None, 2),
    "uid": Column("UID", True, lambda p: p.creds.euid if p.creds else None),
    "state": Column("S", False, lambda p: p.state.code if p.state else None, 3),
    "nice": Column("NI", True, lambda p: p.sched.nice if p.sched else None, 8),
    "threads": Column("THR", True, lambda p: p.threads, 7),
    "rss": Column("RSS", True, lambda p: size(p.memory.resident if p.memory else None), 1),
    "vsz": Column("VSZ", True, lambda p: size(p.memory.virt if p.memory else None)),
    "time": Column("TIME", True, lambda p: duration(cpu_ns(p)), 4),
    "start": Column("START", True, lambda p: started(p.start.real_ns) if p.start else None, 5),
    "comm": Column("COMM", False, lambda p: p.comm or ""),
    "command": Column("COMMAND", False, command_line),
}
USUAL = ("pid", "ppid", "user", "state", "nice", "threads", "rss", "time", "start", "command")
SORTS: dict[str, Callable[[Info], Any]] = {
    "pid": pid_of,
    "memory": lambda p: -(p.memory.resident if p.memory else 0),
    "time": lambda p: -cpu_ns(p),
    "start": lambda p: p.start.boot_ns if p.start else 0,
}
# The command has at least so many columns of a terminal.
COMMAND_WIDTH = 24


def columns(text: str) -> list[str]:
    """Names of columns, with commas between."""
    names = text.split(",")
    for name in names:
        if name not in COLUMNS:
            raise argparse.ArgumentTypeError(f"no column {name!r}; there are {', '.join(COLUMNS)}")
    return names


def rows_of(
    processes: list[Info], names: list[str], extra: dict[str, list[str]], space: int
) -> list[str]:
    """The table; columns of lesser interest go until the last one has room."""
    cells = {name: extra.get(name) or [COLUMNS[name].cell(p) for p in processes] for name in names}
    heads = {name: COLUMNS[name].head if name in COLUMNS else name for name in names}

    def before_last() -> int:
        return sum(
            2 + max(len(heads[name]), *(len(str(cell)) for cell in cells[name]), 1)
            for name in names[:-1]
        )

    spare = sorted((n for n in names[:-1] if n in COLUMNS and COLUMNS[n].spare),
                   key=lambda n: -COLUMNS[n].spare)  # fmt: skip
    while spare and before_last() + COMMAND_WIDTH > space:
        names = [name for name in names if name != spare[0]]
        spare = spare[1:]
    right = {heads[n] for n in names if n not in COLUMNS or COLUMNS[n].right}
    lines = [[cells[n][at] for n in names] for at in range(len(processes))]
    return table([heads[n] for n in names], lines, space, right)


def list_all(given: argparse.Namespace) -> int:
    processes = Snapshot(*LISTED).all()
    result = 0
    if given.pid:
        known = {pid_of(p): p for p in processes}
        processes = []
        for one in given.pid:
            found = known.get(one.pid)
            if found is None or one.inode not in (None, found.inode):
                print(f"procfd: pid {one.pid}: no such process", file=sys.stderr)
                result = 1
            else:
                processes.append(found)
    if given.user is not None:
        processes = [p for p in processes if p.creds and p.creds.euid in given.user]
    processes.sort(key=SORTS[given.sort])
    names = given.columns or list(USUAL)
    if given.json:
        for process in processes:
            data = as_data(process._asdict())
            if given.columns is None or "command" in names:
                data["command"] = command_line(process)
            print_json(data)
    else:
        print("\n".join(rows_of(processes, names, {}, width())))
    return result


def show_tree(given: argparse.Namespace) -> int:
    snapshot = Snapshot("ids", "comm", "start")
    if given.pid is None:
        processes = snapshot.all()
    else:
        try:
            with given.pid.open() as root:
                processes = snapshot.tree(root)
        except OSError as error:
            failed(given.pid, error)
            return 1
    children: dict[int, list[Info]] = {}
    present = {pid_of(p) for p in processes}
    roots: list[Info] = []
    for process in processes:
        parent = process.ids.ppid if process.ids else 0
        # The root of the tree has its parent outside.
        (children.setdefault(parent, []) if parent in present else roots).append(process)
    if given.json:
        for process in roots:
            print_json(nested(process, children))
    else:
        for process in roots:
            for text in drawn(process, children, "", "", strokes()):
                print(line(text, width()))
    return 0


def strokes() -> tuple[str, str, str]:
    """The lines of a tree, in characters that the locale has."""
    unicode = ("└─ ", "├─ ", "│  ")
    try:
        "".join(unicode).encode(sys.stdout.encoding)
    except (UnicodeEncodeError, LookupError):
        return ("`- ", "|- ", "|  ")
    return unicode


def nested(process: Info, children: dict[int, list[Info]]) -> dict[str, Any]:
    below = [nested(child, children) for child in children.get(pid_of(process), [])]
    return {"pid": pid_of(process), "comm": process.comm, "children": below}


def drawn(
    process: Info, children: dict[int, list[Info]], first: str, rest: str, lines: tuple[str, ...]
) -> Iterator[str]:
    yield f"{first}{pid_of(process)} {clean(process.comm or '')}"
    corner, tee, stem = lines
    below = children.get(pid_of(process), [])
    for child in below:
        last = child is below[-1]
        yield from drawn(
            child,
            children,
            rest + (corner if last else tee),
            rest + ("   " if last else stem),
            lines,
        )
