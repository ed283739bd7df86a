#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""procfd.aio beside asyncio's subprocesses, of a program that does nothing. Arguments: rounds.

asyncio uses its PidfdChildWatcher: set here where it is not the only one (up to 3.13).
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import time
import warnings
from collections.abc import Awaitable, Callable

import procfd.aio
from compare import no_op, on_one_core, show

BATCH = 20


async def main(rounds: int) -> None:
    on_one_core()
    path = no_op()
    program = str(path)

    async def streams(create: Callable[..., Awaitable[asyncio.subprocess.Process]]) -> None:
        process = await create(program, stdout=-1, stderr=-1)
        await process.communicate()

    async def plain(create: Callable[..., Awaitable[asyncio.subprocess.Process]]) -> None:
        process = await create(program)
        await process.wait()

    cases: list[tuple[str, dict[str, Callable[[], Awaitable[object]]]]]
    standard, ours = asyncio.create_subprocess_exec, procfd.aio.create_subprocess_exec
    cases = [
        (
            "create and wait",
            {
                "asyncio": lambda: plain(standard),
                "procfd.aio": lambda: plain(ours),
                "procfd.aio.run": lambda: procfd.aio.run([program]),
            },
        ),
        (
            "create with two pipes and communicate",
            {
                "asyncio": lambda: streams(standard),
                "procfd.aio": lambda: streams(ours),
                "procfd.aio.run": lambda: procfd.aio.run([program], capture_output=True),
            },
        ),
        (
            f"the same, {BATCH} at once",
            {
                "asyncio": lambda: asyncio.gather(*(streams(standard) for _ in range(BATCH))),
                "procfd.aio": lambda: asyncio.gather(*(streams(ours) for _ in range(BATCH))),
                "procfd.aio.run": lambda: asyncio.gather(
                    *(procfd.aio.run([program], capture_output=True) for _ in range(BATCH))
                ),
            },
        ),
    ]
    for title, methods in cases:
        times: dict[str, list[float]] = {name: [] for name in methods}
        for warm in (True, False):
            for _ in range(3 if warm else rounds):
                for name in random.sample(list(methods), len(methods)):
                    start = time.perf_counter()
                    await methods[name]()
                    if not warm:
                        times[name].append(time.perf_counter() - start)
        medians = {name: statistics.median(values) for name, values in times.items()}
        show(title, medians, "at most 0.80 x")
    path.unlink()
    path.parent.rmdir()


async def watched(rounds: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        if hasattr(asyncio, "set_child_watcher"):
            watcher = asyncio.PidfdChildWatcher()
            watcher.attach_loop(asyncio.get_running_loop())
            asyncio.set_child_watcher(watcher)
        await main(rounds)


if __name__ == "__main__":
    asyncio.run(watched(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
