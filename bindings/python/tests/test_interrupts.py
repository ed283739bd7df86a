# SPDX-License-Identifier: MIT OR Apache-2.0
"""A handler that raises, as that of Ctrl-C does, after each call that the package makes."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import inspect
import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import procfd
import procfd.aio
import pytest
from conftest import children, descriptors, sweep

PACKAGE = str(pathlib.Path(procfd.__file__).parent)
RUNS: list[dict[str, Any]] = [
    {"args": ["true"]},
    {"args": ["echo", "x"], "capture_output": True, "text": True},
    {"args": ["cat"], "input": b"x", "stdout": procfd.PIPE, "timeout": 60},
    {"args": ["true"], "stdin": procfd.DEVNULL, "stderr": procfd.PIPE, "timeout": 60},
    {"args": ["true"], "user": os.geteuid(), "kill_tree": True, "timeout": 60},
]


class Interrupt(KeyboardInterrupt):
    """Of this test alone."""


class After:
    """Raises at the n-th return to a function of the package: handlers run at these points."""

    def __init__(self, number: int) -> None:
        self.left = number

    def __call__(self, frame: Any, event: str, _: object) -> None:
        if event == "return":
            # A coroutine that yields has this event too, and no handler runs there.
            frame = None if frame.f_code.co_flags & inspect.CO_COROUTINE else frame.f_back
        if (
            event in ("return", "c_return")
            and frame
            and frame.f_code.co_filename.startswith(PACKAGE)
        ):
            self.left -= 1
            if self.left == 0:
                sys.setprofile(None)
                raise Interrupt


def pipes() -> list[str]:
    # A pidfd of a child that still runs is the library's until the child has ended.
    return sorted(to for to in descriptors().values() if to.startswith(("pipe:", "/dev/null")))


def interrupted(number: int, call: Callable[[], object]) -> bool:
    """Whether there is such a point."""
    sys.setprofile(After(number))
    try:
        call()
    except Interrupt:
        return True
    finally:
        sys.setprofile(None)
    return False


def at_each_point(call: Callable[[], object]) -> None:
    """An interrupt ends the call, and leaves nothing."""
    sweep()
    before, born = pipes(), children()
    points = 0
    while interrupted(points + 1, call):
        points += 1
        gc.collect()
        assert pipes() == before, points
    assert points > 10
    for _ in range(3000):
        sweep()
        subprocess._cleanup()  # type: ignore[attr-defined]
        if children() <= born:
            return
        time.sleep(0.01)
    pytest.fail(f"{children() - born} are left")


@pytest.mark.parametrize("keywords", RUNS, ids=repr)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_run(keywords: dict[str, Any]) -> None:
    at_each_point(lambda: procfd.run(**keywords))


@pytest.mark.parametrize("keywords", RUNS[1:3], ids=repr)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
# Of asyncio's own objects, whose loop an interrupt has closed.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_run_of_coroutines(keywords: dict[str, Any]) -> None:
    """It also ends: a reader that stays in the loop would hide the next one of that number."""
    at_each_point(lambda: asyncio.run(procfd.aio.run(**keywords)))


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_wait_of_coroutines() -> None:
    async def cancelled() -> None:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(procfd.aio.wait(process), 0.001)

    with procfd.spawn(["sleep", "600"]) as process:
        before = len(descriptors())
        points = 0
        while interrupted(points + 1, lambda: asyncio.run(cancelled())):
            points += 1
            gc.collect()
            assert len(descriptors()) == before, points
        assert points > 3
        process.kill()
