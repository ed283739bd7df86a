# SPDX-License-Identifier: MIT OR Apache-2.0
import subprocess
from typing import Any, AnyStr, Literal, overload

from typing_extensions import Unpack

from . import _native
from ._keywords import Command, PopenKeywords

__all__ = ["Popen"]

class Popen(subprocess.Popen[AnyStr]):
    _process: _native.Process | None
    _shown: bool
    _polled: bool
    _leads: bool
    _settings: dict[str, Any]
    text_mode: Any
    # generated: overloads of Popen, by scripts/generate
    @overload
    def __init__(
        self: Popen[str],
        args: Command,
        *popenargs: Any,
        text: Literal[True],
        encoding: str | None = None,
        errors: str | None = None,
        universal_newlines: bool | None = None,
        **keywords: Unpack[PopenKeywords],
    ) -> None: ...
    @overload
    def __init__(
        self: Popen[str],
        args: Command,
        *popenargs: Any,
        text: bool | None = None,
        encoding: str,
        errors: str | None = None,
        universal_newlines: bool | None = None,
        **keywords: Unpack[PopenKeywords],
    ) -> None: ...
    @overload
    def __init__(
        self: Popen[str],
        args: Command,
        *popenargs: Any,
        text: bool | None = None,
        encoding: str | None = None,
        errors: str,
        universal_newlines: bool | None = None,
        **keywords: Unpack[PopenKeywords],
    ) -> None: ...
    @overload
    def __init__(
        self: Popen[str],
        args: Command,
        *popenargs: Any,
        text: bool | None = None,
        encoding: str | None = None,
        errors: str | None = None,
        universal_newlines: Literal[True],
        **keywords: Unpack[PopenKeywords],
    ) -> None: ...
    @overload
    def __init__(
        self: Popen[bytes],
        args: Command,
        *popenargs: Any,
        text: Literal[False] | None = None,
        encoding: None = None,
        errors: None = None,
        universal_newlines: Literal[False] | None = None,
        **keywords: Unpack[PopenKeywords],
    ) -> None: ...
    @overload
    def __init__(
        self: Popen[Any],
        args: Command,
        *popenargs: Any,
        text: bool | None = None,
        encoding: str | None = None,
        errors: str | None = None,
        universal_newlines: bool | None = None,
        **keywords: Unpack[PopenKeywords],
    ) -> None: ...
    # end of overloads of Popen
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
