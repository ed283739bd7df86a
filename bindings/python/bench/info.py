#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Process.info and Snapshot beside psutil: twelve fields of one process and of all, single calls.

The times of the single calls are of a hundred. Arguments: rounds.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import procfd
from compare import interleaved, on_one_core, show

# What top shows of each process, by both names.
PSUTIL = [
    *("pid", "ppid", "name", "status", "uids", "gids", "create_time", "cpu_times"),
    *("memory_info", "num_threads", "nice", "terminal"),
]
PROCFD = [
    *("ids", "comm", "state", "creds", "start", "times", "memory", "memory_parts"),
    *("threads", "sched", "job", "faults"),
]


def hundred(call: Callable[[], object]) -> Callable[[], None]:
    """A call too short for the clock, a hundred times."""

    def repeated() -> None:
        for _ in range(100):
            call()

    return repeated


def main(rounds: int) -> None:
    try:
        import psutil
    except ImportError:
        print("skipped: psutil is not installed")
        return
    on_one_core()
    pid = os.getppid()
    theirs = psutil.Process(pid)
    ours = procfd.open(pid=pid)
    show(
        "twelve fields of one process, known before",
        interleaved(
            {"psutil": lambda: theirs.as_dict(PSUTIL), "procfd": lambda: ours.info(*PROCFD)},
            rounds,
        ),
        "at most 0.20 x",
    )

    def opened() -> None:
        with procfd.open(pid=pid) as process:
            process.info(*PROCFD)

    show(
        "twelve fields of one process, by its pid",
        interleaved(
            {"psutil": lambda: psutil.Process(pid).as_dict(PSUTIL), "procfd": opened},
            rounds,
        ),
        "at most 0.20 x",
    )
    cheap = ["pid", "ppid", "cpu_times"]
    show(
        "ids and CPU time of one process",
        interleaved(
            {
                "psutil": hundred(lambda: theirs.as_dict(cheap)),
                "procfd": hundred(lambda: ours.info("ids", "cpu_ns")),
            },
            rounds // 10,
        ),
        "as little as can be",
    )
    show(
        "cpu_times()",
        interleaved(
            {"psutil": hundred(theirs.cpu_times), "procfd": hundred(ours.cpu_times)}, rounds // 10
        ),
        "as little as can be",
    )
    show(
        "send_signal(0)",
        interleaved(
            {
                "psutil": hundred(lambda: theirs.send_signal(0)),
                "procfd": hundred(lambda: ours.send_signal(0)),
                "os.kill, of the number": hundred(lambda: os.kill(pid, 0)),
            },
            rounds // 10,
        ),
        "as little as can be",
    )
    kept = procfd.Snapshot(*PROCFD, keep=True)
    show(
        f"twelve fields of all processes ({len(psutil.pids())})",
        interleaved(
            {
                "psutil": lambda: [p.info for p in psutil.process_iter(PSUTIL)],
                "procfd": lambda: procfd.Snapshot(*PROCFD).all(),
                "procfd, keep=True": kept.all,
            },
            max(rounds // 30, 5),
        ),
        "at most 0.20 x",
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
