# SPDX-License-Identifier: MIT OR Apache-2.0
"""wait and kill."""

from __future__ import annotations

import argparse
import errno
import re
import signal
import sys
from time import monotonic
from typing import Any

from .. import ExitStatus
from .arguments import seconds, signal_number, target
from .run import SIGNALLED, TIMED_OUT
from .table import add_json, as_data, failed, print_json

PROCESS = "a pid, or PID:INODE (procfd ps -o pid,inode)"


def add_to(commands: Any) -> None:
    wait = commands.add_parser("wait", help="wait until processes have ended")
    wait.add_argument("pid", type=target, nargs="+", metavar="PID", help=PROCESS)
    wait.add_argument("--timeout", type=seconds, metavar="TIME", help=f"then exit {TIMED_OUT}")
    add_json(wait)
    wait.set_defaults(function=wait_for)
    kill = commands.add_parser("kill", help="send a signal, by the pidfd")
    kill.add_argument("pid", nargs="*", metavar="PID", help=PROCESS)
    kill.add_argument(
        "-s",
        "--signal",
        type=signal_number,
        default=signal.SIGTERM,
        help="default: SIGTERM; also -9, -KILL",
    )
    kill.add_argument("--tree", action="store_true", help="signal the descendants too")
    kill.add_argument(
        "-l", "--list", action="store_true", help="show the signals, or those of these numbers"
    )
    kill.set_defaults(function=send, parser=kill)


def in_full(words: list[str]) -> list[str]:
    """The same words, with -s in front of the signal of `kill -9` and `kill -KILL`."""
    if words[:1] != ["kill"]:
        return words
    end = words.index("--") if "--" in words else len(words)
    out: list[str] = []
    for word in words[:end]:
        short = re.fullmatch(r"-([0-9]+|[A-Z][A-Z0-9+-]+)", word)
        # What follows -s is its value.
        out += ["-s", short[1]] if short and out[-1] not in ("-s", "--signal") else [word]
    return out + words[end:]


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


def list_signals(numbers: list[str]) -> int:
    """The names of signals: all, or those of numbers, which may be exit statuses of a shell."""
    if not numbers:
        for known in signal.Signals:
            print(f"{known.value:2} {known.name}")
        return 0
    result = 0
    for text in numbers:
        number = int(text) if text.isdecimal() else 0
        number -= SIGNALLED if number > SIGNALLED else 0
        if 0 < number <= signal.SIGRTMAX:
            print(signal_name(number))
        else:
            print(f"procfd: no signal {text}", file=sys.stderr)
            result = 1
    return result


def send(given: argparse.Namespace) -> int:
    if given.list:
        return list_signals(given.pid)
    if not given.pid:
        given.parser.error("the following arguments are required: PID")
    try:
        targets = [target(text) for text in given.pid]
    except argparse.ArgumentTypeError as error:
        given.parser.error(f"argument PID: {error}")
    result = 0
    for one in targets:
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
