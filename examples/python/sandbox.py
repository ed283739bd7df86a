#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs a command with little to lose: new user, mount, network, IPC and UTS namespaces, where it is
nobody; no new privileges; limits of CPU time, memory and file size; nothing of the caller's open
descriptors but 0, 1 and 2; killed when this program ends.

    sandbox.py COMMAND [ARGUMENT]...

It sees the caller's files, with the caller's rights: docs/security.md says what is a boundary and
what is not.
"""

import os
import resource
import sys

import procfd


def start(command: list[str]) -> procfd.Process:
    return procfd.spawn(
        command,
        env={"PATH": "/usr/bin:/bin", "HOME": "/", "LANG": "C.UTF-8"},
        namespaces=["user", "mount", "net", "ipc", "uts"],
        uid_map=[(65534, os.geteuid(), 1)],
        gid_map=[(65534, os.getegid(), 1)],
        hostname="sandbox",
        limits={
            resource.RLIMIT_CPU: 60,
            resource.RLIMIT_AS: 4 << 30,
            resource.RLIMIT_FSIZE: 64 << 20,
            resource.RLIMIT_CORE: 0,
            resource.RLIMIT_NOFILE: 256,
        },
        session=True,  # no terminal to push input into
        no_new_privs=True,
        umask=0o077,
        nice=19,
        kill_on_close=True,
    )


def main() -> int:
    if len(sys.argv) < 2:
        print("usage: sandbox.py COMMAND [ARGUMENT]...", file=sys.stderr)
        return 125
    try:
        with start(sys.argv[1:]) as process:
            status = process.wait()
    except procfd.Error as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 125
    return status.returncode if status.returncode >= 0 else 128 - status.returncode


if __name__ == "__main__":
    sys.exit(main())
