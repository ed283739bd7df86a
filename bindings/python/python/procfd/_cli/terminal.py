# SPDX-License-Identifier: MIT OR Apache-2.0
"""A terminal of its own for the program, joined to the caller's."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import sys
import termios
import tty
from time import monotonic
from typing import Any

from .. import ExitStatus, OpenSettings, Process

CHUNK = 65536


class Terminal:
    """A pseudo-terminal: the program has the one end, this command reads and writes the other."""

    def __init__(self) -> None:
        self.master, self.slave = os.openpty()
        self._saved: list[Any] | None = None
        self._input: int | None = 0
        self._resize()

    def settings(self) -> OpenSettings:
        """The program's session, controlling terminal and descriptors 0 to 2."""
        return {"session": True, "ctty": self.slave, "fds": dict.fromkeys((0, 1, 2), self.slave)}

    def start(self) -> None:
        """From now on every key is the program's, and so is the size of the window."""
        os.close(self.slave)
        os.set_blocking(self.master, False)
        signal.signal(signal.SIGWINCH, lambda *_: self._resize())
        if os.isatty(0):
            self._saved = termios.tcgetattr(0)
            # Earlier input stays.
            tty.setraw(0, termios.TCSADRAIN)

    def stop(self) -> None:
        """Gives the caller's terminal back as it was."""
        if self._saved is not None:
            termios.tcsetattr(0, termios.TCSADRAIN, self._saved)

    def wait(self, process: Process, timeout: float | None) -> ExitStatus:
        """Until the process has ended; meanwhile what is typed goes in, and what it prints out."""
        end = None if timeout is None else monotonic() + timeout
        while True:
            sources = [self.master, process.pidfd]
            if self._input is not None:
                sources.append(self._input)
            left = None if end is None else max(end - monotonic(), 0)
            ready = select.select(sources, [], [], left)[0]
            if not ready:
                raise TimeoutError
            if self.master in ready:
                self._show()
            if self._input in ready:
                self._type()
            if process.pidfd in ready:
                while self._show():
                    pass
                return process.wait()

    def _show(self) -> bool:
        """Prints what the program has written; False if there is nothing."""
        try:
            data = os.read(self.master, CHUNK)
        except OSError:
            # EAGAIN, or EIO: no process has the other end open.
            return False
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return bool(data)

    def _type(self) -> None:
        data = os.read(0, CHUNK)
        if not data:
            # The end of a file is a key on a terminal.
            self._input = None
            data = termios.tcgetattr(self.master)[6][termios.VEOF]
        os.set_blocking(self.master, True)
        os.write(self.master, data)
        os.set_blocking(self.master, False)

    def _resize(self) -> None:
        for fd in (0, 1, 2):
            try:
                size = fcntl.ioctl(fd, termios.TIOCGWINSZ, bytes(8))
            except OSError:
                continue
            fcntl.ioctl(self.master, termios.TIOCSWINSZ, size)
            return


def shares_terminal() -> bool:
    """Whether a key such as Ctrl-C reaches this command and its children in the same group."""
    try:
        with open("/dev/tty", "rb", buffering=0) as terminal:
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except OSError:
        return False
