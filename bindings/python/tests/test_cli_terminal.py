# SPDX-License-Identifier: MIT OR Apache-2.0
"""The command line on a real terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

import procfd
import pytest
from test_cli import CLI, namespaces_are_allowed

SECONDS = 60


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, *words: str, columns: int = 80) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            # Not the environment of libc, where readline(3) puts COLUMNS.
            env = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")}
            # The keys of a terminal work though these tests run under nohup.
            for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            # The size is set before the command asks for it.
            os.read(0, 1)
            os.execve(sys.executable, [*CLI, *words], {**env, "TERM": "vt100"})
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.type("\n")
        self.out = b""

    def type(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def until(self, text: str) -> str:
        """Reads until it shows this; what was there before is given up."""
        end = time.monotonic() + SECONDS
        while text.encode() not in self.out:
            left = end - time.monotonic()
            assert left > 0, (text, self.out)
            if select.select([self.fd], [], [], left)[0]:
                try:
                    self.out += os.read(self.fd, 65536)
                except OSError:
                    raise AssertionError((text, self.out)) from None
        before, _, self.out = self.out.partition(text.encode())
        return before.decode(errors="replace")

    def until_rows(self, *pids: int) -> None:
        """Reads until lines that follow each other have these pids."""
        rows = re.compile("".join(rf"\b{pid}\b[^\n]*\n?" for pid in pids))
        end = time.monotonic() + SECONDS
        while not (found := rows.search(self.out.decode(errors="replace"))):
            left = end - time.monotonic()
            assert left > 0, (pids, self.out)
            if select.select([self.fd], [], [], left)[0]:
                self.out += os.read(self.fd, 65536)
        self.out = self.out.decode(errors="replace")[found.end() :].encode()

    def end(self) -> tuple[int, str]:
        """Its exit status, and the rest of what it shows."""
        try:
            while chunk := os.read(self.fd, 65536):
                self.out += chunk
        except OSError:
            # The program has ended, and the other end of its terminal is closed.
            pass
        os.close(self.fd)
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return status, self.out.decode(errors="replace")


def test_top_has_keys() -> None:
    top = Terminal("top", "--interval", "100ms")
    top.until("%CPU")
    top.type("h")
    top.until("q quit  c sort by CPU")
    top.type("m")
    top.until("%CPU")
    top.type("t")
    top.until("COMMAND")
    top.type("q")
    status, rest = top.end()
    assert status == 0
    assert rest.endswith("\x1b[?1049l")


def test_top_sorts_and_shows_the_tree() -> None:
    """By memory a large child comes first, in the tree its parent."""
    large = "import time; x = b'x' * (100 << 20); print('large', flush=True); time.sleep(60)"
    script = '"$0" -c "$1" & echo $!; wait'
    with procfd.Popen(
        ["sh", "-c", script, sys.executable, large], stdout=procfd.PIPE, text=True, session=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert parent.stdout.readline() == "large\n"
        by_pid = sorted((parent.pid, child))
        top = Terminal("top", "--interval", "50ms", "--sort", "pid", str(parent.pid), str(child))
        top.until_rows(*by_pid)
        for key, rows in (
            ("m", [child, parent.pid]),
            ("t", [parent.pid, child]),
            ("t", [child, parent.pid]),
            ("p", by_pid),
        ):
            top.type(key)
            top.until_rows(*rows)
        top.type("q")
        assert top.end()[0] == 0
        os.killpg(parent.pid, signal.SIGKILL)


def test_top_kills() -> None:
    sleeper = procfd.spawn("sleep", ["sleep", "60"], search=True)
    top = Terminal("top", "--interval", "100ms")
    top.until("%CPU")
    top.type("k")
    top.until("pid to signal")
    top.type(f"{sleeper.pid}\n")
    top.until("signal (TERM):")
    top.type("\n")
    top.until(f"sent SIGTERM to {sleeper.pid}")
    assert sleeper.wait(SECONDS).signal == 15
    top.type("q")
    assert top.end()[0] == 0


@pytest.mark.parametrize("columns", [60, 80, 110])
def test_the_command_has_room_in_a_narrow_terminal(columns: int) -> None:
    name = "x" * 20
    sleeper = procfd.spawn("sleep", [name, "60"], search=True)
    status, out = Terminal("ps", columns=columns).end()
    sleeper.kill()
    sleeper.wait()
    assert status == 0
    lines = [line for line in out.replace("\r", "").split("\n") if line]
    assert max(map(len, lines)) <= columns
    assert lines[0].endswith("COMMAND")
    # Numbers end where their heads end.
    pid_end = lines[0].index("PID") + 3
    assert all(line[pid_end - 1].isdigit() and line[pid_end] == " " for line in lines[1:])
    assert any(line.split()[0] == str(sleeper.pid) and name in line for line in lines[1:])


@pytest.mark.skipif(not namespaces_are_allowed(), reason="no user namespaces")
@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_shell_in_a_namespace_keeps_its_status(shell: str) -> None:
    terminal = Terminal("run", "--map-root", "--init", "--", shell)
    terminal.type("echo pid=$$ tty=$(tty)\n")
    terminal.until("pid=2 tty=/dev/pts/")
    terminal.type("exit 3\n")
    status, out = terminal.end()
    assert status == 3, out
    assert "Cannot set tty process group" not in out


def test_a_program_with_a_terminal_of_its_own() -> None:
    script = "tty; stty size; read line; echo got=$line; exit 4"
    terminal = Terminal("run", "--pty", "sh", "-c", script, columns=91)
    terminal.until("24 91")
    terminal.type("word\n")
    terminal.until("got=word")
    assert terminal.end()[0] == 4


def test_ctrl_c_reaches_the_program_once() -> None:
    script = (
        "trap 'n=$((n+1))' INT; echo ready; while [ -z $n ]; do sleep 0.1; done; "
        "sleep 0.3; echo n=$n"
    )
    terminal = Terminal("run", "sh", "-c", script)
    terminal.until("ready")
    terminal.type("\x03")
    terminal.until("n=")
    status, out = terminal.end()
    assert re.match(r"1\b", out.strip()), out
    assert status == 0
