# SPDX-License-Identifier: MIT OR Apache-2.0
"""Popen: the standard library's, with procfd's start, wait and signals.

Streams, text modes, communicate() and the checks of the arguments are those of the interpreter's
own subprocess.Popen. Overridden are the methods that touch the process.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import functools
import subprocess
import sys
import threading
import warnings
from typing import TYPE_CHECKING, Any, AnyStr, cast

from . import _native
from ._errors import Error, Timeout, make
from ._genuine import EXECUTE as _START
from ._genuine import INIT as _STANDARD
from ._genuine import is_original
from ._launch import PIPES, PLAIN, become, end, launch, unknown

if TYPE_CHECKING:
    from subprocess import Popen as _Base

    from ._keywords import Command

else:
    from ._genuine import Popen as _Base

__all__ = ["CLOSE", "Popen"]

# The keywords that only newer interpreters take.
_ABSENT = {"pipesize", "process_group"} - _STANDARD
F_SETPIPE_SZ = 1031
_CHILD_ENDS = ("p2cread", "c2pwrite", "errwrite")
# The settings that a running process can be given.
CLOSE = frozenset({"kill_on_close", "close_scope", "close_then", "watch"})
# The keywords for which the base class does not take None.
_UNSET = ("umask", *_ABSENT, *({"pipesize", "process_group"} & _STANDARD))
# How long a `with` statement that an exception leaves waits for what its close policy ends.
_POLICY_SECONDS = 0.25


class Popen(_Base[AnyStr]):
    """A child process, as subprocess.Popen, behind a procfd.

    All arguments of subprocess.Popen have their meaning, and each setting of procfd.Context is a
    further keyword: ``Popen(["make"], kill_on_close=True, namespaces=...)``. No Python runs between
    the clone and the execution, and the cost of a start does not grow with your memory.

    ``wait(timeout)`` and ``communicate(timeout=...)`` sleep in the kernel until the process ends or
    the time is over. Signals go through the pidfd, and cannot hit another process.

    ``preexec_fn`` needs the interpreter in the child: it takes a fork, that of the standard library
    if it can. The documentation there names its dangers for programs with threads. A keyword here
    replaces most of its uses.

    ``process`` is the procfd.Process, and ``fileno()`` its descriptor, which you can pass on. If
    you ask for neither, the object closes its descriptors once the end of the process is known.
    """

    _process: _native.Process | None = None
    # Until the base class has opened some.
    stdin = stdout = stderr = None
    # Whether the caller has asked for the descriptors, which then live as long as this object.
    _shown = False
    # Whether an event loop has the pidfd, which must be open until it is taken out there.
    _polled = False
    # Whether it was started as the leader of a group of its own.
    _leads = False
    _settings: dict[str, Any]
    if TYPE_CHECKING:
        # Attributes of the base class that its stubs lack.
        text_mode: Any
        _close_pipe_fds: Any

    def __init__(self, args: Command, *popenargs: Any, **keywords: Any) -> None:
        if not popenargs and type(self) is Popen and _is_simple(keywords):
            self._start_simply(args, keywords)
            return
        for name in _UNSET:
            if name in keywords:
                value = keywords[name]
                if value is None or (value == -1 and name in _ABSENT):
                    del keywords[name]
        self._settings = {name: keywords.pop(name) for name in keywords.keys() - _STANDARD}
        if keywords.get("user") is not None:
            become(keywords, self._settings)
        elif self._settings.pop("login_env", None):
            raise ValueError("login_env is given together with user")
        try:
            super().__init__(args, *popenargs, **keywords)
        except BaseException:
            # After an interrupt the caller has no object to close them.
            for stream in (self.stdin, self.stdout, self.stderr):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()
            raise

    def _execute_child(self, *values: Any) -> None:
        given: dict[str, Any] = dict(zip(_START, values))
        # Only with 3.9, whose __init__ does not take it.
        if (pipesize := self._settings.pop("pipesize", None)) is not None:
            for name in ("p2cwrite", "c2pread", "errread"):
                if given[name] != -1:
                    fcntl.fcntl(given[name], F_SETPIPE_SZ, pipesize)
        preexec_fn = given["preexec_fn"]
        if preexec_fn is not None and not self._settings.keys() - CLOSE:
            self._standard_fork(values)
            return
        fork = None if preexec_fn is None else functools.partial(self._fork, given)
        self._started(launch(given["args"], given, self._settings, fork), given)
        if {*map(given.get, _CHILD_ENDS)} != {-1}:
            self._close_pipe_fds(*(given[name] for name in PIPES))

    def _start_simply(self, args: Command, keywords: dict[str, Any]) -> None:
        """Do what __init__ and _execute_child of the base class do where nothing is redirected."""
        if subprocess._active:  # type: ignore[attr-defined]
            subprocess._cleanup()  # type: ignore[attr-defined]
        given: dict[str, Any] = PLAIN
        extra: dict[str, Any] = {}
        if keywords:
            given = dict(PLAIN)
            for name, value in keywords.items():
                (given if name in _SIMPLE else extra)[name] = value
        vars(self).update(
            _ATTRIBUTES or {}, args=args, _settings=extra, _waitpid_lock=threading.Lock()
        )
        self._started(launch(args, given, extra), given)

    def _started(self, process: _native.Process, given: dict[str, Any]) -> None:
        self._process = process
        self._leads = given["start_new_session"] or given.get("process_group", -1) == 0
        self.pid = process.pid
        self._child_created = True

    def _fork(
        self,
        given: dict[str, Any],
        programs: list[bytes],
        args: list[Any],
        executable: Any,
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
                return self._ended(unknown(error, _deadstate))
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
        except Timeout:
            raise subprocess.TimeoutExpired(self.args, cast(float, timeout)) from None
        except OSError as error:
            return self._ended(unknown(error, None))
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
        end(process, tree, bool(self._leads or self._settings.get("session")))

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
        # The close policy ends the process, whose status is taken here. ValueError: it is closed.
        with contextlib.suppress(OSError, ValueError):
            process._leave()
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
        if process is not None and self.returncode is not None:
            return
        if process is not None and self._settings.get("kill_on_close"):
            # The base class keeps what still runs for a later poll: it would never be killed.
            _warn(f"subprocess {self.pid} is still running", ResourceWarning, source=self)
            process.close()
        else:
            super().__del__(_maxsize, _warn)  # type: ignore[call-arg]


class _Probe(_Base[bytes]):
    """Starts nothing: what the constructor leaves in it is what a Popen has before its start."""

    def _execute_child(self, *_: Any) -> None:
        pass


def _attributes() -> dict[str, Any] | None:
    """The attributes of a Popen without redirected streams; None if one is unknown."""
    if not is_original(_Base.__init__):
        return None
    found = vars(_Probe(["probe"]))
    # These are of each object.
    own = [found.pop(name, None) for name in ("args", "_waitpid_lock")]
    plain = all(isinstance(value, (bool, int, float, str, type(None))) for value in found.values())
    return found if plain and None not in own else None


_ATTRIBUTES = _attributes()
_BASE_INIT, _EXECUTE_CHILD = _Base.__init__, Popen._execute_child
# The arguments of subprocess.Popen that need none of its constructor, and those that do.
_SIMPLE = frozenset(
    (
        *("stdin", "stdout", "stderr", "bufsize", "shell", "cwd", "env", "executable"),
        "start_new_session",
    )
)
_NOT_SIMPLE = (_STANDARD - _SIMPLE) | {"args", "login_env", "pipesize", "process_group"}


def _is_simple(keywords: dict[str, Any]) -> bool:
    """Whether nothing is redirected, no method replaced, and all arguments are simple."""
    if _ATTRIBUTES is None or _Base.__init__ is not _BASE_INIT:
        return False
    if Popen._execute_child is not _EXECUTE_CHILD:
        return False
    get = keywords.get
    return not keywords or (
        _NOT_SIMPLE.isdisjoint(keywords)
        and get("stdin") is None
        and get("stdout") is None
        and get("stderr") is None
        and type(get("bufsize", -1)) is int
    )


if Popen.__doc__:
    Popen.__doc__ += f"\n\n{_native.SETTINGS}"
