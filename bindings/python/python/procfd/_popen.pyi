# SPDX-License-Identifier: MIT OR Apache-2.0
import subprocess
from typing import Any

from typing_extensions import TypeVar, Unpack

from . import _native
from ._keywords import Command, TextKeywords

__all__ = ["CLOSE", "Popen"]

_Streams = TypeVar("_Streams", str, bytes, default=bytes)

CLOSE: frozenset[str]

class Popen(subprocess.Popen[_Streams]):
    _process: _native.Process | None
    _shown: bool
    _polled: bool
    _leads: bool
    _settings: dict[str, Any]
    text_mode: Any
    def _execute_child(self, *values: Any) -> None: ...
    def __init__(
        self, args: Command, *popenargs: Any, **keywords: Unpack[TextKeywords[_Streams]]
    ) -> None: ...
    @property
    def process(self) -> _native.Process: ...
    def fileno(self) -> int: ...
    def _ended(self, returncode: int) -> int: ...
    def poll(self) -> int | None: ...
    def communicate(
        self, input: Any = None, timeout: float | None = None, *, kill_tree: bool | None = None
    ) -> Any: ...
    def _kill(self, tree: bool | None) -> None: ...
    def send_signal(self, sig: int) -> None: ...
    def __exit__(self, kind: Any, value: Any, traceback: Any) -> None: ...
