#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""From the end of a child to the return of the wait. Arguments: rounds."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import procfd
from compare import quartiles, show


def delay(popen: Any, wait: Callable[[Any], object]) -> float:
    """Another thread ends the child while this one waits for it."""
    with popen(["sleep", "60"]) as process:
        ended: list[float] = []

        def end() -> None:
            # Long enough for the wait to sleep, and for a loop to be at its longest pause.
            time.sleep(0.15)
            ended.append(time.perf_counter())
            os.kill(process.pid, 9)

        thread = threading.Thread(target=end)
        thread.start()
        wait(process)
        back = time.perf_counter()
        thread.join()
    return back - ended[0]


def main(rounds: int) -> None:
    methods: dict[str, tuple[Any, Callable[[Any], object]]] = {
        "os.waitpid": (subprocess.Popen, lambda p: os.waitpid(p.pid, 0)),
        "subprocess wait()": (subprocess.Popen, lambda p: p.wait()),
        "procfd wait()": (procfd.Popen, lambda p: p.wait()),
        "procfd wait(60)": (procfd.Popen, lambda p: p.wait(60)),
        "procfd communicate(timeout=60)": (procfd.Popen, lambda p: p.communicate(timeout=60)),
        "subprocess wait(60)": (subprocess.Popen, lambda p: p.wait(60)),
    }
    times: dict[str, list[float]] = {name: [] for name in methods}
    for _ in range(rounds):
        for name in random.sample(list(methods), len(methods)):
            times[name].append(delay(*methods[name]))
    show("wake-up after a kill", quartiles(times), "procfd at most 2.00 x")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 30)
