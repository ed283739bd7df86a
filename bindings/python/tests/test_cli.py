# SPDX-License-Identifier: MIT OR Apache-2.0
"""python -m procfd"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import pty
import signal
import subprocess
import sys
import time
from typing import Any

import procfd
import pytest

CLI = [sys.executable, "-m", "procfd"]


def cli(*words: object, **keywords: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*CLI, *map(str, words)], capture_output=True, text=True, timeout=60, **keywords
    )


def run(*words: object) -> tuple[int, str]:
    done = cli("run", *words)
    return done.returncode, done.stdout


def namespaces_are_allowed() -> bool:
    try:
        uid, gid = os.geteuid(), os.getegid()
        with procfd.spawn("true", ["true"], search=True, uid_map=[(0, uid, 1)],
                          gid_map=[(0, gid, 1)], namespaces="user") as process:  # fmt: skip
            return process.wait().code == 0
    except OSError:
        return False


def test_run_hands_the_status_on() -> None:
    assert run("true") == (0, "")
    assert run("sh", "-c", "echo out; exit 7") == (7, "out\n")
    assert run("--", "sh", "-c", "kill -TERM $$")[0] == 128 + signal.SIGTERM
    assert run("/no/such/program")[0] == 127
    assert run("/etc/passwd")[0] == 126
    assert run("--cwd", "/no/such/directory", "true")[0] == 125
    assert run()[0] == 2
    assert run("--limit", "nofile", "true")[0] == 2


def test_run_with_a_time_limit() -> None:
    assert run("--timeout", "60s", "sh", "-c", "exit 3")[0] == 3
    assert run("--timeout", "100ms", "sleep", "60")[0] == 124
    assert run("--timeout", "0.1", "--signal", "KILL", "sleep", "60")[0] == 137
    stubborn = ("sh", "-c", "trap '' TERM; while :; do sleep 0.1; done")
    assert run("--timeout", "1s", "--kill-after", "100ms", *stubborn)[0] == 137


def test_run_with_settings() -> None:
    words = ["--limit", "nofile=100:200", "--umask", "027", "--env", "A=b c", "--clear-env"]
    script = "ulimit -Sn; ulimit -Hn; umask; echo $A; grep -c NoNewPrivs:.1 /proc/self/status; pwd"
    status, out = run(*words, "--no-new-privs", "--cwd", "/usr", "sh", "-c", script)
    assert status == 0
    soft, hard, umask, variable, private, directory = out.splitlines()
    assert (soft, hard, variable, private, directory) == ("100", "200", "b c", "1", "/usr")
    assert int(umask, 8) == 0o27


@pytest.mark.skipif(not namespaces_are_allowed(), reason="no user namespaces")
def test_run_in_namespaces() -> None:
    status, out = run(
        *("--unshare", "pid,uts", "--map-root", "--hostname", "box"),
        *("sh", "-c", "echo $$; id -u; uname -n"),
    )
    assert (status, out.split()) == (0, ["1", "0", "box"])
    assert run("--map-root", "--init", "sh", "-c", "echo $$; exit 5") == (5, "2\n")
    assert run("--map-root", "--unshare", "pid", "--kill-on-exit", "sh", "-c", "exit 6")[0] == 6


def test_run_forwards_signals() -> None:
    with subprocess.Popen(
        [*CLI, "run", "sh", "-c", "trap 'exit 9' TERM; echo ready; while :; do sleep 0.1; done"],
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.terminate()
        assert process.wait(30) == 9


def test_kill_on_exit() -> None:
    with subprocess.Popen(
        [*CLI, "run", "--kill-on-exit", "sh", "-c", "echo $$; exec sleep 60"],
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        with procfd.open(pid=pid) as program:
            process.kill()
            process.wait()
            try:
                assert program.wait(30).signal == signal.SIGKILL
            except OSError:
                # Reaped by init, and the kernel keeps no status.
                assert program.state == "exited"


def test_ps() -> None:
    done = cli("ps")
    assert done.returncode == 0
    processes = {one["ids"]["pid"]: one for one in json.loads(done.stdout)}
    own = processes[os.getpid()]
    assert own["ids"]["ppid"] == os.getppid()
    assert own["creds"]["euid"] == os.geteuid()
    table = cli("ps", "--table", "--sort", "memory").stdout.splitlines()
    assert table[0].split()[:3] == ["PID", "PPID", "USER"]
    assert any(line.split()[0] == str(os.getpid()) for line in table[1:])
    mine = json.loads(cli("ps", "--user", os.geteuid()).stdout)
    assert {one["creds"]["euid"] for one in mine} == {os.geteuid()}


def test_a_name_cannot_reach_the_terminal() -> None:
    code = "import sys; open('/proc/self/comm', 'w').write('\\x1b[2Jx'); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as named:
        assert named.stdout is not None
        named.stdout.readline()
        for command in (("ps", "--table"), ("tree", "--table", named.pid)):
            out = cli(*command).stdout
            assert "\x1b" not in out
            assert "\\x1b[2Jx" in out
        named.communicate(b"\n")


def test_tree() -> None:
    with subprocess.Popen(
        ["sh", "-c", "sleep 60 & echo $!; wait"], stdout=subprocess.PIPE
    ) as shell:
        assert shell.stdout is not None
        below = int(shell.stdout.readline())
        (root,) = json.loads(cli("tree", shell.pid).stdout)
        assert root["pid"] == shell.pid
        assert [child["pid"] for child in root["children"]] == [below]
        lines = cli("tree", "--table", shell.pid).stdout.splitlines()
        assert lines == [f"{shell.pid} sh", f"└─ {below} sleep"]
        # The whole tree is ended by one call.
        with procfd.open(pid=below) as sleeper:
            assert cli("kill", "--tree", "-s", "kill", shell.pid).returncode == 0
            shell.wait()
            try:
                sleeper.wait(30)
            except OSError:
                assert sleeper.state == "exited"


def test_info() -> None:
    known = json.loads(cli("info", os.getpid()).stdout)
    assert known["ids"]["pid"] == os.getpid()
    assert {"comm", "creds", "memory", "threads", "limits"} <= set(known)
    assert list(json.loads(cli("info", os.getpid(), "threads").stdout)) == ["threads"]
    own = json.loads(cli("info", os.getpid(), "argv", "cwd").stdout)
    assert own["cwd"] == os.getcwd()
    assert own["argv"] == procfd.open(pid=os.getpid()).argv()
    lines = cli("info", "--table", os.getpid()).stdout.splitlines()
    assert ["ids.pid", str(os.getpid())] in [line.split() for line in lines]
    assert cli("info", os.getpid(), "nonsense").returncode == 1


def has_a_pidfd(pid: int) -> bool:
    """Whether it has opened the process it is to wait for, which may be reaped from then on."""
    for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            if "pidfd" in os.readlink(fd):
                return True
    return False


def test_wait_and_kill() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        assert cli("wait", process.pid, "--timeout", "0").returncode == 124
        with subprocess.Popen([*CLI, "wait", "--table", str(process.pid)], stdout=-1) as waiter:
            while not has_a_pidfd(waiter.pid):
                assert waiter.poll() is None
                time.sleep(0.01)
            assert cli("kill", process.pid, "-s", "USR1").returncode == 0
            # Not our child's status to take: it is read when the parent has reaped.
            assert process.wait() == -signal.SIGUSR1
            out, _ = waiter.communicate(timeout=60)
        known = (
            f"{process.pid} killed by SIGUSR1\n",
            f"{process.pid} ended; its status is not known\n",
        )
        assert out.decode() in known
    done = cli("kill", process.pid)
    assert done.returncode == 1
    assert "No such process" in done.stderr
    assert cli("kill", "-s", "nonsense", "1").returncode == 2


def test_top_without_a_terminal() -> None:
    looks = cli("top", "--interval", "0.1", "--count", "2").stdout.splitlines()
    assert len(looks) == 2
    for look in looks:
        assert any(one["ids"]["pid"] == os.getpid() for one in json.loads(look))
    assert "%CPU" in cli("top", "--table", "--count", "1").stdout


def test_top_on_a_terminal_ends_with_q() -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "vt100"
        os.execv(sys.executable, [*CLI, "top", "--interval", "0.1"])
    out = b""
    while b"%CPU" not in out:
        out += os.read(terminal, 65536)
    os.write(terminal, b"q")
    try:
        while chunk := os.read(terminal, 65536):
            out += chunk
    except OSError:
        # The other end of a terminal is gone.
        pass
    os.close(terminal)
    assert os.waitpid(pid, 0)[1] == 0
    assert out.endswith(b"\x1b[?1049l")


def test_a_reader_that_goes_early_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m procfd ps --table | head -n 1",
        shell=True,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert done.stdout.startswith("  ") or done.stdout.startswith("PID")
