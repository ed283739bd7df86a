# SPDX-License-Identifier: MIT OR Apache-2.0
"""The Rust and Python tests in a guest of scripts/kernels: what its root file system needs.

The Rust tests are the binaries of `cargo test`, without debug information. The Python tests run by
the interpreter that runs this, with its standard library, pytest and the package of `make python`.
"""

from __future__ import annotations

import json
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
RUST_TESTS = ["--lib", "--test", "e2e", "--test", "command", "--test", "lean", "--test", "forks"]
PYTHON_TESTS = ["process", "run", "popen", "spawn", "e2e", "settings", "errors"]
# Of the standard library: what no test imports, and what is large.
LEFT_OUT = shutil.ignore_patterns(
    "test",
    "tests",
    "site-packages",
    "dist-packages",
    "config-*",
    "ensurepip",
    "idlelib",
    "lib2to3",
    "tkinter",
    "_tkinter*",
    "turtledemo",
)
PYTHON_PROGRAM = """#!/bin/sh
# The tests of the Python package; the argument is a part of a test's name.
export PYTHONHOME=/opt/python PYTHONPATH=/opt/procfd/python/lib PYTHONDONTWRITEBYTECODE=1
cp -r /opt/procfd/python/tests tests && mkdir e2e && cp /opt/procfd/e2e/cases e2e || exit 1
set -- -p no:cacheprovider --color=no --tb=short --tap=$PWD/tap ${1:+-k $1} tests
# The console names each test as it begins: a guest that is cut off shows where.
/opt/python/bin/python3 -m pytest -v "$@" 2>&1
status=$?
cat tap
# Every failure has its line, so that another status says only what the lines do not.
[ $status = 1 ] && grep -q '^not ok' tap && exit 1
exit $status
"""


def output(*command: str | pathlib.Path) -> str:
    done = subprocess.run(
        [str(word) for word in command], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{command[0]}: status {done.returncode}")
    return done.stdout


def add_cases(root: pathlib.Path) -> None:
    """The table that both suites read."""
    (root / "opt/procfd/e2e").mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "tests/e2e/cases", root / "opt/procfd/e2e")


def add_rust(root: pathlib.Path) -> None:
    """The test binaries, as opt/procfd/t/rust_NAME."""
    add_cases(root)
    words = ["test", "-q", "-p", "procfd-core", *RUST_TESTS, "--no-run", "--message-format=json"]
    for line in output("cargo", *words).splitlines():
        message = json.loads(line)
        if message.get("executable") and message["profile"]["test"]:
            name = message["target"]["name"].replace("-", "_")
            to = root / "opt/procfd/t" / f"rust_{name}"
            output("strip", "-o", to, message["executable"])


def add_python(root: pathlib.Path, work: pathlib.Path) -> None:
    """The interpreter as opt/python, the package, pytest and the tests, and opt/procfd/t/python."""
    add_cases(root)
    output("make", "-s", "python")
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    base, home = pathlib.Path(sys.base_prefix), root / "opt/python"
    (home / "bin").mkdir(parents=True)
    shutil.copy(base / "bin" / version, home / "bin/python3")
    shutil.copytree(base / "lib" / version, home / "lib" / version, ignore=LEFT_OUT)
    packages = work / "pytest"
    if not packages.exists():
        output(sys.executable, "-m", "pip", "install", "-q", "--target", packages, "pytest>=8")
    place = root / "opt/procfd/python"
    shutil.copytree(packages, place / "lib", ignore=shutil.ignore_patterns("bin"))
    source = ROOT / "bindings/python"
    shutil.copytree(source / "python/procfd", place / "lib/procfd")
    native = ROOT / "target/python/release/lib_native.so"
    output("strip", "-o", place / "lib/procfd/_native.abi3.so", native)
    (place / "tests").mkdir()
    for name in ["conftest", "e2e_keys", *(f"test_{test}" for test in PYTHON_TESTS)]:
        shutil.copy(source / f"tests/{name}.py", place / "tests")
    program = root / "opt/procfd/t/python"
    program.write_text(PYTHON_PROGRAM)
    program.chmod(0o755)
    add_libraries(root, [home / "bin/python3", *home.rglob("*.so"), *place.rglob("*.so")])


def add_libraries(root: pathlib.Path, programs: list[pathlib.Path]) -> None:
    """The shared libraries that these need and the guest lacks."""
    folder = next((root / "usr/lib").glob("*-linux-gnu"))
    text = "".join(
        subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
        for program in programs
    )
    for name, path in set(re.findall(r"^\s(\S+) => (/\S+) ", text, re.MULTILINE)):
        if not (folder / name).exists():
            shutil.copy(path, folder / name)
