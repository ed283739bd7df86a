# SPDX-License-Identifier: MIT OR Apache-2.0
"""psutil, timed by itself: a line of input is a pid or `all`, a line of output nanoseconds."""

import sys
import time

import psutil  # type: ignore[import-untyped]

SET = ["pid", "ppid", "status", "cpu_times", "memory_info", "name"]
known: dict[int, psutil.Process] = {}

print(psutil.__version__, flush=True)
for line in sys.stdin:
    if line.strip() == "all":
        before = time.perf_counter_ns()
        for process in psutil.process_iter(SET):
            process.info  # noqa: B018
        print(time.perf_counter_ns() - before, flush=True)
    else:
        pid = int(line)
        process = known.setdefault(pid, psutil.Process(pid))
        before = time.perf_counter_ns()
        for _ in range(20):
            process.as_dict(SET)
        print((time.perf_counter_ns() - before) // 20, flush=True)
