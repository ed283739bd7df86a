# SPDX-License-Identifier: MIT OR Apache-2.0
"""run() and the older functions of the subprocess module, over procfd's Popen."""

from __future__ import annotations

import subprocess
import sys
from subprocess import PIPE, STDOUT, CalledProcessError, TimeoutExpired
from typing import TYPE_CHECKING, Any, AnyStr, cast

from ._native import SETTINGS, Usage
from ._quick import run as _quick_run
from ._quick import usable

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._keywords import Command, PopenKeywords
    from ._popen import Popen

__all__ = [
    "CompletedProcess",
    "call",
    "check_call",
    "check_output",
    "getoutput",
    "getstatusoutput",
    "run",
]


# The functions that run are those of the package under these names: tests replace it there.
_package: Any = sys.modules[__package__]


class CompletedProcess(subprocess.CompletedProcess[AnyStr]):
    """subprocess.CompletedProcess, with what the process used.

    `usage` holds the CPU times, the largest memory and more of the process and the children that
    it waited for. It is None where another waiter has taken them from the kernel.
    """

    usage: Usage | None = None


def completed(process: Any, returncode: Any, stdout: Any, stderr: Any) -> CompletedProcess[Any]:
    return _checked(process.args, False, returncode, stdout, stderr, _usage(process))


def _usage(process: Any) -> Usage | None:
    behind = getattr(process, "_process", None)
    return None if behind is None or behind.status is None else behind.status.usage


def _checked(
    args: Any, check: bool, returncode: int, stdout: Any, stderr: Any, usage: Usage | None
) -> CompletedProcess[Any]:
    if check and returncode:
        raise CalledProcessError(returncode, args, output=stdout, stderr=stderr)
    done: CompletedProcess[Any] = CompletedProcess(args, returncode, stdout, stderr)
    if usage is not None:
        done.usage = usage
    return done


def _kill(process: Any, tree: bool | None) -> None:
    """End a process, and with `tree` all its descendants."""
    if tree:
        process._kill(tree)
    else:
        process.kill()


def piped(keywords: dict[str, Any], input: Any, capture_output: bool) -> None:
    """Put in the pipes that input and capture_output stand for."""
    if input is not None:
        if keywords.get("stdin") is not None:
            raise ValueError("stdin and input arguments may not both be used.")
        keywords["stdin"] = PIPE
    if capture_output:
        if keywords.get("stdout") is not None or keywords.get("stderr") is not None:
            raise ValueError("stdout and stderr arguments may not be used with capture_output.")
        keywords["stdout"] = keywords["stderr"] = PIPE


def run(
    args: Command,
    *popenargs: Any,
    input: Any = None,
    capture_output: bool = False,
    timeout: float | None = None,
    check: bool = False,
    kill_tree: bool | None = None,
    **keywords: Any,
) -> CompletedProcess[Any]:
    """Run a command, wait for it, and return a CompletedProcess.

    As subprocess.run, with procfd's settings as further keywords. With kill_tree the process and
    all its descendants end when the time is over or the call is interrupted.
    """
    piped(keywords, input, capture_output)
    process: Popen[Any]
    if not popenargs and usable(_package.Popen):
        done = _quick_run(args, input, timeout, kill_tree, keywords)
        if done is not None:
            return _checked(args, check, *done)
    with _package.Popen(args, *popenargs, **keywords) as process:
        try:
            stdout, stderr = process.communicate(input, timeout=timeout)
        except TimeoutExpired:
            _kill(process, kill_tree)
            process.wait()
            raise
        except BaseException:
            # The exit of the with statement waits; it knows how long after a Ctrl-C.
            _kill(process, kill_tree)
            raise
        returncode = cast(int, process.poll())
    return _checked(process.args, check, returncode, stdout, stderr, _usage(process))


def call(
    args: Command,
    *popenargs: Any,
    timeout: float | None = None,
    kill_tree: bool | None = None,
    **keywords: Unpack[PopenKeywords],
) -> int:
    """Run a command and return its status. As subprocess.call; kill_tree as run has it."""
    process: Popen[Any]
    with _package.Popen(args, *popenargs, **keywords) as process:
        try:
            return process.wait(timeout=timeout)
        except BaseException:
            _kill(process, kill_tree)
            raise


def check_call(
    args: Command,
    *popenargs: Any,
    timeout: float | None = None,
    kill_tree: bool | None = None,
    **keywords: Unpack[PopenKeywords],
) -> int:
    """Run a command; a status other than 0 is a CalledProcessError. As subprocess.check_call."""
    if kill_tree is not None:
        keywords = cast(Any, {**keywords, "kill_tree": kill_tree})
    returncode: int = _package.call(args, *popenargs, timeout=timeout, **keywords)
    if returncode:
        raise CalledProcessError(returncode, args)
    return 0


def check_output(args: Command, *popenargs: Any, **keywords: Any) -> Any:
    """Run a command and return its output. As subprocess.check_output."""
    for name in ("stdout", "check"):
        if name in keywords:
            raise ValueError(f"{name} argument not allowed, it will be overridden.")
    if "input" in keywords and keywords["input"] is None:
        # The standard function takes it for an empty input, and not for the caller's stdin.
        text = ("text", "universal_newlines", "encoding", "errors")
        keywords["input"] = "" if any(keywords.get(name) for name in text) else b""
    return _package.run(args, *popenargs, stdout=PIPE, check=True, **keywords).stdout


def getstatusoutput(
    cmd: str, *, encoding: str | None = None, errors: str | None = None
) -> tuple[int, str]:
    """Run a command in a shell: its status, and what it wrote. As subprocess.getstatusoutput."""
    try:
        output: str = _package.check_output(
            cmd, shell=True, text=True, stderr=STDOUT, encoding=encoding, errors=errors
        )
        status = 0
    except CalledProcessError as error:
        output, status = error.output, error.returncode
    return status, output[:-1] if output.endswith("\n") else output


def getoutput(cmd: str, *, encoding: str | None = None, errors: str | None = None) -> str:
    """Run a command in a shell and return what it wrote. As subprocess.getoutput."""
    output: str = _package.getstatusoutput(cmd, encoding=encoding, errors=errors)[1]
    return output


# help() of these lists the settings; with -OO there is none.
for _function in (run, call, check_call, check_output):
    if _function.__doc__:
        _function.__doc__ += f"\n\n{SETTINGS}"
del _function
