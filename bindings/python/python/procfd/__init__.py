# SPDX-License-Identifier: MIT OR Apache-2.0
"""Processes as descriptors: configure, start, poll, wait, signal, kill on last close.

`Context` and `Process` are the interface; `spawn` is both in one call. The four calls of procfd.h
(`process_open` and so on) are here under their names, with its constants and structures.
"""

import importlib as _importlib
from subprocess import (
    DEVNULL,
    PIPE,
    STDOUT,
    CalledProcessError,
    CompletedProcess,
    SubprocessError,
    TimeoutExpired,
    list2cmdline,
)
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from ._errors import Error, InvalidSetting, Stage
from ._native import (
    Context,
    ExitStatus,
    Info,
    Process,
    Snapshot,
    Usage,
    attach,
    open,
    posix_spawn,
    posix_spawnp,
    spawn,
)
from ._popen import Popen
from ._run import call, check_call, check_output, getoutput, getstatusoutput, run
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
    "open",
    "posix_spawn",
    "posix_spawnp",
    "process_config",
    "process_info",
    "process_manage",
    "process_open",
    "run",
    "spawn",
]

if _TYPE_CHECKING:
    from ._abi import *  # noqa: F403
    from ._calls import process_config, process_info, process_manage, process_open
else:

    def __getattr__(name: str) -> _Any:
        """The C interface, from its first use on: most programs do without, and without ctypes."""
        if name.startswith("process_"):
            module = _importlib.import_module("procfd._calls")
        elif name.startswith(("PROC_", "PROCFD_", "procfd_")):
            module = _importlib.import_module("procfd._abi")
        else:
            raise AttributeError(f"module 'procfd' has no attribute {name!r}")
        globals()[name] = getattr(module, name)
        return globals()[name]
