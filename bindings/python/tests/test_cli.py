# SPDX-License-Identifier: MIT OR Apache-2.0
"""python -m procfd"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import pwd
import re
import signal
import struct
import subprocess
import sys
import time
from typing import Any

import procfd
import pytest
from conftest import limits
from procfd._cli._options import OPTIONS

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
    # One that is stopped gets its signal, too.
    assert run("--timeout", "300ms", "sh", "-c", "kill -STOP $$")[0] == 124
    stubborn = ("sh", "-c", "trap '' TERM; echo; while :; do sleep 0.1; done")
    for seconds in limits(1):
        done = run("--timeout", f"{seconds}s", "--kill-after", "100ms", *stubborn)
        if done[1]:
            break
    assert done == (137, "\n")


@pytest.mark.parametrize("tree", [True, False])
def test_a_time_limit_ends_what_the_program_has_started(tree: bool) -> None:
    script = "setsid sleep 60 >/dev/null 2>&1 & echo $!; exec sleep 60"
    for seconds in limits(1):
        command = [*CLI, "run", "--timeout", f"{seconds}s", *([] if tree else ["--no-kill-tree"])]
        with subprocess.Popen([*command, "sh", "-c", script], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            try:
                below = procfd.open(pid=int(process.stdout.readline()))
            except (ValueError, ProcessLookupError):
                # The limit came first.
                continue
            with below:
                assert process.wait(60) == 124
                if tree:
                    with contextlib.suppress(OSError):
                        # Its status is init's, which may have taken it.
                        below.wait(60)
                    assert below.state == "exited"
                else:
                    assert below.state == "running"
                    below.kill()
            return


def test_run_explains_the_start() -> None:
    words = ("run", "--explain", "--no-new-privs", "--umask", "027", "--", "/bin/true")
    done = cli(*words)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].split(None, 1)[1] == "clone the child: clone3"
    assert any(line.endswith("set the umask 0o27: umask") for line in lines)
    assert lines[-1].endswith('execute "/bin/true": execve')
    steps = objects(cli(*words[:2], "--json", *words[2:]))
    assert len(steps) == len(lines)
    assert {"stage", "index", "what", "calls"} == set(steps[0])
    wrong = cli("run", "--explain", "--hostname", "x", "true")
    assert wrong.returncode == 125
    assert "CLONE_NEWUTS" in wrong.stderr


def test_run_shows_the_usage() -> None:
    done = cli("run", "--usage", "true")
    known = dict(line.split(None, 1) for line in done.stderr.splitlines())
    assert {"real", "user", "sys", "memory"} <= set(known)
    assert float(known["real"]) >= 0


def test_run_reads_a_file(tmp_path: pathlib.Path) -> None:
    (tmp_path / "in").write_text("hello")
    assert run("--stdin", tmp_path / "in", "cat") == (0, "hello")
    assert run("--stdin-text", "two words", "cat") == (0, "two words\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_run_as_a_user() -> None:
    script = "id -u; id -g; id -G; echo $LOGNAME"
    status, out = run("--user", "nobody", "sh", "-c", script)
    entry = pwd.getpwnam("nobody")
    uid, gid, groups, name = out.splitlines()
    assert (status, int(uid), int(gid), name) == (0, entry.pw_uid, entry.pw_gid, "nobody")
    assert set(map(int, groups.split())) == set(os.getgrouplist("nobody", entry.pw_gid))
    warned = cli("run", "--uid", "65534", "true").stderr
    assert "--uid leaves the group id and the supplementary groups" in warned
    assert cli("run", "--uid", "65534", "--gid", "65534", "--groups", "", "true").stderr == ""


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


@pytest.mark.skipif(not namespaces_are_allowed(), reason="no user namespaces")
def test_run_joins_namespaces() -> None:
    holder = procfd.spawn(
        "sleep",
        ["sleep", "60"],
        search=True,
        namespaces=["user", "uts"],
        uid_map=[(0, os.geteuid(), 1)],
        hostname="held",
    )
    try:
        pid = holder.pid
        assert run("--join", f"user,uts={pid}", "uname", "-n") == (0, "held\n")
        by_path = (f"user=/proc/{pid}/ns/user", f"uts=/proc/{pid}/ns/uts")
        options = [word for join in by_path for word in ("--join", join)]
        assert run(*options, "uname", "-n") == (0, "held\n")
        assert "join the namespaces" in run("--explain", *options, "uname")[1]
    finally:
        holder.kill()
        holder.wait()
    clocks = ("--unshare", "user,net,time", "--time-offset", "boottime=86400.5")
    parameter = ("--sysctl", "net.ipv4.ip_forward=1")
    show = "cat /proc/sys/net/ipv4/ip_forward; grep -c 86400 /proc/self/timens_offsets"
    assert run(*clocks, *parameter, "sh", "-c", show) == (0, "1\n1\n")
    for wrong in ("realtime=1", "boottime", "boottime=x"):
        assert run("--time-offset", wrong, "true")[0] == 2
    for wrong in ("uts", "uts=", "=/proc/1/ns/uts", "box=1", "uts=0"):
        assert run("--join", wrong, "true")[0] == 2
    # No process has the highest number that a pid could have.
    assert run("--join", f"uts={(1 << 22) - 1}", "true")[0] == 125
    assert run("--join", "uts=/no/such/file", "true")[0] == 125


def test_run_with_landlock(tmp_path: pathlib.Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    usual = [path for path in ("/usr", "/bin", "/lib", "/lib64", "/etc") if os.path.exists(path)]
    read_only = [word for path in usual for word in ("--landlock-ro", path)]
    write = f"echo 1 > {tmp_path}/in/f && cat {tmp_path}/in/f; echo 2 > {tmp_path}/out/f || echo no"
    options = (*read_only, "--landlock-rw", f"{tmp_path}/in", "--no-new-privs")
    assert run(*options, "sh", "-c", write) == (0, "1\nno\n")
    assert (tmp_path / "in/f").read_text() == "1\n"
    assert not (tmp_path / "out/f").exists()
    assert "restrict by Landlock" in run("--explain", *options, "true")[1]
    assert run("--landlock-ro", "/no/such", "--no-new-privs", "true")[0] == 125


def test_run_mounts_a_proc_of_the_new_namespace() -> None:
    if not namespaces_are_allowed():
        pytest.skip("no user namespaces")
    shown = 'for p in /proc/[0-9]*; do echo "${p#/proc/}"; done; exit 3'
    for inside, pids in {("--unshare", "pid"): "1\n", ("--init",): "1\n2\n"}.items():
        found = run("--map-root", *inside, "--mount-proc", "sh", "-c", shown)
        assert found == (3, pids)
    # The program's own mounts come before it, and the caller's /proc is as it was.
    both = ("--map-root", "--unshare", "pid", "--mount", "tmpfs:/proc", "--mount-proc")
    assert run(*both, "readlink", "/proc/self") == (0, "1\n")
    assert os.readlink("/proc/self") == str(os.getpid())


def test_run_mounts_and_priorities(tmp_path: pathlib.Path) -> None:
    if not namespaces_are_allowed():
        pytest.skip("no user namespaces")
    inside = ("--map-root", "--unshare", "mount", "--tmpfs-root", "--mount", "rbind:/usr:/usr")
    mounts = ("tmpfs:/t:size=64k,mode=0750,noexec", "file:words:/t/file", "symlink:file:/t/link")
    options = [word for mount in mounts for word in ("--mount", mount)]
    links = [f"symlink:usr/{name}:/{name}" for name in ("bin", "lib", "lib64")]
    links.append("rbind:/proc:/proc")
    options += [word for link in links for word in ("--mount", link)]
    show = "cat /t/link; echo; stat -c %a /t; grep -c ' /t .*noexec.*size=64k' /proc/self/mountinfo"
    assert run(*inside, *options, "/bin/sh", "-c", show) == (0, "words\n750\n1\n")
    layers = ("lower", "upper", "work", "all")
    for name in layers:
        (tmp_path / name).mkdir()
    (tmp_path / "lower/a").touch()
    places = ",".join(f"{name}={tmp_path / name}" for name in layers[:3])
    overlay = ("--map-root", "--unshare", "mount", "--mount", f"overlay:{tmp_path}/all:{places}")
    assert run(*overlay, "ls", f"{tmp_path}/all") == (0, "a\n")
    for wrong in ("bind", "bind:/usr", "tmpfs", "tmpfs:", "tmpfs:/t:a:b", "disk:/t"):
        assert run("--mount", wrong, "true")[0] == 2
    sticky = cli(
        "run",
        "--explain",
        "--mount",
        "tmpfs:/t:mode=1777",
        "--map-root",
        "--unshare",
        "mount",
        "true",
    )
    assert sticky.returncode == 0
    for wrong in ("size=x", "size=1t", "mode=9", "mode=10000"):
        assert run("--mount", f"tmpfs:/t:{wrong}", "true")[0] == 2
    assert run("--ioprio", "best-effort:6", "ionice") == (0, "best-effort: prio 6\n")
    assert run("--ioprio", "idle", "ionice") == (0, "idle\n")
    for wrong in ("7", "best", "idle:x"):
        assert run("--ioprio", wrong, "true")[0] == 2
    allows = tmp_path / "filter"
    # BPF_RET | BPF_K, SECCOMP_RET_ALLOW.
    allows.write_bytes(struct.pack("=HBBI", 6, 0, 0, 0x7FFF0000))
    twice = ("--no-new-privs", "--seccomp", allows, "--seccomp", allows)
    state = ("grep", "Seccomp", "/proc/self/status")
    assert run(*twice, *state) == (0, "Seccomp:\t2\nSeccomp_filters:\t2\n")
    assert run("--seccomp", tmp_path / "none", "true")[0] == 2


def test_run_sets_signals_as_env_does() -> None:
    def sets(*words: str) -> tuple[int, int]:
        status, text = run(*words, "--", "cat", "/proc/self/status")
        assert status == 0
        found = dict(line.split(":\t") for line in text.splitlines() if line.startswith("Sig"))
        return int(found["SigBlk"], 16), int(found["SigIgn"], 16)

    blocked, ignored = sets()
    ignored |= 1 << signal.SIGPIPE - 1 | 1 << signal.SIGUSR1 - 1
    words = ["--ignore-signal", "PIPE,USR1", "--block-signal", "USR2", "--default-signal", "INT"]
    wanted = (blocked | 1 << signal.SIGUSR2 - 1, ignored & ~(1 << signal.SIGINT - 1))
    assert sets(*words) == wanted
    assert "no signal 'NOPE'" in cli("run", "--ignore-signal", "NOPE", "true").stderr


def test_run_has_an_argument_0_and_a_group() -> None:
    script = "echo $0; set -- $(cat /proc/$$/stat); test $5 = $$ && echo leader"
    wanted = "me\nleader\n"
    assert run("--argv0", "me", "--process-group", "0", "sh", "-c", script) == (0, wanted)


def test_run_denies_setgroups_and_shares_mounts() -> None:
    words = ["--map-root", "--setgroups", "deny", "--unshare", "mount"]
    script = "cat /proc/self/setgroups; grep -cv shared: /proc/self/mountinfo; :"
    done = run(*words, "--mount-propagation", "shared", "sh", "-c", script)
    assert done == (0, "deny\n0\n")


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


def objects(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    """JSON, one object a line."""
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_ps() -> None:
    done = cli("ps", "--json")
    assert done.returncode == 0
    processes = {one["ids"]["pid"]: one for one in objects(done)}
    own = processes[os.getpid()]
    assert own["ids"]["ppid"] == os.getppid()
    assert own["creds"]["euid"] == os.geteuid()
    assert own["command"] == " ".join(procfd.open(pid=os.getpid()).argv())
    table = cli("ps", "--sort", "memory").stdout.splitlines()
    assert table[0].split() == [
        "PID",
        "PPID",
        "USER",
        "S",
        "NI",
        "THR",
        "RSS",
        "TIME",
        "START",
        "COMMAND",
    ]
    assert any(line.split()[0] == str(os.getpid()) for line in table[1:])
    mine = objects(cli("ps", "--json", "--user", os.geteuid()))
    assert {one["creds"]["euid"] for one in mine} == {os.geteuid()}


def test_ps_of_some_processes_with_chosen_columns() -> None:
    own = os.getpid()
    inode = procfd.open(pid=own).info("inode").inode
    done = cli("ps", "-o", "pid,inode,comm", own)
    assert done.stdout.split()[:3] == ["PID", "INODE", "COMM"]
    assert done.stdout.split()[3:5] == [str(own), "-" if inode is None else str(inode)]
    assert cli("ps", "-o", "pid", f"{own}:1").returncode == 1
    if inode is not None:
        assert cli("ps", "-o", "pid", f"{own}:{inode}").stdout.split() == ["PID", str(own)]
    assert "there are pid, inode" in cli("ps", "-o", "nonsense").stderr


def test_the_manual_page_has_each_option() -> None:
    page = pathlib.Path(__file__).parent.parent / "procfd.1"
    if not page.exists():
        pytest.skip("the page is not beside the tests")
    documented = set(re.findall(r"\bFl -?([\w-]+)", page.read_text()))
    offered = {
        option.lstrip("-")
        for command in ("run", "ps", "tree", "info", "top", "wait", "kill")
        for option in re.findall(r"(?<![\w-])--?[a-z][\w-]*", cli(command, "--help").stdout)
        if len(option) > 2
    }
    spoken_of = {"help", "cwd", "user", "signal", "columns", "json", "list"}
    assert offered - documented <= spoken_of, offered - documented - spoken_of


def test_wrong_words_are_told_without_a_traceback() -> None:
    beyond = 1 << 70
    for words, told in (
        (("ps", "--user", "no such user"), "no user 'no such user'"),
        (("wait", "--", "-1"), "not a pid, nor PID:INODE: '-1'"),
        (("wait", beyond), f"no process can have the pid {beyond}"),
        (("kill", "0"), "no process can have the pid 0"),
        (("info", "x"), "not a pid"),
        (("info", os.getpid(), "nonsense"), "there are argv"),
        (("top", "--interval", "0"), "more than 0"),
        (("top", "--count", "0"), "at least 1"),
        (("kill", "-s", "65", os.getpid()), "no signal 65"),
        (("run", "--umask", "8", "true"), "not an octal number"),
        (("run", "--limit", "nofil=1", "true"), "there are as,"),
        (("run", "--user", "no such user", "true"), "no user"),
        (("run", "--stdin", "/no/such", "true"), "--stdin /no/such: No such file"),
        (("run", "--join", "net=4194303", "true"), "--join: pid 4194303: No such process"),
        (("run", "--cwd", "/no/such", "true"), 'procfd: change directory to "/no/such": No such'),
        (("kill",), "required: PID"),
        (("kill", "-NOPE", "1"), "no signal 'NOPE'"),
    ):
        done = cli(*words)
        assert done.returncode in (2, 125), words
        assert told in done.stderr, words
        assert "Traceback" not in done.stderr
    for command in ("wait", "info", "kill", "tree", "kill -9"):
        done = cli(*command.split(), 4194303)
        assert done.returncode == 1
        assert done.stderr == "procfd: pid 4194303: No such process\n"
    closed = subprocess.run(f"{sys.executable} -m procfd ps >&-", shell=True, capture_output=True)
    assert closed.returncode == 1
    assert closed.stderr == b"procfd: the standard output is closed\n"


NUMBERS = [option for option, _, kind, *_ in OPTIONS if kind in ("int", "octal", "user", "group")]


@pytest.mark.parametrize("option", [*NUMBERS, "--limit", "--uid-map", "--explain --nice"])
def test_numbers_that_are_too_large_are_told(option: str) -> None:
    beyond = 10**30
    value = {"--limit": f"nofile={beyond}", "--uid-map": f"0:{beyond}:1"}.get(option, beyond)
    done = cli("run", *option.split(), value, "true")
    assert done.returncode in (2, 125)
    assert str(beyond) in done.stderr
    assert "Traceback" not in done.stderr


def test_an_empty_program_is_not_found() -> None:
    assert run("")[0] == 127


def test_no_time_is_no_limit() -> None:
    """As timeout(1)."""
    assert run("--timeout", "0", "sh", "-c", "sleep 0.1; exit 3")[0] == 3


def test_kill_takes_a_signal_as_kill_does() -> None:
    for words in (("-9",), ("-KILL",), ("-s", "SIGKILL"), ("-s", "RTMIN+1"), ("-RTMAX-1",)):
        with procfd.spawn(["sleep", "600"]) as process:
            assert cli("kill", *words, process.pid).returncode == 0
            name = words[-1].lstrip("-")
            ends = {"RTMIN+1": signal.SIGRTMIN + 1, "RTMAX-1": signal.SIGRTMAX - 1}
            assert process.wait(60).signal == ends.get(name, signal.SIGKILL)
    assert "15 SIGTERM" in cli("kill", "-l").stdout
    assert cli("kill", "-l", "9", "143").stdout == "SIGKILL\nSIGTERM\n"
    assert cli("kill", "-l", "0").returncode == 1
    # After -- there is no signal.
    assert "not a pid" in cli("kill", "--", "-9").stderr


def test_the_version() -> None:
    assert re.fullmatch(r"procfd \d+\.\d+\.\d+\n", cli("--version").stdout)


@pytest.mark.parametrize(
    "command", ["ps", "info 1", "tree", "top --count 1", "ps --json", "kill -l"]
)
def test_an_output_that_is_full_or_closed(command: str) -> None:
    full = subprocess.run(
        f"{sys.executable} -m procfd {command} >/dev/full",
        shell=True,
        capture_output=True,
        text=True,
    )
    assert (full.returncode, full.stderr) == (1, "procfd: No space left on device\n")
    # What is said there is not said in the output.
    closed = subprocess.run(
        f"{sys.executable} -m procfd wait 4194303 2>&-", shell=True, capture_output=True
    )
    assert (closed.returncode, closed.stdout) == (1, b"")


def test_a_name_cannot_reach_the_terminal() -> None:
    code = "import sys; open('/proc/self/comm', 'w').write('\\x1b[2Jx'); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as named:
        assert named.stdout is not None
        named.stdout.readline()
        for command in (("ps", "-o", "comm"), ("tree", named.pid)):
            out = cli(*command).stdout
            assert "\x1b" not in out
            assert "\\x1b[2Jx" in out
        named.communicate(b"\n")


def test_tree() -> None:
    with subprocess.Popen(
        ["sh", "-c", "sleep 600 & echo $!; wait"], stdout=subprocess.PIPE
    ) as shell:
        assert shell.stdout is not None
        below = int(shell.stdout.readline())
        until_it_is(below, "sleep")
        (root,) = objects(cli("tree", "--json", shell.pid))
        assert root["pid"] == shell.pid
        assert [child["pid"] for child in root["children"]] == [below]
        for encoding, corner in (("utf-8", "└─"), ("ascii", "`-")):
            env = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
            done = subprocess.run(
                [*CLI, "tree", str(shell.pid)], capture_output=True, env=env, check=True
            )
            lines = done.stdout.decode(encoding).splitlines()
            assert lines == [f"{shell.pid} sh", f"{corner} {below} sleep"]
        # The whole tree is ended by one call.
        with procfd.open(pid=below) as sleeper:
            assert cli("kill", "--tree", "-s", "kill", shell.pid).returncode == 0
            shell.wait()
            try:
                sleeper.wait(30)
            except OSError:
                assert sleeper.state == "exited"


def test_info() -> None:
    own = os.getpid()
    known = json.loads(cli("info", "--json", own).stdout)
    assert known["ids"]["pid"] == own
    assert {"comm", "creds", "memory", "threads", "limits"} <= set(known)
    assert list(json.loads(cli("info", "--json", own, "threads").stdout)) == ["threads"]
    assert list(json.loads(cli("info", "--json", own, "cpu").stdout)) == ["cpu_ns"]
    texts = json.loads(cli("info", "--json", own, "argv", "cwd").stdout)
    assert texts["cwd"] == os.getcwd()
    assert texts["argv"] == procfd.open(pid=own).argv()


def until_it_is(pid: int, name: str) -> None:
    """A shell's child has executed its program, and has that name."""
    with procfd.open(pid=pid) as process:
        while process.info("comm").comm != name:
            time.sleep(0.01)


def test_info_speaks_to_people() -> None:
    with subprocess.Popen(
        ["sh", "-c", "umask 027; trap '' USR1; ulimit -n 64; ulimit -Ss 1024; echo; exec sleep 60"],
        stdout=-1,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        until_it_is(process.pid, "sleep")
        out = cli("info", process.pid).stdout
        raw = cli("info", "--raw", process.pid, "umask").stdout
        process.kill()
    known = dict(line.split(None, 1) for line in out.splitlines())
    assert known["umask"] == "027"
    assert known["RLIMIT_NOFILE"] == "64/64"
    assert known["RLIMIT_STACK"].startswith("1.0M/")
    assert known["io.read_chars"][-1] in "KM"
    policies = {getattr(os, name): name for name in ("SCHED_OTHER", "SCHED_BATCH", "SCHED_IDLE")}
    assert known["sched.policy"] == policies[os.sched_getscheduler(0)]
    assert known["state"] == "S (sleeping)"
    assert known["creds.euid"].startswith(f"{os.geteuid()} (")
    assert "USR1" in known["signals.ignored"].split()
    assert known["memory.resident"][-1] in "KM"
    assert raw.split()[2:] == ["umask", "23"]


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
        with subprocess.Popen([*CLI, "wait", str(process.pid)], stdout=-1) as waiter:
            while not has_a_pidfd(waiter.pid):
                assert waiter.poll() is None
                time.sleep(0.01)
            assert cli("kill", process.pid, "-s", "USR1").returncode == 0
            # Not our child's status to take: it is read when the parent has reaped.
            assert process.wait() == -signal.SIGUSR1
            out, _ = waiter.communicate(timeout=60)
        known = (
            f"{process.pid} killed by SIGUSR1\n",
            f"{process.pid} ended; its status is not available\n",
        )
        assert out.decode() in known
    done = cli("kill", process.pid)
    assert done.returncode == 1
    assert "No such process" in done.stderr
    assert cli("kill", "-s", "nonsense", "1").returncode == 2


def test_kill_and_wait_take_the_inode() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        inode = procfd.open(pid=process.pid).info("inode").inode
        if inode is None:
            process.kill()
            pytest.skip("no pidfs (6.9)")
        for word in ("kill", "wait"):
            done = cli(word, f"{process.pid}:{inode + 1}")
            assert done.returncode == 1
            assert "is another process now" in done.stderr
        assert process.poll() is None
        assert cli("kill", f"{process.pid}:{inode}").returncode == 0
        assert process.wait() == -signal.SIGTERM


def test_top_without_a_terminal() -> None:
    own = os.getpid()
    looks = objects(cli("top", "--json", "--interval", "0.1", "--count", "2", own))
    assert [one["ids"]["pid"] for one in looks] == [own, own]
    out = cli("top", "--count", "1", "--user", os.geteuid()).stdout
    assert "%CPU" in out
    assert "memory" in out.splitlines()[1]


def test_a_reader_that_goes_early_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m procfd ps | head -n 1",
        shell=True,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert done.stdout.startswith("  ") or done.stdout.startswith("PID")
