# SPDX-License-Identifier: MIT OR Apache-2.0
"""What is dropped: warnings, zombies, descriptors."""

from __future__ import annotations

import gc
import os
import pathlib
import subprocess
import sys
import warnings

import procfd
import pytest
from conftest import children, descriptors, sweep


def test_dropping_a_running_process_warns() -> None:
    process = procfd.spawn("/bin/sleep", ["sleep", "1000"])
    pid = process.pid
    other = procfd.open(process)
    with pytest.warns(ResourceWarning, match=f"process {pid} is still running"):
        del process
        gc.collect()
    with other:
        other.kill()
        other.wait(60)


@pytest.mark.parametrize("how", ["closed", "waited for", "told not to", "opened"])
def test_these_do_not_warn(how: str) -> None:
    process = procfd.spawn("/bin/sleep", ["sleep", "1000"])
    other = procfd.open(process)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if how == "closed":
            process.close()
        elif how == "waited for":
            other.kill()
            process.wait(60)
        elif how == "told not to":
            assert process.warns
            process.warns = False
        else:
            again = procfd.open(process)
            process.close()
            del again
        del process
        gc.collect()
    with other:
        if other.poll() is None:
            other.kill()
        other.wait(60)


def test_a_warning_that_is_an_error_is_reported_and_not_lost() -> None:
    code = (
        "import procfd\n"
        "p = procfd.spawn('/bin/sleep', ['sleep', '1000'], kill_on_close=True)\n"
        "del p\n"
        "print('on')"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "on\n")
    assert "ResourceWarning" in done.stderr


def test_no_zombie_of_what_ended_before_it_was_dropped() -> None:
    before = children()
    process = procfd.spawn("/bin/true", ["true"])
    os.waitid(os.P_PIDFD, process.pidfd, os.WEXITED | os.WNOWAIT)
    assert children() > before
    del process
    gc.collect()
    assert children() == before


def test_without_autoreap_the_child_is_the_callers() -> None:
    process = procfd.spawn("/bin/true", ["true"], autoreap=False)
    pid = process.pid
    os.waitid(os.P_PIDFD, process.pidfd, os.WEXITED | os.WNOWAIT)
    process.close()
    procfd.Context().close()
    assert os.waitpid(pid, 0) == (pid, 0)


def test_nothing_is_left_of_a_failure() -> None:
    before = set(descriptors()), children()
    for _ in range(50):
        with pytest.raises(FileNotFoundError):
            procfd.spawn("/nonexistent", stdout=procfd.DEVNULL, cwd="/")
    assert (set(descriptors()), children()) == before


def test_nothing_grows() -> None:
    def use() -> None:
        with procfd.Context("/bin/true", ["true"], env={"A": "1"}, fds={5: 0}) as context:
            copy = context.copy()
            process = copy.create()
            assert process is not None
            with process:
                process.info("ids", "exit")
                process.wait(60)

    use()
    before = set(descriptors()), children()
    for _ in range(50):
        use()
    gc.collect()
    assert (set(descriptors()), children()) == before


def test_references_are_given_back() -> None:
    name = str(pathlib.Path("/bin") / "true")
    marker = [name]
    counts = sys.getrefcount(name), sys.getrefcount(marker)
    for _ in range(20):
        with procfd.spawn(name, marker, env={"A": name}) as process:
            process.wait(60)
        with pytest.raises(ValueError, match="twice"):
            procfd.Context(name, marker, stdout=1, fds={1: 2})
    assert (sys.getrefcount(name), sys.getrefcount(marker)) == counts


def test_at_the_end_of_the_interpreter() -> None:
    code = (
        "import procfd, sys\n"
        "class Late:\n"
        "    def __del__(self):\n"
        "        self.process.close()\n"
        "late = Late()\n"
        "late.process = procfd.spawn('/bin/sleep', ['sleep', '1000'], kill_on_close=True)\n"
        "sys.kept = [procfd.spawn('/bin/sleep', ['sleep', '1000'], kill_on_close=True)]\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_circle_is_collected() -> None:
    sweep()
    before = set(descriptors())

    class Owner:
        def __init__(self) -> None:
            self.context = procfd.Context("/bin/true", stdin=self)

        def fileno(self) -> int:
            return 0

    for _ in range(10):
        Owner()
    sweep()
    assert set(descriptors()) == before
