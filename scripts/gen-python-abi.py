#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Makes bindings/python/python/procfd/_abi.py, the constants and structures of include/procfd.h.

With --check nothing is written: the exit status says whether the file is as it would be made.
"""

from __future__ import annotations

import argparse
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
HEADER = ROOT / "include/procfd.h"
MODULE = ROOT / "bindings/python/python/procfd/_abi.py"

DEFINE = re.compile(r"^#define (PROC\w+) (.+)$", re.MULTILINE)
STRUCT = re.compile(r"^struct (procfd_\w+) \{\n(.*?)^\};$", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
MEMBER = re.compile(r"^\s*(?:const )?(struct )?(\w[\w ]*?) ((?:\*const )?\*?)(\w+)(?:\[(\w+)\])?;$")
NUMBER = re.compile(r"^(0x[0-9a-fA-F]+|\d+)(?:[uU]?[lL]*)$")

CTYPES = {
    "uint8_t": "c_uint8",
    "uint16_t": "c_uint16",
    "uint32_t": "c_uint32",
    "uint64_t": "c_uint64",
    "int32_t": "c_int32",
    "int64_t": "c_int64",
    "int": "c_int",
    "unsigned int": "c_uint",
    "size_t": "c_size_t",
    "char": "c_char",
}

HEAD = '''# SPDX-License-Identifier: MIT OR Apache-2.0
# Made from include/procfd.h by scripts/gen-python-abi.py: change it there.
"""The constants and structures of procfd.h."""

from __future__ import annotations

import ctypes
from typing import Any, ClassVar


class Structure(ctypes.Structure):
    """A structure of the header, which shows its members."""

    _fields_: ClassVar[Any] = []

    def __repr__(self) -> str:
        shown = (f"{name}={getattr(self, name)!r}" for name, *_ in self._fields_)
        return f"{type(self).__name__}({', '.join(shown)})"


'''


def constants(header: str) -> list[str]:
    """Assignments. What is not a plain number is a macro for C alone."""
    found = []
    for name, value in DEFINE.findall(header):
        number = NUMBER.match(value.split("/*")[0].strip().strip("()"))
        if number:
            # As ruff formats it.
            found.append(f"{name} = {number[1][:2]}{number[1][2:].upper()}")
    return found


def member(line: str) -> tuple[str, str] | None:
    """A member's name and its type for ctypes."""
    match = MEMBER.match(line)
    if not match:
        if line.strip():
            sys.exit(f"procfd.h: not understood: {line}")
        return None
    struct, kind, pointer, name, count = match.groups()
    if pointer:
        of = "ctypes.c_char_p" if (kind, pointer) == ("char", "*") else "ctypes.c_void_p"
    else:
        of = kind if struct else f"ctypes.{CTYPES[kind]}"
    return name, f"{of} * {count}" if count else of


def structure(name: str, body: str) -> str:
    """A class."""
    members = [m for m in map(member, COMMENT.sub("", body).splitlines()) if m]
    lines = [f"class {name}(Structure):", f'    """struct {name}."""', ""]
    lines += [f"    {member}: {annotation(of)}" for member, of in members]
    lines += ["", "    _fields_: ClassVar[Any] = ("]
    lines += [f'        ("{member}", {of}),' for member, of in members]
    return "\n".join([*lines, "    )"])


def annotation(of: str) -> str:
    """What an attribute of this type gives."""
    if "*" in of:
        return "bytes" if "c_char " in of else "ctypes.Array[Any]"
    if of in ("ctypes.c_char_p", "ctypes.c_void_p"):
        return "bytes | None" if of == "ctypes.c_char_p" else "int | None"
    return "int" if of.startswith("ctypes.") else of


def module(header: str) -> str:
    """The whole file."""
    classes = [structure(name, body) for name, body in STRUCT.findall(header)]
    return HEAD + "\n".join(constants(header)) + "\n\n\n" + "\n\n\n".join(classes) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    text = module(HEADER.read_text())
    if args.check:
        if not MODULE.exists() or MODULE.read_text() != text:
            print(f"{MODULE.relative_to(ROOT)} is not what {HEADER.name} makes: make header")
            return 1
    else:
        MODULE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
