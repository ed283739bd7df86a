# SPDX-License-Identifier: MIT OR Apache-2.0
"""wait and kill."""

from __future__ import annotations

import argparse
import errno
import signal
import sys
from time import monotonic
from typing import Any

from .. import ExitStatus, open
from .run import TIMED_OUT, seconds
from .table import add_json, as_data, print_json, wants_json


def add_to(commands: Any) -> None:
    wait = commands.add_parser("wait", help="wait until processes have ended")
    wait.add_argument("pid", type=int, nargs="+")
    wait.add_argument("--timeout", type=seconds, metavar="TIME", help=f"then exit {TIMED_OUT}")
    add_json(wait)
    wait.set_defaults(function=wait_for)
    kill = commands.add_parser("kill", help="send a signal, by the pidfd")
    kill.add_argument("pid", type=int, nargs="+")
    kill.add_argument("-s", "--signal", type=signal_number, default=signal.SIGTERM)
    kill.add_argument("--tree", action="store_true", help="to the descendants, too")
    kill.set_defaults(function=send)


def signal_number(text: str) -> int:
    """A signal by its number or its name, with or without SIG."""
    if text.isdecimal():
        return int(text)
    name = text.upper()
    try:
        return signal.Signals[name if name.startswith("SIG") else f"SIG{name}"]
    except KeyError:
        raise argparse.ArgumentTypeError(f"no signal {text!r}") from None


def signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def told(status: ExitStatus | None) -> str:
    """How it ended, in words."""
    if status is None:
        return "ended; its status is not known"
    if status.signal is None:
        return f"exited with {status.code}"
    return f"killed by {signal_name(status.signal)}{', core dumped' if status.dumped else ''}"


def wait_for(given: argparse.Namespace) -> int:
    end = None if given.timeout is None else monotonic() + given.timeout
    for process, pid in [(open(pid=pid), pid) for pid in given.pid]:
        try:
            status = process.wait(None if end is None else max(end - monotonic(), 0))
        except TimeoutError:
            print(f"procfd: {pid} still runs", file=sys.stderr)
            return TIMED_OUT
        except OSError as error:
            if error.errno != errno.ENODATA:
                raise
            status = None
        if wants_json(given):
            print_json({"pid": pid, "status": as_data(status)})
        else:
            print(f"{pid} {told(status)}", flush=True)
    return 0


def send(given: argparse.Namespace) -> int:
    failed = 0
    for pid in given.pid:
        try:
            with open(pid=pid) as process:
                if given.tree:
                    done = process.kill_tree(given.signal)
                    if done.refused:
                        print(f"procfd: {pid}: {done.refused} refused", file=sys.stderr)
                        failed = 1
                else:
                    process.send_signal(given.signal)
        except OSError as error:
            print(f"procfd: {pid}: {error.strerror}", file=sys.stderr)
            failed = 1
    return failed
