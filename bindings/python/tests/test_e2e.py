# SPDX-License-Identifier: MIT OR Apache-2.0
"""The table of tests/e2e/cases through the Python interface."""

from __future__ import annotations

import errno
import os
import pathlib
from collections.abc import Iterator
from typing import Any

import procfd
import pytest
from e2e_keys import PLAIN

HERE = pathlib.Path(__file__).resolve()
TABLE = HERE.parent.parent / "e2e/cases"
if not TABLE.exists():
    TABLE = HERE.parents[3] / "tests/e2e/cases"

Words = list[str]
# By the numbers of linux/mempolicy.h and linux/prctl.h.
NUMA = {2: "bind", 3: "interleave"}
FEATURES = {0: "store_bypass", 1: "indirect_branch", 2: "l1d_flush"}
CONTROLS = {2: "enable", 4: "disable", 8: "force_disable"}


class Case:
    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: list[Words] = []

    def of(self, word: str) -> list[Words]:
        return [line[1:] for line in self.lines if line[0] == word]


def unescaped(word: str) -> str:
    letters = iter(word)
    known = {"n": "\n", "t": "\t", "\\": "\\", "e": ""}
    return "".join(known[next(letters)] if letter == "\\" else letter for letter in letters)


def cases() -> Iterator[Case]:
    case = None
    for line in TABLE.read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        words = [unescaped(word) for word in line.split("\t")]
        if words[0] == "case":
            if case is not None:
                yield case
            case = Case(words[1])
        else:
            assert case is not None
            case.lines.append(words)
    assert case is not None
    yield case


def pair(word: str) -> tuple[str, str]:
    name, _, value = word.partition("=")
    return name, value


def setting(key: str, values: Words) -> dict[str, Any]:
    """The keywords of one line."""
    numbers = [int(value) for value in values if value.isdigit()]
    simple: dict[str, Any] = {
        "program": lambda: {"program": values[0]},
        "search": lambda: {"program": values[0], "search": True},
        "args": lambda: {"args": values},
        "env": lambda: {"env": dict(map(pair, values))},
        "env_set": lambda: {"env_set": dict(map(pair, values))},
        "env_unset": lambda: {"env_unset": values},
        # In its place among the actions, as the table has it.
        "cwd": lambda: {"actions": [("chdir", values[0])]},
        "open": lambda: {"actions": [("open", numbers[0], values[1], os.O_RDONLY, 0)]},
        "data": lambda: {"actions": [("data", numbers[0], values[1].encode())]},
        "time_limit": lambda: {"time_limit": numbers[0] / 1000},
        "limit": lambda: {"limits": {numbers[0]: (numbers[1], numbers[2])}},
        "root": lambda: {"root": values[0]},
        "user": lambda: {"user": values[0]},
        "ioprio": lambda: {"ioprio": (numbers[0], numbers[1])},
        "scheduler": lambda: {"scheduler": numbers[0]},
        "affinity": lambda: {"affinity": numbers},
        "seccomp": lambda: {"seccomp": bytes.fromhex(values[0])},
        "setgroups": lambda: {"setgroups": values[0]},
        "sysctl": lambda: {"sysctls": {values[0]: values[1]}},
        "bind": lambda: {"mounts": [{"type": "rbind", "source": values[0], "target": values[1]}]},
        "pivot_root": lambda: {"pivot_root": values[0]},
        "mount_propagation": lambda: {"mount_propagation": values[0]},
        "numa": lambda: {"numa": f"{NUMA[numbers[0]]}:{values[1]}"},
        "speculation": lambda: {"speculation": {FEATURES[numbers[0]]: CONTROLS[numbers[1]]}},
        "namespaces": lambda: {"namespaces": values},
        "join_path": lambda: {"join": [(values[0], values[1])]},
        "uid_map_self": lambda: {"uid_map": [(0, os.geteuid(), 1)]},
        "gid_map_self": lambda: {"gid_map": [(0, os.getegid(), 1)]},
    }
    if key in PLAIN:
        return {key: PLAIN[key](values)}
    if key in ("dup", "null", "close", "close_range"):
        return {"actions": [(key, *numbers)]}
    result: dict[str, Any] = simple[key]()
    return result


def watch(case: Case, process: procfd.Process, output: int) -> None:
    """What it writes, and how it ends."""
    signals = [int(words[0]) for words in case.of("signal")]
    text = b""
    with open(output, "rb", buffering=0) as file:
        while part := file.read(4096):
            text += part
            while signals and b"\n" in text:
                process.send_signal(signals.pop())
    status = process.wait(20)
    assert text.decode() == (case.of("output") or [[""]])[0][0]
    assert status.code == next((int(words[0]) for words in case.of("exited")), None)
    assert status.signal == next((int(words[0]) for words in case.of("killed")), None)


@pytest.mark.parametrize("case", list(cases()), ids=lambda case: case.name)
def test_case(case: Case) -> None:
    need = next((words[0] for words in case.of("need")), None)
    if need == "root" and os.geteuid() != 0:
        pytest.skip("needs root")
    for path, text in (words for words in case.of("need") if len(words) == 2):
        if path == "!":
            is_so, path = not os.path.exists(text), text
        else:
            is_so = os.path.exists(path) and text in pathlib.Path(path).read_text()
        if not is_so:
            pytest.skip(f"{path} is not so on this machine")
    if need == "user" and os.geteuid() == 0:
        pytest.skip("needs a user other than root")
    reader, writer = os.pipe()
    # What a child must not have.
    inheritable = os.dup(0)
    os.set_inheritable(inheritable, True)
    try:
        with procfd.Context() as context:
            context.configure(actions=[("dup", writer, 1)])
            for key, *values in case.of("set"):
                context.configure(**setting(key, values))
            failing = case.of("fails")
            for stage, name, index in failing:
                with pytest.raises(procfd.Error) as caught:
                    context.create()
                error = caught.value
                assert (error.errno, error.index) == (getattr(errno, name), int(index))
                assert error.stage == int(stage)
            for key, *values in case.of("then"):
                context.configure(**setting(key, values))
            if failing and not case.of("then"):
                return
            process = context.create()
            assert process is not None
            os.close(writer)
            writer = -1
            output, reader = reader, -1
            with process:
                watch(case, process, output)
    finally:
        for fd in (reader, writer, inheritable):
            if fd >= 0:
                os.close(fd)
