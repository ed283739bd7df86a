# SPDX-License-Identifier: MIT OR Apache-2.0
"""run() without a Popen, for what most calls ask: no Python in the child.

It leaves the rest to Popen, and all calls if a program has replaced a method of Popen.
"""

from __future__ import annotations

import codecs
import contextlib
import subprocess
import sys
from operator import attrgetter
from subprocess import DEVNULL, PIPE, STDOUT, TimeoutExpired
from time import monotonic
from typing import TYPE_CHECKING, Any

from . import _native
from ._errors import Timeout
from ._genuine import INIT, is_original
from ._genuine import Popen as _Base
from ._launch import PLAIN, end, launch, unknown
from ._popen import CLOSE, Popen

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["run", "usable"]

# The arguments of subprocess.Popen that are understood here.
_KNOWN = frozenset(
    (
        *("cwd", "env", "shell", "executable", "stdin", "stdout", "stderr", "user"),
        *("text", "universal_newlines", "encoding", "errors"),
        *("close_fds", "restore_signals", "start_new_session"),
    )
)
# The keywords that need a Popen: its other arguments, and the settings that it handles itself.
_OTHERS = (INIT - _KNOWN) | CLOSE | {"args", "login_env", "pipesize", "process_group"}
# The value with which setresuid(2) keeps an id.
_NO_ID = 0xFFFFFFFF
# How long an interrupted wait goes on: the signal of a terminal has reached the child too.
_INTERRUPTED_SECONDS = 0.25
# And that for one that has been killed.
_KILLED_SECONDS = 2.0


# The methods that a run with a Popen would call.
_of_popen = attrgetter(
    *("__init__", "__enter__", "__exit__", "_execute_child"),
    *("communicate", "poll", "wait", "kill", "send_signal"),
)
_of_base = attrgetter("__init__", "__exit__", "communicate", "_execute_child")


_POPEN, _BASE = _of_popen(Popen), _of_base(_Base)
# False where one was wrapped before this module was imported.
_ALL_OWN = all(map(is_original, (*_POPEN, *_BASE)))


def usable(popen: Any) -> bool:
    """Whether what run() would call is ours: a mock, a subclass or a logger wants its calls."""
    return popen is Popen and _ALL_OWN and _of_popen(Popen) == _POPEN and _of_base(_Base) == _BASE


def run(
    args: Any,
    data: Any,
    timeout: float | None,
    kill_tree: bool | None,
    keywords: dict[str, Any],
) -> tuple[int, Any, Any, _native.Usage | None] | None:
    """The returncode, output, errors and usage of a command; None if it needs a Popen.

    `data` is its input where its stdin is a pipe.
    """
    if subprocess._active:  # type: ignore[attr-defined]
        subprocess._cleanup()  # type: ignore[attr-defined]
    if not keywords:
        process = launch(args, PLAIN, {})
        code, _, usage = _finish(process, args, None, timeout, kill_tree, False)
        return code, None, None, usage
    if not _OTHERS.isdisjoint(keywords):
        return None
    given, extra = dict(PLAIN), {}
    for name, value in keywords.items():
        if name in _KNOWN:
            given[name] = value
        else:
            extra[name] = value
    codec = _codec(given)
    if codec is None or not _become(given, extra):
        return None
    decode, encode = codec
    stdin, stdout, stderr = given.get("stdin"), given.get("stdout"), given.get("stderr")
    if stdin == PIPE:
        data = encode(data)
        if data is None:
            return None
    if STDOUT in (stdin, stdout):
        return None
    ends = _native.Ends()
    try:
        try:
            given["p2cread"] = ends.input(data) if stdin == PIPE else _number(ends, "", stdin)
            given["c2pwrite"] = writer = _number(ends, "output", stdout)
            if stderr != STDOUT:
                given["errwrite"] = _number(ends, "stderr", stderr)
            elif writer != -1:
                given["errwrite"] = writer
            else:
                given["errwrite"] = sys.__stdout__.fileno()  # type: ignore[union-attr]
            process = launch(args, given, extra)
        finally:
            ends.started()
        leads = bool(given["start_new_session"] or extra.get("session"))
        code, read, usage = _finish(process, args, ends, timeout, kill_tree, leads)
    finally:
        ends.close()
    output, errors = read.get("output"), read.get("stderr")
    return (
        code,
        None if output is None else decode(output),
        None if errors is None else decode(errors),
        usage,
    )


def _number(ends: _native.Ends, name: str, stream: Any) -> int:
    """The descriptor that the child gets for one of its streams; -1 for none."""
    if stream is None:
        return -1
    if stream == PIPE:
        return ends.output(name)
    if stream == DEVNULL:
        return ends.null()
    return stream if isinstance(stream, int) else int(stream.fileno())


def _binary(data: Any) -> bytes | None:
    return data if type(data) is bytes else None


def _codec(
    given: dict[str, Any],
) -> tuple[Callable[[bytes], Any], Callable[[Any], bytes | None]] | None:
    """From bytes to what the caller gets, and back; None for what the standard library refuses."""
    text, newlines = given.get("text"), given.get("universal_newlines")
    encoding, errors = given.get("encoding"), given.get("errors")
    if text is None and newlines is None and encoding is None and errors is None:
        return bytes, _binary
    if text is not None and newlines is not None and bool(text) != bool(newlines):
        return None
    if not (encoding or errors or text or newlines):
        return bytes, _binary
    if encoding is None:
        if getattr(sys.flags, "warn_default_encoding", 0):
            return None
        import locale

        encoding = locale.getpreferredencoding(False)
    try:
        known = codecs.lookup(encoding)
    except (LookupError, TypeError, ValueError):
        return None
    if not getattr(known, "_is_text_encoding", False) or not isinstance(errors, (str, type(None))):
        return None

    def decode(data: bytes) -> str:
        decoded = data.decode(encoding, errors or "strict")
        return decoded.replace("\r\n", "\n").replace("\r", "\n")

    def encode(data: Any) -> bytes | None:
        if type(data) is not str:
            return None
        with contextlib.suppress(UnicodeError, LookupError):
            return data.encode(encoding, errors or "strict")
        return None

    return decode, encode


def _become(given: dict[str, Any], extra: dict[str, Any]) -> bool:
    """Put in the ids of `user`; False for what the standard library refuses."""
    user = given.get("user")
    if user is None:
        return True
    if type(user) is str:
        import pwd

        try:
            pwd.getpwnam(user)
        except (KeyError, ValueError):
            return False
    elif type(user) is not int or not 0 <= user < _NO_ID:
        return False
    # Its groups are the start's to find.
    given["uid"], extra["user"] = None, user
    return True


def _finish(
    process: _native.Process,
    args: Any,
    ends: _native.Ends | None,
    timeout: float | None,
    kill_tree: bool | None,
    leads: bool,
) -> tuple[int, dict[str, bytes], _native.Usage | None]:
    """Give the input, collect the output and wait; what ends this early ends the process."""
    read: dict[str, bytes] = {}
    left = timeout
    try:
        if ends is not None:
            over = None if timeout is None else monotonic() + timeout
            complete, read = ends.exchange(timeout)
            if not complete:
                raise _expired(args, timeout, read)
            if over is not None:
                left = max(over - monotonic(), 0)
        try:
            status = process.wait(left)
        except Timeout:
            raise _expired(args, timeout, read) from None
        except OSError as error:
            return unknown(error, None), read, None
        return status.returncode, read, status.usage
    except KeyboardInterrupt:
        with contextlib.suppress(OSError):
            process.wait(_INTERRUPTED_SECONDS if left is None else min(left, _INTERRUPTED_SECONDS))
        end(process, kill_tree, leads)
        # Its end is near, unless the kernel holds it.
        with contextlib.suppress(OSError):
            process.wait(_KILLED_SECONDS)
        raise
    except BaseException:
        end(process, kill_tree, leads)
        with contextlib.suppress(OSError):
            process.wait()
        raise
    finally:
        process.close()


def _expired(args: Any, timeout: float | None, read: dict[str, bytes]) -> TimeoutExpired:
    output, errors = read.get("output"), read.get("stderr")
    return TimeoutExpired(args, timeout or 0, output=output or None, stderr=errors or None)
