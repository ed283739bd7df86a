# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the benchmarks share: a program that does nothing, and a fair comparison."""

from __future__ import annotations

import os
import pathlib
import platform
import random
import statistics
import struct
import tempfile
import time
from collections.abc import Callable

# exit(0), for the machines whose words are short; and sched_yield().
EXIT = {
    "x86_64": (62, bytes.fromhex("31ff b83c000000 0f05".replace(" ", ""))),
    "aarch64": (183, struct.pack("<3I", 0xD2800000, 0xD2800BA8, 0xD4000001)),
}
YIELD = {
    "x86_64": bytes.fromhex("b818000000 0f05".replace(" ", "")),
    "aarch64": struct.pack("<2I", 0xD2800F88, 0xD4000001),
}


def no_op(yields: bool = False) -> pathlib.Path:
    """A static program of three instructions: what remains is the cost of starting and waiting.

    One that yields runs after the process that starts it, also on one core and at a real-time
    priority: that one looks for its end too early, as with any program that does something.
    """
    machine, code = EXIT[platform.machine()]
    if yields:
        code = YIELD[platform.machine()] + code
    base, size = 0x400000, 120 + len(code)
    header = struct.pack(
        "<16sHHIQQQIHHHHHH",
        b"\x7fELF\x02\x01\x01",
        *(2, machine, 1, base + 120, 64, 0, 0, 64, 56, 1, 0, 0, 0),
    )
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, size, size, 0x1000)
    directory = pathlib.Path(tempfile.mkdtemp(prefix="procfd-bench."))
    path = directory / "no-op"
    path.write_bytes(header + segment + code)
    path.chmod(0o755)
    directory.chmod(0o755)
    return path


def on_one_core() -> None:
    """Parent and children on one core, as the figures scatter otherwise."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


Quartiles = tuple[float, float, float]


def quartiles(times: dict[str, list[float]]) -> dict[str, Quartiles]:
    """The first quarter, the median and the third quarter of each."""
    found: dict[str, Quartiles] = {}
    for name, values in times.items():
        first, median, third = statistics.quantiles(values, n=4, method="inclusive")
        found[name] = (first, median, third)
    return found


def interleaved(methods: dict[str, Callable[[], object]], rounds: int) -> dict[str, Quartiles]:
    """The seconds of each: a round calls each in a random order.

    Each timed call follows an untimed one of the same method, which so pays for what it leaves.
    """
    times: dict[str, list[float]] = {name: [] for name in methods}
    for _ in range(max(rounds, 2)):
        for name in random.sample(list(methods), len(methods)):
            methods[name]()
            start = time.perf_counter()
            methods[name]()
            times[name].append(time.perf_counter() - start)
    return quartiles(times)


def show(title: str, found: dict[str, Quartiles], aim: str) -> None:
    """One comparison: the first is what the others are measured by."""
    base = next(iter(found.values()))[1]
    print(f"{title} (aim: {aim})")
    for name, (first, median, third) in found.items():
        half = f"{first * 1e6:.1f}-{third * 1e6:.1f}"
        print(f"    {name:<32} {median * 1e6:9.1f} µs  {half:>17}  {median / base:6.2f} x")
