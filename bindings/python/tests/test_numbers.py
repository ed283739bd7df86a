# SPDX-License-Identifier: MIT OR Apache-2.0
"""A program that closes the library's own descriptors, as closefrom(3) and stray closes do."""

from __future__ import annotations

import sys

import pytest
from conftest import run

START = """
import os, procfd, socket

def numbers():
    return {int(n) for n in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{n}")}

def open_numbers():
    found = set()
    for number in map(int, os.listdir("/proc/self/fd")):
        try:
            status = os.fstat(number)
        except OSError:
            continue
        found.add((number, status.st_dev, status.st_ino))
    return found

def works():
    assert procfd.run(["true"], watch=True).returncode == 0
    assert procfd.run(["echo", "x"], capture_output=True).stdout == b"x\\n"
    with procfd.Popen(["sleep", "60"], kill_on_close=True, watch=True) as process:
        assert process.poll() is None
        process.kill()

before = numbers()
works()
"""


def python(code: str) -> None:
    status, output = run(sys.executable, "-c", START + code)
    assert status == 0, output


def test_everything_is_closed_again_and_again() -> None:
    python("""
for _ in range(4):
    os.closerange(3, 4096)
    works()
pid = os.fork()
if pid == 0:
    os.closerange(3, 4096)
    works()
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
works()
""")


@pytest.mark.parametrize("at_once", [False, True])
def test_nothing_arrives_on_the_sockets_of_the_program(at_once: bool) -> None:
    python(f"""
private = sorted(numbers() - before)
assert private
for chosen in [private] if {at_once} else [[number] for number in private]:
    pairs = [socket.socketpair() for _ in chosen]
    for (own, peer), number in zip(pairs, chosen):
        os.dup2(own.fileno(), number)
    works()
    for (own, peer), number in zip(pairs, chosen):
        assert os.path.sameopenfile(own.fileno(), number), number
        for end in (own, peer):
            end.setblocking(False)
            try:
                raise AssertionError(end.recv(100))
            except BlockingIOError:
                pass
            end.close()
        os.close(number)
""")


def test_standard_streams_that_are_closed_stay_the_programs() -> None:
    python("""
for number in range(3):
    os.close(number)
works()
assert not {0, 1, 2} & numbers(), "no descriptor of the library's is a standard stream"
for number in range(3):
    assert os.open("/dev/null", os.O_RDWR) == number
works()
""")


def test_a_daemon_by_double_fork_starts_processes() -> None:
    python("""
read, write = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.dup2(write, 3)
        os.closerange(4, 4096)
        works()
        os.write(3, b"works")
    os._exit(0)
os.close(write)
with open(read, "rb") as answer:
    assert answer.read() == b"works"
""")


OBJECTS = {
    "spawn": "procfd.spawn(['sleep', '1'])",
    "spawn, kill_on_close": "procfd.spawn(['sleep', '60'], kill_on_close=True)",
    "Popen": "procfd.Popen(['sleep', '1'])",
    "Popen, watch": "procfd.Popen(['sleep', '1'], watch=True)",
    "open": "procfd.open(os.getpid())",
    "open a directory": "procfd.open('/proc/self')",
    "attach": "procfd.attach(sleeper.pid)",
    "Context": "procfd.Context('true', ['true'])",
}


@pytest.mark.parametrize("name", OBJECTS)
def test_an_object_closes_no_number_that_is_not_its_own(name: str) -> None:
    """Its numbers are closed by others, and one by one become files of the program."""
    python(f"""
import subprocess
sleeper = subprocess.Popen(["sleep", "60"])
before = open_numbers()
made = {OBJECTS[name]}
own = [number for number, *_ in open_numbers() - before]
assert own or {name == "Context"}
for number in own:
    os.dup2(os.open("/etc/passwd", os.O_RDONLY | os.O_CLOEXEC), number)
del made
works()
for number in own:
    os.fstat(number)
    os.close(number)

before = open_numbers()
made = {OBJECTS[name]}
for number, *_ in open_numbers() - before:
    os.close(number)
del made
works()
sleeper.kill()
sleeper.wait()
""")


def test_a_fork_closes_the_files_that_took_the_places_of_its_parents() -> None:
    python("""
before = open_numbers()
held = [procfd.spawn(["sleep", "60"], kill_on_close=True), procfd.open(os.getpid())]
held.append(procfd.Context("true", ["true"]))
if os.fork() == 0:
    held.clear()
    assert len(open_numbers()) <= len(before), open_numbers() - before
    os._exit(0)
assert os.wait()[1] == 0
held.clear()
assert len(open_numbers()) <= len(before), open_numbers() - before
""")
