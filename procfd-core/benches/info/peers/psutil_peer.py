# SPDX-License-Identifier: MIT OR Apache-2.0
"""psutil, timed by itself: a line of input is a pid, `new` and a pid, or `all`; of output, ns."""

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
        # A pid behind "new" is looked up each time, else what was found once answers again.
        pid = int(line.removeprefix("new "))
        process = known.setdefault(pid, psutil.Process(pid))
        before = time.perf_counter_ns()
        for _ in range(20):
            (psutil.Process(pid) if line.startswith("new") else process).as_dict(SET)
        print((time.perf_counter_ns() - before) // 20, flush=True)
