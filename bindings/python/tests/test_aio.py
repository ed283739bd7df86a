# SPDX-License-Identifier: MIT OR Apache-2.0
"""procfd.aio in asyncio, in uvloop and in trio."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import select
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Awaitable, Callable
from typing import Any

import procfd
import procfd.aio
import pytest
from conftest import limits
from procfd._transport import make_transport


def in_asyncio(main: Callable[[], Awaitable[Any]]) -> Any:
    async def call() -> Any:
        return await main()

    return asyncio.run(call())


def in_uvloop(main: Callable[[], Awaitable[Any]]) -> Any:
    import uvloop

    loop = uvloop.new_event_loop()
    try:
        return loop.run_until_complete(main())
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def in_trio(main: Callable[[], Awaitable[Any]]) -> Any:
    import trio

    return trio.run(main)


def in_a_thread(main: Callable[[], Awaitable[Any]]) -> Any:
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(in_asyncio(main)))
    thread.start()
    thread.join()
    return results[0]


def of(*names: str) -> pytest.MarkDecorator:
    """The event loops by their names; what is not installed shows as skipped."""
    known = {
        "asyncio": in_asyncio,
        "a thread": in_a_thread,
        "uvloop": in_uvloop,
        "trio": in_trio,
    }
    parameters = []
    for name in names:
        missing = name in ("uvloop", "trio") and importlib.util.find_spec(name) is None
        mark = pytest.mark.skipif(missing, reason=f"{name} is not installed")
        parameters.append(pytest.param(known[name], id=name, marks=mark))
    return pytest.mark.parametrize("loop", parameters)


@pytest.fixture(scope="module", autouse=True)
def _what_the_loops_keep() -> None:
    """Descriptors that a library opens at its first use are there before any are counted."""

    async def nothing() -> None:
        pass

    for name, loop in (("asyncio", in_asyncio), ("uvloop", in_uvloop), ("trio", in_trio)):
        if importlib.util.find_spec(name) is not None:
            loop(nothing)


EVERYWHERE = of("asyncio", "a thread", "uvloop", "trio")
ASYNCIO = of("asyncio", "a thread", "uvloop")
Loop = Callable[[Callable[[], Awaitable[Any]]], Any]


async def sleep(seconds: float) -> None:
    trio = sys.modules.get("trio")
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        assert trio is not None
        await trio.sleep(seconds)
    else:
        await asyncio.sleep(seconds)


def ended(pidfd: int) -> bool:
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(30_000))


def no_children() -> None:
    """Nothing that a test started is left, not even as a zombie."""
    with pytest.raises(ChildProcessError):
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)


@EVERYWHERE
def test_run(loop: Loop) -> None:
    async def main() -> None:
        big = bytes(range(256)) * 4000
        done = await procfd.aio.run(["cat"], input=big, capture_output=True)
        assert (done.returncode, done.stdout, done.stderr) == (0, big, b"")
        done = await procfd.aio.run("echo o; echo e >&2; exit 3", shell=True, capture_output=True)
        assert (done.args, done.returncode) == ("echo o; echo e >&2; exit 3", 3)
        assert (done.stdout, done.stderr) == (b"o\n", b"e\n")
        text = await procfd.aio.run(["cat"], input="a\r\n\xe9", encoding="latin-1", stdout=-1)
        assert text.stdout == "a\n\xe9"
        done = await procfd.aio.run(["sh", "-c", "kill -9 $$"])
        assert done.returncode == -9 and done.stdout is None
        # The reader is gone long before the input is.
        done = await procfd.aio.run(["true"], input=big)
        assert done.returncode == 0

    loop(main)
    no_children()


@EVERYWHERE
def test_run_fails_as_subprocess_does(loop: Loop) -> None:
    async def main() -> None:
        with pytest.raises(FileNotFoundError) as missing:
            await procfd.aio.run(["/no/such/program"])
        assert missing.value.filename == "/no/such/program"
        with pytest.raises(subprocess.CalledProcessError) as failed:
            await procfd.aio.run("echo o; exit 3", shell=True, stdout=-1, check=True)
        assert (failed.value.returncode, failed.value.output) == (3, b"o\n")
        with pytest.raises(ValueError):
            await procfd.aio.run(["true"], input=b"", stdin=-1)
        for seconds in limits(0.3):
            with pytest.raises(subprocess.TimeoutExpired) as late:
                await procfd.aio.run(
                    "echo o; exec sleep 60", shell=True, stdout=-1, timeout=seconds
                )
            assert late.value.timeout == seconds
            if late.value.output:
                break
        assert late.value.output == b"o\n"

    loop(main)
    no_children()


@EVERYWHERE
def test_cancellation_kills_and_reaps(loop: Loop) -> None:
    async def main() -> int:
        reader, writer = os.pipe()

        async def call() -> None:
            await procfd.aio.run(["sh", "-c", "echo $$; exec sleep 60"], stdout=writer)

        if "trio" in loop.__name__:
            import trio

            async with trio.open_nursery() as nursery:
                nursery.start_soon(call)
                await speaks(reader)
                nursery.cancel_scope.cancel()
        else:
            task = asyncio.ensure_future(call())
            await speaks(reader)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        os.close(writer)
        with open(reader) as output:
            return int(output.readline())

    pid = loop(main)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    no_children()


@EVERYWHERE
def test_wait(loop: Loop) -> None:
    async def main() -> None:
        with procfd.Popen(["sh", "-c", "read x; exit 4"], stdin=procfd.PIPE) as popen:
            results: list[int] = []

            async def waiter() -> None:
                results.append(await procfd.aio.wait(popen))

            async def release() -> None:
                await sleep(0.05)
                assert popen.stdin is not None
                popen.stdin.close()

            # Several may wait for one.
            if "trio" in loop.__name__:
                import trio

                async with trio.open_nursery() as nursery:
                    for function in (waiter, waiter, waiter, release):
                        nursery.start_soon(function)
            else:
                await asyncio.gather(waiter(), waiter(), waiter(), release())
        assert results == [4, 4, 4]
        assert await procfd.aio.wait(popen) == 4
        process = procfd.spawn("sh", ["sh", "-c", "exit 5"], search=True)
        status = await procfd.aio.wait(process)
        assert (status.code, status.returncode) == (5, 5)

    loop(main)
    no_children()


@ASYNCIO
def test_streams(loop: Loop) -> None:
    async def main() -> None:
        process = await procfd.aio.create_subprocess_exec("cat", stdin=-1, stdout=-1)
        assert isinstance(process, asyncio.subprocess.Process)
        assert isinstance(process.stdout, asyncio.StreamReader)
        assert isinstance(process.stdin, asyncio.StreamWriter)
        process.stdin.write(b"a line\nand more")
        assert await process.stdout.readline() == b"a line\n"
        assert process.returncode is None
        process.stdin.close()
        assert await process.stdout.read() == b"and more"
        assert await process.wait() == 0
        assert process.returncode == 0
        process = await procfd.aio.create_subprocess_shell("cat; exit 9", stdin=-1, stdout=-1)
        assert (await process.communicate(b"in"))[0] == b"in"
        assert process.returncode == 9

    loop(main)
    no_children()


@ASYNCIO
def test_signals_and_settings(loop: Loop) -> None:
    async def main() -> None:
        process = await procfd.aio.create_subprocess_exec("sleep", "60", kill_on_close=True)
        assert process.process.pid == process.pid
        os.fstat(process.fileno())
        process.send_signal(signal.SIGUSR1)
        assert await process.wait() == -signal.SIGUSR1
        process = await procfd.aio.create_subprocess_exec("sleep", "60")
        process.kill()
        assert await process.wait() == -signal.SIGKILL
        with pytest.raises(ValueError):
            await procfd.aio.create_subprocess_exec("true", text=True)  # type: ignore[call-arg]
        with pytest.raises(ValueError):
            await procfd.aio.create_subprocess_exec("true", shell=True)
        with pytest.raises(FileNotFoundError):
            await procfd.aio.create_subprocess_exec("/no/such/program")

    loop(main)
    no_children()


@ASYNCIO
def test_many_at_once(loop: Loop) -> None:
    async def main() -> None:
        done = await asyncio.gather(
            *(procfd.aio.run(["sh", "-c", f"echo {n}"], stdout=-1) for n in range(40))
        )
        assert [int(one.stdout) for one in done] == list(range(40))

        async def streamed(n: int) -> bytes:
            process = await procfd.aio.create_subprocess_shell(f"echo {n}", stdout=-1)
            return (await process.communicate())[0]

        got = await asyncio.gather(*(streamed(n) for n in range(40)))
        assert [int(one) for one in got] == list(range(40))

    loop(main)
    no_children()


def test_a_transport_closed_before_the_exit_was_noticed() -> None:
    """The pidfd stays open until the loop has let go of it: else it would report for ever."""

    async def main() -> int:
        reader, writer = os.pipe()
        process = await procfd.aio.create_subprocess_exec("cat", stdin=reader)
        with procfd.open(pid=process.pid) as other:
            os.close(reader)
            os.close(writer)
            assert ended(other.pidfd)
        process._transport.close()  # type: ignore[attr-defined]
        assert await process.wait() == 0
        selector = asyncio.get_running_loop()._selector  # type: ignore[attr-defined]
        looks, select = 0, selector.select

        def counted(timeout: float | None = None) -> Any:
            nonlocal looks
            looks += 1
            return select(timeout)

        selector.select = counted
        await asyncio.sleep(0.2)
        selector.select = select
        del process
        return looks

    assert asyncio.run(main()) < 20
    no_children()


def test_descriptors_are_back_when_the_exit_is_known() -> None:
    async def main() -> None:
        before = len(os.listdir("/proc/self/fd"))
        kept = [await procfd.aio.create_subprocess_exec("true") for _ in range(10)]
        for process in kept:
            await process.wait()
        await procfd.aio.run(["true"])
        assert len(os.listdir("/proc/self/fd")) <= before + 2
        # It runs until its descriptor has been asked for.
        shown = await procfd.aio.create_subprocess_exec("cat", stdin=asyncio.subprocess.PIPE)
        fd = shown.fileno()
        assert shown.stdin is not None
        shown.stdin.close()
        await shown.wait()
        os.fstat(fd)

    asyncio.run(main())


@ASYNCIO
def test_a_process_without_pipes(loop: Loop) -> None:
    """Its transport is procfd's own: what the protocol is told, and that others get their turn."""

    async def main() -> None:
        told: list[str] = []

        class Protocol(asyncio.SubprocessProtocol):
            def connection_made(self, transport: Any) -> None:
                told.append("made")

            def process_exited(self) -> None:
                told.append("exited")

            def connection_lost(self, exc: Exception | None) -> None:
                told.append("lost")

        running = asyncio.get_running_loop()
        for command in (["true"], ["sleep", "0.1"]):
            transport = await make_transport(
                running, Protocol(), command, False, None, procfd.DEVNULL, None
            )
            assert transport.get_pipe_transport(1) is None
            assert await transport._wait() == 0 == transport.get_returncode()
            transport.close()
            while len(told) < 3:
                await asyncio.sleep(0)
            assert told == ["made", "exited", "lost"]
            with pytest.raises(ProcessLookupError):
                transport.kill()
            told.clear()
        # A coroutine that starts one after the other does not keep the loop to itself.
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        task = asyncio.ensure_future(other())
        for _ in range(20):
            process = await procfd.aio.create_subprocess_exec("true")
            await process.wait()
        task.cancel()
        assert turns >= 20
        # Several waits, of which one is cancelled; and a returncode without a wait.
        process = await procfd.aio.create_subprocess_exec("sleep", "60")
        waits = [asyncio.ensure_future(process.wait()) for _ in range(3)]
        await asyncio.sleep(0)
        waits[0].cancel()
        process.terminate()
        assert await asyncio.gather(*waits[1:]) == [-signal.SIGTERM] * 2
        process = await procfd.aio.create_subprocess_exec("true")
        while process.returncode is None:
            await asyncio.sleep(0.01)
        assert process.returncode == 0

    loop(main)
    no_children()


@ASYNCIO
def test_a_start_without_pipes_that_is_cancelled(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    pids: list[int] = []

    class Noted(procfd.Popen[bytes]):
        def __init__(self, *args: Any, **keywords: Any) -> None:
            super().__init__(*args, **keywords)
            pids.append(self.pid)

    async def main() -> int:
        start = asyncio.ensure_future(procfd.aio.create_subprocess_exec("sleep", "60"))
        while not pids:
            await asyncio.sleep(0)
        assert start.cancel()
        with pytest.raises(asyncio.CancelledError):
            await start
        return pids[0]

    monkeypatch.setattr("procfd._transport.Popen", Noted)
    pid = loop(main)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    no_children()


async def speaks(fd: int) -> None:
    """Until there is something to read."""
    while not select.select([fd], [], [], 0)[0]:
        await sleep(0.01)


def is_there(pid: int) -> bool:
    """Whether a process with this number is there, a zombie too."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@ASYNCIO
def test_a_second_cancellation(loop: Loop) -> None:
    """It does not keep the process from being reaped."""

    async def main() -> int:
        reader, writer = os.pipe()
        with open(reader) as output:
            command = ["sh", "-c", "echo $$; exec sleep 60"]
            task = asyncio.ensure_future(procfd.aio.run(command, stdout=writer))
            await speaks(reader)
            os.close(writer)
            while not task.done():
                task.cancel()
                await asyncio.sleep(0)
            with pytest.raises(asyncio.CancelledError):
                await task
            return int(output.readline())

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not is_there(loop(main))
    no_children()


@pytest.mark.parametrize("closed", ["the coroutine", "its loop"])
def test_a_coroutine_that_is_not_finished(closed: str) -> None:
    """Its process is killed and reaped, and nothing is said of an exception."""
    code = f"""
import asyncio, gc, os, select, sys, procfd.aio
failed = []
sys.unraisablehook = failed.append
reader, writer = os.pipe()
async def main():
    coroutine = procfd.aio.run(["sh", "-c", "echo $$; exec sleep 60"], stdout=writer, stderr=-1)
    if {closed!r} == "the coroutine":
        coroutine.send(None)
    else:
        coroutine = asyncio.ensure_future(coroutine)
    while not select.select([reader], [], [], 0)[0]:
        await asyncio.sleep(0.01)
    if {closed!r} == "the coroutine":
        coroutine.close()
loop = asyncio.new_event_loop()
loop.run_until_complete(main())
loop.close()
gc.collect()
try:
    os.kill(int(os.read(reader, 100)), 0)
except ProcessLookupError:
    print("gone", failed)
"""
    done = subprocess.run([sys.executable, "-X", "dev", "-c", code], capture_output=True, text=True)
    assert done.stdout == "gone []\n", done.stderr
    assert "Exception ignored" not in done.stderr and "RuntimeError" not in done.stderr


def test_outside_of_an_event_loop() -> None:
    with procfd.Popen(["cat"], stdin=procfd.PIPE) as popen:
        with pytest.raises(RuntimeError):
            procfd.aio.wait(popen).send(None)
        assert popen.stdin is not None
        popen.stdin.close()


def test_neither_library_is_imported_for_the_other() -> None:
    code = "import sys, procfd.aio; assert not {'asyncio', 'trio'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
