# SPDX-License-Identifier: MIT OR Apache-2.0
"""Popen and run: what subprocess does, and what it does not."""

from __future__ import annotations

import errno
import fcntl
import gc
import os
import pathlib
import platform
import re
import resource
import select
import signal
import subprocess
import sys
import threading
import time
from typing import Any, Callable

import procfd
import pytest
from conftest import late

KERNEL = tuple(int(part) for part in platform.release().split("-")[0].split(".")[:2])


def outcome(function: Callable[[], Any]) -> Any:
    """What a call gave, so that two of them can be compared."""
    try:
        got = function()
    except OSError as error:
        # Ours is a class of its own below the same built-in one.
        standard = next(c for c in type(error).__mro__ if c.__module__ == "builtins")
        return standard, error.errno, error.filename, str(error)
    except subprocess.CalledProcessError as error:
        return type(error), error.returncode, error.cmd, error.output, error.stderr
    except subprocess.TimeoutExpired as error:
        return type(error), error.cmd, error.output, error.stderr
    except (IndexError, TypeError, ValueError) as error:
        return type(error)
    if isinstance(got, subprocess.CompletedProcess):
        return got.args, got.returncode, got.stdout, got.stderr
    return got


def both(call: Callable[[Any], Any]) -> None:
    """The call gives the same with procfd as with subprocess."""
    assert outcome(lambda: call(procfd)) == outcome(lambda: call(subprocess))


def says_early(module: Any) -> None:
    command = ["sh", "-c", "echo early; exec sleep 60"]
    raise late(lambda seconds: module.run(command, stdout=module.PIPE, timeout=seconds))


def open_fds() -> int:
    return len(os.listdir("/proc/self/fd"))


def ended(pidfd: int, seconds: float = 30) -> bool:
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def test_every_public_name_is_there() -> None:
    for name in subprocess.__all__:
        assert hasattr(procfd, name), name
    for name in ("PIPE", "STDOUT", "DEVNULL", "TimeoutExpired", "CalledProcessError"):
        assert getattr(procfd, name) is getattr(subprocess, name)
    assert issubclass(procfd.CompletedProcess, subprocess.CompletedProcess)


CALLS: list[Callable[[Any], Any]] = [
    lambda s: s.run(["echo", "a b", "c"], capture_output=True),
    lambda s: s.run("echo $0 $1", shell=True, capture_output=True),
    lambda s: s.run(["echo $0 $1", "x", "y"], shell=True, capture_output=True, text=True),
    lambda s: s.run(["x", "-c", "echo $0"], executable="sh", capture_output=True),
    lambda s: s.run("echo $0", shell=True, executable="/bin/bash", capture_output=True),
    lambda s: s.run(pathlib.Path("true")),
    lambda s: s.run(b"true"),
    lambda s: s.run(["cat"], input=b"in", capture_output=True),
    lambda s: s.run(["cat"], input="in\r\n", text=True, stdout=s.PIPE),
    lambda s: s.run(["cat"], input="\xe9", encoding="latin-1", stdout=s.PIPE),
    lambda s: s.run(["cat"], stdin=s.DEVNULL, stdout=s.PIPE),
    lambda s: s.run(["sh", "-c", "echo o; echo e >&2"], stdout=s.PIPE, stderr=s.STDOUT),
    lambda s: s.run(["sh", "-c", "exit 7"]),
    lambda s: s.run(["sh", "-c", "kill -9 $$"]),
    lambda s: s.run(
        ["sh", "-c", "echo out; echo err >&2; exit 7"], check=True, capture_output=True
    ),
    lambda s: s.run(["pwd"], cwd="/usr", stdout=s.PIPE),
    lambda s: s.run(["pwd"], cwd=pathlib.Path("/usr"), stdout=s.PIPE),
    lambda s: s.run(["env"], env={"A": "1", "B": "zwei"}, stdout=s.PIPE),
    lambda s: s.run(["/usr/bin/env"], env={}, stdout=s.PIPE),
    lambda s: s.run(["env"], env={b"PATH": b"/usr/bin:/bin"}, stdout=s.PIPE),
    lambda s: s.run(["true"], env={"PATH": "/nonexistent"}),
    lambda s: s.run(["sh", "-c", "umask"], umask=0o27, stdout=s.PIPE),
    lambda s: s.run(["no-such-program"]),
    lambda s: s.run(["/no/such/program"]),
    lambda s: s.run(["/etc/passwd"]),
    lambda s: s.run(["/etc/passwd/x"]),
    lambda s: s.run(["/"]),
    lambda s: s.run([""]),
    lambda s: s.run([]),
    lambda s: s.run(["true"], cwd="/no/such/directory"),
    lambda s: s.run(["no-such-program"], cwd="/no/such/directory"),
    lambda s: s.run(["true"], cwd="/etc/passwd"),
    lambda s: s.run(["true", "a\0b"]),
    lambda s: s.run(["tr\0ue"]),
    lambda s: s.run(["true"], env={"A=": "1"}),
    lambda s: s.run(["true"], env={"A": "\0"}),
    lambda s: s.run(["true"], cwd="\0"),
    lambda s: s.run(["true", 1]),
    lambda s: s.run(pathlib.Path("true"), shell=True),
    lambda s: s.run(["true"], user=-1),
    lambda s: s.run(["true"], pass_fds=[-1]),
    lambda s: s.run(["true"], input=b"", stdin=s.PIPE),
    lambda s: s.run(["true"], capture_output=True, stdout=s.PIPE),
    lambda s: s.run(["true"], no_such_keyword=1),
    lambda s: says_early(s),
    lambda s: s.run(["sleep", "60"], timeout=0),
    lambda s: s.call(["sh", "-c", "exit 3"]),
    lambda s: s.call(["sleep", "60"], timeout=0.05),
    lambda s: s.check_call(["true"]),
    lambda s: s.check_call(["sh", "-c", "exit 3"]),
    lambda s: s.check_call(args=["false"]),
    lambda s: s.check_output(["echo", "x"]),
    lambda s: s.check_output("echo x; exit 4", shell=True),
    lambda s: s.check_output(["cat"], input=None),
    lambda s: s.check_output(["cat"], input=None, text=True),
    lambda s: s.check_output(["true"], stdout=s.PIPE),
    lambda s: s.getoutput("echo a; echo b >&2"),
    lambda s: s.getstatusoutput("echo a; exit 9"),
    lambda s: s.getstatusoutput("kill -TERM $$"),
    lambda s: s.getstatusoutput("no-such-program-at-all 2>/dev/null"),
]


@pytest.mark.parametrize("number", range(len(CALLS)))
def test_as_subprocess(number: int) -> None:
    both(CALLS[number])


@pytest.mark.parametrize(
    ("line", "shown"),
    [("#!/no/such/interpreter -x\n", '"/no/such/interpreter"'), ("#!/bin/sh\r\n", r'"/bin/sh\r"')],
)
def test_a_script_without_its_interpreter_names_both(
    tmp_path: pathlib.Path, line: str, shown: str
) -> None:
    script = tmp_path / "script"
    script.write_bytes(line.encode())
    script.chmod(0o755)
    standard = outcome(lambda: subprocess.run([str(script)]))
    ours = outcome(lambda: procfd.run([str(script)]))
    assert ours[:3] == standard[:3]
    assert ours[3] == f"{standard[3]} (its interpreter {shown} does not exist)"
    with pytest.raises(FileNotFoundError, match=f"its interpreter {re.escape(shown)}"):
        procfd.spawn([str(script)])
    with pytest.raises(FileNotFoundError) as searched:
        procfd.run(["script"], env={"PATH": f"/no/such:{tmp_path}"})
    assert f'"{script}" is there, and its interpreter {shown}' in str(searched.value)


def test_errors_carry_the_step() -> None:
    with pytest.raises(FileNotFoundError) as caught:
        procfd.run(["true"], cwd="/no/such/directory")
    assert isinstance(caught.value, procfd.Error)
    assert caught.value.stage == procfd.Stage.CWD
    assert caught.value.filename == "/no/such/directory"
    with pytest.raises(OSError) as refused:
        procfd.run(["true"], root="/no/such/directory")
    assert isinstance(refused.value, procfd.Error)
    assert refused.value.stage == procfd.Stage.ROOT


def test_it_runs_code_that_was_written_for_subprocess() -> None:
    code = (
        "import procfd as subprocess\n"
        "with subprocess.Popen('cat', stdin=subprocess.PIPE, stdout=subprocess.PIPE) as p:\n"
        "    out, err = p.communicate(b'text', timeout=30)\n"
        "assert (out, err, p.returncode) == (b'text', None, 0)\n"
        "assert isinstance(p, subprocess.Popen)\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_a_timeout_does_not_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_sleep(seconds: float) -> None:
        raise AssertionError(f"slept {seconds} s")

    monkeypatch.setattr(time, "sleep", no_sleep)
    with procfd.Popen(["sleep", "60"], stdout=procfd.PIPE) as process:
        with pytest.raises(procfd.TimeoutExpired):
            process.wait(timeout=0.05)
        with pytest.raises(procfd.TimeoutExpired):
            process.communicate(timeout=0.05)
        process.kill()
        assert process.wait(timeout=30) == -signal.SIGKILL
        assert process.wait(timeout=0) == -signal.SIGKILL


def test_settings_are_keywords() -> None:
    nice = min(os.nice(0) + 5, 19)
    got = procfd.check_output(
        ["sh", "-c", "ulimit -n; nice"],
        limits={resource.RLIMIT_NOFILE: (64, 64)},
        nice=nice,
        text=True,
    )
    assert got.split() == ["64", str(nice)]
    with pytest.raises(TypeError, match="no_such_setting"):
        procfd.Popen(["true"], no_such_setting=1)  # type: ignore[call-arg]


def test_settings_come_on_top_of_the_arguments() -> None:
    reader, writer = os.pipe()
    with open(reader, "rb") as output:
        with procfd.Popen(
            ["sh", "-c", "echo out; echo nine >&9"],
            stdout=writer,
            actions=[("dup", 1, 9)],
            sigdefault=[signal.SIGUSR1],
        ):
            os.close(writer)
        assert output.read() == b"out\nnine\n"


def test_restore_signals() -> None:
    # Python ignores SIGPIPE; a child has it as it should be, unless it is told otherwise.
    code = ["sh", "-c", "grep SigIgn /proc/self/status"]
    both(lambda s: s.run(code, restore_signals=True, stdout=s.PIPE))
    both(lambda s: s.run(code, restore_signals=False, stdout=s.PIPE))
    kept = int(procfd.check_output(code, restore_signals=False).split()[1], 16)
    assert kept >> (signal.SIGPIPE - 1) & 1


def test_kill_on_close() -> None:
    process = procfd.Popen(["sleep", "60"], kill_on_close=True)
    pidfd = (
        os.pidfd_open(process.pid) if hasattr(os, "pidfd_open") else os.dup(process.process.pidfd)
    )
    try:
        assert not ended(pidfd, 0)
        with pytest.warns(ResourceWarning, match="still running"):
            del process
            gc.collect()
        assert ended(pidfd)
    finally:
        os.close(pidfd)
    # What was dropped is reaped by the library.
    procfd.run(["true"])
    with pytest.raises(ChildProcessError):
        os.waitid(os.P_ALL, 0, os.WNOHANG | os.WEXITED | os.WNOWAIT)


def test_dropped_alive_is_warned_of_and_reaped_later() -> None:
    process = procfd.Popen(["cat"], stdin=procfd.PIPE)
    assert process.stdin is not None
    stdin = os.dup(process.stdin.fileno())
    pid = process.pid
    process.stdin.close()
    with pytest.warns(ResourceWarning, match="still running"):
        del process
        gc.collect()
    os.close(stdin)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    procfd.run(["true"])
    with pytest.raises(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def test_an_ended_process_keeps_no_descriptors() -> None:
    before = open_fds()
    kept = [procfd.Popen(["true"]) for _ in range(20)]
    for process in kept:
        assert process.wait() == 0
    procfd.run(["true"])
    assert open_fds() <= before + 1
    assert [process.poll() for process in kept] == [0] * 20


def test_descriptors_that_were_asked_for_stay() -> None:
    with procfd.Popen(["sh", "-c", "exit 5"]) as process:
        fd = process.fileno()
        assert process.process.pid == process.pid
    assert process.returncode == 5
    os.fstat(fd)
    assert process.fileno() == fd
    assert process.process.wait().code == 5


@pytest.mark.skipif(KERNEL < (6, 15), reason="the kernel keeps no status of what was reaped")
def test_the_status_is_known_when_somebody_else_reaped() -> None:
    process = procfd.Popen(["sh", "-c", "exit 5"])
    os.waitpid(process.pid, 0)
    assert process.wait() == 5
    process = procfd.Popen(["sh", "-c", "kill -9 $$"])
    os.waitpid(process.pid, 0)
    assert process.poll() == -9


@pytest.mark.skipif(KERNEL < (6, 15), reason="the kernel keeps no status of what was reaped")
def test_the_status_is_known_when_sigchld_is_ignored() -> None:
    old = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert procfd.run(["sh", "-c", "exit 6"]).returncode == 6
        assert procfd.call(["sh", "-c", "exit 6"], timeout=30) == 6
    finally:
        signal.signal(signal.SIGCHLD, old)


def test_signals() -> None:
    for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGUSR1):
        with procfd.Popen(["sleep", "60"]) as process:
            if number == signal.SIGTERM:
                process.terminate()
            elif number == signal.SIGKILL:
                process.kill()
            else:
                process.send_signal(number)
        assert process.returncode == -number
        # After the end they do nothing.
        process.kill()
        process.send_signal(signal.SIGTERM)
    with procfd.Popen(["cat"], stdin=procfd.PIPE) as process, pytest.raises(OSError, match="10000"):
        process.send_signal(10_000)


def test_many_threads_wait_for_one() -> None:
    with procfd.Popen(["cat"], stdin=procfd.PIPE, stdout=procfd.DEVNULL) as process:
        results: list[int] = []
        threads = [
            threading.Thread(target=lambda t=t: results.append(process.wait(t)))
            for t in (None, 60) * 4
        ]
        for thread in threads:
            thread.start()
        assert process.stdin is not None
        process.stdin.close()
        for thread in threads:
            thread.join()
    assert results == [0] * 8


def test_a_signal_handler_interrupts_a_wait() -> None:
    class Interrupted(Exception):
        pass

    def interrupt(*_: object) -> None:
        raise Interrupted

    old = signal.signal(signal.SIGALRM, interrupt)
    try:
        for timeout in (None, 60):
            process = procfd.Popen(["sleep", "60"])
            with pytest.raises(Interrupted):
                signal.setitimer(signal.ITIMER_REAL, 0.1)
                process.wait(timeout)
            process.kill()
            process.wait()
    finally:
        signal.signal(signal.SIGALRM, old)


def test_session_and_group() -> None:
    code = [sys.executable, "-c", "import os; print(os.getpid(), os.getsid(0), os.getpgid(0))"]
    pid, session, group = procfd.check_output(code, start_new_session=True).split()
    assert pid == session == group
    pid, session, group = procfd.check_output(code, process_group=0).split()
    assert pid == group != session
    assert int(session) == os.getsid(0)


@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
def test_user_and_groups() -> None:
    with open(os.devnull) as null:
        got = procfd.run(
            ["cat", "/proc/self/status"],
            user="nobody",
            group=65534,
            extra_groups=[1, "nogroup"],
            stdin=null,
            stdout=procfd.PIPE,
            text=True,
            cwd="/",
        ).stdout
    fields = dict(line.split(":\t", 1) for line in got.splitlines() if ":\t" in line)
    assert fields["Uid"].split() == ["65534"] * 4
    assert fields["Gid"].split() == ["65534"] * 4
    assert sorted(fields["Groups"].split()) == ["1", "65534"]


def test_pipesize() -> None:
    getsize = 1032  # F_GETPIPE_SZ
    with procfd.Popen(["true"], stdout=procfd.PIPE, pipesize=8192) as process:
        assert process.stdout is not None
        assert fcntl.fcntl(process.stdout, getsize) == 8192


def test_preexec_fn() -> None:
    reader, writer = os.pipe()
    try:
        with procfd.Popen(["sleep", "60"], preexec_fn=lambda: os.write(writer, b"x")) as process:
            assert os.read(reader, 1) == b"x"
            process.fileno()
            process.kill()
        assert process.returncode == -signal.SIGKILL
    finally:
        os.close(reader)
        os.close(writer)

    def fail() -> None:
        raise ValueError

    with pytest.raises(procfd.SubprocessError, match="preexec_fn"):
        procfd.run(["true"], preexec_fn=fail)
    with pytest.raises(FileNotFoundError):
        procfd.run(["/no/such/program"], preexec_fn=os.getpid)
    process = procfd.Popen(["sleep", "60"], preexec_fn=os.getpid, kill_on_close=True)
    pidfd = os.dup(process.process.pidfd)
    with pytest.warns(ResourceWarning):
        del process
        gc.collect()
    assert ended(pidfd)
    os.close(pidfd)


def test_preexec_fn_leaves_nothing_open_above_a_lowered_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    high = fcntl.fcntl(0, fcntl.F_DUPFD, 300)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))
    try:
        both: list[dict[str, Any]] = [{}, {"nice": 19}]
        for configured in both:
            listed = procfd.run(
                ["ls", "/proc/self/fd"], preexec_fn=os.getpid, stdout=-1, text=True, **configured
            )
            assert listed.returncode == 0
            assert str(high) not in listed.stdout.split()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        os.close(high)


def test_preexec_fn_with_settings() -> None:
    def add_a_file() -> None:
        os.dup2(0, 11)
        os.environ["FROM_FUNCTION"] = "x"

    code = "ls /proc/self/fd; ulimit -n; cat <&9; echo $FROM_FUNCTION"
    reader, writer = os.pipe()
    os.write(writer, b"nine\n")
    os.close(writer)
    kept = os.dup(reader)
    done = procfd.run(
        ["sh", "-c", code],
        preexec_fn=add_a_file,
        pass_fds=[kept],
        limits={resource.RLIMIT_NOFILE: (64, 64)},
        actions=[("dup", reader, 9)],
        stdin=procfd.DEVNULL,
        stdout=procfd.PIPE,
        text=True,
    )
    os.close(reader)
    os.close(kept)
    *fds, limit, nine, from_function = done.stdout.split()
    assert {"0", "1", "2", "9", str(kept)} <= set(fds)
    assert "11" not in fds
    assert (limit, nine, from_function) == ("64", "nine", "x")

    def fail() -> None:
        raise ValueError

    with pytest.raises(procfd.SubprocessError, match="preexec_fn"):
        procfd.run(["true"], preexec_fn=fail, nice=19)
    for program in ("no-such-program", "/no/such/program", "/etc/passwd"):
        both(lambda s, p=program: s.run([p], preexec_fn=os.getpid))  # type: ignore[misc]
        with pytest.raises(OSError) as failed:
            procfd.run([program], preexec_fn=os.getpid, nice=19)
        assert failed.value.filename == program
    with pytest.raises(FileNotFoundError) as nowhere:
        procfd.run(["true"], preexec_fn=os.getpid, nice=19, cwd="/no/such/directory")
    assert nowhere.value.filename == "/no/such/directory"
    done = procfd.run(["env"], preexec_fn=os.getpid, nice=19, env={"A": "1"}, stdout=-1, text=True)
    assert done.stdout == "A=1\n"
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_audit_event() -> None:
    code = (
        "import sys, procfd\n"
        "events = []\n"
        "sys.addaudithook(lambda e, a: events.append(a) if e == 'subprocess.Popen' else None)\n"
        "procfd.run(['true', 'x'], cwd='/')\n"
        "assert events == [('true', ['true', 'x'], '/', None)], events\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_failed_start_leaves_nothing() -> None:
    procfd.run(["true"])
    before = open_fds()
    for _ in range(5):
        with pytest.raises(FileNotFoundError):
            procfd.Popen(["/no/such"], stdin=procfd.PIPE, stdout=procfd.PIPE, stderr=procfd.DEVNULL)
        with pytest.raises(TypeError):
            procfd.Popen([1], stdout=procfd.PIPE)  # type: ignore[list-item]
    gc.collect()
    assert open_fds() <= before
    with pytest.raises(ChildProcessError) as none:
        os.waitpid(-1, os.WNOHANG)
    assert none.value.errno == errno.ECHILD


def test_crossed_streams() -> None:
    # stdout goes to what is the caller's 0, and stdin comes from what is its 1.
    code = (
        "import os, procfd\n"
        "r, w = os.pipe(); r2, w2 = os.pipe()\n"
        "os.write(w, b'text'); os.close(w)\n"
        "os.dup2(w2, 0); os.dup2(r, 1)\n"
        "procfd.run(['cat'], stdin=1, stdout=0)\n"
        "os.write(2, os.read(r2, 9))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, stderr=subprocess.PIPE)
    assert done.stderr == b"text"
