# SPDX-License-Identifier: MIT OR Apache-2.0
"""What every test is held to: as many descriptors and children after it as before it."""

from __future__ import annotations

import contextlib
import gc
import os
import pathlib
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import procfd
import pytest

# Hooks: the option --tap.
from taplines import pytest_addoption, pytest_configure

__all__ = ["late", "limits", "pytest_addoption", "pytest_configure", "root", "run"]


def descriptors() -> dict[int, str]:
    """What is open, by number; the descriptor of the look itself is gone by then."""
    found = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            found[int(name)] = os.readlink(f"/proc/self/fd/{name}")
        except FileNotFoundError:
            continue
    return found


def children() -> set[int]:
    """Children, zombies too. Those of threads that have ended are the main thread's."""
    found: set[int] = set()
    for task in pathlib.Path("/proc/self/task").glob("*/children"):
        # A thread that has ended meanwhile has none.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found.update(int(pid) for pid in task.read_text().split())
    return found


def sweep() -> None:
    """Has the library reap what was dropped and has ended."""
    gc.collect()
    procfd.Context().close()


@pytest.fixture(scope="session", autouse=True)
def _from_the_first_use_on() -> None:
    """What the library keeps from its first use on is there before anything is counted."""
    for watch in (False, True):
        procfd.spawn("/bin/true", ["true"], watch=watch).wait()
    procfd.Snapshot("ids", "comm").all()
    with contextlib.suppress(ImportError):
        # A pipe for signals, which stays.
        import uvloop

        uvloop.new_event_loop().close()
    with contextlib.suppress(OSError):
        ids = {"uid_map": [(0, os.geteuid(), 1)], "gid_map": [(0, os.getegid(), 1)]}
        procfd.spawn("/bin/true", namespaces=["user", "pid"], init=True, **ids).wait()  # type: ignore[arg-type]
    sweep()
    # Present objects stay: the collections before and after each test need not visit them.
    gc.freeze()


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    sweep()
    before, born, threads = descriptors(), children(), threading.active_count()
    yield
    assert threading.active_count() <= threads
    # What was sent SIGKILL takes a moment to become a zombie; only then it can be reaped.
    for _ in range(500):
        sweep()
        if descriptors().keys() <= before.keys() and children() <= born:
            return
        time.sleep(0.01)
    after = descriptors()
    left = {number: after[number] for number in after.keys() - before.keys()}
    for pid in children() - born:
        os.kill(pid, signal.SIGKILL)
    pytest.fail(f"descriptors {left} and children {children() - born} are left")


def limits(first: float) -> Iterator[float]:
    """Time limits for what has to get somewhere within one: a busy machine takes a longer one."""
    seconds = first
    while seconds < 60:
        yield seconds
        seconds *= 2
    pytest.fail(f"it does not get there in {seconds / 2} s")


def late(call: Callable[[float], Any]) -> subprocess.TimeoutExpired:
    """The end of a call by its time limit, once the program has written something."""
    for seconds in limits(0.3):
        with pytest.raises(subprocess.TimeoutExpired) as raised:
            call(seconds)
        if raised.value.output:
            return raised.value
    raise AssertionError


@pytest.fixture
def root() -> None:
    """For what only root may do."""
    if os.geteuid() != 0:
        pytest.skip("needs root")


def run(*command: str, **settings: Any) -> tuple[int, str]:
    """Return code and output of a program, started with these settings."""
    reader, writer = os.pipe()
    try:
        try:
            given: Any = {"search": True, "stdout": writer, **settings}
            process = procfd.spawn(command[0], command, given)
        finally:
            os.close(writer)
        with open(reader, closefd=False) as file:
            output = file.read()
        with process:
            return process.wait(60).returncode, output
    finally:
        os.close(reader)
