# SPDX-License-Identifier: MIT OR Apache-2.0
"""Processes in event loops: asyncio, uvloop and trio.

The exit is an event of the pidfd in the loop itself: no child watcher, no thread, no SIGCHLD. It
works in the loop of any thread.

    completed = await procfd.aio.run(["make", "check"], capture_output=True, timeout=60)
    process = await procfd.aio.create_subprocess_exec("cat", stdin=PIPE, stdout=PIPE)
    returncode = await procfd.aio.wait(popen)

run() and wait() work in asyncio and in trio, the others return asyncio's own stream objects.
"""

from __future__ import annotations

import select
from subprocess import DEVNULL, PIPE, STDOUT, CalledProcessError, TimeoutExpired
from typing import TYPE_CHECKING, Any

from . import _native
from ._communicate import Exchange
from ._loops import readable, shielded
from ._popen import Popen
from ._run import CompletedProcess, completed, piped

if TYPE_CHECKING:
    from ._transport import Process

__all__ = [
    "DEVNULL",
    "PIPE",
    "STDOUT",
    "Process",
    "create_subprocess_exec",
    "create_subprocess_shell",
    "run",
    "wait",
]

_LIMIT = 2**16


def __getattr__(name: str) -> Any:
    if name == "Process":
        from ._transport import Process

        return Process
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


async def create_subprocess_exec(
    program: Any,
    *args: Any,
    stdin: Any = None,
    stdout: Any = None,
    stderr: Any = None,
    limit: int = _LIMIT,
    **keywords: Any,
) -> Process:
    """Start a program; as asyncio.create_subprocess_exec, with procfd's settings as keywords."""
    from ._transport import create

    command = (program, *args)
    return await create(command, False, stdin, stdout, stderr, limit, keywords)


async def create_subprocess_shell(
    cmd: str | bytes,
    stdin: Any = None,
    stdout: Any = None,
    stderr: Any = None,
    limit: int = _LIMIT,
    **keywords: Any,
) -> Process:
    """Start a shell command; as asyncio.create_subprocess_shell, with procfd's settings."""
    from ._transport import create

    if not isinstance(cmd, (bytes, str)):
        raise ValueError("cmd must be a string")
    return await create(cmd, True, stdin, stdout, stderr, limit, keywords)


async def run(
    args: Any,
    *popenargs: Any,
    input: Any = None,
    capture_output: bool = False,
    timeout: float | None = None,
    check: bool = False,
    kill_tree: bool | None = None,
    **keywords: Any,
) -> CompletedProcess[Any]:
    """procfd.run for coroutines: the same arguments, results and exceptions.

    When it is cancelled, or the time is over, the process is killed and reaped; with kill_tree its
    descendants are killed too.
    """
    piped(keywords, input, capture_output)
    popen: Popen[Any] = Popen(args, *popenargs, **keywords)
    try:
        exchange = Exchange(popen, input)
        try:
            if not await exchange.finish(timeout):
                raise TimeoutExpired(
                    popen.args,
                    timeout or 0,
                    output=exchange.raw(popen.stdout) or None,
                    stderr=exchange.raw(popen.stderr) or None,
                )
            stdout, stderr = exchange.output(popen.stdout), exchange.output(popen.stderr)
        finally:
            exchange.close()
    except GeneratorExit:
        # The coroutine is closed, and perhaps its loop: there is nothing to await in.
        popen._kill(kill_tree)
        popen.wait()
        raise
    except BaseException:
        popen._kill(kill_tree)
        await shielded(lambda: wait(popen))
        raise
    finally:
        for stream in (popen.stdin, popen.stdout, popen.stderr):
            if stream is not None:
                stream.close()
    if check and popen.returncode:
        raise CalledProcessError(popen.returncode, popen.args, output=stdout, stderr=stderr)
    return completed(popen, popen.returncode, stdout, stderr)


async def wait(process: Popen[Any] | _native.Process) -> Any:
    """Wait for the end of a process: the returncode of a Popen, the ExitStatus of a Process.

    Cancelling it ends the wait, and leaves the process alone.
    """
    behind = process._process if isinstance(process, Popen) else process
    status: Any = process.poll()
    if status is not None or behind is None:
        return status
    # A descriptor of its own: event loops know one sleeper per descriptor.
    with _native.open(fd=behind.pidfd) as own:
        await readable(own.pidfd)
        if (status := process.poll()) is None:
            # A zombie whose parent has yet to reap it, and whose status we may not read before. A
            # poll for nothing reports the hang-up alone, which comes when it is reaped (6.9).
            with select.epoll() as reaped:
                reaped.register(own.pidfd, 0)
                await readable(reaped.fileno())
            status = process.poll()
        return status
