# SPDX-License-Identifier: MIT OR Apache-2.0
"""Sleeping until a descriptor is readable, in the library that runs the calling coroutine.

The library is found, not imported: a program that uses the one does not load the other.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Awaitable, Callable
from typing import Any

__all__ = ["readable", "shielded"]


def _trio() -> Any:
    """trio if the caller is one of its tasks; in guest mode asyncio runs in the same thread."""
    trio = sys.modules.get("trio")
    if trio is not None:
        try:
            trio.lowlevel.current_task()
        except RuntimeError:
            return None
    return trio


async def readable(fd: int, timeout: float | None = None) -> bool:
    """Sleep until the descriptor is readable; False when the time was over before.

    The descriptor must be the caller's own: two sleepers on one would be in each other's way.
    """
    trio = _trio()
    if trio is not None:
        with trio.move_on_after(float("inf") if timeout is None else timeout) as scope:
            await trio.lowlevel.wait_readable(fd)
        return not scope.cancelled_caught
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        raise RuntimeError("neither asyncio nor trio is running")
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    timer = None if timeout is None else loop.call_later(timeout, _settle, ready, False)
    try:
        # An interrupt may leave the reader of an earlier descriptor with this number. The loop
        # would take this one for the same, and its epoll knows nothing of it.
        loop.remove_reader(fd)
        loop.add_reader(fd, _settle, ready, True)
        return bool(await ready)
    finally:
        # A coroutine that is still there when its loop is closed ends with an exception here.
        if not loop.is_closed():
            loop.remove_reader(fd)
        if timer is not None:
            timer.cancel()


def _settle(future: Any, value: bool) -> None:
    if not future.done():
        future.set_result(value)


async def shielded(function: Callable[[], Awaitable[object]]) -> None:
    """Await what must also be done in a cancelled task."""
    trio = _trio()
    if trio is not None:
        with trio.CancelScope(shield=True):
            await function()
        return
    # A task of asyncio may go on after it was cancelled, and may be cancelled again.
    asyncio = sys.modules["asyncio"]
    inner = asyncio.ensure_future(function())
    while not inner.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.shield(inner)
    inner.result()
