#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""procfd.run beside subprocess.run, of a program that does nothing. Arguments: rounds.

All cases run in one process, interleaved in a random order; those with much memory come last.
"""

from __future__ import annotations

import functools
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import procfd
from compare import interleaved, no_op, on_one_core, show

NOBODY = 65534
CASES: list[tuple[str, dict[str, Any], str]] = [
    ("run", {}, "at most 0.90 x"),
    ("run(capture_output=True)", {"capture_output": True}, "at most 0.95 x"),
    ("run(capture_output=True, text=True)", {"capture_output": True, "text": True}, "-"),
    ("run(input=b'')", {"input": b""}, "-"),
    ("run(close_fds=False)", {"close_fds": False}, "at most 1.00 x"),
]
TIMEOUT = ("run(timeout=60)", {"timeout": 60}, "at most 0.15 x")
USER = ("run(user=)", {"user": NOBODY}, "at most 0.30 x")


def compared(command: list[str], cases: list[tuple[str, dict[str, Any], str]], rounds: int) -> None:
    """Both modules' run() for each case, and a Popen with a wait."""
    methods: dict[str, Callable[[], object]] = {}
    for title, keywords, _ in cases:
        for module in (subprocess, procfd):
            call = functools.partial(module.run, command, **keywords)
            methods[f"{module.__name__} {title}"] = call
    for module in (subprocess, procfd):
        methods[f"{module.__name__} Popen"] = functools.partial(started, module, command)
    found = interleaved(methods, rounds)
    for title, aim in [*((title, aim) for title, _, aim in cases), ("Popen", "-")]:
        both = {name: found[f"{name} {title}"] for name in ("subprocess", "procfd")}
        show(title, both, aim)


def started(module: Any, command: list[str]) -> None:
    module.Popen(command).wait()


def main(rounds: int) -> None:
    print(f"CPython {platform.python_version()}, Linux {platform.release()}, {rounds} rounds")
    on_one_core()
    path, late = no_op(), no_op(yields=True)
    user = [USER] if os.getuid() == 0 else []
    if not user:
        print("run(user=): skipped, needs root")
    try:
        compared([str(path)], CASES + user, rounds)
        print("of a program that yields once before it ends:")
        compared([str(late)], [CASES[0], TIMEOUT], rounds)
        # Written to, so that the pages are there and have to be copied by a fork.
        memory = b"x" * (1 << 30)
        print(f"with {len(memory) >> 20} MiB of memory:")
        compared([str(path)], [CASES[0], *user], max(rounds // 10, 3))
    finally:
        for program in (path, late):
            program.unlink()
            program.parent.rmdir()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
