#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""procfd.aio beside asyncio's subprocesses, of a program that does nothing. Arguments: rounds.

asyncio uses its PidfdChildWatcher: set here where it is not the only one (up to 3.13).
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
import warnings
from collections.abc import Awaitable, Callable

import procfd.aio
from compare import no_op, on_one_core, quartiles, show

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

    cases: list[tuple[str, str, dict[str, Callable[[], Awaitable[object]]]]]
    standard, ours = asyncio.create_subprocess_exec, procfd.aio.create_subprocess_exec
    cases = [
        (
            "create and wait",
            "at most 0.85 x",
            {
                "asyncio": lambda: plain(standard),
                "procfd.aio": lambda: plain(ours),
                "procfd.aio.run": lambda: procfd.aio.run([program]),
            },
        ),
        (
            "create with two pipes and communicate",
            "at most 0.80 x",
            {
                "asyncio": lambda: streams(standard),
                "procfd.aio": lambda: streams(ours),
                "procfd.aio.run": lambda: procfd.aio.run([program], capture_output=True),
            },
        ),
        (
            f"the same, {BATCH} at once",
            "at most 0.80 x",
            {
                "asyncio": lambda: asyncio.gather(*(streams(standard) for _ in range(BATCH))),
                "procfd.aio": lambda: asyncio.gather(*(streams(ours) for _ in range(BATCH))),
                "procfd.aio.run": lambda: asyncio.gather(
                    *(procfd.aio.run([program], capture_output=True) for _ in range(BATCH))
                ),
            },
        ),
    ]
    for title, aim, methods in cases:
        times: dict[str, list[float]] = {name: [] for name in methods}
        for _ in range(max(rounds, 2)):
            for name in random.sample(list(methods), len(methods)):
                await methods[name]()
                start = time.perf_counter()
                await methods[name]()
                times[name].append(time.perf_counter() - start)
        show(title, quartiles(times), aim)
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
