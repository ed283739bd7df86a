# SPDX-License-Identifier: MIT OR Apache-2.0
"""From the arguments of subprocess.Popen to a started process.

Popen and the run() that does without one share it, so that both mean the same.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import signal
import sys
from typing import TYPE_CHECKING, Any

from . import _native
from ._errors import Error, Stage, make

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PIPES", "PLAIN", "become", "end", "launch", "unknown"]

# The signals of restore_signals, which Python ignores.
_RESTORED = frozenset((signal.SIGPIPE, signal.SIGXFSZ))
PIPES = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")
# The arguments of _execute_child in a Popen without keywords.
PLAIN: dict[str, Any] = {
    **dict.fromkeys(("env", "executable", "cwd", "uid", "gid", "gids")),
    **dict.fromkeys(("p2cread", "c2pwrite", "errwrite", "umask", "process_group"), -1),
    **{"shell": False, "close_fds": True, "restore_signals": True, "start_new_session": False},
    "pass_fds": (),
}
# No standard descriptor is redirected.
_NONE = (-1, -1, -1)
_RENAMED = (("cwd", "cwd"), ("env", "env"), ("uid", "uid"), ("gid", "gid"), ("gids", "groups"))


def launch(
    args: Any,
    given: dict[str, Any],
    extra: dict[str, Any],
    fork: Callable[[list[Any], list[Any], Any, dict[str, Any]], _native.Process] | None = None,
) -> _native.Process:
    """Start the process: `given` as _execute_child names it, `extra` the settings of procfd.

    `fork` starts the one that needs Python in the child.
    """
    env, cwd = given["env"], given["cwd"]
    if env is not None and not hasattr(env, "items"):
        raise TypeError(f"env must be a mapping, not {type(env).__name__}")
    shell, executable = given["shell"], given["executable"]
    if type(args) is list:
        args = args.copy()
    elif isinstance(args, (str, bytes)):
        args = [args]
    elif isinstance(args, os.PathLike):
        if shell:
            raise TypeError("path-like args is not allowed when shell is true")
        args = [args]
    else:
        args = list(args)
    if shell:
        args = ["/bin/sh", "-c", *args]
        if executable:
            args[0] = executable
    if executable is None:
        executable = args[0]
    if not args:
        # The kernel takes no empty list, and makes this of it.
        args = [""]
    sys.audit("subprocess.Popen", executable, args, cwd, env)
    if type(executable) is str and "/" in executable:
        programs: list[Any] = [executable]
    else:
        program = os.fsencode(executable)
        programs = [program] if b"/" in program else _candidates(program, env)
    copies: list[int] = []
    try:
        if given is PLAIN:
            settings = {"sigdefault": _RESTORED}
        else:
            settings = _settings_of(given, extra, copies)
        if fork is None:
            # The base class warns of what is dropped.
            return _native.start(programs, args, settings)  # type: ignore[arg-type]
        process = fork(programs, args, executable, settings)
        process.warns = False
        return process
    except Error as error:
        _as_the_standard_library(error, executable, cwd)
        raise
    finally:
        for fd in copies:
            os.close(fd)


def end(process: _native.Process, tree: bool | None, leads: bool) -> None:
    """Kill the process, and with `tree` all that descends from it; `leads` a group of its own."""
    if not tree:
        # One that has ended is no fault.
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        return
    try:
        process.kill_tree()
    except OSError:
        end(process, False, False)
    if leads:
        # Those whose parents have ended are in no tree any more, but in its group.
        with contextlib.suppress(OSError):
            process.send_signal(signal.SIGKILL, scope="group")


def unknown(error: OSError, deadstate: int | None) -> int:
    """The status when another waiter has reaped the child and the kernel does not keep it (6.15).

    It is 0 as in the standard library, whose programs do not expect an exception there.
    """
    if error.errno != errno.ENODATA and deadstate is None:
        raise error
    return deadstate or 0


def _as_the_standard_library(error: Error, executable: Any, cwd: Any) -> None:
    """Give an error the file that the standard library would name, and its words."""
    if error.stage == Stage.EXEC:
        error.filename = executable
        error.message = _missing_interpreter(error)
    elif error.stage == Stage.CWD or (cwd is not None and error.filename is cwd):
        error.filename, error.message = cwd, None
    elif error.stage == Stage.CONFIG and error.errno == errno.ENAMETOOLONG:
        error.filename, error.message = executable, None
    elif error.errno == errno.E2BIG:
        # With the message, which says which argument it was.
        error.filename = executable


def _missing_interpreter(error: Error) -> str | None:
    """Say what the standard library does not: the file is there, and its interpreter is not."""
    reason = re.search(r"\((.*its interpreter .*)\)$", error.message or "", re.DOTALL)
    return f"{error.strerror}: {error.filename!r} ({reason[1]})" if reason else None


def become(keywords: dict[str, Any], settings: dict[str, Any]) -> None:
    """Add to `user` its groups, unless the caller names some, and the variables of a login."""
    user, login_env = keywords["user"], settings.pop("login_env", None)
    given = [keywords.get(name) for name in ("group", "extra_groups")]
    given += [settings.get(name) for name in ("gid", "groups", "namespaces", "uid_map")]
    if os.geteuid() == 0 and all(value is None for value in given):
        from ._accounts import groups_of

        with contextlib.suppress(ValueError, TypeError, OverflowError):
            group, extra_groups = groups_of(user)
            keywords["extra_groups"] = extra_groups
            if group is not None:
                keywords["group"] = group
    if login_env:
        from ._accounts import login_variables

        env = keywords.get("env")
        variables = {os.fsencode(k): v for k, v in (os.environb if env is None else env).items()}
        for name, value in login_variables(user).items():
            variables[os.fsencode(name)] = value
        keywords["env"] = variables


def _candidates(program: bytes, env: Any) -> list[bytes]:
    """The paths that os.execvpe would try: by the child's PATH, without an env by the caller's."""
    if env is None:
        directories = os.environb.get(b"PATH", os.fsencode(os.defpath)).split(b":")
    else:
        directories = [os.fsencode(directory) for directory in os.get_exec_path(env)]
    return [directory + b"/" + program if directory else program for directory in directories]


def _settings_of(given: dict[str, Any], extra: dict[str, Any], copies: list[int]) -> dict[str, Any]:
    """procfd's settings for the arguments of subprocess; the caller closes the copies."""
    settings = dict(extra)
    handles = (given["p2cread"], given["c2pwrite"], given["errwrite"])
    actions = _redirections(handles, copies) if handles != _NONE else []
    if not given["close_fds"]:
        settings["inherit_all"] = True
    elif given["pass_fds"]:
        kept = sorted({int(fd) for fd in given["pass_fds"]})
        if kept[0] < 0:
            raise ValueError("bad value(s) in fds_to_keep")
        actions.extend(("inherit", fd) for fd in kept)
    if more := extra.get("actions"):
        actions.extend(more)
    if actions:
        settings["actions"] = actions
    if given["restore_signals"]:
        more = extra.get("sigdefault")
        settings["sigdefault"] = {*_RESTORED, *more} if more else _RESTORED
    if given["start_new_session"]:
        settings["session"] = True
    umask = given["umask"]
    if umask >= 0:
        if umask > 0x7FFFFFFF:
            raise OverflowError("signed integer is greater than maximum")
        # As umask(2).
        settings["umask"] = umask & 0o777
    if given.get("process_group", -1) >= 0:
        settings["process_group"] = given["process_group"]
    gids = given["gids"]
    if gids and any(gid > 0xFFFFFFFF for gid in gids):
        raise ValueError("invalid group id")
    for name, setting in _RENAMED:
        value = given[name]
        if value is not None:
            settings[setting] = value
    return settings


def _redirections(handles: tuple[int, int, int], copies: list[int]) -> list[tuple[Any, ...]]:
    """The actions that put these descriptors at 0, 1 and 2; -1 leaves the number as it is.

    A source that an earlier action replaces is read from a copy.
    """
    actions: list[tuple[Any, ...]] = []
    for target, fd in enumerate(handles):
        if fd == target:
            actions.append(("inherit", fd))
        elif fd != -1:
            if fd < 0:
                text = f"standard descriptor {target}: {fd} is no descriptor"
                raise make(errno.EBADF, text, None, Stage.FD, target, "Uncategorized")
            if fd < target and handles[fd] != -1:
                fd = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3)
                copies.append(fd)
            actions.append(("dup", fd, target))
    return actions
