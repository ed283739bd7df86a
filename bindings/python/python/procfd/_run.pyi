# SPDX-License-Identifier: MIT OR Apache-2.0
import subprocess
from typing import Any, Literal

from typing_extensions import TypeVar, Unpack

from ._keywords import Command, OutputKeywords, PopenKeywords, TextMode, TextName
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

_Streams = TypeVar("_Streams", str, bytes, default=bytes)

class CompletedProcess(subprocess.CompletedProcess[_Streams]):
    usage: Usage | None

def completed(process: Any, returncode: Any, stdout: Any, stderr: Any) -> CompletedProcess[Any]: ...
def piped(keywords: dict[str, Any], input: Any, capture_output: bool) -> None: ...
def run(
    args: Command,
    *popenargs: Any,
    input: Any = None,
    capture_output: bool = False,
    timeout: float | None = None,
    check: bool = False,
    kill_tree: bool | None = None,
    text: Literal[False] | TextMode[_Streams] | None = None,
    encoding: TextName[_Streams] | None = None,
    errors: TextName[_Streams] | None = None,
    universal_newlines: Literal[False] | TextMode[_Streams] | None = None,
    **keywords: Unpack[PopenKeywords],
) -> CompletedProcess[_Streams]: ...
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
def check_output(
    args: Command,
    *popenargs: Any,
    text: Literal[False] | TextMode[_Streams] | None = None,
    encoding: TextName[_Streams] | None = None,
    errors: TextName[_Streams] | None = None,
    universal_newlines: Literal[False] | TextMode[_Streams] | None = None,
    **keywords: Unpack[OutputKeywords],
) -> _Streams: ...
def getstatusoutput(
    cmd: str, *, encoding: str | None = None, errors: str | None = None
) -> tuple[int, str]: ...
def getoutput(cmd: str, *, encoding: str | None = None, errors: str | None = None) -> str: ...
