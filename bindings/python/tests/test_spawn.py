# SPDX-License-Identifier: MIT OR Apache-2.0
"""spawn(): a list is the argument vector, and names stand where numbers are."""

from __future__ import annotations

import os
import pathlib
import pwd
import resource
import signal
from typing import Any

import procfd
import pytest
from conftest import run


def test_a_list_is_the_argument_vector() -> None:
    with procfd.spawn(["sleep", "60"]) as process:
        assert process.argv() == ["sleep", "60"]
        process.kill()
        assert process.wait(60).signal == signal.SIGKILL
    for command in (("true",), (b"true",), [pathlib.Path("true")], iter(["true"])):
        with procfd.spawn(command) as process:
            assert process.wait(60).code == 0


def test_the_program_apart_from_the_arguments() -> None:
    with procfd.spawn(["other", "-c", '[ "$0" = x ]', "x"], program="sh") as process:
        assert process.wait(60).code == 0
    with procfd.spawn(["other", "60"], program="/bin/sleep") as process:
        assert process.argv() == ["other", "60"]
        process.kill()
    with open("/bin/true", "rb") as program:
        with procfd.spawn(["x"], program=program) as process:
            assert process.wait(60).code == 0
        with procfd.spawn(["x"], program_fd=program) as process:
            assert process.wait(60).code == 0


def test_a_program_alone_is_searched_too() -> None:
    for program in ("true", "/bin/true", b"true", pathlib.Path("true")):
        with procfd.spawn(program) as process:
            assert process.wait(60).code == 0
    with procfd.spawn("sh", ["sh", "-c", "exit 3"], {"cwd": "/"}) as process:
        assert process.wait(60).code == 3


def test_a_path_is_not_searched(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/own").write_text("#!/bin/sh\nexit 5\n")
    (tmp_path / "sub/own").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    with procfd.spawn(["sub/own"]) as process:
        assert process.wait(60).code == 5
    with pytest.raises(FileNotFoundError):
        procfd.spawn(["own"])
    monkeypatch.setenv("PATH", f"{tmp_path}/sub")
    with procfd.spawn(["own"]) as process:
        assert process.wait(60).code == 5


@pytest.mark.parametrize(
    ("arguments", "settings", "error"),
    [
        (([],), {}, ValueError),
        ((None,), {}, TypeError),
        ((["true"], ["true"]), {}, TypeError),
        (("true",), {"program": "true"}, TypeError),
        (("true",), {"candidates": ["/bin/true"]}, TypeError),
        ((["true"],), {"program": "true", "candidates": ["/bin/true"]}, TypeError),
        (("true", "true"), {}, TypeError),
        ((["true", None],), {}, TypeError),
        ((3.5,), {}, TypeError),
        ((["no such program"],), {}, FileNotFoundError),
    ],
    ids=repr,
)
def test_what_is_no_command(
    arguments: tuple[Any, ...], settings: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        procfd.spawn(*arguments, **settings)


def test_the_message_says_which_argument() -> None:
    with pytest.raises(TypeError, match=r"args\[1\]"):
        procfd.spawn(["echo", None])  # type: ignore[list-item]
    with pytest.raises(TypeError, match=r"args\[2\]"):
        procfd.run(["echo", "x", 3])  # type: ignore[list-item]
    with pytest.raises(TypeError, match=r"env\['A'\]"):
        procfd.run(["true"], env={"A": 3})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "start", [procfd.run, procfd.Popen, procfd.spawn], ids=["run", "Popen", "spawn"]
)
def test_keywords_that_there_are_not(start: Any) -> None:
    for value in (None, 1, True):
        with pytest.raises(TypeError, match="nonsense"):
            start(["true"], nonsense=value)
    with pytest.raises(TypeError, match=r"run\(\) takes it"):
        procfd.spawn(["true"], capture_output=True)  # type: ignore[call-arg]
    process = procfd.spawn(["sleep", "60"], kill_on_close=True)
    with process, pytest.raises(procfd.Timeout, match=f"pid {process.pid}: the time is over"):
        process.wait(0)
    with pytest.raises(TypeError, match='did you mean "kill_on_close"'):
        start(["true"], kil_on_close=True)


def test_none_is_as_if_it_were_not_given() -> None:
    for name in procfd.OpenSettings.__annotations__:
        given: Any = {name: None}
        with procfd.spawn(["true"], **given) as process:
            assert process.wait(60).code == 0, name
        assert procfd.run(["true"], **given).returncode == 0, name
    none: Any = {"process_group": None, "pipesize": None, "umask": None}
    assert procfd.run(["true"], **none).returncode == 0


def test_env_is_a_mapping() -> None:
    starts: list[Any] = [procfd.run, procfd.spawn]
    for start in starts:
        with pytest.raises(TypeError, match="env must be a mapping, not list"):
            start(["true"], env=["A=B"])


@pytest.mark.parametrize("name", ["TERM", "SIGTERM", "term", 15, signal.SIGTERM])
def test_signals_by_name(name: int | str) -> None:
    with procfd.spawn(["sleep", "60"], sigdefault=[name]) as process:
        process.send_signal(name)
        assert process.wait(60).signal == signal.SIGTERM
    process = procfd.spawn(["sleep", "60"], kill_on_close=name)
    with procfd.open(pidfd=process.pidfd) as other:
        process.close()
        assert other.wait(60).signal == signal.SIGTERM


def test_real_time_signals_by_name() -> None:
    with procfd.spawn(["sleep", "60"]) as process:
        process.send_signal("RTMIN+1")
        assert process.wait(60).signal == signal.SIGRTMIN + 1
    for name in ("RTMIN+99", "_DFL", "_BLOCK", "nothing", "RTMIN+", ""):
        with procfd.spawn(["sleep", "60"]) as process:
            with pytest.raises(ValueError, match="signal"):
                process.send_signal(name)
            process.kill()


@pytest.mark.parametrize("name", ["nofile", "RLIMIT_NOFILE", "NOFILE", resource.RLIMIT_NOFILE])
def test_limits_by_name(name: Any) -> None:
    assert run("sh", "-c", "ulimit -n", limits={name: 123}) == (0, "123\n")
    with procfd.spawn(["sleep", "60"], limits={name: (12, 123)}) as process:
        assert process.rlimit(name) == (12, 123)
        process.kill()
    with pytest.raises(ValueError, match="nofile"):
        procfd.spawn(["true"], limits={"nofiles": 3})


def test_every_limit_has_its_name() -> None:
    for name in dir(resource):
        # The ones that Linux does not have, and the older name of one.
        if name.startswith("RLIMIT_") and name not in ("RLIMIT_OFILE",):
            with procfd.open(os.getpid()) as own:
                assert own.rlimit(name) == resource.getrlimit(getattr(resource, name)), name


@pytest.mark.usefixtures("root")
def test_ids_by_name() -> None:
    nobody = pwd.getpwnam("nobody")
    shown = run(
        "sh", "-c", "id -u; id -g; id -G", uid="nobody", gid="nogroup", groups=["daemon", 5]
    )
    assert shown[1].split()[:2] == [str(nobody.pw_uid), str(nobody.pw_gid)]
    assert set(shown[1].split()[2:]) == {str(nobody.pw_gid), "1", "5"}
    for settings in (
        {"uid": "no such user"},
        {"gid": "no such group"},
        {"groups": ["no such group"]},
    ):
        with pytest.raises(ValueError, match="no such"):
            procfd.spawn(["true"], **settings)


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("user", ["nobody", pwd.getpwnam("nobody").pw_uid])
def test_a_user_comes_with_its_groups(user: Any) -> None:
    nobody = pwd.getpwnam("nobody")
    groups = {str(group) for group in os.getgrouplist("nobody", nobody.pw_gid)}
    script = "id -u; id -g; id -G"
    for text in (
        run("sh", "-c", script, user=user)[1],
        procfd.run(["sh", "-c", script], user=user, capture_output=True, text=True).stdout,
    ):
        uid, gid, *rest = text.split()
        assert (uid, gid, set(rest)) == (str(nobody.pw_uid), str(nobody.pw_gid), groups)
    # A group that the caller names replaces the groups of the user.
    shown = procfd.run(["id", "-g"], user=user, group=5, capture_output=True, text=True)
    assert shown.stdout == "5\n"
    shown = procfd.run(["id", "-G"], user=user, extra_groups=[7], capture_output=True, text=True)
    assert shown.stdout.split() == ["0", "7"]
    assert run("id", "-g", user=user, gid=5)[1] == "5\n"


@pytest.mark.usefixtures("root")
def test_a_user_without_an_account_has_no_groups() -> None:
    with pytest.raises(KeyError):
        pwd.getpwuid(54321)
    shown = procfd.run(["sh", "-c", "id -u; id -G"], user=54321, capture_output=True, text=True)
    assert shown.stdout.split() == ["54321", "0"]
    assert run("sh", "-c", "id -u; id -G", user=54321)[1].split() == ["54321", "0"]


@pytest.mark.usefixtures("root")
def test_the_id_that_stands_for_no_change_is_refused() -> None:
    """The program would keep the ids of root."""
    for start in (procfd.run, procfd.Popen, procfd.spawn):
        for login_env in (False, True):
            with pytest.raises((ValueError, KeyError)):
                start(["true"], user=2**32 - 1, login_env=login_env)
        with pytest.raises(OverflowError):
            start(["true"], user=2**32)


@pytest.mark.usefixtures("root")
def test_digits_as_text_are_a_name() -> None:
    for start in (procfd.run, procfd.Popen, procfd.spawn):
        with pytest.raises((ValueError, KeyError)):
            start(["true"], user="65534")


def test_the_variables_of_a_login() -> None:
    own = pwd.getpwuid(os.geteuid())
    script = "echo $HOME $USER $LOGNAME $SHELL $KEPT"
    expected = f"{own.pw_dir} {own.pw_name} {own.pw_name} {own.pw_shell} yes\n"
    env = {"PATH": os.environ["PATH"], "KEPT": "yes", "HOME": "/wrong"}
    for user in (own.pw_name, own.pw_uid):
        keywords: Any = {"user": user, "login_env": True, "env": env}
        assert run("sh", "-c", script, **keywords) == (0, expected)
        shown = procfd.run(["sh", "-c", script], capture_output=True, text=True, **keywords)
        assert shown.stdout == expected
    starts: list[Any] = [procfd.run, procfd.spawn]
    for start in starts:
        with pytest.raises(ValueError, match="login_env"):
            start(["true"], login_env=True)


def test_open_and_attach_take_a_pid() -> None:
    with procfd.spawn(["sleep", "60"]) as process:
        with procfd.open(process.pid) as opened:
            assert opened.pid == process.pid
        attached = procfd.attach(process.pid, kill_on_close="KILL")
        attached.close()
        assert process.wait(60).signal == signal.SIGKILL
    with procfd.spawn(["sleep", "60"]) as process:
        for named in ({"pid": process.pid}, {"fd": process}, {"pidfd": process.pidfd}):
            given: Any = named
            procfd.attach(**given).close()
        process.kill()
    for call in (procfd.open, procfd.attach):
        with pytest.raises(TypeError, match="takes one of"):
            call()
        for wrong in (0, -1, 1 << 40):
            with pytest.raises((ValueError, ProcessLookupError), match=str(wrong)):
                call(wrong)
        for path, kind in {
            "/etc/passwd": "regular file",
            "/dev/null": "device",
            "/": "directory",
        }.items():
            fd = os.open(path, os.O_RDONLY)
            with pytest.raises(OSError, match=f"stands for no process(: a {kind})?"):
                call(fd=fd)
            os.close(fd)
        with (
            open("/etc/passwd") as file,
            pytest.raises(OSError, match="no process: a regular file"),
        ):
            call(file)
        with pytest.raises(ProcessLookupError, match="4194303"):
            call(4194303)
