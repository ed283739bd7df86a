#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""The parts that compiled programs rely on: procfd-capi/abi/libprocfd.abi, constants.txt.

libprocfd.abi is made by abidw from a library of stubs that a C compiler makes of the header and
the symbol map: Rust's debug information has none of the C types. As the calls take void pointers, a
further function per structure leads abidiff to it: of types that no function takes it overlooks
changes. That the real library has these symbols, and Rust these layouts, is for other gates to
say. A structure may grow at its end; that is how calls are extended (docs/abi-policy.md).

Run as a program it writes both files anew: `make abi-baseline`.
"""

from __future__ import annotations

import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

SONAME = "libprocfd.so.1"
PROTOTYPE = re.compile(r"^((?:int |const char \*)(\w+)\([^;{}]*\));", re.MULTILINE)
CONSTANT = re.compile(r"^#define (PROC\w+) (-?\w+)$", re.MULTILINE)
# What is counted in abidiff's summaries besides additions.
CHANGES = re.compile(r"^.* summary: (\d+) removed, (\d+) changed.*$", re.MULTILINE | re.IGNORECASE)
# A rule for each structure that only grew. One for all of them would hide other changes as well:
# abidiff takes a structure without insertions for one with all of its insertions at the end.
GROWTH = """
[suppress_type]
type_kind = struct
name = {}
has_data_member_inserted_at = end
"""
LEADS_TO = "leads_to_"
TOOL_ERROR = 1 | 2


def run(*command: str | pathlib.Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def without_comments(text: str) -> str:
    return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)


def prototypes(header: str) -> dict[str, str]:
    """Each call of the header, and its declaration."""
    return {name: text for text, name in PROTOTYPE.findall(without_comments(header))}


def constants(header: str) -> dict[str, int]:
    """The numbers that the header defines."""
    return {
        name: int(value.rstrip("uUlL"), 0)
        for name, value in CONSTANT.findall(without_comments(header))
    }


def stubs(root: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """A library with the symbols of the map and the types of the header."""
    header = root / "include/procfd.h"
    source, library, symbol_map = folder / "stubs.c", folder / SONAME, folder / "map"
    text = header.read_text()
    bodies = [f"{call} {{ return 0; }}" for call in prototypes(text).values()]
    bodies += [
        f"int {LEADS_TO}{name}(struct {name} *it) {{ return !it; }}"
        for name in re.findall(r"^struct (\w+) \{", text, re.MULTILINE)
    ]
    symbol_map.write_text(
        (root / "procfd-capi/abi/procfd.map").read_text() + f"STUBS {{ {LEADS_TO}*; }};\n"
    )
    source.write_text("\n".join(["#include <procfd.h>", *bodies, ""]))
    done = run(
        *shlex.split(os.environ.get("CC") or "cc"),
        *("-std=gnu11", "-g", "-O0", "-fPIC", "-shared"),
        f"-fdebug-prefix-map={folder}=.",
        *(f"-I{header.parent}", source, "-o", library, f"-Wl,-soname,{SONAME}"),
        f"-Wl,--version-script={symbol_map}",
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return library


def describe(library: pathlib.Path) -> str:
    """What abidw says of it, less what differs between two machines or two lines of the header."""
    done = run(
        *("abidw", "--no-comp-dir-path", "--no-corpus-path", "--no-show-locs", library),
    )
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return done.stdout


def architecture(described: str) -> str:
    found = re.search(r"architecture='([^']*)'", described)
    return found[1] if found else "unknown"


def symbols(described: str) -> dict[str, str]:
    """The functions of the baseline, each with its version."""
    found = re.findall(r"<elf-symbol name='([^']*)' version='([^']*)'", described)
    return {name: version for name, version in found if not name.startswith(LEADS_TO)}


def members(described: str) -> dict[str, list[list[str | None]]]:
    """Of each structure, the offsets, names and types of its fields."""
    corpus = ElementTree.fromstring(described)
    types: dict[str | None, str] = {}
    for element in corpus.iter():
        if element.tag in ("type-decl", "typedef-decl", "class-decl"):
            types[element.get("id")] = element.get("name", "")
    for element in corpus.iter("array-type-def"):
        lengths = [str(part.get("length")) for part in element.iter("subrange")]
        types[element.get("id")] = f"{types.get(element.get('type-id'))} {lengths}"
    found = {}
    for element in corpus.iter("class-decl"):
        found[element.get("name", "")] = [
            [
                member.get("layout-offset-in-bits"),
                field.get("name"),
                types.get(field.get("type-id")),
            ]
            for member in element.iter("data-member")
            for field in member.iter("var-decl")
        ]
    return found


def grown(old: str, new: str) -> list[str]:
    """The structures that have all their fields where they were, and more of them."""
    now = members(new)
    return [
        name
        for name, fields in members(old).items()
        if len(now.get(name, [])) > len(fields) and now[name][: len(fields)] == fields
    ]


def compare(root: pathlib.Path, baseline: pathlib.Path) -> list[str]:
    """The differences that break a program compiled against the baseline."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        library = stubs(root, folder)
        rules = "".join(map(GROWTH.format, grown(baseline.read_text(), describe(library))))
        (folder / "growth").write_text(rules)
        done = run("abidiff", "--suppressions", folder / "growth", baseline, library)
    if done.returncode & TOOL_ERROR or done.returncode < 0:
        return [done.stdout + done.stderr]
    found = CHANGES.findall(done.stdout)
    if any(int(removed) or int(changed) for removed, changed in found):
        return [done.stdout, "if nobody has the old interface: make abi-baseline"]
    return [] if found or done.returncode == 0 else [done.stdout]


def read_constants(text: str) -> dict[str, int]:
    rows = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    return {name: int(value, 0) for name, value in rows}


def constants_txt(values: dict[str, int]) -> str:
    head = "# SPDX-License-Identifier: MIT OR Apache-2.0\n# Made by make abi-baseline.\n"
    return head + "".join(f"{name} {value:#x}\n" for name, value in sorted(values.items()))


def main() -> None:
    root = pathlib.Path(__file__).resolve().parent.parent
    abi = root / "procfd-capi/abi"
    with tempfile.TemporaryDirectory() as folder:
        described = describe(stubs(root, pathlib.Path(folder)))
    (abi / "libprocfd.abi").write_text(described)
    values = constants((root / "include/procfd.h").read_text())
    (abi / "constants.txt").write_text(constants_txt(values))


if __name__ == "__main__":
    try:
        main()
    except (RuntimeError, OSError) as error:
        sys.exit(f"abi-baseline: {error}")
