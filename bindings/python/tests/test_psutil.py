# SPDX-License-Identifier: MIT OR Apache-2.0
"""What psutil.Process answers, asked of a descriptor. Checked against /proc and the module os."""

from __future__ import annotations

import os
import pathlib
import pty
import pwd
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import procfd
import pytest
from conftest import limits


@pytest.fixture
def own() -> Iterator[procfd.Process]:
    with procfd.open(os.getpid()) as process:
        yield process


@pytest.fixture
def sleeper() -> Iterator[procfd.Process]:
    with procfd.spawn(["sleep", "600"], kill_on_close=True) as process:
        yield process


def test_what_is_the_callers_own(own: procfd.Process) -> None:
    assert own.cmdline() == own.argv()
    assert own.ppid() == os.getppid()
    assert own.uids() == os.getresuid()
    assert own.gids() == os.getresgid()
    try:
        expected = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        expected = str(os.getuid())
    assert own.username() == expected
    assert own.nice() == os.nice(0)
    assert own.cpu_affinity() == sorted(os.sched_getaffinity(0))
    assert own.cpu_num() in range(os.sysconf("SC_NPROCESSORS_CONF"))
    assert own.is_running()
    times = os.times()
    assert abs(own.cpu_times().user - times.user) < 1
    assert own.num_fds() >= len(os.listdir("/proc/self/fd")) - 2
    switches = own.num_ctx_switches()
    assert switches.voluntary >= 0 and switches.involuntary >= 0
    io = own.io_counters()
    assert io.read_chars > 0 and io.read_count > 0


def test_the_name_is_completed(tmp_path: pathlib.Path) -> None:
    program = tmp_path / "a-name-of-more-than-fifteen"
    program.write_text("#!/bin/sh\nread x\n")
    program.chmod(0o755)
    reader, writer = os.pipe()
    with open(reader), open(writer, "w"), procfd.spawn([program], stdin=reader) as process:
        # The kernel names a script by itself, and its arguments begin with the interpreter.
        assert process.name() == "a-name-of-more-"
        process.kill()
    link = tmp_path / "sleep-with-a-long-name"
    link.symlink_to("/bin/sleep")
    with procfd.spawn([link, "60"], kill_on_close=True) as process:
        assert process.info("comm").comm == "sleep-with-a-lo"
        assert process.name() == "sleep-with-a-long-name"
    with procfd.spawn(["other", "60"], program="/bin/sleep", kill_on_close=True) as process:
        assert process.name() == "sleep"


def test_when_it_started(sleeper: procfd.Process) -> None:
    assert abs(sleeper.create_time() - time.time()) < 5


def test_relatives_are_handles(own: procfd.Process) -> None:
    script = "sleep 600 & sleep 600 & wait"
    with procfd.spawn(["sh", "-c", f"sh -c '{script}' & wait"], kill_on_close=True) as process:
        for _ in range(1000):
            family = process.children(recursive=True)
            if [one.name() for one in family] == ["sh", "sleep", "sleep"]:
                break
            time.sleep(0.01)
        inner = process.children()
        assert [one.pid for one in inner] == [family[0].pid]
        parent = family[1].parent()
        assert parent is not None and parent.pid == inner[0].pid
        ancestors = [one.pid for one in family[1].parents()]
        assert ancestors[:3] == [inner[0].pid, process.pid, own.pid]
        # By the handle, which cannot meet another process.
        inner[0].kill()
        inner[0].wait(60)
        assert not process.is_running() or process.wait(60).code is not None
        for one in family[1:]:
            one.kill()
    assert procfd.open(1).parent() is None


def test_a_terminal() -> None:
    ours, theirs = pty.openpty()
    path = os.ttyname(theirs)
    with (
        open(ours, "rb", 0),
        open(theirs, "rb", 0) as terminal,
        procfd.spawn(
            ["sleep", "600"], session=True, ctty=terminal, stdin=terminal, kill_on_close=True
        ) as process,
    ):
        assert process.terminal() == path
    with procfd.spawn(["sleep", "600"], session=True, kill_on_close=True) as process:
        assert process.terminal() is None


def test_memory(own: procfd.Process) -> None:
    block = bytearray(64 << 20)
    info = own.memory_info()
    assert info.rss > len(block) and info.vms >= info.rss
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for kind in ("rss", "vms", "uss", "pss"):
        assert own.memory_percent(kind) > 0
    assert abs(own.memory_percent() - info.rss / total * 100) < 1
    with pytest.raises(ValueError, match="rss"):
        own.memory_percent("much")
    full = own.memory_full_info()
    assert full.uss > len(block) and full.pss >= full.uss and full.swap >= 0
    assert full.rss > len(block) and full.data >= info.data
    maps = own.memory_maps()
    assert sum(mapping.size for mapping in maps) >= info.vms // 2
    assert any(mapping.path == "[stack]" and mapping.perms.startswith("rw") for mapping in maps)
    assert any(mapping.path.endswith(".so") and "x" in mapping.perms for mapping in maps)


def test_threads(own: procfd.Process) -> None:
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    try:
        assert own.num_threads() == len(own.threads()) >= 2
        assert {os.getpid(), thread.native_id} <= {one.id for one in own.threads()}
    finally:
        over.set()
        thread.join()


def test_open_files(own: procfd.Process, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "file"
    for mode, letters in (("w", "w"), ("a", "a"), ("r", "r"), ("r+", "r+"), ("a+", "a+")):
        with open(path, mode) as file:
            found = [one for one in own.open_files() if one.path == str(path)]
            assert [(one.fd, one.mode) for one in found] == [(file.fileno(), letters)]
    assert not [one for one in own.open_files() if one.path == str(path)]
    with path.open("w"):
        path.unlink()
        # It has no path any more.
        assert not [one for one in own.open_files() if one.path.startswith(str(path))]


def test_sockets(
    own: procfd.Process, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    # A path of a socket has 107 bytes at most (unix(7)), and that of the folder may be longer.
    monkeypatch.chdir(tmp_path)
    path = "socket"
    with socket.socket() as server, socket.socket(socket.AF_UNIX) as local:
        server.bind(("127.0.0.1", 0))
        server.listen()
        local.bind(path)
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            found = {one.fd: one for one in own.net_connections("all")}
            assert found[server.fileno()].status == "LISTEN"
            assert found[server.fileno()].laddr == ("127.0.0.1", port)
            assert found[server.fileno()].raddr == ()
            connection = found[client.fileno()]
            assert (connection.laddr, connection.raddr) == (
                client.getsockname(),
                ("127.0.0.1", port),
            )
            assert connection.status == "ESTABLISHED"
            assert connection.type == socket.SOCK_STREAM
            assert found[local.fileno()].laddr == path
            assert client.fileno() in {one.fd for one in own.net_connections("tcp4")}
            assert client.fileno() not in {one.fd for one in own.net_connections("udp")}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
        datagram.bind(("127.0.0.1", 0))
        found = {one.fd: one for one in own.net_connections()}
        assert found[datagram.fileno()].laddr == datagram.getsockname()
        assert found[datagram.fileno()].status == "NONE"
    with pytest.raises(ValueError, match="tcp4"):
        own.net_connections("tcp5")


def test_what_is_got_is_set(sleeper: procfd.Process) -> None:
    sleeper.nice(7)
    assert sleeper.nice() == os.getpriority(os.PRIO_PROCESS, sleeper.pid) == 7
    sleeper.ionice("be", 6)
    assert sleeper.ionice() == (2, 6)
    sleeper.ionice("idle")
    assert sleeper.ionice().ioclass == 3
    with pytest.raises(ValueError, match="idle"):
        sleeper.ionice("much")
    with pytest.raises(ValueError, match="ioclass accepts no value"):
        sleeper.ionice("idle", 7)
    with pytest.raises(ValueError, match="8 is not in 0 to 7"):
        sleeper.ionice("be", 8)
    with pytest.raises(ValueError, match="'ioclass'"):
        sleeper.ionice(value=1)  # type: ignore[call-overload]
    # As psutil: the first level.
    sleeper.ionice("be")
    assert sleeper.ionice() == (2, 0)
    cpus = sorted(os.sched_getaffinity(0))
    for one in (cpus[:1], set(cpus[:1]), iter(cpus[:1])):
        sleeper.cpu_affinity(one)
        assert sleeper.cpu_affinity() == cpus[:1]
    sleeper.cpu_affinity([])
    assert set(cpus) <= set(sleeper.cpu_affinity())
    with pytest.raises(ValueError, match="CPU 10000 is not in 0 to "):
        sleeper.cpu_affinity([10000])
    with pytest.raises(TypeError, match="not str"):
        sleeper.cpu_affinity(["1"])  # type: ignore[list-item]
    sleeper.rlimit("nofile", (10, 20))
    assert sleeper.rlimit("nofile") == (10, 20)
    with pytest.raises(ValueError, match="not one of 3"):
        sleeper.rlimit("nofile", (1, 2, 3))  # type: ignore[arg-type]


def test_oneshot_reads_once(own: procfd.Process) -> None:
    def switches() -> int:
        return sum(own.num_ctx_switches())

    def of_now() -> int:
        found = own.info("switches").switches
        assert found is not None
        return found.voluntary + found.involuntary

    with own.oneshot():
        first = switches()
        deadline = time.monotonic() + 60
        while of_now() == first:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        with own.oneshot():
            assert switches() == first
        # The inner block keeps what the outer one has read.
        assert switches() == first and own.ppid() == os.getppid()
    assert switches() > first
    with procfd.open(os.getpid()) as other, other.oneshot():
        assert sum(other.num_ctx_switches()) > first


def test_a_zombie_has_no_program_any_more(sleeper: procfd.Process) -> None:
    sleeper.kill()
    for _ in range(6000):
        if state(sleeper) == "zombie":
            break
        time.sleep(0.01)
    for call in (sleeper.exe, sleeper.cwd, sleeper.environ):
        name = call.__name__
        with pytest.raises(OSError, match=f"{name} pid {sleeper.pid}: the process has ended"):
            call()
    assert sleeper.memory_full_info().rss == 0


def test_a_closed_handle_says_which_call_and_process() -> None:
    process = procfd.spawn(["true"])
    process.wait(60)
    process.close()
    for call, name in (
        (process.kill, "kill"),
        (process.fileno, "fileno"),
        (process.cwd, "cwd"),
        (process.info, "info"),
    ):
        with pytest.raises(ValueError, match=f"{name} pid {process.pid}: the descriptor is closed"):
            call()


def test_cpu_percent(own: procfd.Process) -> None:
    begin = time.monotonic()
    assert own.cpu_percent() == 0.0
    end = time.process_time() + 0.2
    while time.process_time() < end:
        pass
    # On a busy machine 0.2 s of a processor take long.
    assert own.cpu_percent() / 100 * (time.monotonic() - begin) > 0.15
    with procfd.spawn(["sleep", "600"], kill_on_close=True) as idle:
        assert idle.cpu_percent(0.2) < 50
        with pytest.raises(ValueError, match="negative"):
            idle.cpu_percent(-1)


def state(process: procfd.Process) -> str:
    return str(process.as_dict(["status"])["status"])


def test_states_in_words(sleeper: procfd.Process, own: procfd.Process) -> None:
    assert state(own) == "running"

    def becomes(expected: str) -> bool:
        for _ in range(1000):
            if state(sleeper) == expected:
                return True
            time.sleep(0.01)
        return False

    assert becomes("sleeping")
    sleeper.suspend()
    assert becomes("stopped")
    sleeper.resume()
    assert becomes("sleeping")
    sleeper.kill()
    assert becomes("zombie")
    assert sleeper.is_running()
    sleeper.wait(60)
    assert not sleeper.is_running()
    with pytest.raises(ProcessLookupError, match=f"name pid {sleeper.pid}"):
        sleeper.name()
    with pytest.raises(ProcessLookupError):
        sleeper.as_dict()


def test_as_dict(own: procfd.Process) -> None:
    everything = own.as_dict()
    assert everything["pid"] == os.getpid()
    assert everything["exe"] == os.readlink("/proc/self/exe")
    assert everything["name"] == own.name()
    assert own.as_dict(["pid", "ppid"]) == {"pid": os.getpid(), "ppid": os.getppid()}
    with pytest.raises(ValueError, match='did you mean "username"'):
        own.as_dict(["usernam"])
    with pytest.raises(TypeError):
        own.as_dict("pid")


def test_what_is_refused_says_of_which_process() -> None:
    # What is loaded late is loaded before: another user may not be able to read it.
    code = "import os, procfd\nprocfd.open(os.getpid()).as_dict()\n"
    if os.geteuid() == 0:
        code += "os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)\n"
    code += (
        "init = procfd.open(1)\n"
        "for call in (init.kill, init.environ, init.io_counters, init.open_files,\n"
        "             init.num_fds, lambda: init.send_signal('TERM'), lambda: init.nice(-5)):\n"
        "    try:\n"
        "        call()\n"
        "    except PermissionError as error:\n"
        "        assert 'pid 1' in str(error), error\n"
        "    else:\n"
        "        raise AssertionError(call)\n"
        "assert init.as_dict(['environ', 'pid'], ad_value='?') == {'environ': '?', 'pid': 1}\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("root")
def test_a_kernel_thread_has_no_program() -> None:
    for pid in procfd.pids():
        with procfd.open(pid) as process:
            if process.ppid() == 2:
                with pytest.raises(OSError, match="a kernel thread has no program"):
                    process.exe()
                assert process.memory_info().rss == 0
                assert not process.cmdline() and not process.memory_maps()
                assert not process.open_files() and not process.net_connections("all")
                return
    pytest.skip("no kernel threads are seen here")


def test_all_processes(sleeper: procfd.Process) -> None:
    assert {os.getpid(), sleeper.pid} <= set(procfd.pids())
    assert procfd.pid_exists(os.getpid()) and procfd.pid_exists(1)
    assert not any(procfd.pid_exists(pid) for pid in (0, -1, 4194303, 1 << 40))
    assert sleeper.pid in {process.pid for process in procfd.process_iter()}
    found = [one for one in procfd.process_iter(["pid", "name"]) if one["pid"] == sleeper.pid]
    assert found == [{"pid": sleeper.pid, "name": "sleep"}]
    with pytest.raises(ValueError, match="nonsense"):
        list(procfd.process_iter(["nonsense"]))


def test_the_first_that_ends() -> None:
    slow = procfd.spawn(["sleep", "600"], kill_on_close=True)
    with slow, procfd.spawn(["true"]) as quick, procfd.Popen(["sleep", "600"]) as popen:
        all_of_them: list[procfd.Process | procfd.Popen[bytes]] = [slow, quick, popen]
        assert procfd.wait_any(all_of_them) == [quick]
        assert procfd.wait_any([slow], 0.05) == []
        assert procfd.wait_any([slow], -1) == []
        popen.kill()
        both: list[procfd.Process | procfd.Popen[bytes]] = [slow, popen]
        assert procfd.wait_any(both, 60) == [popen]
        popen.wait()
        # Known already, and not waited for again.
        assert procfd.wait_any(both, 60) == [popen]
        none: list[procfd.Process] = []
        assert procfd.wait_any(none) == []
        with pytest.raises(TypeError, match="not int"):
            procfd.wait_any([slow, slow.pid])  # type: ignore[type-var]


def test_a_signal_handler_ends_the_wait() -> None:
    code = (
        "import procfd, signal\n"
        "def handler(*_): raise KeyboardInterrupt\n"
        "signal.signal(signal.SIGALRM, handler)\n"
        "with procfd.spawn(['sleep', '600'], kill_on_close=True) as process:\n"
        "    try:\n"
        "        signal.setitimer(signal.ITIMER_REAL, 0.2)\n"
        "        procfd.wait_any([process])\n"
        "    except KeyboardInterrupt: print('interrupted')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "interrupted\n"


def test_wait_procs() -> None:
    with procfd.spawn(["sleep", "600"], kill_on_close=True) as slow:
        quick = [procfd.spawn(["sh", "-c", f"exit {code}"]) for code in range(5)]
        for seconds in limits(0.5):
            told: list[procfd.Process] = []
            gone, alive = procfd.wait_procs([slow, *quick], seconds, told.append)
            if len(gone) == len(quick):
                break
        assert alive == [slow] and gone == told
        assert {one.pid for one in gone} == {one.pid for one in quick}
        assert [one.wait().code for one in quick] == list(range(5))
        slow.kill()
        assert procfd.wait_procs([slow], 60) == ([slow], [])
        for one in quick:
            one.close()
