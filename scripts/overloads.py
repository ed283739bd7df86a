# SPDX-License-Identifier: MIT OR Apache-2.0
"""The overloads of the stubs of Popen, run and check_output, for scripts/generate."""

from __future__ import annotations

import textwrap

# The text modes of subprocess, and what they make of the streams: each of the four alone gives str.
TEXT = {"text": "bool", "encoding": "str", "errors": "str", "universal_newlines": "bool"}


def signatures(name: str, first: str, more: list[str], keywords: str, result: str) -> str:
    """A signature for each text mode; "%s" in first and result is the type of the streams."""
    indent = "    " if "self" in first else ""
    parts = []
    for streams in [*TEXT, "bytes", "Any"]:
        of = "str" if streams in TEXT else streams
        modes = []
        for mode, kind in TEXT.items():
            if mode == streams:
                modes.append(f"{mode}: {kind.replace('bool', 'Literal[True]')}")
            elif streams == "bytes":
                modes.append(f"{mode}: {'Literal[False] | ' * (kind == 'bool')}None = None")
            else:
                modes.append(f"{mode}: {kind} | None = None")
        lines = [first.replace("%s", of), "*popenargs: Any", *more, *modes]
        lines.append(f"**keywords: Unpack[{keywords}]")
        body = "".join(f"    {line},\n" for part in lines for line in part.split("\n"))
        signature = f"@overload\ndef {name}(\n{body}) -> {result.replace('%s', of)}: ...\n"
        parts.append(textwrap.indent(signature, indent))
    return "".join(parts)


def popen() -> str:
    return signatures("__init__", "self: Popen[%s]\nargs: Command", [], "PopenKeywords", "None")


def run() -> str:
    more = ["input: Any = None", "capture_output: bool = False", "timeout: float | None = None"]
    more += ["check: bool = False", "kill_tree: bool | None = None"]
    return signatures("run", "args: Command", more, "PopenKeywords", "CompletedProcess[%s]") + "\n"


def check_output() -> str:
    return signatures("check_output", "args: Command", [], "OutputKeywords", "%s") + "\n"
