# SPDX-License-Identifier: MIT OR Apache-2.0
"""TAP for the gates written in Python."""

from __future__ import annotations


class Tap:
    """Prints one line per test, and the plan at the end."""

    def __init__(self) -> None:
        self.count = 0
        self.failures = 0

    def case(self, name: str, problems: list[str]) -> None:
        """One test; each problem makes it fail, and is shown."""
        self.count += 1
        self.failures += bool(problems)
        print(f"{'not ok' if problems else 'ok'} {self.count} - {name}")
        for problem in problems:
            for line in problem.splitlines():
                print(f"#   {line}")

    def skip(self, name: str, reason: str) -> None:
        """One test that could not run."""
        self.count += 1
        print(f"ok {self.count} - {name} # SKIP {reason}")

    def note(self, text: str) -> None:
        """A line for the reader."""
        print(f"# {text}")

    def done(self) -> int:
        """The plan; returns the exit status."""
        print(f"1..{self.count}")
        return 1 if self.failures else 0
