#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Make include/procfd.h from procfd-capi with cbindgen, and the layout tables from the header.

cbindgen writes every number in decimal and every comment on three lines, and passes Rust's
"# Safety" sections on. This script gives the constants the spelling of the source, in a form that
no C compiler reads as too small a type. It also tidies the comments.

The layout tables: procfd-capi/abi/layout.txt is what a C compiler says of each structure,
procfd-capi/abi/fields.rs lists the same for procfd-capi/tests/layout.rs, which compares Rust's.
"""

import argparse
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
CRATE = ROOT / "procfd-capi"

CONST = re.compile(r"^pub const (\w+): (\w+) = ([^;]+);", re.MULTILINE)
# The constants after an empty line or a section's comment, behind their own comments.
GROUP = re.compile(r"(?:\n|\n//[^/\n][^\n]*)\n(?:///[^\n]*\n)*pub const (\w+):")
STRUCT = re.compile(r"^#\[repr\(C\)\]\n(?:#\[[^\n]*\]\n)*pub struct (\w+)", re.MULTILINE)
NUMBER = re.compile(r"-?(0x[0-9a-fA-F_]+|[0-9][0-9_]*)$")
INT_MAX = 0x7FFF_FFFF


def fail(message: str) -> None:
    sys.exit(f"gen-header: {message}")


def sources() -> str:
    return "\n".join(path.read_text() for path in sorted((CRATE / "src").rglob("*.rs")))


def spelling(name: str, kind: str, literal: str) -> str:
    """The C spelling of a Rust constant. Without a suffix wherever an int holds the value, so
    that comparing with a call's result is no sign-compare, and ~X widens to all bits."""
    if not NUMBER.match(literal):
        fail(f"{name} is not a plain literal: {literal}")
    text = literal.replace("_", "")
    if abs(int(text, 0)) <= INT_MAX:
        return text
    return text + {"u32": "U", "u64": "ULL", "usize": "ULL", "i64": "LL"}[kind]


def run_cbindgen(binary: str, required: str) -> str:
    version = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True)
    if version.stdout.split()[-1] != required:
        fail(f"{binary} is {version.stdout.strip()}, not cbindgen {required}")
    # Without the dependencies, so that nothing has to be fetched.
    metadata = subprocess.run(
        ["cargo", "metadata", "--format-version=1", "--no-deps", "--offline"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    json.loads(metadata)
    with tempfile.TemporaryDirectory() as folder:
        meta = pathlib.Path(folder, "metadata.json")
        out = pathlib.Path(folder, "procfd.h")
        meta.write_text(metadata)
        done = subprocess.run(
            [
                binary,
                "--quiet",
                "--config",
                CRATE / "cbindgen.toml",
                "--metadata",
                meta,
                "--crate",
                "procfd-capi",
                "--output",
                out,
                CRATE,
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0 or not out.exists():
            fail(f"cbindgen failed: {done.stderr}")
        return out.read_text()


# A C-variadic function cannot be defined in stable Rust. Its prototype is made of that of the Rust
# function behind it, whose documentation it has.
VARIADIC = {
    "int procfd_ioctl_fixed(int fd, unsigned long request, void *arg);": (
        "int procfd_ioctl(int fd, unsigned long request, ...);"
    ),
}


def comment(match: re.Match[str]) -> str:
    indent = match.group(1)
    lines = [re.sub(r"^\s*\* ?", "", line) for line in match.group(2).splitlines()]
    kept: list[str] = []
    skipping = False
    for line in lines:
        if line.startswith("# "):
            skipping = line == "# Safety"
            line = line[2:] + ":"
        if not skipping:
            kept.append(re.sub(r"\[(`[^`]+`)\](?:\([^)]*\))?", r"\1", line).replace("`", ""))
    while kept and not kept[-1].strip():
        kept.pop()
    if len(kept) == 1 and len(indent) + len(kept[0]) <= 110:
        return f"{indent}/* {kept[0]} */\n"
    body = "".join(f"{indent} * {line}".rstrip() + "\n" for line in kept)
    return f"{indent}/*\n{body}{indent} */\n"


def tidy(text: str, source: str) -> str:
    spelt = {
        name: spelling(name, kind, value.strip()) for name, kind, value in CONST.findall(source)
    }

    def define(match: re.Match[str]) -> str:
        name, value = match.group(1), match.group(2)
        if name not in spelt:
            fail(f"{name} is not a constant of the source")
        if int(spelt[name].rstrip("UL"), 0) != int(value.rstrip("ul"), 0):
            fail(f"{name} is {value} to cbindgen, {spelt[name]} in the source")
        return f"#define {name} {spelt[name]}"

    text = re.sub(r"^#define (PROC\w*) (-?\d\w*)$", define, text, flags=re.MULTILINE)
    text = re.sub(r"^([ ]*)/\*\*\n((?:\s*\*(?!/).*\n)+)\s*\*/\n", comment, text, flags=re.MULTILINE)
    # One-line comments with their constants stand together, in the groups the source has.
    leaders = set(GROUP.findall(source))

    def join(match: re.Match[str]) -> str:
        return match.group(0) if match.group(1) in leaders else match.group(0)[1:]

    text = re.sub(r"\n(?=\n)(?:\n/\* .* \*/\n#define (PROC\w+))", join, text)
    text = re.sub(r"^(#endif|\})\s+// (.*)$", r"\1 /* \2 */", text, flags=re.MULTILINE)
    for ours, theirs in VARIADIC.items():
        if text.count(ours) != 1:
            fail(f"not there, or not once: {ours}")
        text = text.replace(ours, theirs)
    return text.replace("#endif  /*", "#endif /*")


def check(text: str, source: str) -> None:
    for name in STRUCT.findall(source):
        if not re.search(rf"^struct {name} {{$", text, re.MULTILINE):
            fail(f"struct {name} is not in the header: add it to [export] in cbindgen.toml")
    for name, _, _ in CONST.findall(source):
        if name.startswith("PROC") and not re.search(rf"^#define {name} ", text, re.MULTILINE):
            fail(f"{name} is not in the header")
    code = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    for word in ("enum", "union", "inline", "typedef", "static", "bool", "uintptr_t"):
        if re.search(rf"\b{word}\b", code):
            fail(f"the header must not have: {word}")
    if re.search(r"^\s+\w[^;()]*:\s*\d+;", code, re.MULTILINE):
        fail("the header must not have: bit-fields")


def structures(header: str) -> dict[str, list[str]]:
    """The structures of the header and the names of their fields, in order."""
    code = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    return {
        name: re.findall(r"(\w+)(?:\[\w+\])?;", body)
        for name, body in re.findall(r"^struct (\w+) \{(.*?)^\};", code, re.DOTALL | re.MULTILINE)
    }


def fields_rs(fields: dict[str, list[str]]) -> str:
    lines = [
        "// SPDX-License-Identifier: MIT OR Apache-2.0",
        "// Made by scripts/gen-header.py.",
        "{",
    ]
    lines += [f"    layout!({name} {{ {', '.join(names)} }});" for name, names in fields.items()]
    return "\n".join([*lines, "}", ""])


def layout_txt(fields: dict[str, list[str]], header: pathlib.Path) -> str:
    """Size and alignment of each structure, offset and size of each field, as C has them."""
    lines = [f'#include "{header.resolve()}"', "#include <stdio.h>", "int main(void) {"]
    for name, names in fields.items():
        kind = f"struct {name}"
        lines.append(f'printf("{name} %zu %zu\\n", sizeof({kind}), _Alignof({kind}));')
        for field in names:
            sizes = f"offsetof({kind}, {field}), sizeof((({kind} *)0)->{field})"
            lines.append(f'printf("{name}.{field} %zu %zu\\n", {sizes});')
    program = "\n".join([*lines, "return 0; }", ""])
    with tempfile.TemporaryDirectory() as folder:
        source, binary = pathlib.Path(folder, "layout.c"), pathlib.Path(folder, "layout")
        source.write_text(program)
        compiler = shlex.split(os.environ.get("CC") or "cc")
        subprocess.run([*compiler, "-std=c11", source, "-o", binary], check=True)
        return subprocess.run([binary], capture_output=True, text=True, check=True).stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cbindgen", required=True, help="the cbindgen to run")
    parser.add_argument("--require", required=True, help="the version it must have")
    parser.add_argument("--root", required=True, type=pathlib.Path, help="write below this folder")
    args = parser.parse_args()
    source = sources()
    text = tidy(run_cbindgen(args.cbindgen, args.require), source)
    check(text, source)
    header = args.root / "include/procfd.h"
    abi = args.root / "procfd-capi/abi"
    header.parent.mkdir(parents=True, exist_ok=True)
    abi.mkdir(parents=True, exist_ok=True)
    header.write_text(text)
    fields = structures(text)
    (abi / "fields.rs").write_text(fields_rs(fields))
    (abi / "layout.txt").write_text(layout_txt(fields, header))


if __name__ == "__main__":
    main()
