# SPDX-License-Identifier: MIT OR Apache-2.0
"""communicate() for coroutines, without a task per stream.

The pipes and the pidfd are in one epoll, which is itself a descriptor that becomes readable. So
there is one thing to sleep on, and all that is asked of the event loop is to do that.
"""

from __future__ import annotations

import os
import select
from time import monotonic
from typing import TYPE_CHECKING, Any

from ._loops import readable

if TYPE_CHECKING:
    from ._popen import Popen

__all__ = ["Exchange"]

_CHUNK = 65536


class Exchange:
    """Feeds the input, collects the output, and waits for the end of one process."""

    def __init__(self, popen: Popen[Any], data: Any) -> None:
        self._popen = popen
        stdin: Any = popen.stdin
        if data is not None and popen.text_mode:
            data = data.encode(stdin.encoding, stdin.errors)
        self._stdin = stdin
        self._input = memoryview(data or b"")
        self._output: dict[int, list[bytes]] = {}
        self._waiting: set[int] = set()
        self._epoll = select.epoll()
        for stream in (popen.stdout, popen.stderr):
            if stream is not None:
                self._output[stream.fileno()] = []
                self._add(stream.fileno(), select.EPOLLIN)
        if stdin is not None:
            if self._input:
                self._add(stdin.fileno(), select.EPOLLOUT)
            else:
                stdin.close()
        self._ended = popen.poll() is not None
        if not self._ended:
            assert popen._process is not None
            self._epoll.register(popen._process.pidfd, select.EPOLLIN)

    def _add(self, fd: int, events: int) -> None:
        os.set_blocking(fd, False)
        self._epoll.register(fd, events)
        self._waiting.add(fd)

    def _drop(self, fd: int) -> None:
        self._epoll.unregister(fd)
        self._waiting.discard(fd)

    async def finish(self, timeout: float | None) -> bool:
        """Until all pipes are at their end and the process too; False if the time was over."""
        end = None if timeout is None else monotonic() + timeout
        while self._waiting or not self._ended:
            left = None if end is None else max(end - monotonic(), 0)
            if not await readable(self._epoll.fileno(), left):
                return False
            for fd, _ in self._epoll.poll(0):
                if fd in self._output:
                    self._read(fd)
                elif fd in self._waiting:
                    self._write(fd)
                else:
                    # Before it is reaped, which closes the pidfd.
                    self._epoll.unregister(fd)
                    self._popen.wait()
                    self._ended = True
        return True

    def _read(self, fd: int) -> None:
        data = os.read(fd, _CHUNK)
        if data:
            self._output[fd].append(data)
        else:
            self._drop(fd)

    def _write(self, fd: int) -> None:
        try:
            # A pipe that is reported writable takes at least this at once.
            self._input = self._input[os.write(fd, self._input[:_CHUNK]) :]
        except BrokenPipeError:
            self._input = self._input[:0]
        if not self._input:
            self._drop(fd)
            self._stdin.close()

    def raw(self, stream: Any) -> bytes | None:
        """The bytes that have come from this stream so far."""
        return None if stream is None else b"".join(self._output[stream.fileno()])

    def output(self, stream: Any) -> Any:
        """All of it, as text in the text modes."""
        data = self.raw(stream)
        if data is None or not self._popen.text_mode:
            return data
        text = data.decode(stream.encoding, stream.errors)
        return text.replace("\r\n", "\n").replace("\r", "\n")

    def close(self) -> None:
        self._epoll.close()
