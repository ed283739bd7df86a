# SPDX-License-Identifier: MIT OR Apache-2.0
"""The exceptions: of the class of OSError that fits the errno, with the step that failed."""

from __future__ import annotations

import enum
import os
import re
from collections.abc import Sequence
from errno import ENOMEM, ETIMEDOUT
from typing import Any


class Stage(enum.IntEnum):
    """The step that failed. The numbers are those of procfd.h, and stable."""

    # generated: stages, from procfd-core/src/settings.tsv
    NONE = 0
    CONFIG = 1
    PLAN = 2
    STACK = 3
    FUSE = 4
    CLONE = 5
    PUBLISH = 6
    CHILD_DIED = 7
    WATCHER = 8
    ATTACH = 9
    IDMAP_HELPER = 10
    SIGNALS = 32
    NICE = 33
    RLIMIT = 34
    SESSION = 35
    PGROUP = 36
    CTTY = 37
    FOREGROUND = 38
    ARM = 39
    FD_TABLE = 40
    SETGROUPS = 41
    UID_MAP = 42
    GID_MAP = 43
    HOSTNAME = 44
    ROOT = 45
    CWD = 46
    FD = 47
    UMASK = 48
    GROUPS = 49
    GID = 50
    UID = 51
    NO_NEW_PRIVS = 52
    PDEATHSIG = 53
    SIGMASK = 54
    EXEC = 55
    INIT = 56
    TIMERSLACK = 57
    DOMAINNAME = 112
    PERSONALITY = 113
    TSC = 114
    SUBREAPER = 115
    IOPRIO = 116
    SUSPEND = 119
    JOIN = 118
    NAMESPACES = 109
    TIME_OFFSETS = 122
    SYSCTL = 123
    MOUNT_PROPAGATION = 64
    NEW_ROOT = 65
    MOUNT_SOURCE = 66
    MOUNT_TARGET = 67
    MOUNT = 68
    PIVOT_ROOT = 69
    PRIVATE_TMP = 70
    PRIVATE_DEV = 71
    SCHEDULER = 96
    AFFINITY = 97
    OOM_SCORE_ADJ = 98
    KEEP_CAPS = 80
    CAPS = 81
    BOUNDING = 82
    AMBIENT = 83
    SECUREBITS = 84
    CGROUP = 99
    CGROUP_LEAF = 107
    CGROUP_LIMIT = 108
    COREDUMP_FILTER = 100
    THP_DISABLE = 101
    MEMORY_MERGE = 102
    MDWE = 103
    CORE_SCHED = 104
    NUMA = 105
    SPECULATION = 106
    SECCOMP = 85
    KEYRING = 86
    LANDLOCK = 87
    LANDLOCK_RULE = 88
    LANDLOCK_FD = 91
    LABEL = 92
    MCE_KILL = 95
    # end of stages


class Error(OSError):
    """A failure in the kernel or in a creation.

    Its class is also the one that the errno has among the built-in exceptions: ENOENT is a
    FileNotFoundError. `stage` and `index` say which step failed, of a creation; `kind` is a word
    for the errno that is the same on all machines; `message` is a sentence that names the step
    and its operand.
    """

    stage: Stage = Stage.NONE
    index: int = 0
    kind: str = ""
    message: str | None = None

    def __str__(self) -> str:
        if self.message is None:
            return super().__str__()
        return f"[Errno {self.errno}] {self.message}"


class InvalidSetting(Error, ValueError):
    """A setting that is refused for its value."""


class BlockingIO(Error, BlockingIOError):
    __doc__ = Error.__doc__


class BrokenPipe(Error, BrokenPipeError):
    __doc__ = Error.__doc__


class ChildProcess(Error, ChildProcessError):
    __doc__ = Error.__doc__


class ConnectionAborted(Error, ConnectionAbortedError):
    __doc__ = Error.__doc__


class ConnectionRefused(Error, ConnectionRefusedError):
    __doc__ = Error.__doc__


class ConnectionReset(Error, ConnectionResetError):
    __doc__ = Error.__doc__


class FileExists(Error, FileExistsError):
    __doc__ = Error.__doc__


class FileNotFound(Error, FileNotFoundError):
    __doc__ = Error.__doc__


class Interrupted(Error, InterruptedError):
    __doc__ = Error.__doc__


class IsADirectory(Error, IsADirectoryError):
    __doc__ = Error.__doc__


class NotADirectory(Error, NotADirectoryError):
    __doc__ = Error.__doc__


class OutOfMemory(Error, MemoryError):
    __doc__ = Error.__doc__


class Permission(Error, PermissionError):
    __doc__ = Error.__doc__


class ProcessLookup(Error, ProcessLookupError):
    __doc__ = Error.__doc__


class Timeout(Error, TimeoutError):
    __doc__ = Error.__doc__

    def __str__(self) -> str:
        # The words of the errno are those of a connection.
        return super().__str__().replace(os.strerror(ETIMEDOUT), "the time is over")


_classes: dict[type[OSError], type[Error]] = {
    OSError: Error,
    BlockingIOError: BlockingIO,
    BrokenPipeError: BrokenPipe,
    ChildProcessError: ChildProcess,
    ConnectionAbortedError: ConnectionAborted,
    ConnectionRefusedError: ConnectionRefused,
    ConnectionResetError: ConnectionReset,
    FileExistsError: FileExists,
    FileNotFoundError: FileNotFound,
    InterruptedError: Interrupted,
    IsADirectoryError: IsADirectory,
    NotADirectoryError: NotADirectory,
    PermissionError: Permission,
    ProcessLookupError: ProcessLookup,
    TimeoutError: Timeout,
}


def make(
    errno: int, message: str | None, filename: Any, stage: int, index: int, kind: str
) -> Error:
    """The exception of an errno."""
    if stage == Stage.CONFIG and kind == "InvalidInput":
        of: type[Error] = InvalidSetting
    elif errno == ENOMEM:
        of = OutOfMemory
    else:
        of = _classes[type(OSError(errno, ""))]
    strerror = os.strerror(errno)
    error = of(errno, strerror) if filename is None else of(errno, strerror, filename)
    error.message = message
    error.stage = Stage(stage)
    error.index = index
    error.kind = re.sub(r"(?<!^)(?=[A-Z])", "_", kind).lower()
    return error


# The keywords that only run() takes, besides the settings.
_OF_RUN = frozenset(("capture_output", "check", "input", "kill_tree", "timeout"))


def suggest(text: str, name: str, known: Sequence[str]) -> str:
    """The complaint about a name, with the one that was probably meant, or all of a short list."""
    if name in _OF_RUN and name not in known:
        return f"{text}; run() takes it"
    import difflib

    close = difflib.get_close_matches(name, known, 1)
    # "mem" for "memory".
    close = close or [one for one in known if name and one.startswith(name)]
    if close:
        return f'{text}; did you mean "{close[0]}"?'
    return f"{text}; there are: {', '.join(known)}" if len(known) < 50 else text


# Tracebacks and pickles name the package, where every one of these is found.
for _class in (Stage, Error, InvalidSetting, OutOfMemory, *_classes.values()):
    _class.__module__ = "procfd"
del _class
