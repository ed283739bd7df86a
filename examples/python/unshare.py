#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""unshare(1): runs a command in new namespaces, and ends with its status.

    unshare.py [-CTUimnpru] [-H HOSTNAME] COMMAND [ARGUMENT]...

In a pid namespace the built-in init is pid 1 and the command pid 2.
"""

import argparse
import os
import sys

import procfd

NAMESPACES = {
    "C": "cgroup",
    "T": "time",
    "U": "user",
    "i": "ipc",
    "m": "mount",
    "n": "net",
    "p": "pid",
    "u": "uts",
}


def main() -> int:
    parser = argparse.ArgumentParser()
    for letter, name in NAMESPACES.items():
        parser.add_argument(f"-{letter}", action="append_const", dest="names", const=name)
    parser.add_argument("-r", action="store_true", help="-U, with the caller as root")
    parser.add_argument("-H", metavar="HOSTNAME")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    asked = parser.parse_args()
    if not asked.command:
        parser.error("no command")
    names = set(asked.names or []) | ({"user"} if asked.r else set())
    try:
        process = procfd.spawn(
            asked.command,
            namespaces=names,
            init="pid" in names,
            uid_map=[(0, os.geteuid(), 1)] if asked.r else None,
            gid_map=[(0, os.getegid(), 1)] if asked.r else None,
            hostname=asked.H,
            kill_on_close=True,
        )
    except procfd.Error as error:
        print(f"unshare: {error}", file=sys.stderr)
        return 125
    with process:
        status = process.wait()
    return status.returncode if status.returncode >= 0 else 128 - status.returncode


if __name__ == "__main__":
    sys.exit(main())
