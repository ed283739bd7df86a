# SPDX-License-Identifier: MIT OR Apache-2.0
"""Processes as descriptors: configure, start, poll, wait, signal, kill on last close."""

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

from ._errors import Error, InvalidSetting, Stage
from ._native import Context, ExitStatus, Info, Process, Usage, attach, open, spawn
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
    "run",
    "spawn",
]
