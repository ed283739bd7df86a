# SPDX-License-Identifier: MIT OR Apache-2.0
"""Why a field of info() is absent, and a lack of memory."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import textwrap

import procfd
import pytest


def test_a_running_process() -> None:
    with procfd.spawn(["sleep", "60"], kill_on_close=True) as process:
        info = process.info("comm", "exit", "securebits")
        assert info.comm == "sleep"
        assert info.why("comm") is None
        assert info.why("exit") == "nothing"
        assert info.why("securebits") == "unsupported"
        # It was not asked for.
        assert info.why("io") is None


def test_an_ended_process() -> None:
    pid = os.posix_spawnp("true", ["true"], os.environ)
    with procfd.open(pid) as process:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        info = process.info("state", "memory")
        assert info.state is not None
        assert info.why("memory") == "gone"
        assert process.memory_info().rss == 0
    os.waitpid(pid, 0)


def test_each_constant_is_a_field_in_lower_case() -> None:
    names = [name for name in dir(procfd) if name.startswith("PROC_FIELD_")]
    assert len(names) > 40
    with procfd.open(os.getpid()) as process:
        for name in names:
            process.info(name.removeprefix("PROC_FIELD_").lower())
        assert process.info("cpu").cpu_ns is not None


def test_no_such_field() -> None:
    with (
        procfd.open(os.getpid()) as process,
        pytest.raises(ValueError, match="there is no field"),
    ):
        process.info("comm").why("nonsense")


@pytest.mark.skipif(os.geteuid() == 0, reason="needs a user other than root")
def test_not_permitted() -> None:
    with procfd.open(1) as process:
        info = process.info("io", "exit")
        assert info.why("io") == "denied"
        assert info.why("exit") == "nothing"
        with pytest.raises(PermissionError):
            process.io_counters()
    shown = subprocess.run(
        [sys.executable, "-m", "procfd", "info", "1", "io", "exit"], capture_output=True, text=True
    ).stdout
    assert [line.split(maxsplit=1)[1] for line in shown.splitlines()[1:]] == [
        "(not permitted)",
        "(none)",
    ]


def test_without_memory() -> None:
    """A start that finds no memory is a MemoryError and an OSError, and the next one works."""
    program = """
        import errno, mmap, procfd, resource
        old = resource.getrlimit(resource.RLIMIT_AS)
        with open("/proc/self/statm") as f:
            size = int(f.read().split()[0]) * mmap.PAGESIZE
        contexts = [procfd.Context("/bin/true", ["true"]) for n in range(4)]
        # The child's stack is not there; small things are.
        resource.setrlimit(resource.RLIMIT_AS, (size, old[1]))
        worked = lacked = 0
        for context in contexts:
            try:
                context.create().wait()
                worked += 1
            except MemoryError as error:
                assert isinstance(error, procfd.Error) and error.errno == errno.ENOMEM
                lacked += 1
        resource.setrlimit(resource.RLIMIT_AS, old)
        with procfd.spawn(["true"]) as process:
            assert process.wait().code == 0
        assert lacked > 0, worked
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")


def test_the_class_of_a_lack_of_memory() -> None:
    error = procfd._errors.make(errno.ENOMEM, "no memory", None, 0, 0, "OutOfMemory")
    assert type(error) is procfd.OutOfMemory and error.errno == errno.ENOMEM
    assert issubclass(procfd.OutOfMemory, MemoryError)
