#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs a program with a socket as its descriptor 0, sends it a procfd, and starts a process."""

import ctypes
import os
import socket
import subprocess
import sys

PROC_CREATE, PROC_SET_EXEC = 0x100, 0x103


def main() -> int:
    stage = os.environ["PROCFD_STAGE"]
    library = ctypes.CDLL(f"{stage}/lib/libprocfd.so.1", use_errno=True)
    library.process_config.argtypes = [
        ctypes.c_int,
        ctypes.c_uint32,
        ctypes.c_uint64,
        ctypes.c_char_p,
        ctypes.c_size_t,
    ]
    library.process_open.argtypes = [ctypes.c_uint64]
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    program = subprocess.Popen(
        [sys.argv[1]], stdin=theirs.fileno(), stdout=subprocess.PIPE, text=True
    )
    procfd = library.process_open(0)
    socket.send_fds(ours, [b"f"], [procfd])
    assert library.process_config(procfd, PROC_SET_EXEC, 0, b"/bin/true", 0) == 0
    assert library.process_config(procfd, PROC_CREATE, 0, None, 0) > 0
    said, _ = program.communicate(timeout=30)
    print(said)
    return 0 if program.returncode == 0 and "exit code 0" in said else 1


if __name__ == "__main__":
    sys.exit(main())
