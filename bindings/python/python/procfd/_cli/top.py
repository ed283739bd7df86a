# SPDX-License-Identifier: MIT OR Apache-2.0
"""top: the processes that use most, again and again."""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import shutil
import sys
import termios
import time
import tty
from collections.abc import Iterator
from typing import Any

from .. import Info, Snapshot
from .show import HEAD, LISTED, cpu_ns, pid_of, row
from .table import add_json, as_data, print_json, table, wants_json


def add_to(commands: Any) -> None:
    top = commands.add_parser("top", help="the processes that use most, until q is pressed")
    top.add_argument("--interval", type=float, default=2.0, metavar="SECONDS")
    top.add_argument("--count", type=int, help="how many times (default: without end)")
    top.add_argument("--sort", choices=["cpu", "memory"], default="cpu")
    add_json(top)
    top.set_defaults(function=command)


class Usage:
    """Processor time between two looks."""

    def __init__(self) -> None:
        self._snapshot = Snapshot(*LISTED, keep=True)
        self._before: dict[tuple[int, int], int] = {}
        self._at = 0.0

    def look(self) -> list[tuple[float, Info]]:
        """All processes, with percent of one processor since the last look."""
        now, processes = time.monotonic(), self._snapshot.all()
        elapsed = (now - self._at) * 1e9
        # With its start, as a number may be another process's by the next look.
        used = {(pid_of(p), p.start.boot_ns if p.start else 0): cpu_ns(p) for p in processes}
        shares = [
            100 * max(ns - self._before[key], 0) / elapsed if key in self._before else 0.0
            for key, ns in used.items()
        ]
        self._before, self._at = used, now
        return list(zip(shares, processes))


@contextlib.contextmanager
def screen() -> Iterator[bool]:
    """The terminal's other screen, and its keys one by one; False if no keys can be read."""
    keys = sys.stdin.isatty()
    saved = termios.tcgetattr(sys.stdin) if keys else None
    sys.stdout.write("\x1b[?1049h\x1b[?25l")
    try:
        if keys:
            tty.setcbreak(sys.stdin)
        yield keys
    finally:
        if saved is not None:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, saved)
        sys.stdout.write("\x1b[?25h\x1b[?1049l")
        sys.stdout.flush()


def quit_pressed(keys: bool, seconds: float) -> bool:
    """Sleeps for so long, or until q is pressed."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if not keys:
            time.sleep(left)
        elif select.select([sys.stdin], [], [], left)[0] and os.read(0, 1) in (b"q", b"Q", b""):
            return True
    return False


def picture(found: list[tuple[float, Info]], columns: int, lines: int) -> list[str]:
    running = sum(p.state is not None and p.state.code == "R" for _, p in found)
    threads = sum(p.threads or 0 for _, p in found)
    load = " ".join(f"{average:.2f}" for average in os.getloadavg())
    first = f"{len(found)} processes, {threads} threads, {running} running; load {load}"
    rows = [[*row(p)[:-1], f"{share:.1f}", p.comm or ""] for share, p in found[: max(lines - 2, 0)]]
    return [first[:columns], *table([*HEAD[:-1], "%CPU", HEAD[-1]], rows, columns)]


def command(given: argparse.Namespace) -> int:
    if given.interval <= 0:
        raise SystemExit("procfd top: --interval must be more than 0")
    usage = Usage()

    def look() -> list[tuple[float, Info]]:
        found = usage.look()
        if given.sort == "cpu":
            found.sort(key=lambda one: (-one[0], -cpu_ns(one[1])))
        else:
            found.sort(key=lambda one: -(one[1].memory.resident if one[1].memory else 0))
        return found

    rounds = iter(int, 1) if given.count is None else iter(range(given.count))
    if wants_json(given):
        for number, _ in enumerate(rounds):
            if number:
                time.sleep(given.interval)
            print_json([{"cpu_percent": share, **as_data(p._asdict())} for share, p in look()])
        return 0
    if not sys.stdout.isatty():
        for number, _ in enumerate(rounds):
            if number:
                time.sleep(given.interval)
            print("\n".join(picture(look(), 1 << 30, 1 << 30)), flush=True)
        return 0
    # The first look has nothing to compare with.
    usage.look()
    with screen() as keys:
        pause = min(given.interval, 0.2)
        for _ in rounds:
            if quit_pressed(keys, pause):
                break
            size = shutil.get_terminal_size()
            text = "\x1b[K\r\n".join(picture(look(), size.columns, size.lines))
            sys.stdout.write(f"\x1b[H{text}\x1b[K\x1b[J")
            sys.stdout.flush()
            pause = given.interval
    return 0
