# SPDX-License-Identifier: MIT OR Apache-2.0
"""What type checkers see of the streams. Nothing of it runs: mypy reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import procfd

if TYPE_CHECKING:
    from typing_extensions import assert_type

    def of_run(command: list[str], name: str | None) -> None:
        assert_type(procfd.run(command), procfd.CompletedProcess[bytes])
        assert_type(procfd.run(command, text=False), procfd.CompletedProcess[bytes])
        assert_type(procfd.run(command, encoding=None, text=None), procfd.CompletedProcess[bytes])
        assert_type(procfd.run(command, text=True), procfd.CompletedProcess[str])
        assert_type(procfd.run(command, encoding="utf-8"), procfd.CompletedProcess[str])
        assert_type(procfd.run(command, errors="replace"), procfd.CompletedProcess[str])
        assert_type(procfd.run(command, universal_newlines=True), procfd.CompletedProcess[str])
        assert_type(procfd.run(command, text=True, cwd=name), procfd.CompletedProcess[str])
        procfd.run(command, text=3)  # type: ignore[arg-type]
        procfd.run(command, encoding=b"utf-8")  # type: ignore[arg-type]

    def of_the_others(command: list[str], keywords: dict[str, Any]) -> None:
        assert_type(procfd.Popen(command), procfd.Popen[bytes])
        assert_type(procfd.Popen(command, text=True, umask=0o22), procfd.Popen[str])
        assert_type(procfd.check_output(command), bytes)
        assert_type(procfd.check_output(command, encoding="utf-8", timeout=1), str)
        procfd.run(command, **keywords)


def test_the_classes_take_a_type() -> None:
    for generic in (procfd.CompletedProcess[str], procfd.Popen[bytes]):
        assert generic is not None
