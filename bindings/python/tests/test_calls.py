# SPDX-License-Identifier: MIT OR Apache-2.0
"""The four calls, as a C program would use them."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import procfd
import pytest
from procfd import process_config, process_info, process_manage, process_open


@pytest.fixture
def context() -> Iterator[int]:
    fd = process_open(procfd.PROCFD_NO_WATCH | procfd.PROCFD_AUTOREAP)
    yield fd
    os.close(fd)


def test_what_is_loaded_late_is_listed() -> None:
    script = (
        "import procfd; names = dir(procfd);"
        "late = {'PROC_WAIT', 'PROCFD_PIDFD', 'procfd_wait', 'wait_any'};"
        "assert late | {*procfd.__all__} <= {*names};"
        "assert all(hasattr(procfd, name) for name in names)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_life(context: int) -> None:
    assert process_info(context, procfd.PROC_INFO_STATE) == procfd.PROC_STATE_CONFIGURING
    process_config(context, procfd.PROC_SET_EXEC, procfd.PROC_EXEC_PATH, "sh")
    arguments: list[str | bytes] = ["sh", b"-c", 'exit "$CODE"']
    process_config(context, procfd.PROC_SET_ARGV, 0, arguments)
    process_config(context, procfd.PROC_SET_ENV_VAR, 0, b"CODE=7")
    process_config(context, procfd.PROC_SET_NICE, 3)
    process_config(context, procfd.PROC_FD_DUP, 0, procfd.procfd_dup(source=1, target=2))
    pid = process_config(context, procfd.PROC_CREATE)
    assert pid > 0
    wait = procfd.procfd_wait(timeout_ns=60_000_000_000)
    assert process_manage(context, procfd.PROC_WAIT, 0, wait) == 0
    assert (wait.what, wait.status) == (procfd.PROC_EXITED, 7)
    assert wait.mask & procfd.PROC_WAIT_HAS_USAGE
    assert wait.usage.maxrss > 0
    assert process_info(context, procfd.PROC_INFO_STATE) == procfd.PROC_STATE_EXITED
    assert "status=7" in repr(wait)


def test_info_and_signals(context: int) -> None:
    process_config(context, procfd.PROC_SET_EXEC, 0, "/bin/sleep")
    process_config(context, procfd.PROC_SET_ARGV, 0, ["sleep", "1000"])
    pid = process_config(context, procfd.PROC_CREATE)
    info = procfd.procfd_info()
    process_info(context, procfd.PROC_INFO, procfd.PROC_FIELD_IDS, info)
    assert (info.mask & procfd.PROC_FIELD_IDS, info.tgid) == (procfd.PROC_FIELD_IDS, pid)
    with pytest.raises(BlockingIOError):
        process_manage(context, procfd.PROC_WAIT, procfd.PROC_WAIT_NOHANG)
    with pytest.raises(TimeoutError):
        process_manage(context, procfd.PROC_WAIT, 0, procfd.procfd_wait(timeout_ns=1000))
    process_manage(context, procfd.PROC_SIGNAL, signal.SIGKILL)
    process_manage(context, procfd.PROC_WAIT)
    with pytest.raises(ProcessLookupError):
        process_manage(context, procfd.PROC_SIGNAL, signal.SIGKILL)


def test_handlers_run_while_it_waits(context: int) -> None:
    process_config(context, procfd.PROC_SET_EXEC, 0, "/bin/sleep")
    process_config(context, procfd.PROC_SET_ARGV, 0, ["sleep", "1000"])
    process_config(context, procfd.PROC_CREATE)
    calls = []

    def handler(*_: object) -> None:
        calls.append(1)
        if len(calls) == 3:
            process_manage(context, procfd.PROC_SIGNAL, signal.SIGTERM)

    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
        wait = procfd.procfd_wait(timeout_ns=60_000_000_000)
        process_manage(context, procfd.PROC_WAIT, 0, wait)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert (wait.what, wait.status) == (procfd.PROC_KILLED, signal.SIGTERM)
    assert wait.timeout_ns == 60_000_000_000


def test_a_creation_without_a_program_forks(context: int) -> None:
    pid = process_config(context, procfd.PROC_CREATE)
    if pid == 0:
        os._exit(9)
    wait = procfd.procfd_wait()
    process_manage(context, procfd.PROC_WAIT, 0, wait)
    assert wait.status == 9


def test_arrays_of_structures(context: int) -> None:
    line = procfd.procfd_idmap(inside=0, outside=os.geteuid(), count=1)
    process_config(context, procfd.PROC_SET_UID_MAP, 0, [line])
    process_config(context, procfd.PROC_SET_UID_MAP, 0, (procfd.procfd_idmap * 1)(line))
    with pytest.raises(OSError, match="Invalid"):
        process_config(context, procfd.PROC_SET_UID_MAP, 0, [procfd.procfd_idmap()])
    groups = (ctypes.c_uint32 * 2)(1, 2)
    process_config(context, procfd.PROC_SET_GROUPS, 0, groups)


def test_negative_arguments_are_those_of_c(context: int) -> None:
    process_config(context, procfd.PROC_SET_NICE, -5)
    with pytest.raises(OSError, match="Invalid"):
        process_config(context, procfd.PROC_SET_NICE, -21)


def test_the_record_of_a_failure(context: int) -> None:
    process_config(context, procfd.PROC_SET_EXEC, 0, "/nonexistent")
    with pytest.raises(FileNotFoundError):
        process_config(context, procfd.PROC_CREATE)
    error = procfd.procfd_error()
    process_info(context, procfd.PROC_INFO_ERROR, 0, error)
    assert (error.stage, error.saved_errno) == (procfd.PROC_STAGE_EXEC, errno.ENOENT)
    assert b"/nonexistent" in error.message


def test_what_is_refused(context: int) -> None:
    with pytest.raises(OSError, match="Bad file"):
        process_info(99999, procfd.PROC_INFO_STATE)
    with pytest.raises(OSError, match="Invalid"):
        process_open(1 << 60)
    with pytest.raises(OSError, match="Invalid"):
        process_config(context, 0xDEAD)
    with pytest.raises(OSError, match="Bad address"):
        process_config(context, procfd.PROC_SET_EXEC)
    with pytest.raises(ValueError, match="null byte"):
        process_config(context, procfd.PROC_SET_EXEC, 0, "a\0b")
    with pytest.raises(ValueError, match="null byte"):
        process_config(context, procfd.PROC_SET_ARGV, 0, ["a", "b\0"])
    with pytest.raises(TypeError):
        process_config(context, procfd.PROC_SET_ARGV, 0, [1])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="not NoneType"):
        process_info(None, procfd.PROC_INFO_STATE)  # type: ignore[arg-type]
    with pytest.raises(AttributeError):
        procfd.PROC_NONSENSE  # noqa: B018
    with procfd.Context() as other:
        assert process_info(other, procfd.PROC_INFO_STATE) == procfd.PROC_STATE_CONFIGURING
