#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Hands a process to another program, which then is what keeps it alive, and learns how it ends.

    handover.py keep SOCKET                            waits for a process, and ends with its status
    handover.py run SOCKET COMMAND [ARGUMENT]...       starts the command, hands it over, and ends

The keeper has the descriptor before there is a process. Once it is started and "run" is gone, the
last procfd is the keeper's: if the keeper ends, the kernel kills the process.
"""

import os
import select
import socket
import sys

import procfd


def poll(fd: int, events: int) -> None:
    """Sleeps until one of the events, or a hang-up, which is reported unasked."""
    poller = select.poll()
    poller.register(fd, events)
    poller.poll()


def keep(path: str) -> int:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        listener.listen(1)
        with listener.accept()[0] as connection:
            _, (fd,), _, _ = socket.recv_fds(connection, 1, 1)
    # The start; or the hang-up, if the other side is gone without one.
    poll(fd, select.POLLIN)
    try:
        process = procfd.open(fd=fd)
    except ProcessLookupError:
        print("handover: it was never started", file=sys.stderr)
        return 125
    os.close(fd)  # open() has made a duplicate
    print("started", flush=True)
    poll(process.fileno(), 0)
    status = process.wait()
    if status.signal is None:
        print(f"exit code {status.returncode}")
        return status.returncode
    print(f"signal {status.signal}")
    return 128 + status.signal


def run(path: str, command: list[str]) -> int:
    # With the exit event, for the keeper.
    context = procfd.Context(command[0], command, search=True, watch=True, kill_on_close=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(path)
        socket.send_fds(connection, [b"p"], [context.fileno()])
    process = context.create()
    assert process is not None  # which is for the child of a fork
    process.warns = False  # that it goes on without us is meant
    process.close()
    return 0


def main() -> int:
    try:
        if len(sys.argv) == 3 and sys.argv[1] == "keep":
            return keep(sys.argv[2])
        if len(sys.argv) > 3 and sys.argv[1] == "run":
            return run(sys.argv[2], sys.argv[3:])
    except OSError as error:
        print(f"handover: {error}", file=sys.stderr)
        return 125
    print("usage: handover.py keep SOCKET, handover.py run SOCKET COMMAND...", file=sys.stderr)
    return 125


if __name__ == "__main__":
    sys.exit(main())
