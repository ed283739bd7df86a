# SPDX-License-Identifier: MIT OR Apache-2.0
"""Processes as descriptors: configure, start, poll, wait, signal, kill on last close."""

from ._errors import Error, InvalidSetting, Stage
from ._native import Context, ExitStatus, Info, Process, Usage, attach, open, spawn
from ._types import OpenSettings, Settings

DEVNULL = -3
STDOUT = -2

__all__ = [
    "DEVNULL",
    "STDOUT",
    "Context",
    "Error",
    "ExitStatus",
    "Info",
    "InvalidSetting",
    "OpenSettings",
    "Process",
    "Settings",
    "Stage",
    "Usage",
    "attach",
    "open",
    "spawn",
]
