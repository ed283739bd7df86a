# SPDX-License-Identifier: MIT OR Apache-2.0
"""Output: tables for people, JSON for programs."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from typing import Any

from .. import ExitStatus
from .arguments import Target

__all__ = [
    "add_json",
    "as_data",
    "clean",
    "failed",
    "line",
    "print_json",
    "size",
    "table",
    "width",
]


def add_json(parser: argparse.ArgumentParser) -> None:
    """The option --json."""
    parser.add_argument("--json", action="store_true", help="print JSON, one object a line")


def print_json(data: Any) -> None:
    """One value, in one line."""
    print(json.dumps(data, ensure_ascii=True), flush=True)


def as_data(value: Any) -> Any:
    """The same as numbers, strings, lists and dicts."""
    if isinstance(value, ExitStatus):
        return {"code": value.code, "signal": value.signal, "dumped": value.dumped}
    if isinstance(value, dict):
        return {str(key): as_data(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_data(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    # A group of fields: its properties.
    names = [name for name in dir(type(value)) if not name.startswith("_")]
    return {name: as_data(getattr(value, name)) for name in names}


def failed(what: Target, error: OSError) -> None:
    """Says which process it was and why."""
    text = error.strerror or str(error)
    named = text if text.startswith("pid ") else f"pid {what.pid}: {text}"
    print(f"procfd: {named}", file=sys.stderr)


def width() -> int:
    """The columns of the terminal; no end if the output is not a terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 1 << 30


def clean(text: str) -> str:
    """A text that can be printed: a process may give itself any name."""
    text = os.fsencode(text).decode(errors="backslashreplace")
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def line(text: str, columns: int) -> str:
    return clean(text)[:columns]


def table(head: list[str], rows: list[list[Any]], columns: int, right: set[str]) -> list[str]:
    """Lines. The columns in `right` have their text at the right; the last one takes the rest."""
    shown = [head, *([("-" if cell is None else str(cell)) for cell in row] for row in rows)]
    widths = [max(len(row[n]) for row in shown) for n in range(len(head) - 1)]
    lines = []
    for row in shown:
        cells = [
            cell.rjust(wide) if name in right else cell.ljust(wide)
            for cell, wide, name in zip(row, widths, head)
        ]
        lines.append(line("  ".join([*cells, row[-1]]).rstrip(), columns))
    return lines


def size(count: int | None) -> str | None:
    """Bytes in the unit that leaves at most four digits."""
    if count is None:
        return None
    amount = float(count)
    for unit in ("", "K", "M", "G", "T"):
        if amount < 1000 or unit == "T":
            return f"{amount:.0f}{unit}" if amount >= 10 or not unit else f"{amount:.1f}{unit}"
        amount /= 1024
    return None
