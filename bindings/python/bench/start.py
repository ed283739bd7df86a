#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""procfd.run beside subprocess.run, of a program that does nothing. Arguments: rounds."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from typing import Any

import procfd
from compare import interleaved, no_op, on_one_core, show

NOBODY = 65534


def main(rounds: int) -> None:
    on_one_core()
    path = no_op()
    command = [str(path)]
    try:
        cases: list[tuple[str, dict[str, Any], str]] = [
            ("run", {}, "at most 1.00 x"),
            ("run(capture_output=True)", {"capture_output": True}, "at most 1.00 x"),
            ("run(timeout=60)", {"timeout": 60}, "at most 0.15 x"),
            ("run(close_fds=False)", {"close_fds": False}, "at most 1.00 x"),
        ]
        for title, keywords, aim in cases:
            medians = interleaved(
                {
                    "subprocess": functools.partial(subprocess.run, command, **keywords),
                    "procfd": functools.partial(procfd.run, command, **keywords),
                },
                rounds,
            )
            show(title, medians, aim)
        memory = []
        for megabytes in (0, 1024):
            # Written to, so that the pages are there and have to be copied by a fork.
            memory.append(b"x" * (megabytes << 20))
            title = f"run with {megabytes} MiB of memory"
            show(
                title,
                interleaved(
                    {
                        "subprocess": lambda: subprocess.run(command),
                        "procfd": lambda: procfd.run(command),
                    },
                    max(rounds // 10, 3),
                ),
                "at most 1.00 x",
            )
            if os.getuid() != 0:
                print(f"{title}, user=: skipped, needs root")
                continue
            show(
                f"{title}, user=",
                interleaved(
                    {
                        "subprocess": lambda: subprocess.run(command, user=NOBODY),
                        "procfd": lambda: procfd.run(command, user=NOBODY),
                    },
                    max(rounds // 10, 3),
                ),
                "at most 0.10 x",
            )
    finally:
        path.unlink()
        path.parent.rmdir()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
