# SPDX-License-Identifier: MIT OR Apache-2.0
"""The command line: run a program with a configuration, look at processes, wait, signal."""

from __future__ import annotations

import argparse
import os
import sys

from . import act, run, show, top


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    whole = argparse.ArgumentParser(
        prog="python -m procfd",
        description="Run, watch and manage processes by their descriptors.",
    )
    commands = whole.add_subparsers(metavar="COMMAND", required=True)
    for module in (run, show, top, act):
        module.add_to(commands)
    return whole


def main(arguments: list[str] | None = None) -> int:
    """The exit status of a command line."""
    given = parser().parse_args(arguments)
    try:
        status: int = given.function(given)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # The reader has seen enough; what is in the buffer cannot be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        print(f"procfd: {error}", file=sys.stderr)
        return run.FAILED if given.function is run.command else 1
