# SPDX-License-Identifier: MIT OR Apache-2.0
"""Questions about many processes, and waiting for the first of them to end."""

from __future__ import annotations

import select
from collections.abc import Callable, Iterable, Iterator, Sequence
from time import monotonic
from typing import Any, TypeVar, Union, overload

from . import _native
from ._popen import Popen

__all__ = ["pid_exists", "pids", "process_iter", "wait_any", "wait_procs"]

Process = _native.Process
Waitable = Union[Process, "Popen[Any]"]
_T = TypeVar("_T", bound=Waitable)


def pids() -> list[int]:
    """The ids of all processes that /proc shows, in ascending order."""
    found = (info.ids for info in _native.Snapshot("ids").all())
    return [ids.pid for ids in found if ids is not None]


def pid_exists(pid: int) -> bool:
    """Whether there is a process with this id, a zombie included."""
    if pid <= 0:
        return False
    try:
        _native.open(pid=pid).close()
    except PermissionError:
        return True
    except (OSError, ValueError):
        return False
    return True


@overload
def process_iter(attrs: None = None, ad_value: Any = None) -> Iterator[Process]: ...
@overload
def process_iter(attrs: Iterable[str], ad_value: Any = None) -> Iterator[dict[str, Any]]: ...
def process_iter(attrs: Iterable[str] | None = None, ad_value: Any = None) -> Iterator[Any]:
    """Yield each process as a handle, or with attrs the dictionary that its as_dict() gives.

    A process that ends meanwhile is passed over.
    """
    wanted = None if attrs is None else list(attrs)
    for pid in pids():
        try:
            process = _native.open(pid=pid)
        except OSError:
            continue
        if wanted is None:
            yield process
            continue
        try:
            with process:
                answers = process.as_dict(wanted, ad_value)
        except ProcessLookupError:
            continue
        yield answers


def _pidfd(process: Any) -> int | None:
    """The descriptor that becomes readable at the end; None for a process that has ended."""
    if isinstance(process, Popen):
        if process.returncode is not None:
            return None
        process = process.process
    elif not isinstance(process, Process):
        kind = type(process).__name__
        raise TypeError(f"what is waited for is a procfd.Process or a procfd.Popen, not {kind}")
    return None if process.status is not None else int(process.pidfd)


def wait_any(processes: Iterable[_T], timeout: float | None = None) -> list[_T]:
    """Wait until one of the processes has ended, and return those that have.

    The list is empty when `timeout` seconds are over, or if there is nothing to wait for. Nothing
    is reaped: wait() of a process that is returned does not block.
    """
    given = list(processes)
    numbers = [(process, _pidfd(process)) for process in given]
    ended = [process for process, pidfd in numbers if pidfd is None]
    poll = select.poll()
    watched: dict[int, list[_T]] = {}
    for process, pidfd in numbers:
        if pidfd is not None:
            watched.setdefault(pidfd, []).append(process)
            poll.register(pidfd, select.POLLIN)
    if not watched:
        return ended
    if ended or timeout is None:
        ready = poll.poll(0 if ended else None)
    else:
        # Rounded up: poll(2) has milliseconds, and the time must be over.
        ready = poll.poll(min(max(timeout, 0) * 1000 + 0.999, 2**31 - 1))
    found = {id(process) for pidfd, _ in ready for process in watched[pidfd]}
    found.update(id(process) for process in ended)
    return [process for process in given if id(process) in found]


def wait_procs(
    procs: Sequence[_T],
    timeout: float | None = None,
    callback: Callable[[_T], object] | None = None,
) -> tuple[list[_T], list[_T]]:
    """Wait until all have ended, at most `timeout` seconds: those that have, and those that run.

    The callback is called with each that ends, which is reaped by then if it is a child.
    """
    end = None if timeout is None else monotonic() + timeout
    gone: list[_T] = []
    alive = list(procs)
    while alive:
        left = None if end is None else max(end - monotonic(), 0)
        ended = wait_any(alive, left)
        for process in ended:
            process.wait()
            gone.append(process)
            if callback is not None:
                callback(process)
        over = {id(process) for process in ended}
        alive = [process for process in alive if id(process) not in over]
        if not ended:
            break
    return gone, alive
