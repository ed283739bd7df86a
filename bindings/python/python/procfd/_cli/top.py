# SPDX-License-Identifier: MIT OR Apache-2.0
"""top: the processes that use most, refreshed."""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import shutil
import signal
import sys
import termios
import time
import tty
from collections.abc import Iterator
from typing import Any, Callable

from .. import Info, Snapshot
from . import arguments
from .arguments import Target, target
from .show import LISTED, cpu_ns, pid_of, rows_of
from .table import add_json, as_data, line, print_json, size

COLUMNS = ["pid", "user", "state", "nice", "threads", "rss", "%CPU", "%MEM", "time", "command"]
HELP = "q quit  c sort by CPU  m sort by memory  p sort by pid  t tree  k kill  h help"


def add_to(commands: Any) -> None:
    top = commands.add_parser("top", help="the processes that use most, until you press q")
    top.add_argument("pid", type=target, nargs="*", metavar="PID", help="only these processes")
    top.add_argument(
        "-u", "--user", type=arguments.users, metavar="USER,...", help="only those of these users"
    )
    top.add_argument("--interval", type=arguments.seconds, default=2.0, metavar="TIME")
    top.add_argument("--count", type=int, help="the number of refreshes (default: no end)")
    top.add_argument("--sort", choices=["cpu", "memory", "pid"], default="cpu")
    add_json(top)
    top.set_defaults(function=command, parser=top)


class Machine:
    """Processor time and memory of the whole machine, from /proc/stat and /proc/meminfo."""

    def __init__(self) -> None:
        self._before = (0, 0)
        self.busy = 0.0
        self.total = self.available = 0

    def look(self) -> None:
        try:
            with contextlib.ExitStack() as files:
                stat = files.enter_context(_text("/proc/stat"))
                # user nice system idle iowait irq softirq steal (proc_stat(5))
                ticks = [int(word) for word in stat.readline().split()[1:9]]
                memory = files.enter_context(_text("/proc/meminfo"))
                known = {text.split(":")[0]: text.split()[1] for text in memory}
        except OSError:
            return
        idle, whole = ticks[3] + ticks[4], sum(ticks)
        passed = whole - self._before[1]
        if passed > 0 and self._before[1]:
            self.busy = 100 * (1 - (idle - self._before[0]) / passed)
        self._before = (idle, whole)
        self.total = int(known["MemTotal"]) * 1024
        self.available = int(known.get("MemAvailable", known["MemFree"])) * 1024


def _text(path: str) -> Any:
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC), encoding="ascii")


class Usage:
    """Processor time between two looks."""

    def __init__(self, given: argparse.Namespace) -> None:
        self._snapshot = Snapshot(*LISTED, keep=True)
        self._before: dict[tuple[int, int], int] = {}
        self._at = 0.0
        self._given = given
        self.machine = Machine()

    def _wanted(self, info: Info) -> bool:
        given = self._given
        if given.user is not None and not (info.creds and info.creds.euid in given.user):
            return False
        of = [Target(pid_of(info), info.inode), Target(pid_of(info), None)]
        return not given.pid or any(one in given.pid for one in of)

    def look(self) -> list[tuple[float, Info]]:
        """The processes, with percent of one processor since the last look."""
        self.machine.look()
        now, processes = time.monotonic(), [p for p in self._snapshot.all() if self._wanted(p)]
        elapsed = (now - self._at) * 1e9
        # With its start, as the kernel may give the pid to another process by the next look.
        used = {(pid_of(p), p.start.boot_ns if p.start else 0): cpu_ns(p) for p in processes}
        shares = [
            100 * max(ns - self._before[key], 0) / elapsed if key in self._before else 0.0
            for key, ns in used.items()
        ]
        self._before, self._at = used, now
        return list(zip(shares, processes))


def resident(info: Info) -> int:
    return info.memory.resident if info.memory else 0


def ordered(found: list[tuple[float, Info]], by: str) -> list[tuple[float, Info]]:
    keys: dict[str, Callable[[tuple[float, Info]], Any]] = {
        "cpu": lambda one: (-one[0], -cpu_ns(one[1])),
        "memory": lambda one: -resident(one[1]),
        "pid": lambda one: pid_of(one[1]),
    }
    return sorted(found, key=keys[by])


def as_tree(found: list[tuple[float, Info]]) -> list[tuple[float, Info]]:
    """Children behind their parents; brothers keep their order."""
    below: dict[int, list[tuple[float, Info]]] = {}
    present = {pid_of(info) for _, info in found}
    roots: list[tuple[float, Info]] = []
    for one in found:
        parent = one[1].ids.ppid if one[1].ids else 0
        (below.setdefault(parent, []) if parent in present else roots).append(one)
    out = []
    left = roots[::-1]
    while left:
        one = left.pop()
        out.append(one)
        left += below.get(pid_of(one[1]), [])[::-1]
    return out


def picture(
    found: list[tuple[float, Info]], machine: Machine, columns: int, lines: int, note: str = ""
) -> list[str]:
    running = sum(p.state is not None and p.state.code == "R" for _, p in found)
    threads = sum(p.threads or 0 for _, p in found)
    load = " ".join(f"{average:.2f}" for average in os.getloadavg())
    used = machine.total - machine.available
    head = [
        f"{len(found)} processes, {threads} threads, {running} running; load {load}",
        f"CPU {machine.busy:.0f}% of {os.cpu_count()}; "
        f"memory {size(used)} of {size(machine.total)}",
    ]
    if note:
        head.append(note)
    shown = found[: max(lines - len(head) - 1, 0)]
    extra = {
        "%CPU": [f"{share:.1f}" for share, _ in shown],
        "%MEM": [f"{100 * resident(p) / max(machine.total, 1):.1f}" for _, p in shown],
    }
    rows = rows_of([p for _, p in shown], COLUMNS, extra, columns) if shown else []
    return [*(line(text, columns) for text in head), *rows]


class Screen:
    """The terminal's other screen, and its keys one by one."""

    def __init__(self) -> None:
        self.keys = sys.stdin.isatty()
        self._saved = termios.tcgetattr(sys.stdin) if self.keys else None

    def __enter__(self) -> Screen:
        sys.stdout.write("\x1b[?1049h\x1b[?25l")
        if self.keys:
            tty.setcbreak(sys.stdin)
        return self

    def __exit__(self, *_: object) -> None:
        if self._saved is not None:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._saved)
        sys.stdout.write("\x1b[?25h\x1b[?1049l")
        sys.stdout.flush()

    def show(self, lines: list[str]) -> None:
        text = "\x1b[K\r\n".join(lines)
        sys.stdout.write(f"\x1b[H{text}\x1b[K\x1b[J")
        sys.stdout.flush()

    def key(self, seconds: float) -> str | None:
        """The key that is pressed within so much time, q if there are no more to come."""
        if not self.keys:
            time.sleep(seconds)
            return None
        if not select.select([sys.stdin], [], [], seconds)[0]:
            return None
        return os.read(0, 1).decode("ascii", "replace") or "q"

    def ask(self, question: str) -> str:
        """A line that the user types at the bottom of the screen."""
        text = ""
        while True:
            sys.stdout.write(f"\x1b[{shutil.get_terminal_size().lines};1H{question}{text}\x1b[K")
            sys.stdout.flush()
            key = self.key(3600)
            if key in ("\n", "\r"):
                return text
            if key in ("\x1b", "q", None):
                return ""
            text = text[:-1] if key in ("\x7f", "\b") else text + key


def kill(screen: Screen) -> str:
    """Asks for a pid and a signal, and says what came of it."""
    text = screen.ask("pid to signal (Esc: none): ")
    if not text:
        return ""
    name = screen.ask("signal (TERM): ") or "TERM"
    try:
        number = arguments.signal_number(name)
        with arguments.target(text).open() as process:
            process.send_signal(number)
    except argparse.ArgumentTypeError as error:
        return str(error)
    except OSError as error:
        return f"pid {text}: {error.strerror or error}"
    return (
        f"sent {signal.Signals(number).name if number in set(signal.Signals) else number} to {text}"
    )


def interactive(given: argparse.Namespace, usage: Usage, rounds: Iterator[Any]) -> None:
    usage.look()
    sort, tree, help_line, note = given.sort, False, False, ""
    with Screen() as screen:
        # The first look has nothing to compare with.
        until = time.monotonic() + min(given.interval, 0.2)
        found: list[tuple[float, Info]] = []
        while True:
            key = screen.key(max(until - time.monotonic(), 0))
            if key in ("q", "Q"):
                return
            if key in ("c", "P"):
                sort = "cpu"
            elif key in ("m", "M"):
                sort = "memory"
            elif key in ("p", "N"):
                sort = "pid"
            elif key == "t":
                tree = not tree
            elif key in ("h", "?"):
                help_line = not help_line
            elif key == "k":
                note = kill(screen)
            if key is None:
                if next(rounds, given) is given:
                    return
                found = usage.look()
                until = time.monotonic() + given.interval
            window = shutil.get_terminal_size()
            listed = ordered(found, sort)
            text = note or (HELP if help_line else "h help, q quit")
            screen.show(picture(as_tree(listed) if tree else listed, usage.machine, *window, text))
            if key is not None and key != "k":
                note = ""


def command(given: argparse.Namespace) -> int:
    if given.interval <= 0:
        given.parser.error("--interval must be more than 0")
    if given.count is not None and given.count < 1:
        given.parser.error("--count must be at least 1")
    usage = Usage(given)
    rounds = iter(int, 1) if given.count is None else iter(range(given.count))
    if not given.json and sys.stdout.isatty():
        interactive(given, usage, rounds)
        return 0
    usage.look()
    time.sleep(min(given.interval, 0.2))
    for number, _ in enumerate(rounds):
        if number:
            time.sleep(given.interval)
        found = ordered(usage.look(), given.sort)
        if given.json:
            for share, info in found:
                print_json({"cpu_percent": round(share, 1), **as_data(info._asdict())})
        else:
            print("\n".join(picture(found, usage.machine, 1 << 30, 1 << 30)), flush=True)
    return 0
