# SPDX-License-Identifier: MIT OR Apache-2.0
"""preexec_fn together with settings of procfd: a fork, the function, the execution.

The fork is that of a context without a program, so the settings hold when the function is called.
"""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, cast

from ._native import Context, Process

__all__ = ["fork"]

# The child's report if the function has raised; otherwise it is an errno.
FUNCTION_FAILED = b"preexec_fn"


def fork(
    programs: list[bytes],
    args: list[Any],
    function: Callable[[], object],
    close_fds: bool,
    settings: dict[str, Any],
) -> Process:
    """The process, which has executed its program. An OSError of the execution names no file."""
    env = settings.pop("env", None)
    args = [os.fsencode(arg) for arg in args]
    env = None if env is None else {os.fsencode(k): os.fsencode(v) for k, v in env.items()}
    reader, writer = os.pipe()
    if writer < 3:
        # Where the child's streams will be.
        low, writer = writer, fcntl.fcntl(writer, fcntl.F_DUPFD_CLOEXEC, 3)
        os.close(low)
    try:
        kept = {writer, *_targets(settings)} if close_fds else None
        with Context(**settings) as context:
            process = context.create()
        if process is None:
            _child(programs, args, env, function, kept, writer)
    except BaseException:
        os.close(reader)
        raise
    finally:
        os.close(writer)
    with os.fdopen(reader, "rb") as report:
        said = report.read()
    if not said:
        return process
    with process:
        process.wait()
    if said == FUNCTION_FAILED:
        raise subprocess.SubprocessError("Exception occurred in preexec_fn.")
    raise OSError(int(said), os.strerror(int(said)))


def _targets(settings: dict[str, Any]) -> Iterator[int]:
    """The descriptors above 2 that the child is given."""
    for kind, *rest in settings.get("actions") or ():
        if kind in ("dup", "open", "null", "inherit"):
            target = rest[1] if kind == "dup" else rest[0]
            yield target if isinstance(target, int) else target.fileno()
    yield from settings.get("fds") or ()


def _child(
    programs: list[bytes],
    args: list[bytes],
    env: dict[bytes, bytes] | None,
    function: Callable[[], object],
    kept: set[int] | None,
    writer: int,
) -> NoReturn:
    """In the child: nothing may come out of here."""
    try:
        try:
            function()
        except BaseException:
            os.write(writer, FUNCTION_FAILED)
            os._exit(255)
        if kept is not None:
            _close_others(kept)
        failed = errno.ENOENT
        for program in programs:
            try:
                os.execve(program, args, os.environb if env is None else env)
            except OSError as error:
                # As along a PATH: the errno of a file that exists says more.
                if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                    failed = cast(int, error.errno)
        os.write(writer, str(failed).encode())
    finally:
        os._exit(255)


def _close_others(kept: set[int]) -> None:
    """All above 2 but these."""
    above = [2, *sorted(fd for fd in kept if fd > 2)]
    for low, high in zip(above, [*above[1:], _end_of_descriptors()]):
        os.closerange(low + 1, high)


def _end_of_descriptors() -> int:
    """One above the highest open descriptor.

    A limit is no bound: it may have been lowered below what is open.
    """
    try:
        return max(map(int, os.listdir("/proc/self/fd"))) + 1
    except OSError:
        # No /proc. One close_range(2) in CPython 3.10 and later, as many close(2) otherwise.
        return max(os.sysconf("SC_OPEN_MAX"), 1 << 20)
