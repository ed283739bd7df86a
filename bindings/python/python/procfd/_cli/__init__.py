# SPDX-License-Identifier: MIT OR Apache-2.0
"""The command line: run a program with a configuration, look at processes, wait, signal."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys

from .. import _native
from . import act, info, run, show, top


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    whole = argparse.ArgumentParser(
        prog="procfd",
        description="Run, watch and manage processes by their descriptors.",
        epilog="procfd(1) is the manual page.",
    )
    whole.add_argument("--version", action="version", version=f"procfd {_native.VERSION}")
    commands = whole.add_subparsers(metavar="COMMAND", required=True)
    for module in (run, show, info, top, act):
        module.add_to(commands)
    return whole


def main(arguments: list[str] | None = None) -> int:
    """The exit status of a command line."""
    if sys.stdout is None:
        os.write(2, b"procfd: the standard output is closed\n")
        return 1
    # A name may have characters that the locale does not.
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    if sys.stderr is None:
        # What is said there must not go to the standard output.
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    given = parser().parse_args(act.in_full(sys.argv[1:] if arguments is None else arguments))
    try:
        status: int = given.function(given)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # The reader has seen enough.
        drop_output()
        return 141
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        print(f"procfd: {error.strerror or error}", file=sys.stderr)
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            return run.FAILED if given.function is run.command else 1
        drop_output()
        return 1


def drop_output() -> None:
    """The exit of the interpreter cannot write the rest of the buffer either."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
