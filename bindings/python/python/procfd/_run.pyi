# SPDX-License-Identifier: MIT OR Apache-2.0
import subprocess
from typing import Any, AnyStr, Literal, overload

from typing_extensions import Unpack

from ._keywords import Command, OutputKeywords, PopenKeywords
from ._native import Usage

__all__ = [
    "CompletedProcess",
    "call",
    "check_call",
    "check_output",
    "getoutput",
    "getstatusoutput",
    "run",
]

class CompletedProcess(subprocess.CompletedProcess[AnyStr]):
    usage: Usage | None

def completed(process: Any, returncode: Any, stdout: Any, stderr: Any) -> CompletedProcess[Any]: ...
def piped(keywords: dict[str, Any], input: Any, capture_output: bool) -> None: ...

# generated: overloads of run, by scripts/generate
@overload
def run(
    args: Command,
    *popenargs: Any,
    input: Any = None,
    capture_output: bool = False,
    timeout: float | None = None,
    check: bool = False,
    kill_tree: bool | None = None,
    text: Literal[True],
    encoding: str | None = None,
    errors: str | None = None,
    universal_newlines: bool | None = None,
    **keywords: Unpack[PopenKeywords],
) -> CompletedProcess[str]: ...
@overload
def run(
    args: Command,
    *popenargs: Any,
    input: Any = None,
    capture_output: bool = False,
    timeout: float | None = None,
    check: bool = False,
    kill_tree: bool | None = None,
    text: bool | None = None,
    encoding: str,
    errors: str | None = None,
    universal_newlines: bool | None = None,
    **keywords: Unpack[PopenKeywords],
) -> CompletedProcess[str]: ...
@overload
def run(
    args: Command,
    *popenargs: Any,
    input: Any = None,
    capture_output: bool = False,
    timeout: float | None = None,
    check: bool = False,
    kill_tree: bool | None = None,
    text: bool | None = None,
    encoding: str | None = None,
    errors: str,
    universal_newlines: bool | None = None,
    **keywords: Unpack[PopenKeywords],
) -> CompletedProcess[str]: ...
@overload
def run(
    args: Command,
    *popenargs: Any,
    input: Any = None,
    capture_output: bool = False,
    timeout: float | None = None,
    check: bool = False,
    kill_tree: bool | None = None,
    text: bool | None = None,
    encoding: str | None = None,
    errors: str | None = None,
    universal_newlines: Literal[True],
    **keywords: Unpack[PopenKeywords],
) -> CompletedProcess[str]: ...
@overload
def run(
    args: Command,
    *popenargs: Any,
    input: Any = None,
    capture_output: bool = False,
    timeout: float | None = None,
    check: bool = False,
    kill_tree: bool | None = None,
    text: Literal[False] | None = None,
    encoding: None = None,
    errors: None = None,
    universal_newlines: Literal[False] | None = None,
    **keywords: Unpack[PopenKeywords],
) -> CompletedProcess[bytes]: ...
@overload
def run(
    args: Command,
    *popenargs: Any,
    input: Any = None,
    capture_output: bool = False,
    timeout: float | None = None,
    check: bool = False,
    kill_tree: bool | None = None,
    text: bool | None = None,
    encoding: str | None = None,
    errors: str | None = None,
    universal_newlines: bool | None = None,
    **keywords: Unpack[PopenKeywords],
) -> CompletedProcess[Any]: ...

# end of overloads of run

def call(
    args: Command,
    *popenargs: Any,
    timeout: float | None = None,
    kill_tree: bool | None = None,
    **keywords: Unpack[PopenKeywords],
) -> int: ...
def check_call(
    args: Command,
    *popenargs: Any,
    timeout: float | None = None,
    kill_tree: bool | None = None,
    **keywords: Unpack[PopenKeywords],
) -> int: ...

# generated: overloads of check_output, by scripts/generate
@overload
def check_output(
    args: Command,
    *popenargs: Any,
    text: Literal[True],
    encoding: str | None = None,
    errors: str | None = None,
    universal_newlines: bool | None = None,
    **keywords: Unpack[OutputKeywords],
) -> str: ...
@overload
def check_output(
    args: Command,
    *popenargs: Any,
    text: bool | None = None,
    encoding: str,
    errors: str | None = None,
    universal_newlines: bool | None = None,
    **keywords: Unpack[OutputKeywords],
) -> str: ...
@overload
def check_output(
    args: Command,
    *popenargs: Any,
    text: bool | None = None,
    encoding: str | None = None,
    errors: str,
    universal_newlines: bool | None = None,
    **keywords: Unpack[OutputKeywords],
) -> str: ...
@overload
def check_output(
    args: Command,
    *popenargs: Any,
    text: bool | None = None,
    encoding: str | None = None,
    errors: str | None = None,
    universal_newlines: Literal[True],
    **keywords: Unpack[OutputKeywords],
) -> str: ...
@overload
def check_output(
    args: Command,
    *popenargs: Any,
    text: Literal[False] | None = None,
    encoding: None = None,
    errors: None = None,
    universal_newlines: Literal[False] | None = None,
    **keywords: Unpack[OutputKeywords],
) -> bytes: ...
@overload
def check_output(
    args: Command,
    *popenargs: Any,
    text: bool | None = None,
    encoding: str | None = None,
    errors: str | None = None,
    universal_newlines: bool | None = None,
    **keywords: Unpack[OutputKeywords],
) -> Any: ...

# end of overloads of check_output

def getstatusoutput(
    cmd: str, *, encoding: str | None = None, errors: str | None = None
) -> tuple[int, str]: ...
def getoutput(cmd: str, *, encoding: str | None = None, errors: str | None = None) -> str: ...
