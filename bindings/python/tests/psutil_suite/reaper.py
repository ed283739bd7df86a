# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs a command, and reaps what it leaves behind, as the init of a machine does."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

PR_SET_CHILD_SUBREAPER = 36


def main() -> int:
    """Psutil's tests wait for orphans until something has reaped them."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    command = subprocess.Popen(sys.argv[1:])
    while True:
        pid, status = os.wait()
        if pid == command.pid:
            command.returncode = os.waitstatus_to_exitcode(status)
            return command.returncode


if __name__ == "__main__":
    sys.exit(main())
