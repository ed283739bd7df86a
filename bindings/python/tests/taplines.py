# SPDX-License-Identifier: MIT OR Apache-2.0
"""The option --tap of pytest."""

from __future__ import annotations

import pathlib

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--tap", help="write one line per test, in TAP, to this file; -: to the terminal"
    )


class TapLines:
    """One line per test."""

    def __init__(self, path: str) -> None:
        self.path = None if path == "-" else pathlib.Path(path)
        # For the terminal, where the plan follows.
        self.lines: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.passed and hasattr(report, "context"):
            # A subtest: the line is of the test.
            return
        name = report.nodeid.rpartition("tests/")[2] or report.nodeid
        # Of the set-up and the tear-down only what is not a pass.
        if report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else "expected"
            line = f"ok - {name} # SKIP {reason.removeprefix('Skipped: ')}"
        elif report.failed:
            line = f"not ok - {name}" + ("" if report.when == "call" else f" ({report.when})")
        elif report.when == "call":
            line = f"ok - {name}"
        else:
            return
        line = line.replace("\n", " ")
        if self.path is None:
            self.lines.append(line)
            return
        with self.path.open("a") as file:
            file.write(line + "\n")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.path is None:
            for line in [*self.lines, f"1..{len(self.lines)}"]:
                terminalreporter.write_line(line)


def pytest_configure(config: pytest.Config) -> None:
    path = config.getoption("--tap")
    if path:
        config.pluginmanager.register(TapLines(path))
