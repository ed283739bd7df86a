# SPDX-License-Identifier: MIT OR Apache-2.0
"""asyncio's subprocess transport over a procfd."""

from __future__ import annotations

import asyncio
import signal
import warnings
from asyncio import base_subprocess, transports
from asyncio.log import logger
from asyncio.subprocess import PIPE, SubprocessStreamProtocol
from asyncio.subprocess import Process as _AsyncioProcess
from collections.abc import Generator
from typing import Any

from . import _native
from ._popen import Popen

__all__ = ["Plain", "Process", "Transport", "create", "make_transport"]


class _Signals:
    """The methods that signal through the pidfd, for both transports."""

    _proc: Any

    def send_signal(self, signal: int) -> None:
        if self._proc is None:
            raise ProcessLookupError
        self._proc.send_signal(signal)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Transport(_Signals, base_subprocess.BaseSubprocessTransport):
    """asyncio's, with the exit as an event of the pidfd in the loop."""

    def _start(
        self,
        args: Any,
        shell: bool,
        stdin: Any,
        stdout: Any,
        stderr: Any,
        bufsize: int,
        **keywords: Any,
    ) -> None:
        popen: Popen[bytes] = Popen(
            args,
            shell=shell,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            bufsize=bufsize,
            **keywords,
        )
        self._proc = popen
        if popen._process is None:
            self._loop.call_soon(self._ended, None)
        else:
            popen._polled = True
            pidfd = popen._process.pidfd
            self._loop.add_reader(pidfd, self._ended, pidfd)

    def _ended(self, pidfd: int | None) -> None:
        popen = self._proc
        assert popen is not None
        if pidfd is not None:
            self._loop.remove_reader(pidfd)
            popen._polled = False
        # Known already if something has polled, and then not closed yet.
        self._process_exited(popen._ended(popen.wait()))
        # The base class wakes them when the pipes are closed too, which a grandchild may hold.
        waiters, self._exit_waiters = self._exit_waiters, []
        for waiter in waiters or ():
            if not waiter.cancelled():
                waiter.set_result(popen.returncode)


class Plain(_Signals, transports.SubprocessTransport):
    """The transport of a process without pipes: asyncio's has a task to connect them, and more.

    The loop gets the pidfd only while the process runs. A process that has
    ended before the first look is never in it.
    """

    # Until there is a process.
    _closed = True

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        protocol: asyncio.SubprocessProtocol,
        popen: Popen[bytes],
        extra: Any = None,
    ) -> None:
        super().__init__(extra)
        self._extra: dict[str, Any]
        self._extra["subprocess"] = popen
        self._loop: asyncio.AbstractEventLoop | None = loop
        self._protocol: asyncio.SubprocessProtocol | None = protocol
        self._proc: Popen[bytes] | None = popen
        self._pid = popen.pid
        self._returncode: int | None = None
        self._watched: int | None = None
        self._exit_waiters: list[asyncio.Future[int]] = []
        self._closed = False
        if loop.get_debug():
            logger.debug("process %r created: pid %s", popen.args, popen.pid)

    def __repr__(self) -> str:
        closed = " closed" if self._closed else ""
        state = "running" if self._returncode is None else f"returncode={self._returncode}"
        return f"<{type(self).__name__}{closed} pid={self._pid} {state}>"

    def __del__(self, _warn: Any = warnings.warn) -> None:
        if not self._closed:
            _warn(f"unclosed transport {self!r}", ResourceWarning, source=self)
            self.close()

    def watch(self) -> None:
        """Look whether the process has ended; if not, have the loop look."""
        popen = self._proc
        assert popen is not None and self._loop is not None
        if popen._process is None or popen.poll() is not None:
            self._exited(popen.wait())
        else:
            popen._polled = True
            self._watched = popen._process.pidfd
            self._loop.add_reader(self._watched, self._ended)

    def _ended(self) -> None:
        if self._proc is not None:
            self._exited(self._proc.wait())

    def _exited(self, returncode: int) -> None:
        loop, protocol, popen = self._loop, self._protocol, self._proc
        assert loop is not None and protocol is not None and popen is not None
        if loop.get_debug():
            logger.info("%r exited with return code %r", self, returncode)
        if self._watched is not None:
            loop.remove_reader(self._watched)
            popen._polled = False
            # Known, and not closed as long as the loop had it.
            popen._ended(returncode)
        self._returncode = returncode
        for waiter in self._exit_waiters:
            if not waiter.cancelled():
                waiter.set_result(returncode)
        self._exit_waiters.clear()
        loop.call_soon(self._finish, protocol)

    def _finish(self, protocol: asyncio.SubprocessProtocol) -> None:
        self._loop = self._proc = self._protocol = None
        try:
            protocol.process_exited()
        finally:
            protocol.connection_lost(None)

    async def _wait(self) -> int:
        # asyncio's Process waits by this.
        popen = self._proc
        if self._returncode is None and popen is not None and popen.poll() is not None:
            self._ended()
        if self._returncode is not None:
            return self._returncode
        assert self._loop is not None
        waiter: asyncio.Future[int] = self._loop.create_future()
        self._exit_waiters.append(waiter)
        return await waiter

    def close(self) -> None:
        """End the process if it runs."""
        if not self._closed:
            self._closed = True
            if self._proc is not None and self._returncode is None and self._proc.poll() is None:
                if self._loop is not None and self._loop.get_debug():
                    logger.warning("Close running child process: kill %r", self)
                self._proc.kill()

    def is_closing(self) -> bool:
        return self._closed

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol  # type: ignore[assignment]

    def get_protocol(self) -> Any:
        return self._protocol

    def get_pid(self) -> int:
        return self._pid

    def get_returncode(self) -> int | None:
        return self._returncode

    def get_pipe_transport(self, fd: int) -> None:
        return None


class _Turn:
    """One turn of the loop."""

    def __await__(self) -> Generator[None, None, None]:
        yield


_TURN = _Turn()


async def _plain(
    loop: asyncio.AbstractEventLoop,
    protocol: asyncio.SubprocessProtocol,
    args: Any,
    extra: Any,
    keywords: dict[str, Any],
) -> Plain:
    """Start a process without pipes; cancelled in the turn that others get, it is killed."""
    transport = Plain(loop, protocol, Popen(args, **keywords), extra)
    try:
        protocol.connection_made(transport)
        await _TURN
    except BaseException:
        transport.close()
        transport.watch()
        await transport._wait()
        raise
    transport.watch()
    return transport


class Process(_AsyncioProcess):
    """asyncio's Process, with the procfd behind it."""

    def __init__(self, transport: Any, protocol: Any, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(transport, protocol, loop)
        popen: Popen[bytes] = transport.get_extra_info("subprocess")
        self._popen = popen

    @property
    def process(self) -> _native.Process:
        """The procfd.Process."""
        return self._popen.process

    def fileno(self) -> int:
        """The procfd."""
        return self._popen.fileno()


async def make_transport(
    loop: asyncio.AbstractEventLoop,
    protocol: asyncio.SubprocessProtocol,
    args: Any,
    shell: bool,
    stdin: Any,
    stdout: Any,
    stderr: Any,
    bufsize: int = 0,
    extra: Any = None,
    **keywords: Any,
) -> Transport | Plain:
    """Start a process and connect its pipes; cancelled in between, it is killed and reaped."""
    streams = (("stdin", stdin), ("stdout", stdout), ("stderr", stderr))
    if all(stream != PIPE for _, stream in streams):
        keywords.update((name, stream) for name, stream in streams if stream is not None)
        if shell:
            keywords["shell"] = shell
        if bufsize:
            keywords["bufsize"] = bufsize
        return await _plain(loop, protocol, args, extra, keywords)
    connected = loop.create_future()
    transport = Transport(
        loop,
        protocol,
        args,
        shell,
        stdin,
        stdout,
        stderr,
        bufsize,
        waiter=connected,
        extra=extra,
        **keywords,
    )
    try:
        await connected
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException:
        transport.close()
        await transport._wait()
        raise
    return transport


async def create(
    args: Any,
    shell: bool,
    stdin: Any,
    stdout: Any,
    stderr: Any,
    limit: int,
    keywords: dict[str, Any],
) -> Process:
    """A started process with asyncio's streams."""
    # As the loops' own subprocess_exec: the streams are bytes, and do their own buffering.
    for name in ("universal_newlines", "text", "encoding", "errors", "bufsize"):
        if keywords.pop(name, None):
            raise ValueError(f"{name} is not for the streams of asyncio")
    if keywords.pop("shell", shell) != shell:
        raise ValueError(f"shell must be {shell}")
    loop = asyncio.get_running_loop()
    protocol = SubprocessStreamProtocol(limit=limit, loop=loop)
    transport = await make_transport(loop, protocol, args, shell, stdin, stdout, stderr, **keywords)
    return Process(transport, protocol, loop)
