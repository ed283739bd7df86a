# SPDX-License-Identifier: MIT OR Apache-2.0
"""Creations without a program, and what a fork makes of the objects."""

from __future__ import annotations

import gc
import os
import select
import sys
import threading
import warnings
from typing import Any, Callable

import procfd
import pytest
from conftest import run


def forked(body: Callable[[], object], **settings: Any) -> procfd.ExitStatus:
    """Runs `body` in the child of a creation without a program; 0 when it is true."""
    with procfd.Context(**settings) as context:
        process = context.create()
        if process is None:
            status = 99
            try:
                status = 0 if body() else 1
            finally:
                os._exit(status)
        with process:
            return process.wait(60)


def test_the_child_goes_on_where_the_parent_was() -> None:
    parent = os.getpid()
    assert forked(lambda: os.getppid() == parent).code == 0
    assert forked(lambda: False).code == 1


def test_the_configuration_is_carried_out(tmp_path: Any) -> None:
    assert forked(lambda: os.getcwd() == str(tmp_path.resolve()), cwd=tmp_path).code == 0
    assert forked(lambda: os.getsid(0) == os.getpid(), session=True).code == 0


def test_what_fails_is_an_exception_in_the_parent_alone() -> None:
    with procfd.Context(cwd="/nonexistent") as context, pytest.raises(FileNotFoundError):
        context.create()


def test_the_interpreters_hooks_run() -> None:
    code = """
import os, procfd
ran = []
os.register_at_fork(
    before=lambda: ran.append("before"),
    after_in_parent=lambda: ran.append("parent"),
    after_in_child=lambda: ran.append("child"),
)
process = procfd.Context().create()
if process is None:
    os._exit(0 if ran == ["before", "child"] else 1)
assert process.wait(60).code == 0
assert ran == ["before", "parent"], ran
process.close()
try:
    procfd.Context(cwd="/nonexistent").create()
except FileNotFoundError:
    assert ran == ["before", "parent"] * 2, ran
"""
    assert run(sys.executable, "-c", code)[0] == 0


def test_threads_work_in_the_child() -> None:
    def body() -> bool:
        found = []
        thread = threading.Thread(target=lambda: found.append(1))
        thread.start()
        thread.join()
        return found == [1] and threading.active_count() == 1

    assert forked(body).code == 0


def test_the_child_can_create_processes_of_its_own() -> None:
    def body() -> bool:
        with procfd.spawn("/bin/sh", ["sh", "-c", "exit 5"]) as process:
            return process.wait(60).code == 5

    assert forked(body).code == 0


def test_a_copy_in_a_fork_neither_warns_nor_kills() -> None:
    process = procfd.spawn("/bin/sleep", ["sleep", "1000"], kill_on_close=True)
    held = [process]
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                held[0].close()
                status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert process.poll() is None
    held.clear()
    process.kill()
    process.wait(60)
    process.close()


def test_a_dropped_copy_in_a_fork_is_silent() -> None:
    code = """
import os, sys, warnings, procfd
warnings.simplefilter("error")
process = procfd.spawn("/bin/sleep", ["sleep", "1000"])
pid = os.fork()
if pid == 0:
    failed = []
    sys.unraisablehook = failed.append
    del process
    os._exit(len(failed))
assert os.waitpid(pid, 0)[1] == 0
assert process.poll() is None
process.kill()
process.wait(60)
process.close()
"""
    assert run(sys.executable, "-c", code)[0] == 0


def test_a_context_of_the_parent_is_refused() -> None:
    with procfd.Context("/bin/true") as context:
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                context.create()
            except PermissionError:
                status = 0
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        process = context.create()
        assert process is not None
        with process:
            assert process.wait(60).code == 0


def test_numbers_that_the_child_of_a_fork_opens_stay_open() -> None:
    def body() -> bool:
        # The procfd was closed for the child: its number is the next to be used.
        numbers = [os.dup(0) for _ in range(20)]
        gc.collect()
        return all(os.fstat(number) for number in numbers)

    assert forked(body).code == 0


def supervise(copy: str, outlives: bool) -> None:
    """Whether a child with a close policy outlives its supervisor, of which a fork runs on."""
    code = f"""
import multiprocessing, os, procfd, time
process = procfd.Popen(["sleep", "60"], kill_on_close=True, stdout=procfd.DEVNULL)
{copy}
os.write(1, b"%d %d\\n" % (process.pid, other))
os.close(1)
time.sleep(60)
"""
    supervisor = procfd.Popen([sys.executable, "-c", code], stdout=procfd.PIPE)
    assert supervisor.stdout is not None
    pid, other = map(int, supervisor.stdout.readline().split())
    with procfd.open(pid) as process, procfd.open(other) as copied:
        supervisor.kill()
        supervisor.wait()
        supervisor.stdout.close()
        end = select.poll()
        end.register(process.pidfd, select.POLLIN)
        # A copy lives for a minute.
        assert bool(end.poll(1000 if outlives else 50_000)) != outlives
        assert copied.state == "running"
        copied.kill()
        assert end.poll(20_000), "it ends with the copy at the latest"


def test_a_forked_copy_does_not_keep_a_process() -> None:
    supervise("other = os.fork()\nif other == 0: os.close(1); time.sleep(60)", outlives=False)
    worker = (
        "multiprocessing.get_context('fork').Process(target=lambda: (os.close(1), time.sleep(60)))"
    )
    supervise(f"worker = {worker}\nworker.start()\nother = worker.pid", outlives=False)


def test_a_duplicate_is_kept_by_a_forked_copy() -> None:
    body = "if other == 0: os.close(1); time.sleep(60)"
    supervise(f"kept = os.dup(process.fileno())\nother = os.fork()\n{body}", outlives=True)


def test_the_object_in_a_forked_copy_watches_on() -> None:
    with procfd.spawn("/bin/sleep", ["sleep", "60"], kill_on_close=True) as process:
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                # Nothing of this copy's holds the process: it ends when the parent closes it.
                status = (
                    0
                    if process.poll() is None and process.pid > 0 and process.state == "running"
                    else 2
                )
                process.send_signal(0)
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert process.poll() is None
