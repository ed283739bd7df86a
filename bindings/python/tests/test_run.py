# SPDX-License-Identifier: MIT OR Apache-2.0
"""What run() and Popen have beyond subprocess: trees, usage, close policies, and their mocks."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import pickle
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import procfd
import procfd.aio
import pytest
from conftest import limits


@pytest.fixture
def pidfile(tmp_path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Where TREE writes the pids of what it leaves behind."""
    path = tmp_path / "pids"
    yield path
    for pid in pids(path):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


# A child, and one that has left the group and the session.
TREE = 'sleep 600 & echo $! >> "$1"; setsid sleep 600 & echo $! >> "$1"; echo started; wait'


def pids(path: pathlib.Path) -> list[int]:
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def tree(pidfile: pathlib.Path) -> list[str]:
    return ["sh", "-c", TREE, "sh", str(pidfile)]


def running(path: pathlib.Path) -> set[int]:
    """Those that still run; what was killed takes a moment."""
    assert len(pids(path)) == 2
    left = set(pids(path))
    for _ in range(300):
        left = {pid for pid in left if procfd.pid_exists(pid) and state(pid) != "zombie"}
        if not left:
            break
        time.sleep(0.01)
    return left


def state(pid: int) -> str:
    try:
        with procfd.open(pid) as process:
            return str(process.as_dict(["status"])["status"])
    except ProcessLookupError:
        return "zombie"


def started(path: pathlib.Path) -> None:
    for _ in range(1000):
        if len(pids(path)) == 2:
            return
        time.sleep(0.01)
    pytest.fail("the tree did not start")


def ends_late(call: Callable[[float], Any], path: pathlib.Path) -> None:
    """The time of the call is over, once the tree has started."""
    for seconds in limits(0.7):
        with pytest.raises(subprocess.TimeoutExpired):
            call(seconds)
        if len(pids(path)) == 2:
            return
        for pid in pids(path):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        path.unlink(missing_ok=True)


CALLS: list[Callable[..., Any]] = [
    procfd.run,
    procfd.call,
    procfd.check_call,
    procfd.check_output,
    lambda *args, **more: procfd.run(*args, capture_output=True, **more),
    lambda *args, **more: asyncio.run(procfd.aio.run(*args, **more)),
    lambda *args, **more: asyncio.run(procfd.aio.run(*args, capture_output=True, **more)),
]


@pytest.mark.parametrize("call", CALLS)
def test_the_tree_ends_with_the_time(call: Callable[..., Any], pidfile: pathlib.Path) -> None:
    ends_late(lambda seconds: call(tree(pidfile), timeout=seconds, kill_tree=True), pidfile)
    assert running(pidfile) == set()


def test_without_it_the_tree_stays(pidfile: pathlib.Path) -> None:
    ends_late(
        lambda seconds: procfd.run(tree(pidfile), timeout=seconds, stdout=procfd.DEVNULL), pidfile
    )
    assert len(running(pidfile)) == 2


def test_communicate_ends_the_tree(pidfile: pathlib.Path) -> None:
    with procfd.Popen(tree(pidfile), stdout=procfd.PIPE) as process:
        started(pidfile)
        with pytest.raises(subprocess.TimeoutExpired):
            process.communicate(timeout=0.1, kill_tree=True)
        assert process.wait(60) == -signal.SIGKILL
    assert running(pidfile) == set()
    with procfd.Popen(["cat"], stdin=procfd.PIPE, stdout=procfd.PIPE) as process:
        assert process.communicate(b"x", 60, kill_tree=True) == (b"x", None)


def test_an_interrupt_ends_the_tree(pidfile: pathlib.Path) -> None:
    class Interrupt(BaseException):
        pass

    def handler(*_: Any) -> None:
        raise Interrupt

    old = signal.signal(signal.SIGUSR1, handler)

    def interrupt() -> None:
        started(pidfile)
        os.kill(os.getpid(), signal.SIGUSR1)

    sender = threading.Thread(target=interrupt)
    sender.start()
    try:
        with pytest.raises(Interrupt):
            procfd.run(tree(pidfile), stdout=procfd.DEVNULL, kill_tree=True)
    finally:
        sender.join()
        signal.signal(signal.SIGUSR1, old)
    assert running(pidfile) == set()


def test_a_cancelled_task_ends_the_tree(pidfile: pathlib.Path) -> None:
    async def main() -> None:
        task = asyncio.ensure_future(
            procfd.aio.run(tree(pidfile), stdout=procfd.DEVNULL, kill_tree=True)
        )
        while len(pids(pidfile)) < 2:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert running(pidfile) == set()


def test_a_group_whose_leader_has_ended(pidfile: pathlib.Path) -> None:
    # The shell ends and its children go to another parent: the group is what is left of the tree.
    script = 'sleep 600 & echo $! >> "$1"; sleep 600 & echo $! >> "$1"'
    command = ["sh", "-c", script, "sh", str(pidfile)]
    for keywords in ({"start_new_session": True}, {"session": True}):
        given: Any = {"capture_output": True, "kill_tree": True, **keywords}
        ends_late(lambda seconds, g=given: procfd.run(command, timeout=seconds, **g), pidfile)  # type: ignore[misc]
        assert running(pidfile) == set()
        pidfile.unlink()


def test_usage() -> None:
    done = procfd.run(["sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"])
    assert done.usage is not None
    assert done.usage.user + done.usage.system > 0 and done.usage.max_rss > 1 << 19
    assert isinstance(done, subprocess.CompletedProcess)
    assert repr(done).startswith("CompletedProcess(args=[")
    done = asyncio.run(procfd.aio.run(["true"]))
    assert done.usage is not None and done.usage.max_rss > 0
    copied = pickle.loads(pickle.dumps(done))
    assert (copied.returncode, copied.usage) == (0, done.usage)


def test_an_exception_ends_what_has_a_close_policy() -> None:
    class Left(Exception):
        pass

    begin = time.monotonic()
    for policy in (True, signal.SIGTERM, "KILL"):
        popen = procfd.Popen(["sleep", "600"], stdin=procfd.PIPE, kill_on_close=policy)
        with pytest.raises(Left), popen:
            raise Left
        assert popen.returncode in (-signal.SIGKILL, -signal.SIGTERM)
        assert popen.stdin is not None and popen.stdin.closed
    assert time.monotonic() - begin < 30
    # Without a policy, and without an exception, it waits.
    popen = procfd.Popen(["sh", "-c", "sleep 0.2; exit 3"], stdin=procfd.PIPE)
    with pytest.raises(Left), popen:
        raise Left
    assert popen.returncode == 3
    with procfd.Popen(["sh", "-c", "sleep 0.2; exit 3"], kill_on_close=True) as popen:
        pass
    assert popen.returncode == 3


def test_an_exception_and_a_signal_that_is_ignored() -> None:
    with (
        pytest.raises(KeyError),
        procfd.Popen(
            ["sh", "-c", "trap '' TERM; echo; sleep 600 & wait; sleep 600"],
            stdout=procfd.PIPE,
            kill_on_close=signal.SIGTERM,
            start_new_session=True,
        ) as popen,
    ):
        assert popen.stdout is not None
        popen.stdout.readline()
        raise KeyError
    # It was told, and the statement does not wait for ever.
    assert popen.poll() is None
    os.killpg(popen.pid, signal.SIGKILL)
    assert popen.wait(60) == -signal.SIGKILL


def test_what_runs_can_be_mocked() -> None:
    for call in (procfd.run, procfd.call, procfd.check_call, procfd.check_output):
        with mock.patch("procfd.Popen") as popen:
            process = popen.return_value.__enter__.return_value
            process.communicate.return_value = (b"out", b"err")
            process.poll.return_value = process.wait.return_value = 0
            call(["no", "such", "program"])
            popen.assert_called_once()
            assert popen.call_args.args == (["no", "such", "program"],)
    with mock.patch("procfd.run") as run:
        run.return_value.stdout = "x\n"
        assert procfd.check_output(["y"], text=True) == "x\n"
        assert procfd.getoutput("y") == "x"
    with mock.patch("procfd.call", return_value=3), pytest.raises(subprocess.CalledProcessError):
        procfd.check_call(["y"])


class FakePopen:
    """As the libraries make them that fake processes: without anything of procfd's."""

    def __init__(self, args: Any, **_: Any) -> None:
        self.args = args

    def __enter__(self) -> FakePopen:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def communicate(self, input: Any = None, timeout: Any = None) -> tuple[bytes, bytes]:
        return b"fake", b""

    def poll(self) -> int:
        return 0


def test_a_fake_of_another_library() -> None:
    with mock.patch("procfd.Popen", FakePopen):
        done = procfd.run(["x"], capture_output=True)
        assert done.stdout == b"fake" and done.usage is None


def test_the_wait_of_asyncio_does_not_wait_for_the_pipes() -> None:
    async def main() -> None:
        process = await procfd.aio.create_subprocess_exec(
            *("sh", "-c", "sleep 600 & echo $!; exit 4"), stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        holder = int(await process.stdout.readline())
        try:
            assert await asyncio.wait_for(process.wait(), 30) == 4
        finally:
            os.kill(holder, signal.SIGKILL)
        assert await process.wait() == 4
        assert await process.stdout.read() == b""

    asyncio.run(main())
    try:
        import uvloop
    except ImportError:
        return
    loop = uvloop.new_event_loop()
    try:
        loop.run_until_complete(main())
    finally:
        loop.close()
