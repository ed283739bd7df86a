#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""timeout(1): runs a command for at most so many seconds, and ends with its status; 124 when the
time was over, 125 when something else failed, 126 and 127 when it could not be executed.

    timeout.py SECONDS COMMAND [ARGUMENT]...

The command is in a process group of its own, all of which is killed when this program ends,
however it ends.
"""

import contextlib
import errno
import signal
import sys

import procfd


def run(seconds: float, command: list[str]) -> int:
    process = procfd.spawn(
        command,
        process_group=0,
        kill_on_close=True,
        close_scope="group",
    )
    with contextlib.closing(process):
        try:
            status = process.wait(seconds)
        except TimeoutError:
            process.send_signal(signal.SIGTERM, scope="group")  # Linux 6.9
            with contextlib.suppress(TimeoutError):
                process.wait(1)
            return 124
    return status.returncode if status.returncode >= 0 else 128 - status.returncode


def main() -> int:
    try:
        seconds, command = float(sys.argv[1]), sys.argv[2:]
        if not (command and seconds > 0):
            raise ValueError
    except (IndexError, ValueError):
        print("usage: timeout.py SECONDS COMMAND [ARGUMENT]...", file=sys.stderr)
        return 125
    try:
        return run(seconds, command)
    except procfd.Error as error:
        print(f"timeout: {error}", file=sys.stderr)
        return {errno.ENOENT: 127, errno.EACCES: 126, errno.ENOEXEC: 126}.get(error.errno or 0, 125)


if __name__ == "__main__":
    sys.exit(main())
