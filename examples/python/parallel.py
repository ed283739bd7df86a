#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs each line of its input as a shell command, so many at once, and says how each ended. One
epoll over pidfds tells of the ends: no SIGCHLD, no thread, no wait for all children.

    parallel.py [JOBS] < COMMANDS

All commands, each with its process group, are killed when this program ends before them. Exits
with 1 if one failed.
"""

from __future__ import annotations

import os
import selectors
import sys

import procfd


def start(base: procfd.Context, command: str) -> procfd.Process:
    """What all commands have in common is configured once, in `base`, and copied."""
    context = base.copy()
    context.configure(args=["sh", "-c", command])
    process = context.create()
    assert process is not None  # which is for the child of a fork
    return process


def finish(process: procfd.Process, command: str) -> bool:
    """Its pidfd is readable, so this does not block. Returns whether the command succeeded."""
    with process:
        status = process.wait()
    how = f"exit {status.code}" if status.signal is None else f"signal {status.signal}"
    cpu = (status.usage.user + status.usage.system) * 1000 if status.usage else 0
    print(f"{how} ({cpu:.0f} ms of CPU time): {command}", flush=True)
    return status.returncode == 0


def run(most: int) -> bool:
    base = procfd.Context(
        "sh",
        search=True,
        stdin=procfd.DEVNULL,  # commands do not read the list of commands
        process_group=0,
        kill_on_close=True,
        close_scope="group",
    )
    commands = (line.rstrip("\n") for line in sys.stdin)
    all_well, more = True, True
    with base, selectors.EpollSelector() as selector:
        while more or selector.get_map():
            while more and len(selector.get_map()) < most:
                command = next(commands, None)
                more = command is not None
                if command is None:
                    break
                try:
                    process = start(base, command)
                except procfd.Error as error:
                    print(f"not started: {command}: {error}", flush=True)
                    all_well = False
                else:
                    selector.register(process.pidfd, selectors.EVENT_READ, (process, command))
            for key, _ in selector.select() if selector.get_map() else ():
                process, command = key.data
                selector.unregister(process.pidfd)
                all_well = finish(process, command) and all_well
    return all_well


def main() -> int:
    most = int(sys.argv[1]) if len(sys.argv) > 1 else os.cpu_count() or 1
    if most < 1:
        print("usage: parallel.py [JOBS] < COMMANDS", file=sys.stderr)
        return 2
    return 0 if run(most) else 1


if __name__ == "__main__":
    sys.exit(main())
