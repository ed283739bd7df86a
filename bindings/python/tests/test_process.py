# SPDX-License-Identifier: MIT OR Apache-2.0
"""A process behind its descriptors: waiting, signals, questions, passing it on."""

from __future__ import annotations

import array
import copy
import multiprocessing.reduction
import os
import pathlib
import pickle
import resource
import select
import signal
import socket
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from typing import Any

import procfd
import pytest


@pytest.fixture
def sleeper() -> Iterator[procfd.Process]:
    process = procfd.spawn("/bin/sleep", ["sleep", "1000"], kill_on_close=True)
    yield process
    if not process.closed:
        if process.poll() is None:
            process.kill()
        process.wait(60)
        process.close()


def sh(script: str, **settings: Any) -> procfd.Process:
    return procfd.spawn("/bin/sh", ["sh", "-c", script], **settings)


def readable(fd: int, seconds: float = 0) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def test_exit_codes_and_signals() -> None:
    with sh("exit 7") as process:
        status = process.wait(60)
    assert (status.returncode, status.code, status.signal, status.dumped) == (7, 7, None, False)
    with sh("kill -TERM $$") as process:
        status = process.wait(60)
    assert (status.returncode, status.code, status.signal) == (-15, None, 15)
    assert repr(status) == "ExitStatus(signal=15)"


def test_the_status_stays() -> None:
    with sh("exit 3") as process:
        assert process.status is None
        first = process.wait(60)
        assert process.wait() == first == process.poll() == process.status
        assert first != 3
        assert process.state == "exited"
    assert process.wait() == first
    with pytest.raises(TypeError):
        hash(first)


def test_usage_is_that_of_the_process() -> None:
    with sh("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done") as process:
        usage = process.wait(60).usage
    assert usage is not None
    assert usage.user + usage.system > 0
    assert usage.max_rss > 100_000
    assert usage.minor_faults > 0
    assert usage.voluntary_switches + usage.involuntary_switches >= 0
    assert "max_rss" in repr(usage)


def test_polling(sleeper: procfd.Process) -> None:
    assert sleeper.poll() is None
    assert sleeper.state == "running"
    assert readable(sleeper.fileno())
    assert not readable(sleeper.pidfd)
    sleeper.kill()
    assert readable(sleeper.pidfd, 60)
    status = sleeper.poll()
    assert status is not None and status.signal == signal.SIGKILL


def test_time_outs(sleeper: procfd.Process) -> None:
    for timeout in (0, 0.01, -1):
        with pytest.raises(TimeoutError) as raised:
            sleeper.wait(timeout)
        assert isinstance(raised.value, procfd.Error)
    wrong: Any
    for wrong in ("1", [1]):
        with pytest.raises(TypeError):
            sleeper.wait(wrong)
    with pytest.raises(ValueError, match="number"):
        sleeper.wait(float("nan"))
    sleeper.kill()
    assert sleeper.wait(float("inf")).signal == 9


def test_a_signal_handler_runs_and_the_wait_goes_on(sleeper: procfd.Process) -> None:
    calls: list[int] = []

    def handler(*_: object) -> None:
        calls.append(len(calls))
        if len(calls) == 3:
            sleeper.kill()

    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
        assert sleeper.wait().signal == 9
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(calls) >= 3


def test_an_exception_of_a_handler_ends_the_wait(sleeper: procfd.Process) -> None:
    def handler(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            signal.setitimer(signal.ITIMER_REAL, 0.02)
            sleeper.wait(60)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert sleeper.poll() is None


def test_other_threads_run_while_one_waits(sleeper: procfd.Process) -> None:
    found: list[procfd.ExitStatus] = []
    waiters = [threading.Thread(target=lambda: found.append(sleeper.wait(60))) for _ in range(4)]
    for waiter in waiters:
        waiter.start()
    sleeper.kill()
    for waiter in waiters:
        waiter.join(60)
    assert [status.signal for status in found] == [9] * 4


# futex(2), by which a thread waits for the interpreter's lock.
FUTEX = {"x86_64": 202, "aarch64": 98, "riscv64": 98}


def waits_in_the_kernel(thread: int) -> None:
    """Until the thread sleeps in a system call, and not for the interpreter's lock."""
    path = pathlib.Path(f"/proc/self/task/{thread}/syscall")
    for _ in range(3000):
        call = path.read_text().split()[0]
        if call not in ("running", "-1", str(FUTEX.get(os.uname().machine))):
            return
        time.sleep(0.01)
    pytest.fail("it does not wait")


def test_closing_while_another_thread_waits() -> None:
    process = procfd.spawn("/bin/sleep", ["sleep", "1000"])
    other = procfd.open(process)
    found: list[procfd.ExitStatus] = []
    waiter = threading.Thread(target=lambda: found.append(process.wait(60)))
    waiter.start()
    assert waiter.native_id is not None
    waits_in_the_kernel(waiter.native_id)
    process.close()
    other.kill()
    waiter.join(60)
    other.close()
    assert [status.signal for status in found] == [9]


def test_signals() -> None:
    code = (
        "import signal, sys\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])\n"
        "print('ready', flush=True)\n"
        "info = signal.sigwaitinfo([signal.SIGRTMIN])\n"
        "sys.exit(info.si_pid == int(sys.argv[1]))"
    )
    reader, writer = os.pipe()
    arguments = [sys.executable, "-c", code, "0"]
    with procfd.spawn(sys.executable, arguments, stdout=writer, kill_on_close=True) as process:
        os.close(writer)
        with open(reader) as output:
            assert output.readline() == "ready\n"
        process.send_signal(0)
        process.send_signal(signal.SIGRTMIN, value=7)
        assert process.wait(60).code == 0
        # Reaped: there is nobody.
        with pytest.raises(ProcessLookupError):
            process.send_signal(0)
    with pytest.raises(ValueError, match="closed"):
        process.kill()


def test_the_group_can_be_signalled() -> None:
    with sh("sleep 1000 & wait", process_group=0) as process:
        process.send_signal(signal.SIGTERM, scope="group")
        assert process.wait(60).signal == signal.SIGTERM


@pytest.mark.parametrize("number", [-1, 65, 1000])
def test_signals_out_of_range(sleeper: procfd.Process, number: int) -> None:
    with pytest.raises(ValueError, match="out of range"):
        sleeper.send_signal(number)
    with pytest.raises(ValueError, match="scope"):
        sleeper.send_signal(0, scope="family")  # type: ignore[arg-type]


def state_letter(process: procfd.Process) -> str:
    stat = pathlib.Path(f"/proc/{process.pid}/stat").read_text()
    return stat.rpartition(")")[2].split()[0]


def test_stop_continue_terminate(sleeper: procfd.Process) -> None:
    sleeper.stop()
    os.waitid(os.P_PIDFD, sleeper.pidfd, os.WSTOPPED | os.WNOWAIT)
    assert state_letter(sleeper) == "T"
    sleeper.cont()
    os.waitid(os.P_PIDFD, sleeper.pidfd, os.WCONTINUED | os.WNOWAIT)
    sleeper.terminate()
    assert sleeper.wait(60).signal == signal.SIGTERM


def test_info(sleeper: procfd.Process) -> None:
    info = sleeper.info("ids", "creds")
    assert info.ids is not None and info.creds is not None
    assert (info.ids.pid, info.ids.ppid) == (sleeper.pid, os.getpid())
    assert info.creds.euid == os.geteuid()
    assert info.exit is None
    assert info.inode is None
    assert set(info._asdict()) == {"ids", "creds"}
    assert "ids=ProcessIds(" in repr(info)
    assert sleeper.info(procfd.PROC_FIELD_IDS).ids == info.ids
    with pytest.raises(ValueError, match="no field"):
        sleeper.info("nonsense")
    with pytest.raises(ValueError, match="unknown fields"):
        sleeper.info(1 << 63)
    with pytest.raises(TypeError):
        sleeper.info(None)  # type: ignore[arg-type]
    sleeper.kill()
    assert readable(sleeper.pidfd, 60)
    exit_info = sleeper.info("exit").exit
    assert exit_info is not None and exit_info.signal == 9


def test_every_field_of_the_header_has_a_name(sleeper: procfd.Process) -> None:
    bits = {
        name: getattr(procfd, name) for name in dir(procfd._abi) if name.startswith("PROC_FIELD_")
    }
    for bit in bits.values():
        assert set(sleeper.info(bit)._asdict()) <= set(dir(procfd.Info))
    whole = 0
    for bit in bits.values():
        whole |= bit
    assert "ids" in sleeper.info(whole)._asdict()


def test_snapshots(sleeper: procfd.Process) -> None:
    snapshot = procfd.Snapshot("ids", keep=True)
    pids = [info.ids.pid for info in snapshot.all() if info.ids is not None]
    assert {os.getpid(), sleeper.pid} <= set(pids)
    assert pids == sorted(pids)
    (info,) = snapshot.list([sleeper])
    assert info is not None and info.ids is not None and info.ids.pid == sleeper.pid
    with procfd.open(os.getpid()) as own:
        tree = [info.ids.pid for info in snapshot.tree(own) if info.ids is not None]
    assert tree[0] == os.getpid()
    assert sleeper.pid in tree
    with pytest.raises(TypeError):
        snapshot.list([1])  # type: ignore[list-item]
    with pytest.raises(FileNotFoundError):
        snapshot.cgroup("/nonexistent")


def test_getfd() -> None:
    reader, writer = os.pipe()
    # Not by a shell, which would leave it behind.
    with procfd.spawn("/bin/sleep", ["sleep", "1000"], stdout=writer) as process:
        os.close(writer)
        copy = process.getfd(1)
        assert not os.get_inheritable(copy)
        with pytest.raises(OSError, match="Bad file descriptor"):
            process.getfd(99)
        process.kill()
        process.wait(60)
        os.write(copy, b"x")
        assert os.read(reader, 1) == b"x"
        os.close(copy)
    os.close(reader)


def test_the_last_close_kills() -> None:
    process = procfd.spawn("/bin/sleep", ["sleep", "1000"], kill_on_close=signal.SIGTERM)
    with procfd.open(process.pid) as other:
        copy = os.dup(process.fileno())
        process.close()
        assert other.poll() is None
        os.close(copy)
        assert other.wait(60).signal == signal.SIGTERM


def test_the_death_of_the_only_holder_kills() -> None:
    code = (
        "import os, procfd\n"
        "process = procfd.spawn('/bin/sleep', ['sleep', '1000'], kill_on_close=True)\n"
        "print(process.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)"
    )
    reader, writer = os.pipe()
    with procfd.spawn(sys.executable, [sys.executable, "-c", code], stdout=writer) as holder:
        os.close(writer)
        with open(reader) as output:
            pid = int(output.readline())
        assert holder.wait(60).signal == 9
    for _ in range(6000):
        # A zombie whom nobody reaps here is dead too.
        try:
            if pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                break
        except (FileNotFoundError, ProcessLookupError):
            break
        time.sleep(0.01)
    else:
        pytest.fail("it lives")


def test_a_policy_can_be_changed() -> None:
    process = procfd.spawn("/bin/sleep", ["sleep", "1000"], kill_on_close=True)
    with procfd.open(process.pid) as other:
        process.change_close(False)
        process.change_close(signal.SIGUSR1)
        process.close()
        assert other.wait(60).signal == signal.SIGUSR1
    with procfd.spawn("/bin/sleep", ["sleep", "1000"]) as process:
        with pytest.raises(OSError, match="not supported"):
            process.change_close(True)
        process.kill()


def test_leaving_a_block_waits_or_carries_out_the_policy() -> None:
    with sh("exit 3") as process:
        pass
    assert process.status is not None and process.status.code == 3
    with procfd.spawn("/bin/sleep", ["sleep", "1000"], kill_on_close=True) as process:
        other = procfd.open(process.pid)
    with other:
        assert other.wait(60).signal == signal.SIGKILL
    # A policy that was taken back is none.
    with sh("exit 4", kill_on_close=True) as process:
        process.change_close(False)
    assert process.status is not None and process.status.code == 4


def test_attach() -> None:
    process = procfd.spawn("/bin/sleep", ["sleep", "1000"])
    attached = procfd.attach(process, kill_on_close=True)
    assert attached.pid == process.pid
    attached.close()
    assert process.wait(60).signal == 9
    process.close()
    with pytest.raises(FileNotFoundError):
        procfd.attach("x")
    with pytest.raises(OSError, match="no process"):
        reader, writer = os.pipe()
        try:
            procfd.attach(fd=reader)
        finally:
            os.close(reader)
            os.close(writer)


def test_open_by_everything(sleeper: procfd.Process) -> None:
    pid = sleeper.pid
    for opened in (
        procfd.open(pid),
        procfd.open(sleeper),
        procfd.open(f"/proc/{pid}"),
        procfd.open(pathlib.Path(f"/proc/{pid}")),
        procfd.open(os.fsencode(f"/proc/{pid}")),
        procfd.open(pid=pid),
        procfd.open(fd=sleeper.fileno()),
        procfd.open(fd=sleeper),
        procfd.open(pidfd=sleeper.pidfd),
        procfd.open(path=f"/proc/{pid}"),
    ):
        # It is not this one's to wait for: leaving the block closes.
        with opened:
            assert (opened.pid, opened.state) == (pid, "running")
        assert opened.closed


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({}, TypeError),
        ({"pid": 1, "fd": 1}, TypeError),
        ({"pid": -1}, ValueError),
        ({"pid": 2**31 - 1}, ProcessLookupError),
        ({"pid": "1"}, TypeError),
        ({"fd": 99999}, OSError),
        ({"fd": 0}, OSError),
        ({"path": "/nonexistent"}, FileNotFoundError),
        ({"path": "/proc/self/stat"}, NotADirectoryError),
        ({"path": "/tmp"}, OSError),
        ({"path": "a\0"}, ValueError),
    ],
    ids=repr,
)
def test_what_cannot_be_opened(arguments: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        procfd.open(**arguments)


def test_descriptors_travel(sleeper: procfd.Process) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        socket.send_fds(ours, [b"x"], [sleeper.fileno()])
        _, (received,), _, _ = socket.recv_fds(theirs, 1, 1)
        with procfd.open(fd=received) as opened:
            os.close(received)
            assert opened.pid == sleeper.pid
            opened.kill()
            assert opened.wait(60).signal == 9


def receive(connection: Any) -> None:
    """Another process: opens what it is sent, and kills that."""
    handle = multiprocessing.reduction.recv_handle(connection)
    with procfd.open(fd=handle) as opened:
        os.close(handle)
        opened.kill()
        connection.send(opened.wait(60).returncode)
    connection.close()


def test_multiprocessing_sends_them_too(sleeper: procfd.Process) -> None:
    ours, theirs = multiprocessing.Pipe()
    with ours, theirs:
        pid = os.fork()
        if pid == 0:
            try:
                receive(theirs)
            finally:
                os._exit(0)
        multiprocessing.reduction.send_handle(ours, sleeper.fileno(), pid)
        assert ours.recv() == -9
        os.waitpid(pid, 0)


def test_pickling_is_refused_with_the_way_out(sleeper: procfd.Process) -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="send_fds"):
            pickle.dumps(sleeper, protocol)
    with procfd.Context() as context, pytest.raises(TypeError, match="pickled"):
        pickle.dumps(context)


@pytest.mark.parametrize("script", ["exit 0", "exit 7", "kill -TERM $$"])
def test_a_status_can_be_sent_to_another_process(script: str) -> None:
    with procfd.spawn(["sh", "-c", script]) as process:
        status = process.wait(60)
    for same in (pickle.loads(pickle.dumps(status)), copy.copy(status), copy.deepcopy(status)):
        assert same == status and same.usage == status.usage


def test_weak_references(sleeper: procfd.Process) -> None:
    known = weakref.WeakSet([sleeper])
    assert list(known) == [sleeper]
    for thing in (procfd.Context("/bin/true"), procfd.Snapshot("ids")):
        reference = weakref.ref(thing)
        assert reference() is thing
    # Both are gone but for the loop's last one.
    del thing
    assert reference() is None


def test_pid_and_representation_of_the_closed() -> None:
    process = procfd.spawn("/bin/true", ["true"])
    pid = process.pid
    assert f"pid={pid}" in repr(process)
    process.wait(60)
    assert "exited" in repr(process)
    process.close()
    process.close()
    assert process.pid == pid
    assert "closed" in repr(process)
    for call in (process.fileno, process.kill, lambda: process.pidfd, lambda: process.info("ids")):
        with pytest.raises(ValueError, match="closed"):
            call()


def test_the_watcher_reports_the_exit_on_the_procfd_itself() -> None:
    process = procfd.spawn("/bin/sleep", ["sleep", "1000"], watch=True)
    poll = select.poll()
    poll.register(process.fileno(), 0)
    assert poll.poll(0) == []
    process.kill()
    ((_, events),) = poll.poll(60_000)
    assert events & select.POLLHUP
    assert process.wait(60).signal == 9
    process.close()


def test_a_second_signal_after_a_delay() -> None:
    reader, writer = os.pipe()
    process = procfd.spawn(
        "/bin/sh",
        ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"],
        stdout=writer,
        watch=True,
        kill_on_close=signal.SIGTERM,
        close_then=(signal.SIGKILL, 0.05),
        close_scope="group",
        process_group=0,
    )
    os.close(writer)
    with open(reader) as output:
        assert output.readline() == "ready\n"
    with procfd.open(process.pid) as other:
        process.close()
        assert other.wait(60).signal == signal.SIGKILL


def test_many_at_once_from_many_threads() -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for number in range(20):
                with sh(f"exit {number}") as process:
                    assert process.wait(60).code == number
        except BaseException as e:
            failures.append(e)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_ancillary_data_by_hand(sleeper: procfd.Process) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        data = array.array("i", [sleeper.fileno()])
        ours.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, data)])
        _, ancillary, _, _ = theirs.recvmsg(1, socket.CMSG_SPACE(4))
        (number,) = array.array("i", ancillary[0][2])
        with procfd.open(fd=number) as opened:
            assert opened.state == "running"
        os.close(number)


def test_a_tree_is_killed() -> None:
    reader, writer = os.pipe()
    with sh("sh -c 'sleep 1000 & wait' & sleep 1000 & echo; wait", stdout=writer) as process:
        os.close(writer)
        with open(reader) as output:
            output.readline()
            while len(process.descendants()) < 3:
                time.sleep(0.01)
            members = [procfd.open(member.pid) for member in process.descendants()]
            assert {child.ppid() for child in process.children()} == {process.pid}
            assert process.kill_tree(0).signalled == 4
            tree = process.kill_tree()
            assert (tree.how, tree.signalled, tree.refused) == ("walk", 4, 0)
            assert process.wait(60).signal == 9
            for member in members:
                assert readable(member.pidfd, 60)
                member.close()
            # The pipe had four writers.
            assert output.read() == ""
    with sh("exit 0") as process, pytest.raises(ValueError, match="range"):
        process.kill_tree(99)
    assert "signalled=4" in repr(tree)


def test_limits_and_priorities(sleeper: procfd.Process) -> None:
    soft, hard = resource.prlimit(sleeper.pid, resource.RLIMIT_NOFILE)
    assert sleeper.rlimit(resource.RLIMIT_NOFILE) == (soft, hard)
    assert sleeper.rlimit(resource.RLIMIT_NOFILE, (32, hard)) == (soft, hard)
    assert resource.prlimit(sleeper.pid, resource.RLIMIT_NOFILE) == (32, hard)
    # Above the value that the tests were started with: every user may.
    nice = min(os.nice(0) + 7, 19)
    sleeper.set_nice(nice)
    assert os.getpriority(os.PRIO_PROCESS, sleeper.pid) == nice
    nicer = min(nice + 1, 19)
    sleeper.set_scheduler(os.SCHED_BATCH, nice=nicer)
    assert os.sched_getscheduler(sleeper.pid) == os.SCHED_BATCH
    assert os.getpriority(os.PRIO_PROCESS, sleeper.pid) == nicer
    cpu = sleeper.affinity()[0]
    sleeper.set_affinity([cpu])
    assert os.sched_getaffinity(sleeper.pid) == {cpu}
    sleeper.set_ioprio(3)
    sleeper.set_oom_score_adj(500)
    assert pathlib.Path(f"/proc/{sleeper.pid}/oom_score_adj").read_text() == "500\n"
    with pytest.raises(OSError, match="Invalid"):
        sleeper.set_nice(99)
    for wrong in ("100", [1, 2], (1, 2, 3)):
        with pytest.raises((TypeError, ValueError), match=r"tuple \(soft, hard\), not"):
            procfd.spawn(["true"], limits={"nofile": wrong})  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="nonsense"):
        sleeper.set_scheduler(0, nonsense=1)  # type: ignore[call-arg]


def test_what_it_is_and_where(tmp_path: pathlib.Path) -> None:
    environment = {"A": "b=c", "ODD": "\udcff"}
    settings: Any = {"env": environment, "cwd": tmp_path, "kill_on_close": True}
    with procfd.spawn("/bin/sleep", ["sleep", "1000"], settings) as process:
        assert process.exe() == os.path.realpath("/bin/sleep")
        assert process.argv() == ["sleep", "1000"]
        assert process.environ() == environment
        assert process.cwd() == str(tmp_path.resolve())
        assert process.root() == "/"
        assert process.groups() == sorted(os.getgroups())
        assert process.uid_map() == [
            tuple(int(word) for word in line.split())
            for line in pathlib.Path("/proc/self/uid_map").read_text().splitlines()
        ]
        assert process.gid_map()
        namespace = process.namespace("uts")
        assert os.fstat(namespace).st_ino == os.stat("/proc/self/ns/uts").st_ino
        os.close(namespace)
        with pytest.raises(OSError, match="Invalid"):
            process.namespace(["uts", "ipc"])  # type: ignore[arg-type]
        with pytest.raises(FileNotFoundError):
            process.move_to_cgroup("/nonexistent")
        process.kill()
        process.wait(60)
        with pytest.raises(ProcessLookupError):
            process.exe()


def test_its_namespaces_are_entered(root: None) -> None:
    with procfd.spawn(
        "/bin/sleep", ["sleep", "1000"], namespaces="uts", hostname="inside", kill_on_close=True
    ) as process:
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                process.setns("uts")
                status = int(socket.gethostname() != "inside")
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
