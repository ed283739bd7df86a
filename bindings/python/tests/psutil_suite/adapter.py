# SPDX-License-Identifier: MIT OR Apache-2.0
"""psutil whose processes answer by procfd: a plugin for pytest, loaded before psutil's tests.

What psutil.Process is asked goes to procfd.Process, and its errors come back as psutil's. What is
about psutil's own objects (their identity, their caches, their text) stays as it is.
"""

from __future__ import annotations

import contextlib
import errno
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import procfd
import psutil
import pytest
from exclusions import EXCLUDED

# Hooks: the option --tap.
from taplines import pytest_addoption, pytest_configure

__all__ = ["Process", "pytest_addoption", "pytest_collection_modifyitems", "pytest_configure"]

_Original = psutil.Process
ANSWERS = (
    *("as_dict", "cmdline", "cpu_affinity", "cpu_num", "cpu_percent", "cpu_times", "create_time"),
    *("cwd", "environ", "exe", "gids", "io_counters", "ionice", "kill", "memory_full_info"),
    *("memory_info", "memory_percent", "name", "net_connections", "nice"),
    *("num_ctx_switches", "num_fds", "num_threads", "open_files", "ppid", "resume", "rlimit"),
    *("send_signal", "status", "suspend", "terminal", "terminate", "threads", "uids", "username"),
)
"""The methods that are procfd's here, with those that Process below has in full."""
EMPTY: dict[str, Any] = {"exe": "", "cwd": "", "environ": {}}


class Process(_Original):  # type: ignore[misc]
    """psutil.Process over a descriptor."""

    def _init(self, pid: int | None, _ignore_nsp: bool = False) -> None:
        super()._init(pid, _ignore_nsp)
        # psutil's tests call it again, to make an object forget; the handle is what it is about.
        if not hasattr(self, "_handle"):
            self._handle: procfd.Process | None = None
            with contextlib.suppress(OSError, ValueError):
                self._handle = procfd.open(self.pid)

    @contextlib.contextmanager
    def _translated(self) -> Iterator[procfd.Process]:
        """The handle; what it raises is what psutil would raise."""
        if self._handle is None:
            raise psutil.NoSuchProcess(self.pid)
        try:
            yield self._handle
        except ProcessLookupError as error:
            if self._handle.is_running():
                raise psutil.ZombieProcess(self.pid) from error
            raise psutil.NoSuchProcess(self.pid, msg=str(error)) from error
        except PermissionError as error:
            raise psutil.AccessDenied(self.pid, msg=str(error)) from error
        except OSError as error:
            if error.errno == errno.ENODATA and "the process has ended" in str(error):
                raise psutil.ZombieProcess(self.pid) from error
            raise

    def is_running(self) -> bool:
        return self._handle is not None and bool(self._handle.is_running())

    def wait(self, timeout: float | None = None) -> Any:
        with self._translated() as handle:
            try:
                code = handle.wait(timeout).returncode
            except TimeoutError as error:
                raise psutil.TimeoutExpired(timeout, pid=self.pid) from error
            except OSError as error:
                # The status of what is not a child is the parent's; a procfd has it from 6.15 on.
                if isinstance(error, PermissionError):
                    raise
                return None
            # psutil waits until it is reaped, by whichever parent.
            end = None if timeout is None else time.monotonic() + timeout
            while handle.is_running():
                if end is not None and time.monotonic() > end:
                    raise psutil.TimeoutExpired(timeout, pid=self.pid)
                time.sleep(0.001)
        return psutil._psposix.negsig_to_enum(code) if code < 0 else code

    def memory_maps(self, grouped: bool = True) -> list[Any]:
        """The mappings one by one; procfd adds none up."""
        with self._translated() as handle:
            return list(handle.memory_maps())

    def parent(self) -> Process | None:
        with self._translated() as handle:
            found = handle.parent()
        return None if found is None else Process(found.pid)

    def parents(self) -> list[Process]:
        with self._translated() as handle:
            return [Process(one.pid) for one in handle.parents()]

    def children(self, recursive: bool = False) -> list[Process]:
        with self._translated() as handle:
            return [Process(one.pid) for one in handle.children(recursive)]


def _answer(name: str) -> Callable[..., Any]:
    def method(self: Process, *args: Any, **keywords: Any) -> Any:
        with self._translated() as handle:
            if name == "status":
                return handle.as_dict(["status"])["status"]
            try:
                return getattr(handle, name)(*args, **keywords)
            except OSError as error:
                # psutil has an empty answer for what a kernel thread has not.
                if name not in EMPTY or error.errno != errno.ENODATA or "ended" in str(error):
                    raise
                return EMPTY[name]

    method.__name__ = name
    # psutil's oneshot() and its tests keep and drop what they remember of each answer.
    for word in ("cache_activate", "cache_deactivate", "cache_clear"):
        setattr(method, word, lambda *_: None)
    return method


for _name in ANSWERS:
    setattr(Process, _name, _answer(_name))
Process.__module__ = "psutil"


def wait_procs(
    procs: Any, timeout: float | None = None, callback: Callable[[Any], Any] | None = None
) -> tuple[list[Any], list[Any]]:
    """procfd.wait_procs over the handles."""
    mine = {id(process._handle): process for process in procs if process._handle is not None}

    def ended(handle: procfd.Process) -> None:
        process = mine[id(handle)]
        process.returncode = process.wait()
        if callback is not None:
            callback(process)

    handles = [process._handle for process in mine.values()]
    found = procfd.wait_procs(handles, timeout, ended)
    gone, alive = ([mine[id(handle)] for handle in some] for some in found)
    return gone + [process for process in procs if process._handle is None], alive


psutil.Process = Process
psutil.pids = procfd.pids
psutil.pid_exists = procfd.pid_exists
psutil.wait_procs = wait_procs


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take out what says nothing about procfd, and say so."""
    kept, left = [], []
    for item in items:
        why = next((EXCLUDED[key] for key in EXCLUDED if re.search(key, item.nodeid)), None)
        (kept if why is None else left).append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=left)
