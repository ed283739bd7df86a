# SPDX-License-Identifier: MIT OR Apache-2.0
"""asyncio's subprocess transport over a procfd."""

from __future__ import annotations

import asyncio
import signal
from asyncio import base_subprocess
from asyncio.subprocess import Process as _AsyncioProcess
from asyncio.subprocess import SubprocessStreamProtocol
from typing import Any

from . import _native
from ._popen import Popen

__all__ = ["Process", "Transport", "create", "make_transport"]


class Transport(base_subprocess.BaseSubprocessTransport):
    """asyncio's, with the exit as an event of the pidfd in the loop."""

    _proc: Popen[bytes] | None

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

    def send_signal(self, signal: int) -> None:
        if self._proc is None:
            raise ProcessLookupError
        self._proc.send_signal(signal)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


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
) -> Transport:
    """Start a process and connect its pipes; cancelled in between, it is killed and reaped."""
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
