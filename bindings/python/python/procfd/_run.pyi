# SPDX-License-Identifier: MIT OR Apache-2.0
import subprocess
from typing import Any

from typing_extensions import TypeVar, Unpack

from ._keywords import Command, OutputKeywords, PopenKeywords, RunKeywords
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
    args: Command, *popenargs: Any, **keywords: Unpack[RunKeywords[_Streams]]
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
    args: Command, *popenargs: Any, **keywords: Unpack[OutputKeywords[_Streams]]
) -> _Streams: ...
def getstatusoutput(
    cmd: str, *, encoding: str | None = None, errors: str | None = None
) -> tuple[int, str]: ...
def getoutput(cmd: str, *, encoding: str | None = None, errors: str | None = None) -> str: ...
