# SPDX-License-Identifier: MIT OR Apache-2.0
"""The reports of the programs that `scripts/check` runs: TAP, Rust test programs, the counts."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
import signal
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LOGS = ROOT / "build/log"
MUST_WORK = os.environ.get("PROCFD_MUST_WORK") == "1"
SHOWN_LINES = 400


@dataclasses.dataclass
class Result:
    """The result of one run of one program."""

    passed: int = 0
    failures: list[str] = dataclasses.field(default_factory=list)
    skips: list[tuple[str, str]] = dataclasses.field(default_factory=list)


class Allowed:
    """tests/allowed-skips: a regular expression, a tab, and the reason."""

    def __init__(self, path: pathlib.Path) -> None:
        self.patterns: list[re.Pattern[str]] = []
        for line in path.read_text().splitlines() if path.exists() else []:
            if line.strip() and not line.startswith("#"):
                pattern, _, reason = line.partition("\t")
                if not reason.strip():
                    sys.exit(f"{path.name}: no reason given: {line}")
                self.patterns.append(re.compile(pattern))

    def has(self, text: str) -> bool:
        return any(pattern.search(text) for pattern in self.patterns)


class Report:
    """The counts, and one line per program."""

    def __init__(self) -> None:
        self.passed = self.failed = self.skipped = 0
        self.allowed = Allowed(ROOT / "tests/allowed-skips")

    def add(
        self, name: str, result: Result, log: str, seconds: float, cpu: float | None = None
    ) -> None:
        failures, skips = list(result.failures), []
        for test, reason in result.skips:
            if MUST_WORK and not self.allowed.has(f"{name}: {test} # {reason}"):
                failures.append(f"{test}: skipped, but had to work: {reason}")
            else:
                skips.append(f"{test}: {reason}")
        self.passed += result.passed
        self.failed += len(failures)
        self.skipped += len(skips)
        counts = f"{result.passed} passed, {len(failures)} failed, {len(skips)} skipped"
        time = f"{seconds:.1f} s" + ("" if cpu is None else f", {cpu:.1f} of CPU")
        print(f"{'FAIL' if failures else 'ok  '}  {name:<44} {counts}  ({time})")
        for skip in skips:
            print(f"      skip: {skip}")
        for failure in failures:
            print(f"      fail: {failure}")
        LOGS.mkdir(parents=True, exist_ok=True)
        path = LOGS / (re.sub(r"[^\w.-]+", "_", name).strip("_") + ".log")
        path.write_text(log)
        if failures:
            print(f"------ {path.relative_to(ROOT)}")
            lines = log.rstrip().splitlines()
            if len(lines) > SHOWN_LINES:
                print(f"(the last {SHOWN_LINES} lines of {len(lines)})")
            print("\n".join(lines[-SHOWN_LINES:]))
            print("------")
        sys.stdout.flush()

    def finish(self) -> int:
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        sys.stdout.flush()
        return 1 if self.failed else 0


TAP_LINE = re.compile(r"^(not )?ok\b[ \t]*(\d*)[ \t]*(?:- )?(.*)$", re.MULTILINE)
TAP_PLAN = re.compile(r"^1\.\.(\d+)", re.MULTILINE)
TAP_BAIL = re.compile(r"^Bail out!(.*)$", re.MULTILINE)
RUST_RESULT = re.compile(
    r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored;", re.MULTILINE
)
RUST_FAILED = re.compile(r"^test (.+?) \.\.\. FAILED$", re.MULTILINE)
RUST_IGNORED = re.compile(r"^test (.+?) \.\.\. ignored(?:, (.*))?$", re.MULTILINE)
RUST_OUTPUT = re.compile(
    r"^---- (\S+) stdout ----\n(.*?)(?=^---- |^successes:|^failures:|\Z)", re.MULTILINE | re.DOTALL
)
RUST_SKIP = re.compile(r"^SKIP: *(.*)$", re.MULTILINE)


def read_tap(output: str) -> Result:
    result = Result()
    seen = 0
    for bad, number, rest in TAP_LINE.findall(output):
        seen += 1
        name, _, directive = rest.partition(" # ")
        name = name.strip() or number
        if bad:
            result.failures.append(name)
        elif directive[:4].upper() == "SKIP":
            result.skips.append((name, directive[4:].strip()))
        else:
            result.passed += 1
    plan = TAP_PLAN.search(output)
    if not plan:
        result.failures.append("the program ended without its plan")
    elif int(plan[1]) != seen:
        result.failures.append(f"{plan[1]} tests planned, {seen} reported")
    result.failures += [f"bailed out:{why}" for why in TAP_BAIL.findall(output)]
    return result


def read_rust(output: str) -> Result:
    result = Result()
    for passed, failed, ignored in RUST_RESULT.findall(output):
        result.passed += int(passed)
        names = RUST_FAILED.findall(output)
        if int(failed) and not names:
            result.failures += ["a test"] * int(failed)
        if int(ignored) and not RUST_IGNORED.search(output):
            result.skips += [("a test", "ignored")] * int(ignored)
    result.failures += RUST_FAILED.findall(output)
    result.skips += [(name, why or "ignored") for name, why in RUST_IGNORED.findall(output)]
    failed_names = set(result.failures)
    for name, text in RUST_OUTPUT.findall(output):
        skip = RUST_SKIP.search(text)
        if skip and name not in failed_names:
            result.passed -= 1
            result.skips.append((name, skip[1]))
    return result


def judge(name: str, status: int | None, output: str, left: list[str], seconds: int) -> Result:
    if RUST_RESULT.search(output):
        result = read_rust(output)
    elif TAP_PLAN.search(output) or TAP_LINE.search(output):
        result = read_tap(output)
    elif status == 0:
        result = Result(passed=1)
    else:
        result = Result(failures=[name] if status and status > 0 else [])
    if status is None:
        result.failures.append(f"not done after {seconds} s")
    elif status < 0:
        result.failures.append(f"killed by {signal.Signals(-status).name}")
    elif status != 0 and not result.failures:
        result.failures.append(f"exit status {status}")
    if left:
        result.failures.append("left processes behind: " + "; ".join(left))
    return result
