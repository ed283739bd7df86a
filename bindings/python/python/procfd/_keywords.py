# SPDX-License-Identifier: MIT OR Apache-2.0
"""The types of what Popen and run take; nothing of it is needed at run time."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar, Union

from ._types import OpenSettings, StrPath

Command = Union[StrPath, Sequence[StrPath]]

# The type of stdout and stderr: str in the text modes. There is one signature and no overloads,
# because a type checker prints all keywords of six overloads for one wrong keyword.
_Streams = TypeVar("_Streams", covariant=True)


class TextMode(Protocol[_Streams]):
    """A bool for `text`, which stands for str; that it is False, a type checker sees apart."""

    def __str__(self) -> _Streams: ...  # type: ignore[override]
    def __and__(self, other: bool, /) -> bool: ...


class TextName(Protocol[_Streams]):
    """A str for `encoding` and `errors`, which stands for str."""

    def upper(self) -> _Streams: ...
    def isprintable(self) -> bool: ...


class PopenKeywords(OpenSettings, total=False):
    """The arguments of subprocess.Popen that are not the text modes, and procfd's settings."""

    bufsize: int
    executable: StrPath | None
    preexec_fn: Callable[[], Any] | None
    close_fds: bool
    shell: bool
    startupinfo: Any
    creationflags: int
    restore_signals: bool
    start_new_session: bool
    pass_fds: Collection[int]
    user: str | int | None
    group: str | int | None
    extra_groups: Iterable[str | int] | None
    pipesize: int


if TYPE_CHECKING:
    from typing_extensions import TypeVar as _TypeVar

    _Text = _TypeVar("_Text", str, bytes, default=bytes)
else:
    _Text = TypeVar("_Text", str, bytes)

# Before Python 3.11 a TypedDict cannot be generic.
if TYPE_CHECKING or sys.version_info >= (3, 11):

    class TextKeywords(PopenKeywords, Generic[_Text], total=False):
        """The same with the text modes, which say what the streams are."""

        text: Literal[False] | TextMode[_Text] | None
        encoding: TextName[_Text] | None
        errors: TextName[_Text] | None
        universal_newlines: Literal[False] | TextMode[_Text] | None

    class OutputKeywords(TextKeywords[_Text], Generic[_Text], total=False):
        """For check_output."""

        input: Any
        timeout: float | None
        kill_tree: bool | None

    class RunKeywords(OutputKeywords[_Text], Generic[_Text], total=False):
        """For run and aio.run."""

        capture_output: bool
        check: bool
