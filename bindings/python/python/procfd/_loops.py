# SPDX-License-Identifier: MIT OR Apache-2.0
"""Sleeping until a descriptor is readable, in whichever library runs the calling coroutine.

The library is found, not imported: a program that uses the one does not load the other.
"""

from __future__ import annotations

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
    loop.add_reader(fd, _settle, ready, True)
    try:
        return bool(await ready)
    finally:
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
    else:
        # A task of asyncio is cancelled once, and may go on then.
        await function()
