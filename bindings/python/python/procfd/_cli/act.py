# SPDX-License-Identifier: MIT OR Apache-2.0
"""wait and kill."""

from __future__ import annotations

import argparse
import errno
import signal
import sys
from time import monotonic
from typing import Any

from .. import ExitStatus
from .arguments import Target, seconds, signal_number, target
from .run import TIMED_OUT
from .table import add_json, as_data, print_json

PROCESS = "a pid, or PID:INODE (procfd ps -o pid,inode)"


def add_to(commands: Any) -> None:
    wait = commands.add_parser("wait", help="wait until processes have ended")
    wait.add_argument("pid", type=target, nargs="+", metavar="PID", help=PROCESS)
    wait.add_argument("--timeout", type=seconds, metavar="TIME", help=f"then exit {TIMED_OUT}")
    add_json(wait)
    wait.set_defaults(function=wait_for)
    kill = commands.add_parser("kill", help="send a signal, by the pidfd")
    kill.add_argument("pid", type=target, nargs="+", metavar="PID", help=PROCESS)
    kill.add_argument(
        "-s", "--signal", type=signal_number, default=signal.SIGTERM, help="default: SIGTERM"
    )
    kill.add_argument("--tree", action="store_true", help="signal the descendants too")
    kill.set_defaults(function=send)


def signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def told(status: ExitStatus | None) -> str:
    """How it ended, in words."""
    if status is None:
        return "ended; its status is not available"
    if status.signal is None:
        return f"exited with {status.code}"
    return f"killed by {signal_name(status.signal)}{', core dumped' if status.dumped else ''}"


def failed(what: Target, error: OSError) -> None:
    """Says which process it was and why."""
    text = error.strerror or str(error)
    named = text if text.startswith("pid ") else f"pid {what.pid}: {text}"
    print(f"procfd: {named}", file=sys.stderr)


def wait_for(given: argparse.Namespace) -> int:
    end = None if given.timeout is None else monotonic() + given.timeout
    result = 0
    opened = []
    for one in given.pid:
        try:
            opened.append((one, one.open()))
        except OSError as error:
            failed(one, error)
            result = 1
    for one, process in opened:
        try:
            status = process.wait(None if end is None else max(end - monotonic(), 0))
        except TimeoutError:
            print(f"procfd: pid {one.pid} still runs", file=sys.stderr)
            return TIMED_OUT
        except OSError as error:
            if error.errno != errno.ENODATA:
                failed(one, error)
                result = 1
                continue
            status = None
        if given.json:
            print_json({"pid": one.pid, "status": as_data(status)})
        else:
            print(f"{one.pid} {told(status)}", flush=True)
    return result


def send(given: argparse.Namespace) -> int:
    result = 0
    for one in given.pid:
        try:
            with one.open() as process:
                if given.tree:
                    done = process.kill_tree(given.signal)
                    if done.refused:
                        print(
                            f"procfd: pid {one.pid}: you may not signal {done.refused} "
                            "processes of its tree",
                            file=sys.stderr,
                        )
                        result = 1
                else:
                    process.send_signal(given.signal)
        except OSError as error:
            failed(one, error)
            result = 1
    return result
