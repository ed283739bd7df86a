# SPDX-License-Identifier: MIT OR Apache-2.0
"""One program under test, in a process of its own: what it says, how it ends, what it leaves.

`scripts/check` starts this file with a job as JSON on standard input and reads the outcome from
standard output. The process is the subreaper of the program: it gets the processes that the program
leaves behind. No other program that runs at the same time gets them.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import tempfile
import time
from typing import Any

# How long what a program started may live on after it: the watcher ends by itself.
LINGER_SECONDS = 5.0
PR_SET_CHILD_SUBREAPER = 36


def children() -> set[int]:
    found: set[int] = set()
    for path in pathlib.Path("/proc/self/task").glob("*/children"):
        found.update(int(pid) for pid in path.read_text().split())
    return found


def command_line(pid: int) -> str:
    try:
        raw = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        comm = pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return "?"
    return raw.replace(b"\0", b" ").decode(errors="replace").strip() or f"[{comm}]"


def reap() -> set[int]:
    """Reap what has come down to us from ended programs; return those that still live."""
    alive = set()
    for pid in children():
        try:
            if os.waitpid(pid, os.WNOHANG)[0] == 0:
                alive.add(pid)
        except ChildProcessError:
            pass
    return alive


def left_behind() -> list[str]:
    """Processes that outlived their program; they are killed. We are their subreaper."""
    end = time.monotonic() + LINGER_SECONDS
    while reap() and time.monotonic() < end:
        time.sleep(0.02)
    found = []
    for _ in range(100):
        alive = reap()
        if not alive:
            break
        for pid in alive:
            found.append(f"{pid} {command_line(pid)}")
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
    return sorted(set(found))


def execute(job: dict[str, Any]) -> dict[str, Any]:
    """Run to the end or to the time limit."""
    uid = job["uid"]
    os.nice(job["nice"])
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            job["command"],
            cwd=job["cwd"],
            env=job["env"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=uid,
            group=uid,
            extra_groups=None if uid is None else [],
            umask=job["umask"],
        )
        status: int | None
        try:
            status = process.wait(job["seconds"])
        except subprocess.TimeoutExpired:
            status = None
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        left = left_behind()
        output.seek(0)
        text = output.read().decode(errors="replace")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = used.ru_utime + used.ru_stime
    return {"status": status, "output": text, "left": left, "cpu": cpu}


def run(job: dict[str, Any]) -> dict[str, Any]:
    """For `scripts/check`: the outcome of a job, from a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__],
        input=json.dumps(job),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    outcome: dict[str, Any] = json.loads(done.stdout)
    return outcome


def main() -> None:
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    json.dump(execute(json.load(sys.stdin)), sys.stdout)


if __name__ == "__main__":
    main()
