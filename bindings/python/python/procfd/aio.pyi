# SPDX-License-Identifier: MIT OR Apache-2.0
from subprocess import DEVNULL, PIPE, STDOUT
from typing import Any, overload

from typing_extensions import TypeVar, Unpack

from ._keywords import Command, PopenKeywords, RunKeywords
from ._native import ExitStatus
from ._native import Process as _Process
from ._popen import Popen
from ._run import CompletedProcess
from ._transport import Process
from ._types import StrPath

__all__ = [
    "DEVNULL",
    "PIPE",
    "STDOUT",
    "Process",
    "create_subprocess_exec",
    "create_subprocess_shell",
    "run",
    "wait",
]

_Streams = TypeVar("_Streams", str, bytes, default=bytes)

async def create_subprocess_exec(
    program: StrPath,
    *args: StrPath,
    limit: int = 65536,
    **keywords: Unpack[PopenKeywords],
) -> Process: ...
async def create_subprocess_shell(
    cmd: str | bytes,
    stdin: Any = None,
    stdout: Any = None,
    stderr: Any = None,
    limit: int = 65536,
    **keywords: Any,
) -> Process: ...
async def run(
    args: Command, *popenargs: Any, **keywords: Unpack[RunKeywords[_Streams]]
) -> CompletedProcess[_Streams]: ...
@overload
async def wait(process: Popen[Any]) -> int: ...
@overload
async def wait(process: _Process) -> ExitStatus: ...
