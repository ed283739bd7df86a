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

# exit(0), for the machines whose words are short.
EXIT = {
    "x86_64": (62, bytes.fromhex("31ff b83c000000 0f05".replace(" ", ""))),
    "aarch64": (183, struct.pack("<3I", 0xD2800000, 0xD2800BA8, 0xD4000001)),
}


def no_op() -> pathlib.Path:
    """A static program of three instructions: what remains is the cost of starting and waiting."""
    machine, code = EXIT[platform.machine()]
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


def interleaved(methods: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The median seconds of each: a round calls each once, in a random order."""
    times: dict[str, list[float]] = {name: [] for name in methods}
    for warm in (True, False):
        for _ in range(5 if warm else rounds):
            for name in random.sample(list(methods), len(methods)):
                start = time.perf_counter()
                methods[name]()
                if not warm:
                    times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def show(title: str, medians: dict[str, float], aim: str) -> None:
    """One comparison: the first is what the others are measured by."""
    base = next(iter(medians.values()))
    print(f"{title} (aim: {aim})")
    for name, seconds in medians.items():
        print(f"    {name:<44} {seconds * 1e6:10.1f} µs  {seconds / base:6.2f} x")
