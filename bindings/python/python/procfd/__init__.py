# SPDX-License-Identifier: MIT OR Apache-2.0
"""Processes as descriptors: configure, start, poll, wait, signal, kill on last close.

`Context` and `Process` are the interface; `spawn` is both in one call. The four calls of procfd.h
(`process_open` and so on) are here under their names, with its constants and structures.
"""

import importlib as _importlib
import sys as _sys

if _sys.platform != "linux":
    raise ImportError(f"procfd is for Linux; this is {_sys.platform}")

import subprocess as _subprocess
from subprocess import (
    DEVNULL,
    PIPE,
    STDOUT,
    CalledProcessError,
    SubprocessError,
    TimeoutExpired,
    list2cmdline,
)
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from ._errors import BlockingIO as BlockingIO
from ._errors import BrokenPipe as BrokenPipe
from ._errors import ChildProcess as ChildProcess
from ._errors import ConnectionAborted as ConnectionAborted
from ._errors import ConnectionRefused as ConnectionRefused
from ._errors import ConnectionReset as ConnectionReset
from ._errors import Error, InvalidSetting, Stage
from ._errors import FileExists as FileExists
from ._errors import FileNotFound as FileNotFound
from ._errors import Interrupted as Interrupted
from ._errors import IsADirectory as IsADirectory
from ._errors import NotADirectory as NotADirectory
from ._errors import OutOfMemory as OutOfMemory
from ._errors import Permission as Permission
from ._errors import ProcessLookup as ProcessLookup
from ._errors import Timeout as Timeout
from ._native import (
    Context,
    ExitStatus,
    Info,
    Process,
    Snapshot,
    Usage,
    attach,
    posix_spawn,
    posix_spawnp,
    spawn,
)
from ._native import open as open
from ._popen import Popen
from ._run import (
    CompletedProcess,
    call,
    check_call,
    check_output,
    getoutput,
    getstatusoutput,
    run,
)
from ._types import OpenSettings, Settings

__all__ = [
    "DEVNULL",
    "PIPE",
    "STDOUT",
    "CalledProcessError",
    "CompletedProcess",
    "Context",
    "Error",
    "ExitStatus",
    "Info",
    "InvalidSetting",
    "OpenSettings",
    "Popen",
    "Process",
    "Settings",
    "Snapshot",
    "Stage",
    "SubprocessError",
    "TimeoutExpired",
    "Usage",
    "attach",
    "call",
    "check_call",
    "check_output",
    "getoutput",
    "getstatusoutput",
    "list2cmdline",
    "pid_exists",
    "pids",
    "posix_spawn",
    "posix_spawnp",
    "process_config",
    "process_info",
    "process_iter",
    "process_manage",
    "process_open",
    "run",
    "spawn",
    "wait_any",
    "wait_procs",
]

if _TYPE_CHECKING:
    from ._abi import *  # noqa: F403
    from ._calls import process_config, process_info, process_manage, process_open
    from ._many import pid_exists, pids, process_iter, wait_any, wait_procs
else:
    _MANY = frozenset(("pid_exists", "pids", "process_iter", "wait_any", "wait_procs"))

    def __getattr__(name: str) -> _Any:
        """Load what most programs do without at its first use: the C interface needs ctypes."""
        if name in _MANY:
            module = _importlib.import_module("procfd._many")
        elif name in ("process_open", "process_config", "process_manage", "process_info"):
            module = _importlib.import_module("procfd._calls")
        elif name.startswith(("PROC_", "PROCFD_", "procfd_")):
            module = _importlib.import_module("procfd._abi")
        elif name.startswith("_") and not name.startswith("__") and hasattr(_subprocess, name):
            # The package may stand in sys.modules["subprocess"]: others of the standard library
            # (multiprocessing) use what is private there.
            module = _subprocess
        else:
            raise AttributeError(f"module 'procfd' has no attribute {name!r}")
        globals()[name] = getattr(module, name)
        return globals()[name]

    def __dir__() -> list[str]:
        """What there is, loaded or not: for the completion of a prompt, and for help()."""
        constants = vars(_importlib.import_module("procfd._abi"))
        late = (name for name in constants if name.startswith(("PROC_", "PROCFD_", "procfd_")))
        return sorted({*globals(), *__all__, *late})
