# SPDX-License-Identifier: MIT OR Apache-2.0
"""Popen: the standard library's, with procfd's start, wait and signals.

Streams, text modes, communicate() and the checks of the arguments are those of the interpreter's
own subprocess.Popen. What is overridden is what touches the process.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import signal
import subprocess
import sys
import warnings
from typing import TYPE_CHECKING, Any, AnyStr, cast

from . import _native
from ._errors import Error, Stage, make
from ._genuine import EXECUTE as _START
from ._genuine import INIT as _STANDARD

if TYPE_CHECKING:
    from subprocess import Popen as _Base

    from ._keywords import Command

else:
    from ._genuine import Popen as _Base

__all__ = ["Popen"]

# What only newer interpreters take.
_ABSENT = {"pipesize", "process_group"} - _STANDARD
# What restore_signals is about: the signals that Python ignores.
_RESTORED = (signal.SIGPIPE, signal.SIGXFSZ)
F_SETPIPE_SZ = 1031
_PIPES = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")
_CHILD_ENDS = ("p2cread", "c2pwrite", "errwrite")
# The settings that a running process can be given.
_CLOSE = frozenset({"kill_on_close", "close_scope", "close_then", "watch"})
_RENAMED = (("cwd", "cwd"), ("env", "env"), ("uid", "uid"), ("gid", "gid"), ("gids", "groups"))
# What the base class does not take None for.
_UNSET = ("umask", *_ABSENT, *({"pipesize", "process_group"} & _STANDARD))
# How long a `with` statement that an exception leaves waits for what its close policy ends.
_POLICY_SECONDS = 0.25


class Popen(_Base[AnyStr]):
    """A child process, as subprocess.Popen, behind a procfd.

    All arguments of subprocess.Popen have their meaning, and each setting of procfd.Context is a
    further keyword: ``Popen(["make"], kill_on_close=True, namespaces=...)``. No Python runs between
    the clone and the execution, and the cost of a start does not grow with the caller's memory.

    ``wait(timeout)`` and ``communicate(timeout=...)`` sleep in the kernel until the process ends or
    the time is over. Signals go through the pidfd, and cannot hit another process.

    ``preexec_fn`` needs the interpreter in the child: it takes a fork, that of the standard library
    if it can, with the dangers for programs with threads which the documentation there names. Most
    of what it is used for is a keyword here.

    ``process`` is the procfd.Process, and ``fileno()`` its descriptor, which can be passed on. Who
    has asked for neither does not keep descriptors of a process whose end is known.
    """

    _process: _native.Process | None = None
    # Whether the caller has asked for the descriptors, which then live as long as this object.
    _shown = False
    # Whether an event loop has the pidfd, which must be open until it is taken out there.
    _polled = False
    # Whether it was started as the leader of a group of its own.
    _leads = False
    _settings: dict[str, Any]
    if TYPE_CHECKING:
        # Of the base class, and not in its stubs.
        text_mode: Any
        _close_pipe_fds: Any

    def __init__(self, args: Command, *popenargs: Any, **keywords: Any) -> None:
        for name in _UNSET:
            if name in keywords:
                value = keywords[name]
                if value is None or (value == -1 and name in _ABSENT):
                    del keywords[name]
        self._settings = {name: keywords.pop(name) for name in keywords.keys() - _STANDARD}
        if keywords.get("user") is not None:
            _become(keywords, self._settings)
        elif self._settings.pop("login_env", None):
            raise ValueError("login_env is given together with user")
        super().__init__(args, *popenargs, **keywords)

    def _execute_child(self, *values: Any) -> None:
        given = dict(zip(_START, values))
        # Only with 3.9, whose __init__ does not take it.
        if (pipesize := self._settings.pop("pipesize", None)) is not None:
            for name in ("p2cwrite", "c2pread", "errread"):
                if given[name] != -1:
                    fcntl.fcntl(given[name], F_SETPIPE_SZ, pipesize)
        preexec_fn = given["preexec_fn"]
        if preexec_fn is not None and not self._settings.keys() - _CLOSE:
            self._standard_fork(values)
            return
        env = given["env"]
        if env is not None and not hasattr(env, "items"):
            raise TypeError(f"env must be a mapping, not {type(env).__name__}")
        args: Any = given["args"]
        shell, executable = given["shell"], given["executable"]
        if isinstance(args, (str, bytes)):
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
        sys.audit("subprocess.Popen", executable, args, given["cwd"], given["env"])
        program = os.fsencode(executable)
        programs = [program] if b"/" in program else _candidates(program, env)
        copies: list[int] = []
        try:
            settings = _settings_of(given, self._settings, copies)
            if preexec_fn is None:
                process = _native.start(programs, args, cast(Any, settings))
            else:
                process = self._fork(programs, args, executable, given, settings)
        except Error as error:
            _as_the_standard_library(error, executable, given["cwd"])
            raise
        finally:
            for fd in copies:
                os.close(fd)
        # The base class warns of what is dropped.
        process.warns = False
        self._process = process
        self._leads = given["start_new_session"] or given.get("process_group", -1) == 0
        self.pid = process.pid
        self._child_created = True
        if any(given[name] != -1 for name in _CHILD_ENDS):
            self._close_pipe_fds(*(given[name] for name in _PIPES))

    def _fork(
        self,
        programs: list[bytes],
        args: list[Any],
        executable: Any,
        given: dict[str, Any],
        settings: dict[str, Any],
    ) -> _native.Process:
        from ._preexec import fork

        try:
            return fork(programs, args, given["preexec_fn"], given["close_fds"], settings)
        except OSError as error:
            if not isinstance(error, Error):
                error.filename = executable
            raise

    def _standard_fork(self, values: tuple[Any, ...]) -> None:
        super()._execute_child(*values)  # type: ignore[misc]
        # Not reaped, so the pid is its own; but where SIGCHLD is ignored it may be gone by now,
        # and there is no status then.
        with contextlib.suppress(ProcessLookupError):
            process = _native.open(pid=self.pid)
            if self._settings:
                process = _native.attach(pidfd=process.pidfd, **self._settings)
            self._process = process

    @property
    def process(self) -> _native.Process:
        """The process as procfd has it."""
        self._shown = True
        if self._process is None:
            raise ValueError("no process behind this object")
        return self._process

    def fileno(self) -> int:
        """The procfd: what can be polled, inherited, sent, and given to the four calls."""
        return self.process.fileno()

    def _ended(self, returncode: int) -> int:
        self.returncode = returncode
        if self._process is not None and not (self._shown or self._polled):
            self._process.close()
        return returncode

    def poll(self) -> int | None:
        return self._internal_poll()

    def _internal_poll(self, _deadstate: int | None = None, *rest: Any) -> int | None:
        process = self._process
        if process is None:
            return super()._internal_poll(_deadstate, *rest)  # type: ignore[misc,no-any-return]
        if self.returncode is None:
            try:
                status = process.poll()
            except OSError as error:
                return self._ended(_unknown(error, _deadstate))
            if status is not None:
                self._ended(status.returncode)
        return self.returncode

    def _wait(self, timeout: float | None) -> int:
        process = self._process
        if process is None:
            return super()._wait(timeout)  # type: ignore[misc,no-any-return]
        if self.returncode is not None:
            return self.returncode
        try:
            status = process.wait(None if timeout is None else max(timeout, 0))
        except TimeoutError:
            raise subprocess.TimeoutExpired(self.args, cast(float, timeout)) from None
        except OSError as error:
            return self._ended(_unknown(error, None))
        except ValueError:
            # Closed by another thread, which was told before.
            if self.returncode is None:
                raise
            return self.returncode
        return self._ended(status.returncode)

    def communicate(
        self, input: Any = None, timeout: float | None = None, *, kill_tree: bool | None = None
    ) -> Any:
        """Feed the input, collect the output and wait, as subprocess.Popen.communicate.

        With kill_tree the process and all its descendants end when the time is over or the call is
        interrupted.
        """
        if not kill_tree:
            return super().communicate(input, timeout)
        try:
            return super().communicate(input, timeout)
        except BaseException:
            self._kill(True)
            raise

    def _kill(self, tree: bool | None) -> None:
        """End the process, and with `tree` all that descends from it."""
        process = self._process
        if not tree or process is None or self.returncode is not None:
            self.kill()
            return
        try:
            process.kill_tree()
        except OSError:
            self.kill()
        settings = self._settings
        if settings.get("session") or self._leads:
            # Those whose parents have ended are in no tree any more, but in its group.
            with contextlib.suppress(OSError):
                process.send_signal(signal.SIGKILL, scope="group")

    def __exit__(self, kind: Any, value: Any, traceback: Any) -> None:
        process = self._process
        if (
            kind is None
            or process is None
            or self.returncode is not None
            or not self._settings.get("kill_on_close")
        ):
            super().__exit__(kind, value, traceback)
            return
        # The close policy ends the process: what waits for it from now on needs the pidfd alone.
        with contextlib.suppress(OSError, ValueError):
            self._process = _native.open(pidfd=process.pidfd)
        process.close()
        for stream in (self.stdin, self.stdout, self.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(_POLICY_SECONDS)

    def send_signal(self, sig: int) -> None:
        """Send a signal to the process, if it has not ended."""
        if self._process is None:
            super().send_signal(sig)
        # The poll is part of the meaning: a child that has ended is reaped, and gets nothing.
        elif self.poll() is None:
            try:
                self._process.send_signal(sig)
            except ProcessLookupError:
                pass
            except ValueError as error:
                # Reaped and closed by another thread since the poll; or no signal at all.
                if not self._process.closed:
                    raise make(errno.EINVAL, str(error), None, 0, 0, "InvalidInput") from None

    def __del__(self, _maxsize: int = sys.maxsize, _warn: Any = warnings.warn) -> None:
        process = self._process
        if process is not None and self.returncode is None and self._settings.get("kill_on_close"):
            # The base class keeps what still runs for a later poll: it would never be killed.
            _warn(f"subprocess {self.pid} is still running", ResourceWarning, source=self)
            process.close()
        else:
            super().__del__(_maxsize, _warn)  # type: ignore[call-arg]


if Popen.__doc__:
    Popen.__doc__ += f"\n\n{_native.SETTINGS}"


def _unknown(error: OSError, deadstate: int | None) -> int:
    """The status when somebody else has reaped the child and the kernel does not keep it (6.15).

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


def _become(keywords: dict[str, Any], settings: dict[str, Any]) -> None:
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
    """What os.execvpe would try: along the child's PATH, or along the caller's without an env."""
    if env is None:
        directories = os.environb.get(b"PATH", os.fsencode(os.defpath)).split(b":")
    else:
        directories = [os.fsencode(directory) for directory in os.get_exec_path(env)]
    return [directory + b"/" + program if directory else program for directory in directories]


def _settings_of(given: dict[str, Any], extra: dict[str, Any], copies: list[int]) -> dict[str, Any]:
    """procfd's settings for the arguments of subprocess; the caller closes the copies."""
    settings = dict(extra)
    actions = _redirections([given[name] for name in _CHILD_ENDS], copies)
    if given["close_fds"]:
        kept = sorted({int(fd) for fd in given["pass_fds"]})
        if kept and kept[0] < 0:
            raise ValueError("bad value(s) in fds_to_keep")
        actions.extend(("inherit", fd) for fd in kept)
    else:
        settings["inherit_all"] = True
    actions.extend(extra.get("actions") or ())
    if actions:
        settings["actions"] = actions
    if given["restore_signals"]:
        settings["sigdefault"] = {*_RESTORED, *(extra.get("sigdefault") or ())}
    if given["start_new_session"]:
        settings["session"] = True
    if given["umask"] >= 0:
        if given["umask"] > 0x7FFFFFFF:
            raise OverflowError("signed integer is greater than maximum")
        # As umask(2).
        settings["umask"] = given["umask"] & 0o777
    if given.get("process_group", -1) >= 0:
        settings["process_group"] = given["process_group"]
    if any(gid > 0xFFFFFFFF for gid in given["gids"] or ()):
        raise ValueError("invalid group id")
    for name, setting in _RENAMED:
        if given[name] is not None:
            settings[setting] = given[name]
    return settings


def _redirections(handles: list[int], copies: list[int]) -> list[tuple[Any, ...]]:
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
