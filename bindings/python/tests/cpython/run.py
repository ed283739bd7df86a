#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""CPython's own test suites, the installed copies of this interpreter, run against procfd.

The functions of subprocess, asyncio and os that start and await processes are replaced by procfd's
before the suite is loaded. Reports TAP: one point per test that ran. What the suites skip by
themselves (for other systems, mostly) and what exclusions.py names are comments.

    run.py [suite...]           all suites, or those whose name contains one of the arguments
    run.py --only SUITE [test]  one suite in this process, or those of its tests that match
"""

from __future__ import annotations

import asyncio
import asyncio.subprocess
import asyncio.unix_events
import concurrent.futures
import importlib
import importlib.util
import itertools
import os
import pathlib
import posix
import re
import subprocess
import sys
import tempfile
import traceback
import unittest
from collections.abc import Iterator
from typing import Any, TextIO

SUITES = {
    "test.test_subprocess": "",
    "test.test_asyncio.test_subprocess": "",
    "test.test_posix": r"\.TestPosixSpawn",
}
SUITE_SECONDS = 400
NOBODY = 65534
HERE = pathlib.Path(__file__).resolve().parent


def replace_functions() -> None:
    """procfd's functions in the places of the standard ones."""
    import procfd
    import procfd._transport
    import procfd.aio

    for name in (
        "Popen",
        "call",
        "check_call",
        "check_output",
        "getoutput",
        "getstatusoutput",
        "run",
    ):
        setattr(subprocess, name, getattr(procfd, name))
    for name in ("posix_spawn", "posix_spawnp"):
        for module in (os, posix):
            setattr(module, name, getattr(procfd, name))
    for name in ("create_subprocess_exec", "create_subprocess_shell"):
        for module in (asyncio, asyncio.subprocess):
            setattr(module, name, getattr(procfd.aio, name))
    # The transports that tests make through a loop, without create_subprocess_*.
    loop: Any = asyncio.unix_events._UnixSelectorEventLoop
    loop._make_subprocess_transport = procfd._transport.make_transport


class Report(unittest.TestResult):
    """TAP; the tests of the excluded names do not get here."""

    def __init__(self, out: TextIO) -> None:
        super().__init__()
        self.out = out
        self.count = 0
        self.troubles: list[str] = []

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self.troubles = []
        self.skip: str | None = None

    def addError(self, test: Any, err: Any) -> None:
        super().addError(test, err)
        self.note(test, self.errors)

    def addFailure(self, test: Any, err: Any) -> None:
        super().addFailure(test, err)
        self.note(test, self.failures)

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.troubles.extend(traceback.format_exception(*err))

    def addUnexpectedSuccess(self, test: Any) -> None:
        super().addUnexpectedSuccess(test)
        self.troubles.append("unexpected success")

    def addSkip(self, test: Any, reason: str) -> None:
        super().addSkip(test, reason)
        self.skip = reason

    def note(self, test: Any, kind: list[tuple[Any, str]]) -> None:
        text = kind[-1][1]
        if isinstance(test, unittest.TestCase):
            self.troubles.append(text)
        else:
            # The set-up or tear-down of a class or a module: not within a test.
            self.point(False, str(test), [text])

    def stopTest(self, test: unittest.TestCase) -> None:
        super().stopTest(test)
        if self.skip is not None and not self.troubles:
            print(f"# skipped by the suite: {test.id()}: {self.skip}", file=self.out, flush=True)
        else:
            self.point(not self.troubles, test.id(), self.troubles)

    def point(self, ok: bool, name: str, troubles: list[str]) -> None:
        self.count += 1
        print(f"{'ok' if ok else 'not ok'} {self.count} - {name}", file=self.out, flush=True)
        for line in "".join(troubles).splitlines():
            print(f"# {line}", file=self.out, flush=True)


def tests_of(suite: unittest.TestSuite) -> list[unittest.TestCase]:
    found: list[unittest.TestCase] = []
    for member in suite:
        found.extend(tests_of(member) if isinstance(member, unittest.TestSuite) else [member])
    return found


def run_one(name: str, wanted: str) -> int:
    """One suite in this process; TAP goes to a copy of stdout, as tests redirect the latter."""
    sys.path.insert(0, str(HERE))
    from exclusions import EXCLUDED

    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    replace_functions()
    # One test of 3.12 relies on this having been done by a test before it, and is the first here.
    asyncio.set_event_loop(None)
    report = Report(out)
    # The suites write into the current directory, one of them already when it is imported.
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        module = importlib.import_module(name)
        chosen = unittest.TestSuite()
        for test in tests_of(unittest.defaultTestLoader.loadTestsFromModule(module)):
            if not re.search(SUITES[name], test.id()) or not re.search(wanted, test.id()):
                continue
            reason = next((EXCLUDED[key] for key in EXCLUDED if re.search(key, test.id())), None)
            if reason is None:
                chosen.addTest(test)
            else:
                print(f"# excluded: {test.id()}: {reason}", file=out, flush=True)
        chosen.run(report)
        os.chdir("/")
    print(f"1..{report.count}", file=out, flush=True)
    return 0 if report.wasSuccessful() else 1


def users() -> dict[str, dict[str, Any]]:
    """Who runs the suites: the caller, and for root nobody as well."""
    if os.getuid() != 0:
        return {"caller": {}}
    return {"root": {}, "nobody": {"user": NOBODY, "group": NOBODY, "extra_groups": []}}


def run_all(wanted: list[str]) -> int:
    """Each suite in a process of its own, as one stream of TAP."""
    count = failed = 0

    def skip(name: str, reason: str) -> None:
        nonlocal count
        count += 1
        print(f"ok {count} - {name} # SKIP {reason}", flush=True)

    runs = []
    for user, identity in users().items():
        try:
            subprocess.run([sys.executable, "-c", ""], check=True, cwd="/", **identity)
        except PermissionError:
            skip(f"[{user}]", "this interpreter is closed to nobody")
            continue
        chosen = [suite for suite in SUITES if not wanted or any(word in suite for word in wanted)]
        present = [suite for suite in chosen if has(suite)]
        for suite in chosen:
            if suite not in present:
                skip(f"[{user}]: {suite}", "this interpreter has no such test suite")
        runs += [(user, suite, identity) for suite in present]
    # They sleep most of their time: side by side they take as long as the longest.
    with concurrent.futures.ThreadPoolExecutor(max(len(runs), 1)) as pool:
        said = pool.map(lambda run: [(run[0], *point) for point in points(*run[1:])], runs)
        for user, good, line in itertools.chain.from_iterable(said):
            if good is None:
                print(line)
                continue
            count += 1
            failed += not good
            print(f"{'' if good else 'not '}ok {count} - [{user}]: {line}", flush=True)
    print(f"1..{count}")
    return 1 if failed else 0


def has(suite: str) -> bool:
    if importlib.util.find_spec("test") is None:
        return False
    try:
        return importlib.util.find_spec(suite) is not None
    except ModuleNotFoundError:
        return False


def points(suite: str, identity: dict[str, Any]) -> Iterator[tuple[bool | None, str]]:
    """What one suite says: whether a test was good and its name, or None and a comment."""
    command = [sys.executable, __file__, "--only", suite]
    status: int | None = None
    try:
        done = subprocess.run(
            command,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SUITE_SECONDS,
            check=False,
            **identity,
        )
        output, errors, status = done.stdout, done.stderr, done.returncode
    except subprocess.TimeoutExpired as late:
        output, errors = late.stdout or b"", late.stderr or b""
    planned = False
    for line in output.decode(errors="replace").splitlines():
        point = re.match(r"(not )?ok \d+ - (.*)", line)
        if point:
            yield not point[1], point[2]
        elif line.startswith("1.."):
            planned = line != "1..0"
        else:
            yield None, line
    ended = planned and status in (0, 1)
    yield ended, f"{suite} came to its end"
    if not ended:
        yield None, f"# exit status {status}; it wrote at the end:"
        for line in errors.decode(errors="replace").splitlines()[-40:]:
            yield None, f"# {line}"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--only"]:
        sys.exit(run_one(sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else ""))
    sys.exit(run_all(sys.argv[1:]))
