# SPDX-License-Identifier: MIT OR Apache-2.0
"""Each setting, as the program sees it."""

from __future__ import annotations

import contextlib
import os
import pathlib
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import procfd
import pytest
from conftest import limits, run


def sh(script: str, **settings: Any) -> str:
    """The output of a shell script that succeeds."""
    code, output = run("sh", "-c", script, **settings)
    assert code == 0
    return output.strip()


def status(name: str, **settings: Any) -> str:
    """A line of the program's own /proc/self/status."""
    code, output = run("cat", "/proc/self/status", **settings)
    assert code == 0
    (line,) = (line for line in output.splitlines() if line.startswith(name + ":"))
    return line.partition(":")[2].strip()


def bits(*signals: int) -> int:
    return sum(1 << (number - 1) for number in signals)


def test_arguments_of_every_kind() -> None:
    reader, writer = os.pipe()
    with procfd.spawn(
        "/bin/echo",
        ["echo", "a", pathlib.Path("b"), b"\xff", os.fsdecode(b"\xfe"), ""],
        stdout=writer,
    ) as process:
        os.close(writer)
        with open(reader, "rb") as file:
            assert file.read() == b"a b \xff \xfe \n"
        assert process.wait(60).returncode == 0


def test_without_arguments_the_program_is_its_own_name() -> None:
    reader, writer = os.pipe()
    context = procfd.Context("/bin/sh", stdin=procfd.DEVNULL, stdout=writer)
    with context.create() as process:  # type: ignore[union-attr]
        os.close(writer)
        os.close(reader)
        assert process.wait(60).returncode == 0


def test_program_by_path_name_list_and_descriptor() -> None:
    args = ["true"]
    with procfd.spawn("true", args, search=True) as process:
        assert process.wait(60).code == 0
    paths: list[str | bytes] = [b"/nonexistent/true", "/etc/passwd/true", "/bin/true"]
    with procfd.spawn(args, candidates=paths) as process:
        assert process.wait(60).code == 0
    with open("/bin/true", "rb") as program:
        with procfd.Context(args=args, program_fd=program).create() as by_fd:  # type: ignore[union-attr]
            assert by_fd.wait(60).code == 0
        with procfd.spawn(program.fileno(), args) as process:
            assert process.wait(60).code == 0


def test_a_context_searches_on_request(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with procfd.Context("true", ["true"]) as context, pytest.raises(FileNotFoundError):
        context.create()
    with pytest.raises(FileNotFoundError):
        procfd.spawn("true", ["true"], search=False)
    with pytest.raises(FileNotFoundError):
        procfd.spawn(["true"], search=False)


def test_environment() -> None:
    env = {"A": "1", "B": "ä", "PATH": os.environ["PATH"]}
    seen = sh("env", env=env).splitlines()
    assert {"A=1", "B=ä"} <= set(seen)
    assert not any(line.startswith("HOME=") for line in seen)
    assert "A=2" in sh("env", env=env, env_set={b"A": b"2"}).splitlines()
    assert "A" not in sh("env", env=env, env_unset=["A"]).replace("PATH", "")


def test_the_callers_environment_of_the_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    context = procfd.Context("/usr/bin/env", stdout=procfd.DEVNULL)
    monkeypatch.setenv("PROCFD_TEST", "late")
    assert sh("echo $PROCFD_TEST") == "late"
    assert sh("echo $PROCFD_TEST", env_set={"OTHER": "1"}) == "late"
    context.close()


def test_cwd_by_path_and_descriptor(tmp_path: pathlib.Path) -> None:
    assert sh("pwd -P", cwd=tmp_path) == str(tmp_path.resolve())
    directory = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        assert sh("pwd -P", cwd=directory) == str(tmp_path.resolve())
    finally:
        os.close(directory)


def test_descriptors_are_closed_by_default() -> None:
    reader, writer = os.pipe()
    os.set_inheritable(reader, True)
    try:
        script = f"[ ! -e /proc/self/fd/{reader} ]"
        assert sh(script) == ""
        assert sh(f"[ -e /proc/self/fd/{reader} ]", inherit_all=True) == ""
        assert sh(f"[ -e /proc/self/fd/{writer} ]", fds={writer: writer}) == ""
    finally:
        os.close(reader)
        os.close(writer)


def test_descriptors_can_be_exchanged(tmp_path: pathlib.Path) -> None:
    with contextlib.ExitStack() as files:
        a, b, c = (files.enter_context((tmp_path / name).open("w")).fileno() for name in "abc")
        # A ring: each of the child's numbers is another's source.
        code = "import os\n" + "".join(
            f"os.write({n}, b'{name}')\n" for n, name in ((a, "a"), (b, "b"), (c, "c"))
        )
        status, _ = run(sys.executable, "-c", code, fds={b: a, c: b, a: c})
        assert status == 0
    assert [(tmp_path / name).read_text() for name in "abc"] == ["b", "c", "a"]


def test_stdout_and_stderr_can_change_places(tmp_path: pathlib.Path) -> None:
    out, err = (tmp_path / "out").open("w"), (tmp_path / "err").open("w")
    with out, err:
        # A program whose own 1 and 2 are out and err exchanges them for its child.
        code = (
            "import procfd\n"
            "args = ['sh', '-c', 'echo out; echo err >&2']\n"
            "procfd.spawn('/bin/sh', args, stdout=2, stderr=1).wait()"
        )
        with procfd.spawn(
            sys.executable, [sys.executable, "-c", code], stdout=out, stderr=err
        ) as process:
            assert process.wait(60).code == 0
    assert (tmp_path / "out").read_text() == "err\n"
    assert (tmp_path / "err").read_text() == "out\n"


def test_standard_streams(tmp_path: pathlib.Path) -> None:
    both = tmp_path / "both"
    with (
        both.open("w") as file,
        procfd.spawn(
            "/bin/sh",
            ["sh", "-c", "echo out; echo err >&2; cat"],
            stdin=procfd.DEVNULL,
            stdout=file,
            stderr=procfd.STDOUT,
        ) as process,
    ):
        assert process.wait(60).code == 0
    assert both.read_text() == "out\nerr\n"


class Closing:
    """A descriptor that is closed when nobody refers to its object any more."""

    def __init__(self, path: pathlib.Path) -> None:
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT)

    def fileno(self) -> int:
        return self.fd

    def __del__(self) -> None:
        os.close(self.fd)


def test_what_owns_a_descriptor_lives_as_long_as_the_context(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "out"
    context = procfd.Context("/bin/echo", ["echo", "kept"], stdout=Closing(path))
    copy = context.copy()
    context.close()
    with copy.create() as process:  # type: ignore[union-attr]
        assert process.wait(60).code == 0
    assert path.read_text() == "kept\n"


def test_actions_run_in_order(tmp_path: pathlib.Path) -> None:
    directory = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        sh(
            "echo to-7 >&7; [ ! -e /proc/self/fd/8 ] && [ -e /proc/self/fd/9 ] && pwd -P >&7",
            actions=[
                ("fchdir", directory),
                ("open", 7, "made", os.O_WRONLY | os.O_CREAT, 0o600),
                ("null", 8),
                ("dup", 8, 9),
                ("close", 8),
                ("open", 5, "/dev/null", os.O_RDONLY),
                ("close_range", 5, 6),
                ("inherit", 0),
                ("chdir", "/"),
            ],
        )
    finally:
        os.close(directory)
    assert (tmp_path / "made").read_text() == "to-7\n/\n"
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o600


def test_bytes_to_read() -> None:
    assert sh("cat", stdin=b"from memory") == "from memory"
    large = bytearray(b"x" * 1_000_000)
    assert (
        sh("cat <&5; cat <&6; wc -c <&7", fds={5: b"five", 6: memoryview(b"six"), 7: large})
        == "fivesix1000000"
    )
    assert sh("cat <&5", actions=[("data", 5, b"in order")]) == "in order"
    with pytest.raises(TypeError, match="bytes are for stdin"):
        sh("true", stdout=b"no")
    with pytest.raises(TypeError):
        sh("true", actions=[("data", 5, "text")])


def test_pipes_and_terminals() -> None:
    context = procfd.Context("/bin/sh", ["sh", "-c", "cat <&5 >&6; stty size >&6"])
    master = context.pty(24, 80)
    to, back = context.pipe_to(5), context.pipe_from(6)
    process = context.create()
    assert process is not None
    with process:
        os.write(to, b"through ")
        os.close(to)
        with open(back) as file:
            assert file.read() == "through 24 80\n"
        assert process.wait(60).code == 0
    os.close(master)
    with pytest.raises(OSError, match="Bad file descriptor"):
        procfd.Context("/bin/true").pipe_to(-1)
    context = procfd.Context("/bin/true")
    os.close(context.pipe_to(5))
    context.configure(cwd="/no/such")
    with pytest.raises(FileNotFoundError) as failure:
        context.create()
    assert failure.value.filename == "/no/such"


def test_started_suspended() -> None:
    reader, writer = os.pipe()
    with procfd.spawn("/bin/echo", ["echo", "ran"], stdout=writer, suspended=True) as process:
        os.close(writer)
        assert (
            pathlib.Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]
            == "T"
        )
        process.resume()
        assert os.read(reader, 9) == b"ran\n"
        assert process.wait(60).code == 0
    os.close(reader)


def test_signals() -> None:
    mask = {signal.SIGUSR1, signal.SIGTERM}
    assert int(status("SigBlk", sigmask=mask), 16) == bits(*mask)
    assert int(status("SigIgn", sigignore=[signal.SIGHUP]), 16) & bits(signal.SIGHUP)
    # Python ignores SIGPIPE, which the child has by inheritance.
    assert int(status("SigIgn"), 16) & bits(signal.SIGPIPE)
    assert not int(status("SigIgn", sigdefault=[signal.SIGPIPE]), 16) & bits(signal.SIGPIPE)


def test_session_and_group() -> None:
    script = "read -r pid _ _ _ group session _ < /proc/self/stat; echo $pid $group $session"
    pid, group, session = sh("exec sh -c '" + script + "'", session=True).split()
    assert pid == group == session
    pid, group, session = sh(script, process_group=0).split()
    assert pid == group != session


def test_terminal() -> None:
    leader, follower = os.openpty()
    try:
        script = "exec 3</dev/tty && read -r _ _ _ _ group _ _ foreground _ < /proc/self/stat && "
        script += "[ $group = $foreground ]"
        assert sh(script, session=True, ctty=follower, foreground=follower) == ""
    finally:
        os.close(leader)
        os.close(follower)


def test_umask_nice_and_limits() -> None:
    assert sh("umask", umask=0o27).endswith("027")
    nice = min(os.nice(0) + 7, 19)
    assert sh("nice", nice=nice) == str(nice)
    assert (
        sh(
            "ulimit -n; ulimit -c",
            limits={
                resource.RLIMIT_NOFILE: (64, 64),
                resource.RLIMIT_CORE: 0,
            },
        )
        == "64\n0"
    )
    _, hard = resource.getrlimit(resource.RLIMIT_STACK)
    if hard == resource.RLIM_INFINITY:
        assert (
            sh("ulimit -s", limits={resource.RLIMIT_STACK: resource.RLIM_INFINITY}) == "unlimited"
        )


def test_no_new_privs_and_parent_death_signal() -> None:
    assert status("NoNewPrivs", no_new_privs=True) == "1"
    assert status("NoNewPrivs", no_new_privs=False) == "0"
    code = "import ctypes; n = ctypes.c_int(); "
    code += "ctypes.CDLL(None).prctl(2, ctypes.byref(n)); print(n.value)"
    exit_code, output = run(sys.executable, "-c", code, pdeathsig=signal.SIGUSR2)
    assert (exit_code, int(output)) == (0, signal.SIGUSR2)


def test_credentials(root: None) -> None:
    assert status("Uid", uid=1234, gid=2345, groups=[3456, 4567]).split() == ["1234"] * 4
    # An execve makes the saved id the effective one.
    assert status("Gid", gid=(1, 2, 3)).split() == ["1", "2", "2", "2"]
    assert status("Uid", uid=(None, -1, 77)).split()[:2] == ["0", "0"]
    assert status("Groups", groups=[3456, 4567]).split() == ["3456", "4567"]
    assert status("Groups", groups=[]) == ""


def test_user_namespace() -> None:
    settings: dict[str, Any] = {
        "namespaces": ["user", "uts"],
        "uid_map": [(0, os.geteuid(), 1)],
        "gid_map": [(0, os.getegid(), 1)],
        "hostname": "inside",
    }
    assert sh("id -u; id -g; cat /proc/sys/kernel/hostname", **settings) == "0\n0\ninside"
    settings["setgroups"] = "deny"
    assert sh("cat /proc/self/setgroups", **settings) == "deny"


def test_built_in_init() -> None:
    settings: dict[str, Any] = {
        "namespaces": 0x1000_0000 | 0x2000_0000,
        "uid_map": [(0, os.geteuid(), 1)],
        "gid_map": [(0, os.getegid(), 1)],
        "init": True,
    }
    code, output = run("sh", "-c", "echo $$; exit 200", **settings)
    assert (code, output) == (200, "2\n")
    code, _ = run("sh", "-c", "kill -9 $$", **settings)
    assert code == -signal.SIGKILL


def at_its_limit(time_limit: Callable[[float], Any], **settings: Any) -> int:
    """The returncode of what ends by its limit. A short one may end before the program runs."""
    for seconds in limits(0.05):
        with contextlib.suppress(ChildProcessError):
            return run("sleep", "600", time_limit=time_limit(seconds), watch=True, **settings)[0]
    raise AssertionError


def test_the_time_limit() -> None:
    assert at_its_limit(lambda seconds: seconds) == -signal.SIGKILL
    assert at_its_limit(lambda seconds: (seconds, "TERM")) == -signal.SIGTERM
    ignores = {"sigignore": [signal.SIGTERM]}
    assert at_its_limit(lambda seconds: (seconds, 15, 9, 0.1), **ignores) == -signal.SIGKILL
    with pytest.raises(procfd.Error, match="watch=True") as raised:
        run("true", time_limit=1)
    assert raised.value.stage == procfd.Stage.PLAN
    for wrong in (), (1, 9, 9):
        with pytest.raises(ValueError, match="time_limit takes"):
            run("true", time_limit=wrong, watch=True)
    with pytest.raises(procfd.Error, match="ten years"):
        run("true", time_limit=0, watch=True)


def test_the_time_limit_of_the_command_line() -> None:
    for seconds in limits(0.1):
        command = ["run", "--time-limit", str(seconds), "sleep", "600"]
        code = subprocess.run([sys.executable, "-m", "procfd", *command]).returncode
        if code != 125:
            break
    assert code == 128 + signal.SIGKILL


def test_root_directory(root: None, tmp_path: pathlib.Path) -> None:
    with pytest.raises(FileNotFoundError) as raised:
        procfd.spawn("/bin/true", root=tmp_path)
    assert isinstance(raised.value, procfd.Error)
    assert raised.value.stage == procfd.Stage.EXEC


def test_none_is_as_if_not_given() -> None:
    names = procfd.OpenSettings.__annotations__ | procfd.Settings.__annotations__
    settings: Any = {**dict.fromkeys(names), "search": True}
    with procfd.spawn("true", ["true"], settings) as process:
        assert process.wait(60).code == 0


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"nonsense": 1}, TypeError),
        ({"args": "one string"}, TypeError),
        ({"args": [1]}, TypeError),
        ({"args": ["a\0b"]}, ValueError),
        ({"env": ["A=1"]}, TypeError),
        ({"env": {"A=B": "1"}}, ValueError),
        ({"env": {"": "1"}}, ValueError),
        ({"env": {"A": "1\0"}}, ValueError),
        ({"env_unset": "A"}, TypeError),
        ({"cwd": "a\0b"}, ValueError),
        ({"cwd": 3.5}, TypeError),
        ({"stdin": -7}, ValueError),
        ({"stdin": -1}, ValueError),
        ({"stdin": -2}, ValueError),
        ({"stdout": 1 << 40}, OverflowError),
        ({"stdout": object()}, TypeError),
        ({"stdout": 1, "fds": {1: 2}}, ValueError),
        ({"fds": [3]}, TypeError),
        ({"actions": [["dup", 1, 2]]}, TypeError),
        ({"actions": [("dup", 1)]}, TypeError),
        ({"actions": [("jump", 1)]}, ValueError),
        ({"sigmask": [0]}, ValueError),
        ({"sigmask": [65]}, ValueError),
        ({"session": 1}, TypeError),
        ({"process_group": -5}, ValueError),
        ({"process_group": 1 << 31}, OverflowError),
        ({"uid": 2**32}, OverflowError),
        ({"uid": 2**32 - 1}, ValueError),
        ({"uid": -1}, OverflowError),
        ({"gid": -1}, OverflowError),
        ({"uid": (1, 2)}, ValueError),
        ({"uid": "no such user"}, ValueError),
        ({"groups": [-1]}, OverflowError),
        ({"umask": 0o1000}, ValueError),
        ({"limits": {99: 1}}, ValueError),
        ({"limits": {7: (2, 1)}}, ValueError),
        ({"nice": 20}, ValueError),
        ({"pdeathsig": 99}, ValueError),
        ({"namespaces": "nowhere"}, ValueError),
        ({"namespaces": 1}, ValueError),
        ({"uid_map": [(0, 0, 0)]}, ValueError),
        ({"uid_map": [(0, 0)]}, ValueError),
        ({"setgroups": "perhaps"}, ValueError),
        ({"hostname": "x" * 65}, OSError),
        ({"kill_on_close": 99}, ValueError),
        ({"kill_on_close": "yes"}, ValueError),
        ({"close_scope": "group"}, ValueError),
        ({"close_scope": "thread", "kill_on_close": True}, ValueError),
        ({"close_then": (9, 1.0)}, ValueError),
        ({"kill_on_close": 15, "close_then": (9, float("inf"))}, ValueError),
        ({"program_fd": 0, "program": "x"}, TypeError),
    ],
    ids=repr,
)
def test_what_is_refused(settings: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        procfd.Context(**settings)


def test_the_program_is_given_once_and_with_its_search() -> None:
    with pytest.raises(TypeError):
        procfd.Context("/bin/true", program_fd=0)
    with pytest.raises(ValueError, match="search"):
        procfd.Context(search=True)
    with pytest.raises(ValueError, match="search"):
        procfd.Context(["/bin/true"], search=True)
    with pytest.raises(TypeError):
        procfd.spawn(None)  # type: ignore[arg-type]


def test_an_unknown_keyword_is_an_error_whatever_its_value() -> None:
    for value in (None, 5):
        given: Any = {"nise": value}
        with pytest.raises(TypeError, match="unexpected keyword argument 'nise'"):
            procfd.Context("/bin/true", **given)


def test_every_keyword_is_known_and_none_leaves_it_out() -> None:
    names = {*procfd.Settings.__annotations__, *procfd.OpenSettings.__annotations__}
    assert {"nice", "stdin", "close_then", "watch"} <= names
    given: Any = dict.fromkeys(names)
    with procfd.Context("/bin/true", **given) as context:
        process = context.create()
        assert process is not None
        assert process.wait(60).code == 0


def test_a_switch_is_a_bool() -> None:
    for name in ("session", "no_new_privs", "inherit_all", "init"):
        given: Any = {name: 1}
        with pytest.raises(TypeError, match=f"{name} must be a bool"):
            procfd.Context("/bin/true", **given)


KEYWORDS = sorted(procfd.Settings.__annotations__)
# Any object is true or false.
ANY = {"search", "login_env"}


@pytest.mark.parametrize("name", sorted(set(KEYWORDS) - ANY))
@pytest.mark.parametrize(
    "value", [object(), 10**30, "\0", [object()]], ids=["object", "large", "NUL", "list"]
)
def test_a_complaint_names_its_keyword(name: str, value: object) -> None:
    settings: Any = {name: value}
    try:
        procfd.spawn(["true"], **settings).wait()
    except OSError as error:
        assert str(error.errno) in str(error)
    except (TypeError, ValueError, OverflowError) as error:
        text = str(error)
        assert "conversion" not in text and "C long" not in text, text
        # What has the words of subprocess.
        shared = "embedded null byte" in text or "expected str, bytes" in text
        assert name in text or (shared and name in ("cwd", "user")), text


def test_what_an_own_method_raises_stays_as_it_is() -> None:
    class Own:
        def fileno(self) -> int:
            raise TypeError("mine")

    for name in ("ctty", "cgroup", "stdin"):
        settings: Any = {name: Own()}
        with pytest.raises(TypeError, match=r"^mine$"):
            procfd.spawn(["true"], **settings)


def test_a_message_has_the_callers_number(tmp_path: pathlib.Path) -> None:
    """The context has a duplicate of the descriptor, under another number."""
    fd = os.open(tmp_path, os.O_RDONLY)
    try:
        for settings in ({"cgroup": fd}, {"ctty": fd, "session": True}, {"foreground": fd}):
            given: Any = settings
            with pytest.raises(OSError, match=f"descriptor {fd}\\b"):
                procfd.spawn(["true"], **given)
        with pytest.raises(OSError, match=f"descriptor {fd}\\b"):
            procfd.spawn(fd, ["true"])
    finally:
        os.close(fd)
