# SPDX-License-Identifier: MIT OR Apache-2.0
"""The four calls of procfd.h over descriptors, for those who know the C interface.

The data of a command is what the header says: a structure of this package, which is read, and
filled where the call answers; a sequence of such structures; a string, as `str`, `bytes` or a path;
a list of strings; any ctypes object. A failure is an `Error`, where C returns -1.
"""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Sequence
from typing import Any, Union

from . import _native
from ._abi import PROC_WAIT, procfd_wait
from ._types import Fd, StrPath

_Object = Union[ctypes.Structure, "ctypes.Array[Any]"]
Data = Union[_Object, StrPath, Sequence[ctypes.Structure], Sequence[StrPath], None]


def _number(procfd: Fd) -> int:
    if isinstance(procfd, int):
        return procfd
    if not hasattr(procfd, "fileno"):
        raise TypeError(
            f"a descriptor or an object with one is needed, not {type(procfd).__name__}"
        )
    return procfd.fileno()


def _lay_out(data: Any) -> tuple[Any, int]:
    """An object in memory, and the size that the call is told."""
    if isinstance(data, (ctypes.Structure, ctypes.Array)):
        return data, ctypes.sizeof(data)
    if isinstance(data, (str, bytes)) or hasattr(data, "__fspath__"):
        string = os.fsencode(data)
        if b"\0" in string:
            raise ValueError("embedded null byte")
        return ctypes.create_string_buffer(string), 0
    items = list(data)
    if items and all(isinstance(item, ctypes.Structure) for item in items):
        array = (type(items[0]) * len(items))(*items)
        return array, ctypes.sizeof(array)
    strings = [os.fsencode(item) for item in items]
    if any(b"\0" in string for string in strings):
        raise ValueError("embedded null byte")
    return (ctypes.c_char_p * (len(strings) + 1))(*strings, None), 0


def _call(call: Any, procfd: Fd, cmd: int, arg: int, data: Data) -> int:
    # As C has it: a negative argument is the unsigned number of the same bits.
    arg &= 0xFFFF_FFFF_FFFF_FFFF
    if data is None:
        return int(call(_number(procfd), cmd, arg, 0, 0))
    laid_out, size = _lay_out(data)
    return int(call(_number(procfd), cmd, arg, ctypes.addressof(laid_out), size))


def process_open(flags: int = 0) -> int:
    """Returns a descriptor for a process that does not exist yet, yours to close."""
    return _native.process_open(flags)


def process_config(procfd: Fd, cmd: int, arg: int = 0, data: Data = None) -> int:
    """Configures a context, and with `PROC_CREATE` starts the process.

    A creation without a program is a fork, with the hooks that `os.fork` runs.
    """
    return _call(_native.process_config, procfd, cmd, arg, data)


def process_manage(procfd: Fd, cmd: int, arg: int = 0, data: Data = None) -> int:
    """Manages the process behind a descriptor.

    Python's signal handlers run while it waits, and the wait goes on.
    """
    given = data.timeout_ns if isinstance(data, procfd_wait) else 0
    end = time.monotonic_ns() + given
    try:
        while True:
            try:
                return _call(_native.process_manage, procfd, cmd, arg, data)
            except InterruptedError:
                # The handlers have run by now, and none has raised.
                if cmd != PROC_WAIT:
                    raise
                if isinstance(data, procfd_wait) and given:
                    data.timeout_ns = max(end - time.monotonic_ns(), 1)
    finally:
        if isinstance(data, procfd_wait):
            data.timeout_ns = given


def process_info(procfd: Fd, cmd: int, arg: int = 0, data: Data = None) -> int:
    """Asks about the process behind a descriptor."""
    return _call(_native.process_info, procfd, cmd, arg, data)
