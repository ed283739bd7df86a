# SPDX-License-Identifier: MIT OR Apache-2.0
"""run() without a Popen: it is the same as with one, and not used where one is looked at."""

from __future__ import annotations

import contextlib
import gc
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import procfd
import pytest
from conftest import descriptors
from procfd import _popen, _quick, _run

SHELL: list[dict[str, Any]] = [
    {},
    {"capture_output": True},
    {"capture_output": True, "text": True},
    {"stdout": subprocess.PIPE, "encoding": "latin-1"},
    {"stderr": subprocess.PIPE, "errors": "replace", "universal_newlines": True},
    {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT},
    {"stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL},
    {"capture_output": True, "cwd": "/", "env": {"A": "b"}, "timeout": 30},
    {"capture_output": True, "start_new_session": True, "restore_signals": False},
    {"capture_output": True, "close_fds": False, "executable": "/bin/sh", "umask": None},
    {"capture_output": True, "nice": 3, "limits": {"nofile": 50}},
]
REFUSED: list[dict[str, Any]] = [
    {"no_such_setting": 1},
    {"text": True, "universal_newlines": False},
    {"encoding": "no such", "stdout": subprocess.PIPE},
    {"encoding": "hex", "stdout": subprocess.PIPE},
    {"user": "no such user"},
    {"user": -1},
    {"user": 1.5},
    {"cwd": "/no/such"},
    {"executable": "/no/such"},
    {"env": ["A=B"]},
    {"stdin": 1000},
    {"stdout": "x"},
    {"login_env": True},
]
SCRIPT = "echo out; echo err >&2; printf 'a\\r\\nb\\r'; pwd; echo $A; nice; umask; exit 3"


@contextlib.contextmanager
def by_popen() -> Iterator[None]:
    with mock.patch.object(_run, "usable", lambda popen: False):
        yield


def outcome(call: Callable[[], Any]) -> object:
    try:
        done = call()
    except BaseException as error:
        return type(error), str(error), getattr(error, "filename", None)
    return done.args, done.returncode, done.stdout, done.stderr, done.usage is None


@pytest.mark.parametrize("keywords", SHELL, ids=repr)
def test_it_is_the_same_with_a_popen(keywords: dict[str, Any]) -> None:
    def call() -> Any:
        return procfd.run(SCRIPT, shell=True, **keywords)

    quick = outcome(call)
    with by_popen():
        assert outcome(call) == quick


@pytest.mark.parametrize("keywords", REFUSED, ids=repr)
def test_what_is_refused_is_so_in_the_same_words(keywords: dict[str, Any]) -> None:
    def call() -> Any:
        return procfd.run(["true"], **keywords)

    quick = outcome(call)
    assert isinstance(quick, tuple) and isinstance(quick[0], type), quick
    with by_popen():
        assert outcome(call) == quick


INPUTS: list[dict[str, Any]] = [
    {"input": b"a\r\nb"},
    {"input": b""},
    {"input": b"x" * 300_000, "timeout": 60},
    {"input": "a\nb\u00e9", "encoding": "utf-8"},
    {"input": "a", "encoding": "utf-16"},
    {"input": "a\udc80", "text": True, "errors": "surrogateescape", "encoding": "ascii"},
    {"input": "\u00e9", "encoding": "ascii"},
    {"input": bytearray(b"abc")},
    {"input": memoryview(b"abc")},
    {"input": "abc"},
    {"input": b"abc", "text": True},
    {"input": 3},
]


@pytest.mark.parametrize("keywords", INPUTS, ids=lambda keywords: repr(keywords)[:60])
def test_an_input_is_the_same_with_a_popen(keywords: dict[str, Any]) -> None:
    def call() -> Any:
        return procfd.run(["sh", "-c", "cat; exit 3"], capture_output=True, **keywords)

    quick = outcome(call)
    with by_popen():
        assert outcome(call) == quick


def test_a_program_need_not_read_its_input() -> None:
    for keywords in ({}, {"timeout": 60}, {"capture_output": True}):
        assert procfd.run(["true"], input=b"x" * 1_000_000, **keywords).returncode == 0
    # Written and read at the same time, though neither pipe holds it all.
    done = procfd.run(["cat"], input=b"x" * 1_000_000, stdout=procfd.PIPE)
    assert done.stdout == b"x" * 1_000_000


def test_the_time_is_over_while_the_input_is_written() -> None:
    with pytest.raises(procfd.TimeoutExpired):
        procfd.run(["sleep", "600"], input=b"x" * 1_000_000, timeout=0.1)


def test_a_lack_of_memory_is_an_exception() -> None:
    code = """if True:
        import procfd, resource
        pages = int(open("/proc/self/statm").read().split()[0])
        most = pages * resource.getpagesize() + (64 << 20)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        try:
            procfd.run(["head", "-c", "1000000000", "/dev/zero"], stdout=procfd.PIPE)
        except MemoryError:
            print(procfd.run(["true"], stdout=procfd.PIPE).returncode)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "0\n", "")


def test_most_calls_take_no_popen() -> None:
    done: list[object] = []

    def seen(*arguments: Any) -> Any:
        done.append(_quick.run(*arguments))
        return done[-1]

    with mock.patch.object(_run, "_quick_run", seen):
        for keywords in (*SHELL, {"input": b"x"}):
            assert procfd.run(SCRIPT, shell=True, **keywords).returncode == 3
    # umask=None is for Popen, which knows what None means there.
    assert [result is None for result in done] == [
        *("umask" in keywords for keywords in SHELL),
        False,
    ]


METHODS = [
    *((procfd.Popen, name) for name in ("__init__", "__exit__", "communicate", "wait", "poll")),
    *((subprocess.Popen, name) for name in ("__init__", "communicate", "wait", "__exit__")),
]


@pytest.mark.parametrize(("owner", "name"), METHODS, ids=repr)
def test_a_replaced_method_is_called(owner: Any, name: str) -> None:
    with mock.patch.object(owner, name, autospec=True, side_effect=getattr(owner, name)) as method:
        assert procfd.run(["true"]).returncode == 0
    assert method.called
    assert _quick.usable(procfd.Popen)


def test_a_timeout_of_a_handler_is_no_timeout_of_ours() -> None:
    def handler(*_: object) -> None:
        raise TimeoutError("mine")

    for keywords in ({}, {"capture_output": True}, {"timeout": 60}, {"input": b"x"}):
        old = signal.signal(signal.SIGALRM, handler)
        try:
            with pytest.raises(TimeoutError, match="mine"):
                signal.setitimer(signal.ITIMER_REAL, 0.2)
                procfd.run(["sleep", "60"], **keywords)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, old)


def test_an_interrupt_ends_the_child_soon() -> None:
    code = "import procfd; procfd.run(['sh', '-c', 'echo $$; exec sleep 600'])"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as python:
        assert python.stdout is not None
        child = int(python.stdout.readline())
        # Until run() waits: an interrupt before that is not seen, as in subprocess.
        asleep = 0
        while asleep < 10:
            state = pathlib.Path(f"/proc/{python.pid}/stat").read_text().rpartition(") ")[2][0]
            asleep = asleep + 1 if state == "S" else 0
            time.sleep(0.02)
        python.send_signal(signal.SIGINT)
        assert python.wait(120) == -signal.SIGINT
        with pytest.raises(ProcessLookupError):
            for _ in range(100):
                os.kill(child, 0)
                time.sleep(0.05)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_an_interrupt_at_any_instant_leaves_no_descriptor() -> None:
    """Of 400 interrupts some come between the opening of a pipe and its use."""

    def pipes() -> list[str]:
        # A pidfd of a child that still runs is the library's until it has ended.
        return sorted(to for to in descriptors().values() if to.startswith(("pipe:", "/dev/null")))

    before = pipes()
    armed, interrupted = False, 0

    def handler(*_: object) -> None:
        nonlocal armed
        if armed:
            armed = False
            raise KeyboardInterrupt

    previous = signal.signal(signal.SIGALRM, handler)
    try:
        for turn in range(400):
            try:
                armed = True
                signal.setitimer(signal.ITIMER_REAL, 1e-5 + turn * 5e-7)
                procfd.run(["true"], capture_output=True, stdin=procfd.DEVNULL)
            except KeyboardInterrupt:
                interrupted += 1
            armed = False
            signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        signal.signal(signal.SIGALRM, previous)
    gc.collect()
    assert interrupted > 10
    assert pipes() == before


def test_no_descriptor_stays() -> None:
    def numbers() -> list[str]:
        return sorted(os.listdir("/proc/self/fd"))

    before = numbers()
    for _ in range(3):
        procfd.run("echo a", shell=True, capture_output=True, stdin=subprocess.DEVNULL)
        with pytest.raises(FileNotFoundError):
            procfd.run(["/no/such"], capture_output=True, stdin=subprocess.DEVNULL)
        with pytest.raises(subprocess.TimeoutExpired):
            procfd.run(["sleep", "60"], capture_output=True, timeout=0.05)
        with pytest.raises(subprocess.CalledProcessError):
            procfd.run(["false"], check=True)
    assert numbers() == before


def test_threads_do_not_meet() -> None:
    wrong: list[object] = []

    def work(me: int) -> None:
        for turn in range(20):
            text = f"{me}.{turn}"
            done = procfd.run(["sh", "-c", f"exit {me}"])
            out = procfd.run(["printf", text], capture_output=True, text=True).stdout
            if (done.returncode, out) != (me, text):
                wrong.append((done, out, text))

    threads = [threading.Thread(target=work, args=(me,)) for me in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_much_output_of_both() -> None:
    script = "head -c 3000000 /dev/zero & head -c 2000000 /dev/zero >&2; wait"
    done = procfd.run(script, shell=True, capture_output=True, timeout=60)
    assert (len(done.stdout), len(done.stderr)) == (3000000, 2000000)


SIMPLE: list[dict[str, Any]] = [
    {},
    {"stdin": None, "bufsize": 0, "shell": False},
    {"cwd": "/", "env": {"A": "b"}, "start_new_session": True},
    {"nice": 1, "executable": "/bin/true", "kill_on_close": True},
]


@pytest.mark.parametrize("keywords", SIMPLE, ids=repr)
def test_a_simple_popen_has_the_attributes_of_others(keywords: dict[str, Any]) -> None:
    def attributes() -> dict[str, Any]:
        with procfd.Popen(["true"], **keywords) as process:
            process.wait()
        assert process.pid > 0 and process.returncode == 0
        assert type(process._process) is procfd.Process
        return {
            name: value
            for name, value in vars(process).items()
            if name not in ("pid", "_waitpid_lock", "_process", "_closed_child_pipe_fds")
        }

    simple = attributes()
    with mock.patch.object(_popen, "_is_simple", lambda keywords: False):
        assert attributes() == simple


def test_simple_popens_are_apart() -> None:
    first, second = procfd.Popen(["sh", "-c", "exit 1"]), procfd.Popen(["sh", "-c", "exit 2"])
    assert vars(first)["_waitpid_lock"] is not vars(second)["_waitpid_lock"]
    assert (second.wait(), first.wait()) == (2, 1)


def test_a_subclass_keeps_its_hooks() -> None:
    class Mine(procfd.Popen[bytes]):
        seen = False

        def _execute_child(self, *values: Any) -> None:
            Mine.seen = True
            super()._execute_child(*values)

    assert Mine(["true"]).wait() == 0
    assert Mine.seen
