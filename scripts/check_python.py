# SPDX-License-Identifier: MIT OR Apache-2.0
"""The Python tests as programs of `make check T=python/test_NAME`: one program for each file.

They import a module of cargo's dev profile, which takes seconds to build after a change. The whole
`make check` runs the same files from the wheel (tests/python/run).
"""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Callable

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "bindings/python"
TARGET = ROOT / (os.environ.get("CARGO_TARGET_DIR") or "target") / "python"
NOBODY = 65534
SECONDS = 600
# pytest, and the event loops that the tests of procfd.aio use.
TOOLS = ("pytest>=8", "trio", "uvloop")
# In root's own directories a search is refused, and ends differently.
PATH_OF_NOBODY = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"

Build = Callable[[str, list[str]], object]


def names() -> list[str]:
    """All programs."""
    return [f"python/{path.stem}" for path in sorted((PACKAGE / "tests").glob("test_*.py"))]


def interpreter() -> str:
    """One that nobody may execute too, if there is one: the first on the PATH may be root's own."""
    given = os.environ.get("PROCFD_PYTHON")
    for path in (given,) if given else (sys.executable, "/usr/bin/python3"):
        if os.getuid() != 0 or usable_by_nobody(path):
            return path
    return given or sys.executable


def usable_by_nobody(path: str) -> bool:
    try:
        command = (path, "-c", "import ensurepip, venv")
        return not subprocess.run(
            command, cwd="/", user=NOBODY, group=NOBODY, extra_groups=[], check=False
        ).returncode
    except OSError:
        return False


def copy_tests(folder: pathlib.Path) -> None:
    """Copies the files that the tests read. The tree may be closed to nobody."""
    for source, to in (
        (PACKAGE / "tests", "tests"),
        (ROOT / "include", "include"),
        (ROOT / "tests/e2e", "e2e"),
    ):
        shutil.rmtree(folder / to, ignore_errors=True)
        shutil.copytree(source, folder / to)
    for name in ("pyproject.toml", "README.md", "procfd.1"):
        shutil.copy(PACKAGE / name, folder / name)
    subprocess.run(["chmod", "-R", "a+rX", folder], check=True)


def prepare(folder: pathlib.Path, build: Build) -> pathlib.Path | None:
    """The interpreter that has the package and pytest, in `folder`; None if something fails.

    `build` runs one step, and reports its failure.
    """
    python = folder / "venv/bin/python"
    if not (folder / "complete").exists():
        shutil.rmtree(folder / "venv", ignore_errors=True)
        venv = [interpreter(), "-m", "venv", str(python.parent.parent)]
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        if not build("a virtual environment", venv) or not build("pytest", [*pip, *TOOLS]):
            return None
        (folder / "complete").touch()
    cargo = (os.environ.get("CARGO") or "cargo").split()
    flags = (os.environ.get("CARGO_FLAGS") or "").split()
    manifest = f"--manifest-path={PACKAGE / 'Cargo.toml'}"
    if not build(
        "the Python module",
        [*cargo, "build", "--lib", manifest, f"--target-dir={TARGET}", *flags],
    ):
        return None
    package = next((folder / "venv/lib").glob("python3*/site-packages")) / "procfd"
    shutil.rmtree(package, ignore_errors=True)
    shutil.copytree(PACKAGE / "python/procfd", package)
    shutil.copy(TARGET / "debug/lib_native.so", package / "_native.abi3.so")
    copy_tests(folder)
    return python


def command(python: pathlib.Path, name: str) -> list[str]:
    """Run one program, in the folder of `prepare`; it reports TAP."""
    options = ["-p", "no:cacheprovider", "--tap=-"]
    return [str(python), "-B", "-m", "pytest", *options, f"tests/{name.removeprefix('python/')}.py"]
