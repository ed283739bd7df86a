# SPDX-License-Identifier: MIT OR Apache-2.0
"""The standard library's own Popen, though another library has put something in its place.

Before a program imports procfd, a logger, gevent or eventlet may have replaced `subprocess.Popen`
by a function or a subclass. sentry-sdk wraps single methods of the class.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from typing import Any

__all__ = ["EXECUTE", "INIT", "Popen", "is_original"]

# The parameters of the two methods since Python 3.9, if a wrapper hides them.
_INIT = (
    *("args", "bufsize", "executable", "stdin", "stdout", "stderr", "preexec_fn", "close_fds"),
    *("shell", "cwd", "env", "universal_newlines", "startupinfo", "creationflags"),
    *("restore_signals", "start_new_session", "pass_fds", "user", "group", "extra_groups"),
    *("encoding", "errors", "text", "umask"),
    *(("pipesize",) if sys.version_info >= (3, 10) else ()),
    *(("process_group",) if sys.version_info >= (3, 11) else ()),
)
_EXECUTE = (
    *("args", "executable", "preexec_fn", "close_fds", "pass_fds", "cwd", "env", "startupinfo"),
    *(
        "creationflags",
        "shell",
        "p2cread",
        "p2cwrite",
        "c2pread",
        "c2pwrite",
        "errread",
        "errwrite",
    ),
    *("restore_signals", "gid", "gids", "uid", "umask", "start_new_session"),
    *(("process_group",) if sys.version_info >= (3, 11) else ()),
)


def _is_genuine(candidate: object) -> bool:
    return (
        isinstance(candidate, type)
        and candidate.__module__ == "subprocess"
        and candidate.__qualname__ == "Popen"
        and "_execute_child" in vars(candidate)
        and candidate.__base__ is object
    )


def _find() -> Any:
    if _is_genuine(subprocess.Popen):
        return subprocess.Popen
    # A subclass has it among its bases; and what a wrapper calls is alive.
    bases = subprocess.Popen.__mro__ if isinstance(subprocess.Popen, type) else ()
    for candidate in (*bases, *object.__subclasses__()):
        if _is_genuine(candidate):
            return candidate
    # Replaced for good: a fresh copy of the module has an unchanged one.
    spec = importlib.util.find_spec("subprocess")
    if spec is None or spec.loader is None:
        raise ImportError("procfd needs the standard library's subprocess module")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in ("CalledProcessError", "CompletedProcess", "SubprocessError", "TimeoutExpired"):
        setattr(module, name, getattr(subprocess, name))
    return module.Popen


def is_original(method: Any) -> bool:
    """Whether a method is what its module defines, and no wrapper with the same name."""
    code = getattr(method, "__code__", None)
    if code is None or code.co_name != method.__name__:
        return False
    return method.__globals__.get("__name__") in ("subprocess", "procfd._popen")


def _parameters(method: Any, known: tuple[str, ...], name: str) -> tuple[str, ...]:
    """The parameters but self, read from the method unless it is a wrapper."""
    code = getattr(method, "__code__", None)
    if code is None or code.co_name != name or code.co_varnames[1:2] != ("args",):
        return known
    return tuple(code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount])


Popen = _find()
INIT = frozenset(_parameters(vars(Popen)["__init__"], _INIT, "__init__"))
EXECUTE = _parameters(vars(Popen)["_execute_child"], _EXECUTE, "_execute_child")
