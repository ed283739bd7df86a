# SPDX-License-Identifier: MIT OR Apache-2.0
"""posix_spawn and posix_spawnp beside those of `os`: the same calls, the same results."""

from __future__ import annotations

import errno
import os
import pathlib
import signal
import sys
from collections.abc import Iterator
from typing import Any

import procfd
import pytest


@pytest.fixture(params=["os", "procfd"])
def module(request: pytest.FixtureRequest) -> Iterator[Any]:
    yield {"os": os, "procfd": procfd}[request.param]


def wait(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def code(module: Any, script: str, **keywords: Any) -> int:
    return wait(module.posix_spawn("/bin/sh", ["sh", "-c", script], os.environ, **keywords))


def test_it_is_an_ordinary_child(module: Any) -> None:
    assert code(module, "exit 3") == 3
    assert code(module, "kill -9 $$") == -9


def test_the_environment(module: Any) -> None:
    pid = module.posix_spawn("/bin/sh", ("sh", "-c", '[ "$A" = 1 ]'), {"A": "1"})
    assert wait(pid) == 0
    pid = module.posix_spawn("/bin/sh", ("sh", "-c", '[ "$A" = 1 ]'), {b"A": b"1"})
    assert wait(pid) == 0


def test_the_path_is_searched_by_one_of_them(module: Any) -> None:
    assert wait(module.posix_spawnp("true", ["true"], os.environ)) == 0
    with pytest.raises(FileNotFoundError):
        module.posix_spawn("true", ["true"], os.environ)


def test_failures_name_the_program(module: Any) -> None:
    with pytest.raises(FileNotFoundError) as raised:
        module.posix_spawn("/nonexistent", ["x"], os.environ)
    assert (raised.value.errno, raised.value.filename) == (errno.ENOENT, "/nonexistent")
    with pytest.raises(PermissionError):
        module.posix_spawn("/etc/passwd", ["x"], os.environ)


def test_files(module: Any, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "out"
    actions = [
        (os.POSIX_SPAWN_OPEN, 1, path, os.O_WRONLY | os.O_CREAT, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 7),
        (os.POSIX_SPAWN_CLOSE, 0),
    ]
    script = "echo one; echo two >&7; [ ! -e /proc/self/fd/0 ]"
    assert code(module, script, file_actions=actions) == 0
    assert path.read_text() == "one\ntwo\n"


def test_what_is_opened_close_on_exec_is_for_the_actions(module: Any) -> None:
    actions = [
        (os.POSIX_SPAWN_OPEN, 8, "/dev/null", os.O_RDONLY | os.O_CLOEXEC, 0),
        (os.POSIX_SPAWN_DUP2, 8, 9),
    ]
    script = "[ ! -e /proc/self/fd/8 ] && [ -e /proc/self/fd/9 ]"
    assert code(module, script, file_actions=actions) == 0


def test_descriptors_are_inherited(module: Any) -> None:
    reader, writer = os.pipe()
    try:
        os.set_inheritable(writer, True)
        script = f"[ -e /proc/self/fd/{writer} ] && [ ! -e /proc/self/fd/{reader} ]"
        assert code(module, script) == 0
    finally:
        os.close(reader)
        os.close(writer)


def test_a_dup_of_what_is_not_open(module: Any) -> None:
    with pytest.raises(OSError, match="Bad file") as raised:
        code(module, "", file_actions=[(os.POSIX_SPAWN_DUP2, 99, 5)])
    assert raised.value.errno == errno.EBADF


def test_groups_and_sessions(module: Any) -> None:
    script = "read -r pid _ _ _ group session _ < /proc/self/stat; "
    assert code(module, "exec sh -c '" + script + "[ $pid = $group ]'", setpgroup=0) == 0
    assert code(module, "exec sh -c '" + script + "[ $pid = $session ]'", setsid=True) == 0
    assert code(module, script + f"[ $group = {os.getpgrp()} ]", setpgroup=os.getpgrp()) == 0


def test_signals(module: Any) -> None:
    script = "import signal, sys; sys.exit(signal.SIGUSR1 not in signal.pthread_sigmask(0, []))"
    arguments = [sys.executable, "-c", script]
    pid = module.posix_spawn(sys.executable, arguments, os.environ, setsigmask=[signal.SIGUSR1])
    assert wait(pid) == 0
    before = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    try:
        assert code(module, "kill -USR1 $$; exit 5") == 5
        assert code(module, "kill -USR1 $$; exit 5", setsigdef={signal.SIGUSR1}) == -signal.SIGUSR1
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_ids_are_reset(module: Any) -> None:
    assert code(module, f"[ $(id -u) = {os.getuid()} ]", resetids=True) == 0


@pytest.mark.parametrize(
    ("arguments", "keywords", "error"),
    [
        ((["sh"], {}), {}, TypeError),
        (("/bin/sh", "sh", {}), {}, TypeError),
        (("/bin/sh", [], {}), {}, ValueError),
        (("/bin/sh", [""], {}), {}, ValueError),
        (("/bin/sh", ["a\0b"], {}), {}, ValueError),
        (("/bin\0/sh", ["sh"], {}), {}, ValueError),
        (("/bin/sh", ["sh"], {"A=B": "1"}), {}, ValueError),
        (("/bin/sh", ["sh"], {"A": "\0"}), {}, ValueError),
        (("/bin/sh", ["sh"], {}), {"setsigmask": [signal.NSIG]}, ValueError),
        (("/bin/sh", ["sh"], {}), {"setsigmask": 1}, TypeError),
        (("/bin/sh", ["sh"], {}), {"setsigdef": ["x"]}, TypeError),
        (("/bin/sh", ["sh"], {}), {"file_actions": 1}, TypeError),
        (("/bin/sh", ["sh"], {}), {"file_actions": [None]}, TypeError),
        (("/bin/sh", ["sh"], {}), {"file_actions": [()]}, TypeError),
        (("/bin/sh", ["sh"], {}), {"file_actions": [(12345,)]}, TypeError),
        (("/bin/sh", ["sh"], {}), {"file_actions": [(1, 2, 3)]}, TypeError),
        (("/bin/sh", ["sh"], {}), {"file_actions": [(0, 1, "\0", 0, 0)]}, ValueError),
        (("/bin/sh", ["sh"], {}), {"nonsense": 1}, TypeError),
    ],
    ids=repr,
)
def test_what_is_refused(
    module: Any, arguments: tuple[Any, ...], keywords: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        module.posix_spawn(*arguments, **keywords)


@pytest.mark.parametrize("policy", [os.SCHED_BATCH, os.SCHED_IDLE, os.SCHED_OTHER])
def test_the_scheduler(policy: int) -> None:
    code = f"import os, sys; sys.exit(os.sched_getscheduler(0) != {policy})"
    arguments = [sys.executable, "-c", code]
    scheduler = (policy, os.sched_param(0))
    pid = procfd.posix_spawn(sys.executable, arguments, os.environ, scheduler=scheduler)
    assert wait(pid) == 0


@pytest.mark.parametrize("scheduler", [1, (1,), (1, 0), ("batch", os.sched_param(0))], ids=repr)
def test_no_scheduler(scheduler: Any) -> None:
    with pytest.raises(TypeError):
        procfd.posix_spawn("/bin/true", ["true"], os.environ, scheduler=scheduler)


def test_the_environment_may_be_the_callers() -> None:
    assert wait(procfd.posix_spawn("/bin/sh", ["sh", "-c", '[ -n "$PATH" ]'], None)) == 0
