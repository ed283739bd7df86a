#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Keeps services running. Each is a shell command; one that fails is started again, after 0.1 s and
then twice as long each time, up to 5 s; one that exits with 0 is done. SIGTERM and SIGINT stop
them all.

    supervisor.py [-t SECONDS] COMMAND...

To stop is SIGTERM to the service's process group, and SIGKILL after the SECONDS (5). That is its
close policy, so it is the same whether the supervisor lets go of it or is killed.
"""

from __future__ import annotations

import argparse
import os
import selectors
import signal
import sys
import time

import procfd

FIRST_DELAY, LONGEST_DELAY = 0.1, 5.0


class Service:
    """A command, and its process if it has one."""

    def __init__(self, command: str, selector: selectors.BaseSelector, grace: float) -> None:
        self.command = command
        self.selector = selector
        self.grace = grace
        self.delay = FIRST_DELAY
        self.due: float | None = time.monotonic()
        self.process: procfd.Process | None = None
        # A pidfd holds no process: it only tells of the end, also when the process is let go.
        self.watched: procfd.Process | None = None

    def start(self) -> None:
        self.due = None
        try:
            self.process = procfd.spawn(
                ["sh", "-c", self.command],
                stdin=procfd.DEVNULL,
                process_group=0,  # not the group that a terminal signals
                sigmask=(),
                watch=True,  # whose part the second signal is
                kill_on_close=signal.SIGTERM,
                close_scope="group",
                close_then=(signal.SIGKILL, self.grace),
            )
        except procfd.Error as error:
            print(f"not started: {self.command}: {error}", flush=True)
            self.try_again()
            return
        self.watched = procfd.open(pidfd=self.process.pidfd)
        self.selector.register(self.watched.pidfd, selectors.EVENT_READ, self)
        print(f"started: {self.command}: pid {self.process.pid}", flush=True)

    def try_again(self) -> None:
        self.due = time.monotonic() + self.delay
        self.delay = min(self.delay * 2, LONGEST_DELAY)

    def stop(self) -> None:
        """The kernel sends the first signal now, the watcher the second."""
        self.due = None
        if self.process:
            self.process.warns = False  # that it still runs is meant
            self.process.close()
            self.process = None

    def ended(self) -> None:
        """Its pidfd is readable. What is left of its group ends with the procfd."""
        assert self.watched
        stopping = self.process is None
        status = self.watched.wait()
        how = f"exit code {status.code}" if status.signal is None else f"signal {status.signal}"
        print(f"{'stopped' if stopping else 'ended'}: {self.command}: {how}", flush=True)
        self.selector.unregister(self.watched.pidfd)
        self.watched.close()
        self.watched = None
        self.stop()
        if not stopping and status.returncode != 0:
            self.try_again()


def supervise(commands: list[str], grace: float) -> None:
    # Handlers that do nothing: the byte in the pipe is what wakes the selector.
    told, tell = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(tell)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    with selectors.DefaultSelector() as selector:
        selector.register(told, selectors.EVENT_READ)
        services = [Service(command, selector, grace) for command in commands]
        while any(s.due is not None or s.watched for s in services):
            for service in services:
                if service.due is not None and service.due <= time.monotonic():
                    service.start()
            soonest = min((s.due for s in services if s.due is not None), default=None)
            wait = None if soonest is None else max(0.0, soonest - time.monotonic())
            for key, _ in selector.select(wait):
                if key.data:
                    key.data.ended()
                else:
                    os.read(told, 4096)
                    for service in services:
                        service.stop()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("-t", metavar="SECONDS", type=float, default=5.0)
    parser.add_argument("commands", metavar="COMMAND", nargs="+")
    asked = parser.parse_args()
    supervise(asked.commands, asked.t)
    return 0


if __name__ == "__main__":
    sys.exit(main())
