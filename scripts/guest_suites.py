# SPDX-License-Identifier: MIT OR Apache-2.0
"""The Rust and Python tests in a guest of scripts/kernels: what its root file system needs.

The Rust tests are the binaries of `cargo test`, without debug information. The Python tests run by
the interpreter that runs this, with its standard library, pytest and the package of `make python`.
For another architecture Debian's interpreter runs the wheel of `make wheel-portable`.
"""

from __future__ import annotations

import json
import pathlib
import re
import shutil
import subprocess
import sys
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
RUST_TESTS = ["--lib", "--test", "e2e", "--test", "command", "--test", "lean", "--test", "forks"]
PYTHON_TESTS = ["process", "run", "popen", "spawn", "e2e", "settings", "errors"]
# Debian's packages of an interpreter of another architecture, beside those of its version.
PYTHON_PACKAGES = ["libexpat1", "zlib1g", "libffi8", "libbz2-1.0", "liblzma5"]
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


def add_python(
    root: pathlib.Path, work: pathlib.Path, arch: str, packages: list[pathlib.Path]
) -> None:
    """The interpreter as opt/python, the package, pytest and the tests, and opt/procfd/t/python.

    For another ARCH the interpreter is that of Debian's PACKAGES, and procfd that of its wheel.
    """
    add_cases(root)
    home, place = root / "opt/python", root / "opt/procfd/python"
    pytest = work / "pytest"
    if not pytest.exists():
        output(sys.executable, "-m", "pip", "install", "-q", "--target", pytest, "pytest>=8")
    shutil.copytree(pytest, place / "lib", ignore=shutil.ignore_patterns("bin"))
    (home / "bin").mkdir(parents=True)
    source = ROOT / "bindings/python"
    if arch:
        add_packaged(root, home, packages)
        wheels = sorted((ROOT / "build/wheel-portable").glob(f"*manylinux*_{arch}.whl"))
        if not wheels:
            sys.exit(f"no wheel: make wheel-portable WHEEL_TARGET={arch}-unknown-linux-gnu")
        with zipfile.ZipFile(wheels[-1]) as wheel:
            wheel.extractall(place / "lib")
    else:
        output("make", "-s", "python")
        version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
        base = pathlib.Path(sys.base_prefix)
        shutil.copy(base / "bin" / version, home / "bin/python3")
        shutil.copytree(base / "lib" / version, home / "lib" / version, ignore=LEFT_OUT)
        shutil.copytree(source / "python/procfd", place / "lib/procfd")
        native = ROOT / "target/python/release/lib_native.so"
        output("strip", "-o", place / "lib/procfd/_native.abi3.so", native)
        add_libraries(root, [home / "bin/python3", *home.rglob("*.so"), *place.rglob("*.so")])
    (place / "tests").mkdir()
    for name in ["conftest", "taplines", "e2e_keys", *(f"test_{test}" for test in PYTHON_TESTS)]:
        shutil.copy(source / f"tests/{name}.py", place / "tests")
    program = root / "opt/procfd/t/python"
    program.write_text(PYTHON_PROGRAM)
    program.chmod(0o755)


def add_packaged(root: pathlib.Path, home: pathlib.Path, packages: list[pathlib.Path]) -> None:
    """The interpreter, the standard library and the shared libraries of unpacked packages."""
    folder = next((root / "usr/lib").glob("*-linux-gnu"))
    for package in packages:
        for found in package.glob("usr/bin/python3.*"):
            shutil.copy(found, home / "bin/python3")
        for found in package.glob("usr/lib/python3.*"):
            shutil.copytree(
                found, home / "lib" / found.name, ignore=LEFT_OUT, dirs_exist_ok=True, symlinks=True
            )
        for found in package.rglob("lib*.so.*"):
            if not (folder / found.name).exists():
                shutil.copy(found, folder / found.name)


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
