# SPDX-License-Identifier: MIT OR Apache-2.0
"""The recipes of README.md, each run as it stands there as a program of its own."""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys

import procfd
import pytest

README = pathlib.Path(__file__).resolve().parent.parent / "README.md"


def recipes() -> list[tuple[str, str]]:
    """Each fence of the language `python`, with the heading above it."""
    found: list[tuple[str, str]] = []
    for section in re.split(r"^##+ ", README.read_text(), flags=re.MULTILINE)[1:]:
        title = section.splitlines()[0].replace("`", "")
        for code in re.findall(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL):
            found.append((title, code))
    return found


@pytest.mark.parametrize("code", [pytest.param(code, id=title) for title, code in recipes()])
def test_recipe(code: str, tmp_path: pathlib.Path) -> None:
    program = tmp_path / "recipe.py"
    program.write_text(code)
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", program],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout
    # What cannot be raised, as from a destructor, is printed.
    assert "Warning" not in done.stdout
    assert "Exception ignored" not in done.stdout


def test_the_table_has_each_setting() -> None:
    settings = README.read_text().split("### Settings")[1].split("### Context")[0]
    keywords = re.findall(r"^ *- (\w+): ", procfd.run.__doc__ or "", re.MULTILINE)
    assert len(keywords) > 80
    assert [keyword for keyword in keywords if f"`{keyword}`" not in settings] == []


def test_there_are_recipes() -> None:
    assert len(recipes()) >= 14
