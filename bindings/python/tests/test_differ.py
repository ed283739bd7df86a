# SPDX-License-Identifier: MIT OR Apache-2.0
"""The same calls of subprocess and of procfd. What differs is listed, with the reason."""

from __future__ import annotations

import array
import datetime
import decimal
import fractions
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import procfd
import pytest
from conftest import late

inf, nan = float("inf"), float("nan")
B = ["sh", "-c", "echo $FOO; exit 3"]
IGNORED = ["sh", "-c", "grep SigIgn /proc/self/status"]
SID = "test $(ps -o sid= -p $$) = $$"


def written(call: Callable[[Any], Any]) -> tuple[Any, bytes]:
    with tempfile.TemporaryFile() as file:
        done = call(file)
        file.seek(0)
        return done, file.read()


def piped(module: Any, args: list[str], data: Any, timeout: Any = None, **keywords: Any) -> Any:
    pipe = module.PIPE
    with module.Popen(args, stdin=pipe, stdout=pipe, stderr=pipe, **keywords) as process:
        return process.communicate(data, timeout)


def written_late(module: Any) -> None:
    command = ["sh", "-c", "echo a; exec sleep 99"]
    raise late(lambda seconds: module.run(command, timeout=seconds, stdout=module.PIPE))


def signalled(module: Any, number: Any) -> int:
    # It ends with its input, and not before.
    with module.Popen(["cat"], stdin=module.PIPE) as process:
        process.send_signal(number)
    return int(process.returncode)


def entered(module: Any, args: list[str]) -> int:
    with module.Popen(args) as process:
        pass
    return int(process.returncode)


CASES: dict[str, Callable[[Any], Any]] = {
    "empty argv exe": lambda m: m.run([], executable="/bin/true"),
    "empty str argv": lambda m: m.run([""]),
    "empty string": lambda m: m.run(""),
    "argv0 empty": lambda m: m.run(
        ["", "-c", "echo $0"], executable="/bin/sh", capture_output=True
    ),
    "none in argv": lambda m: m.run(["echo", None]),
    "int in argv": lambda m: m.run(["echo", 1]),
    "nul argv": lambda m: m.run(["echo", "a\0b"]),
    "surrogate arg": lambda m: m.run(["printf", "%s", "\udcff\udc80"], capture_output=True),
    "lone surrogate bad": lambda m: m.run(["printf", "%s", "\ud800"], capture_output=True),
    "bytes arg": lambda m: m.run([b"printf", b"%s", b"\xff"], capture_output=True),
    "env eq key": lambda m: m.run(B, env={"A=B": "c"}),
    "env empty key": lambda m: m.run(B, env={"": "c"}),
    "env nul": lambda m: m.run(B, env={"A": "c\0d"}),
    "env int": lambda m: m.run(B, env={"A": 1}),
    "env bytes+str dup": lambda m: m.run(
        ["env"], env={b"FOO": b"1", "FOO": "2"}, capture_output=True
    ),
    "env newline": lambda m: m.run(B, env={"FOO": "a\nb", "PATH": "/bin"}, capture_output=True),
    "env surrogate": lambda m: m.run(B, env={"FOO": "\udcff", "PATH": "/bin"}, capture_output=True),
    "env empty dict": lambda m: m.run(["/usr/bin/env"], env={}, capture_output=True),
    "env environ obj": lambda m: m.run(B, env=os.environ, capture_output=True),
    "env PATH only sub": lambda m: m.run(
        ["prog"], env={"PATH": os.getcwd() + "/sub"}, capture_output=True
    ),
    "env PATH rel": lambda m: m.run(["prog"], env={"PATH": "sub"}, capture_output=True),
    "env PATH rel cwd": lambda m: m.run(
        ["prog"], env={"PATH": "."}, cwd="sub", capture_output=True
    ),
    "env PATH empty entry": lambda m: m.run(
        ["prog"], env={"PATH": ":/bin"}, cwd="sub", capture_output=True
    ),
    "env PATH empty": lambda m: m.run(["prog"], env={"PATH": ""}, cwd="sub", capture_output=True),
    "env no PATH": lambda m: m.run(["true"], env={}),
    "env bytes PATH": lambda m: m.run(
        ["prog"], env={b"PATH": os.fsencode(os.getcwd() + "/sub")}, capture_output=True
    ),
    "rel+cwd": lambda m: m.run(["./prog"], cwd="sub", capture_output=True),
    "rel+cwd2": lambda m: m.run(["sub/prog"], cwd="sub", capture_output=True),
    "noshebang": lambda m: m.run(["./noshebang"]),
    "badinterp": lambda m: m.run(["./badinterp"]),
    "crlf": lambda m: m.run(["./crlf"]),
    "empty file": lambda m: m.run(["./empty"]),
    "dir": lambda m: m.run(["./dirprog"]),
    "noexecbit": lambda m: m.run(["./noexecbit"]),
    "PATH noexec then later": lambda m: m.run(
        ["noexecbit"], env={"PATH": os.getcwd() + ":/nonexist"}
    ),
    "PATH with file as dir": lambda m: m.run(["true"], env={"PATH": os.getcwd() + "/prog:/bin"}),
    "PATH noshebang found first": lambda m: m.run(
        ["noshebang"], env={"PATH": os.getcwd() + ":/bin"}
    ),
    "cwd missing": lambda m: m.run(["true"], cwd="/nope"),
    "cwd empty": lambda m: m.run(["true"], cwd=""),
    "cwd bytes": lambda m: m.run(["pwd"], cwd=b"/tmp", capture_output=True),
    "cwd path": lambda m: m.run(["pwd"], cwd=pathlib.Path("/tmp"), capture_output=True),
    "cwd fd": lambda m: m.run(["pwd"], cwd=3, capture_output=True),
    "E2BIG one": lambda m: m.run(["true", "x" * 140000]),
    "131071 ok": lambda m: m.run(["true", "x" * 131071]).returncode,
    "E2BIG total": lambda m: m.run(["true"] + ["x" * 100000] * 100),
    "long name": lambda m: m.run(["x" * 300]),
    "long path": lambda m: m.run(["/" + "x/" * 3000]),
    "NUL path": lambda m: m.run(["/bin/tr\0ue"]),
    "timeout nan": lambda m: m.run(["sleep", "0.1"], timeout=nan).returncode,
    "timeout inf": lambda m: m.run(["sleep", "0.1"], timeout=inf).returncode,
    "timeout 1e300": lambda m: m.run(["sleep", "0.1"], timeout=1e300).returncode,
    "timeout 1e10": lambda m: m.run(["sleep", "0.1"], timeout=1e10).returncode,
    "timeout -1": lambda m: m.run(["sleep", "99"], timeout=-1).returncode,
    "timeout 0": lambda m: m.run(["sleep", "99"], timeout=0).returncode,
    "timeout str": lambda m: m.run(["sleep", "0.1"], timeout="5").returncode,
    "wait nan": lambda m: m.Popen(["sleep", "0.1"]).wait(nan),
    "wait inf": lambda m: m.Popen(["sleep", "0.1"]).wait(inf),
    "wait 1e300": lambda m: m.Popen(["sleep", "0.1"]).wait(1e300),
    "wait 1e10": lambda m: m.Popen(["sleep", "0.1"]).wait(1e10),
    "wait -inf": lambda m: m.Popen(["sleep", "0.1"]).wait(-inf),
    "wait True": lambda m: m.Popen(["sleep", "0.1"]).wait(True),
    "wait Decimal": lambda m: m.Popen(["sleep", "0.1"]).wait(decimal.Decimal("5")),
    "wait Fraction": lambda m: m.Popen(["sleep", "0.1"]).wait(fractions.Fraction(5)),
    "wait str": lambda m: m.Popen(["sleep", "0.1"]).wait("5"),
    "wait timedelta": lambda m: m.Popen(["sleep", "0.1"]).wait(datetime.timedelta(seconds=5)),
    "comm inf": lambda m: piped(m, ["true"], None, timeout=inf),
    "user unknown": lambda m: m.run(["true"], user="nosuchuser"),
    "user neg": lambda m: m.run(["true"], user=-5),
    "user big": lambda m: m.run(["true"], user=2**32),
    "user -1u32": lambda m: m.run(["true"], user=2**32 - 1),
    "group -1u32": lambda m: m.run(["true"], group=2**32 - 1),
    "user ok": lambda m: m.run(["id", "-u"], user=65534, capture_output=True),
    "user nobody groups": lambda m: m.run(
        ["id"], user="nobody", group="nogroup", extra_groups=["daemon", 5], capture_output=True
    ),
    "extra_groups empty": lambda m: m.run(
        ["id", "-G"], user="nobody", group="nogroup", extra_groups=[], capture_output=True
    ),
    "umask 0o1777": lambda m: m.run(["sh", "-c", "umask"], umask=0o1777, capture_output=True),
    "umask big": lambda m: m.run(["sh", "-c", "umask"], umask=2**33, capture_output=True),
    "process_group 0": lambda m: (
        m.run(["sh", "-c", "test $(ps -o pgid= -p $$) = $$"], process_group=0).returncode
    ),
    "process_group bad": lambda m: m.run(["true"], process_group=999999),
    "pg+session": lambda m: m.run(["true"], process_group=0, start_new_session=True),
    "pg big": lambda m: m.run(["true"], process_group=2**33),
    "pass_fds closed": lambda m: m.run(["true"], pass_fds=[777]),
    "pass_fds neg": lambda m: m.run(["true"], pass_fds=[-1]),
    "pass_fds 0": lambda m: m.run(["cat"], pass_fds=[0, 1, 2], input=b"x", capture_output=True),
    "pass_fds close false": lambda m: m.run(["true"], pass_fds=[1], close_fds=False),
    "stdout closed int": lambda m: m.run(["true"], stdout=999),
    "stdin neg": lambda m: m.run(["true"], stdin=-7),
    "stderr=STDOUT only": lambda m: m.run(
        ["sh", "-c", "echo e >&2"], stderr=m.STDOUT, stdout=m.PIPE
    ),
    "swap": lambda m: m.run(["sh", "-c", "echo o; echo e >&2"], stdout=2, stderr=1).returncode,
    "stdout=0": lambda m: m.run(["true"], stdout=0).returncode,
    "shell list": lambda m: m.run(["echo $0 $1", "a", "b"], shell=True, capture_output=True),
    "shell bytes": lambda m: m.run(b"echo \xff", shell=True, capture_output=True),
    "shell pathlike": lambda m: m.run(pathlib.Path("x"), shell=True),
    "shell exe": lambda m: m.run(
        "echo $0", shell=True, executable="/bin/bash", capture_output=True
    ),
    "exe path": lambda m: m.run(["foo"], executable=pathlib.Path("/bin/true")),
    "exe rel in PATH": lambda m: m.run(["foo"], executable="true"),
    "bufsize str": lambda m: m.run(["true"], bufsize="1"),
    "bad kw": lambda m: m.run(["true"], nosuch=1),
    "startupinfo": lambda m: m.run(["true"], startupinfo=1),
    "creationflags": lambda m: m.run(["true"], creationflags=1),
    "pipesize": lambda m: m.run(
        ["cat"], pipesize=4096, input=b"x" * 100000, capture_output=True
    ).stdout.__len__(),
    "pipesize -1": lambda m: m.run(["cat"], pipesize=-1, input=b"x", capture_output=True),
    "send sig 0": lambda m: signalled(m, 0),
    "send sig bad": lambda m: signalled(m, 99),
    "send sig neg": lambda m: signalled(m, -1),
    "send sig str": lambda m: signalled(m, "TERM"),
    "kill twice": lambda m: [p := m.Popen(["sleep", "9"]), p.kill(), p.kill(), p.wait(), p.kill()][
        3
    ],
    "preexec ok": lambda m: m.run(
        B, preexec_fn=lambda: os.environ.__setitem__("FOO", "q"), capture_output=True
    ),
    "preexec raises": lambda m: m.run(B, preexec_fn=lambda: 1 / 0),
    "preexec exit": lambda m: m.run(B, preexec_fn=lambda: sys.exit(3)),
    "check": lambda m: m.run(["false"], check=True),
    "check sig": lambda m: m.run(["sh", "-c", "kill -9 $$"], check=True),
    "check rtsig": lambda m: m.run(["sh", "-c", "kill -40 $$"], check=True),
    "getoutput": lambda m: m.getoutput("echo a; exit 2"),
    "getstatusoutput": lambda m: m.getstatusoutput("kill -9 $$"),
    "getstatusoutput badenc": lambda m: m.getstatusoutput("printf '\\377'"),
    "text crlf": lambda m: m.run(["printf", "a\\r\\nb\\rc"], text=True, capture_output=True),
    "text badutf": lambda m: m.run(["printf", "\\377"], text=True, capture_output=True),
    "utf16": lambda m: m.run(["cat"], input="hé", encoding="utf-16", capture_output=True),
    "input memoryview": lambda m: m.run(["cat"], input=memoryview(b"abc"), capture_output=True),
    "input array": lambda m: m.run(["cat"], input=array.array("i", [1, 2]), capture_output=True),
    "input str no text": lambda m: m.run(["cat"], input="abc", capture_output=True),
    "input bytes text": lambda m: m.run(["cat"], input=b"abc", text=True, capture_output=True),
    "epipe": lambda m: m.run(["true"], input=b"x" * 1000000),
    "args set": lambda m: m.run({"true"}),
    "args gen": lambda m: m.run(x for x in ["echo", "a"]).returncode,
    "args mixed": lambda m: m.run([pathlib.Path("/bin/echo"), b"a", "b"], capture_output=True),
    "list2cmdline": lambda m: m.list2cmdline(["a b"]),
    "run str": lambda m: m.run("true"),
    "run path": lambda m: m.run(pathlib.Path("/bin/true")),
    "run tuple": lambda m: m.run(("sh", "-c", "exit 4")),
    "run None": lambda m: m.run(None),
    "run int": lambda m: m.run(7),
    "run input and stdin": lambda m: m.run(["cat"], input=b"x", stdin=m.PIPE),
    "run capture and stdout": lambda m: m.run(["cat"], capture_output=True, stdout=m.PIPE),
    "run without args": lambda m: m.run(),
    "run input None": lambda m: m.run(["true"], input=None),
    "run input text": lambda m: m.run(["cat"], input="ä\n", capture_output=True, text=True),
    "run encoding": lambda m: m.run(["printf", "\\344"], capture_output=True, encoding="latin-1"),
    "run errors": lambda m: m.run(["printf", "\\344"], capture_output=True, errors="replace"),
    "run newlines": lambda m: m.run(
        ["printf", "a\\r\\n"], capture_output=True, universal_newlines=True
    ),
    "run text and newlines": lambda m: m.run(["true"], text=False, universal_newlines=True),
    "run bufsize": lambda m: m.run(["echo", "x"], bufsize=0, capture_output=True),
    "run bufsize 1": lambda m: m.run(["echo", "x"], bufsize=1, capture_output=True, text=True),
    "run bufsize None": lambda m: m.run(["echo", "x"], bufsize=None, capture_output=True),
    "run stdout file": lambda m: written(lambda f: m.run(["echo", "x"], stdout=f)),
    "run stderr to stdout": lambda m: m.run(
        ["sh", "-c", "echo a; echo b >&2"], stdout=m.PIPE, stderr=m.STDOUT
    ),
    "run stderr to file": lambda m: written(lambda f: m.run(["sh", "-c", "echo b >&2"], stderr=f)),
    "run stdout STDOUT": lambda m: m.run(["true"], stdout=m.STDOUT),
    "run stdin STDOUT": lambda m: m.run(["true"], stdin=m.STDOUT),
    "run stdin DEVNULL": lambda m: m.run(["cat"], stdin=m.DEVNULL, capture_output=True),
    "run stdout str": lambda m: m.run(["true"], stdout="x"),
    "run stdout object": lambda m: m.run(["true"], stdout=object()),
    "run close_fds False": lambda m: m.run(["true"], close_fds=False).returncode,
    "run restore_signals": lambda m: m.run(IGNORED, restore_signals=True, capture_output=True),
    "run no restore_signals": lambda m: m.run(IGNORED, restore_signals=False, capture_output=True),
    "run session": lambda m: m.run(["sh", "-c", SID], start_new_session=True).returncode,
    "run no session": lambda m: m.run(["sh", "-c", SID]).returncode,
    "run shell": lambda m: m.run("exit 7", shell=True),
    "run shell list empty": lambda m: m.run([], shell=True),
    "run shell env": lambda m: m.run("echo $X", shell=True, env={"X": "y"}, capture_output=True),
    "run shell cwd": lambda m: m.run("pwd", shell=True, cwd="/", capture_output=True),
    "run env None": lambda m: m.run(["sh", "-c", "echo $HOME"], env=None, capture_output=True),
    "run env pairs": lambda m: m.run(["true"], env=[("A", "B")]),
    "run env path value": lambda m: m.run(
        ["/bin/sh", "-c", "echo $X"], env={"X": pathlib.Path("/x")}, capture_output=True
    ),
    "run umask": lambda m: m.run(["sh", "-c", "umask"], umask=0o27, capture_output=True),
    "run umask -1": lambda m: m.run(["sh", "-c", "umask"], umask=-1, capture_output=True),
    "run umask str": lambda m: m.run(["true"], umask="022"),
    "run user bytes": lambda m: m.run(["true"], user=b"root"),
    "run group str": lambda m: m.run(["true"], group="nosuchgroup"),
    "run groups str": lambda m: m.run(["true"], extra_groups="root"),
    "run groups unknown": lambda m: m.run(["true"], extra_groups=["nosuchgroup"]),
    "run groups neg": lambda m: m.run(["true"], extra_groups=[-1]),
    "run groups big": lambda m: m.run(["true"], extra_groups=[2**64]),
    "run preexec None": lambda m: m.run(["true"], preexec_fn=None),
    "run preexec no call": lambda m: m.run(["true"], preexec_fn=3),
    "run pass_fds str": lambda m: m.run(["true"], pass_fds=["x"]),
    "run process_group str": lambda m: m.run(["true"], process_group="x"),
    "run positional": lambda m: m.run(["true"], -1, None, None, m.PIPE, m.PIPE),
    "run check ok": lambda m: m.run(["true"], check=True),
    "run check output": lambda m: m.run(
        ["sh", "-c", "echo a; exit 2"], check=True, capture_output=True
    ),
    "run timeout output": lambda m: written_late(m),
    "call": lambda m: m.call(["sh", "-c", "exit 3"]),
    "call timeout": lambda m: m.call(["sleep", "99"], timeout=0.1),
    "call input": lambda m: m.call(["true"], input=b""),
    "check_call": lambda m: m.check_call(["true"]),
    "check_call fails": lambda m: m.check_call(["false"]),
    "check_call executable": lambda m: m.check_call(["x"], executable="/bin/false"),
    "check_output": lambda m: m.check_output(["echo", "x"]),
    "check_output input": lambda m: m.check_output(["cat"], input=b"x"),
    "check_output input None": lambda m: m.check_output(["cat"], input=None),
    "check_output text None": lambda m: m.check_output(["cat"], input=None, text=True),
    "check_output stdout": lambda m: m.check_output(["true"], stdout=1),
    "check_output check": lambda m: m.check_output(["true"], check=False),
    "check_output stderr": lambda m: m.check_output(["sh", "-c", "echo x >&2"], stderr=m.STDOUT),
    "check_output fails": lambda m: m.check_output(["sh", "-c", "echo x; exit 5"]),
    "getoutput newline": lambda m: m.getoutput("printf 'a\\n\\n'"),
    "getoutput stderr": lambda m: m.getoutput("echo e >&2"),
    "getoutput list": lambda m: m.getoutput(["echo", "x"]),
    "getstatusoutput more": lambda m: m.getstatusoutput("exit 300"),
    "Popen wait twice": lambda m: [
        p := m.Popen(["sh", "-c", "exit 6"]),
        p.wait(),
        p.wait(),
        p.poll(),
    ][1:],
    "Popen poll": lambda m: [p := m.Popen(["sleep", "9"]), p.poll(), p.kill(), p.wait(), p.poll()][
        1:
    ],
    "Popen pid": lambda m: [p := m.Popen(["true"]), p.wait(), type(p.pid)][2],
    "Popen attributes": lambda m: [
        p := m.Popen(["true"]),
        p.wait(),
        p.stdin,
        p.stdout,
        p.stderr,
        p.args,
    ][1:],
    "Popen repr": lambda m: [p := m.Popen(["true"]), repr(p), p.wait(), repr(p)][1:],
    "Popen terminate": lambda m: [p := m.Popen(["sleep", "9"]), p.terminate(), p.wait()][2],
    "Popen signal object": lambda m: [
        p := m.Popen(["sleep", "9"]),
        p.send_signal(signal.SIGUSR1),
        p.wait(),
    ][2],
    "Popen communicate": lambda m: piped(m, ["cat"], b"x"),
    "Popen communicate str": lambda m: piped(m, ["cat"], "x"),
    "Popen communicate text": lambda m: piped(m, ["cat"], "x", text=True),
    "Popen communicate big": lambda m: len(piped(m, ["cat"], b"x" * 1000000)[0]),
    "Popen communicate twice": lambda m: [
        p := m.Popen(["echo"], stdout=m.PIPE),
        p.communicate(),
        p.communicate(),
    ][2],
    "Popen with": lambda m: entered(m, ["sh", "-c", "exit 5"]),
    "Popen class": lambda m: issubclass(m.Popen, subprocess.Popen) and m.Popen[bytes].__args__,
    "Popen unknown positional": lambda m: m.Popen(*(["true"],) + (None,) * 20),
    "TimeoutExpired": lambda m: repr(m.TimeoutExpired(["x"], 3, b"o", b"e")),
    "CalledProcessError": lambda m: [repr(m.CalledProcessError(n, "x")) for n in (1, -9, -99)],
    "CompletedProcess": lambda m: repr(m.CompletedProcess(["x"], 1, "a", "b")),
    "check_returncode": lambda m: m.CompletedProcess(["x"], 1, "a", "b").check_returncode(),
    "list2cmdline more": lambda m: m.list2cmdline(['a"b', "c d", "", b"e", pathlib.Path("f")]),
}

# Where procfd says more than the standard library, or takes what that does not.
DIFFERENT = {
    "cwd fd": "a directory may be given by its descriptor",
    "send sig str": "a signal may be given by its name",
    "user -1u32": "-1 as an id stands for no change in setresuid(2), and is refused",
    "group -1u32": "as above",
    "timeout nan": "a time that is no number is refused",
    "wait nan": "as above",
    "pg+session": "a session leader leads its own group, which is what was asked for",
    "env empty key": "a variable without a name is refused",
    "run env pairs": "an env that is no mapping is a TypeError",
}


@pytest.fixture(scope="module", autouse=True)
def _folder() -> Iterator[None]:
    """Programs of all kinds in the current directory."""
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        os.chdir(folder)
        for name in ("sub", "dirprog"):
            os.mkdir(name)
        for name, text in (
            ("prog", "#!/bin/sh\necho here\n"),
            ("sub/prog", "#!/bin/sh\necho here\n"),
            ("noshebang", "echo noshebang"),
            ("badinterp", "#!/no/interp\n"),
            ("crlf", "#!/bin/sh\r\necho x\r\n"),
            ("empty", ""),
        ):
            pathlib.Path(name).write_bytes(text.encode())
            os.chmod(name, 0o755)
        pathlib.Path("noexecbit").write_text("#!/bin/sh\necho noexec\n")
        yield
        os.chdir(before)


if sys.version_info >= (3, 13):
    # It starts such a program by os.posix_spawn, which refuses what _posixsubprocess does not.
    DIFFERENT |= dict.fromkeys(
        ("empty argv exe", "argv0 empty", "NUL path"),
        "os.posix_spawn has checks and words of its own",
    )


def reaped() -> None:
    """Reap what an exception has left behind."""
    for _ in range(3000):
        subprocess._cleanup()  # type: ignore[attr-defined]
        if not subprocess._active:  # type: ignore[attr-defined]
            return
        time.sleep(0.01)


def outcome(call: Callable[[Any], Any], module: Any) -> tuple[Any, ...]:
    try:
        return told(call, module)
    finally:
        reaped()


def told(call: Callable[[Any], Any], module: Any) -> tuple[Any, ...]:
    """What came of it. Of an error its errno and file count, and the words of those without one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ("returns", repr(call(module)).replace("procfd.", "").replace("subprocess.", ""))
        except OSError as error:
            kind = next(c for c in type(error).__mro__ if c.__module__ == "builtins")
            return (kind, error.errno, error.filename)
        except subprocess.TimeoutExpired as error:
            # How long it took is in the time that is told.
            return (type(error), error.cmd, error.output, error.stderr)
        except subprocess.SubprocessError as error:
            return (type(error), str(error), getattr(error, "output", None))
        except Exception as error:
            return (type(error), *error.args[:1])


def like(ours: tuple[Any, ...], theirs: tuple[Any, ...]) -> bool:
    """Equal, or the same complaint in more words."""
    if ours == theirs:
        return True
    same = ours[0] is theirs[0] and isinstance(theirs[0], type)
    return same and issubclass(theirs[0], (TypeError, OverflowError, AttributeError))


@pytest.mark.parametrize("name", CASES)
def test_as_subprocess(name: str) -> None:
    theirs, ours = outcome(CASES[name], subprocess), outcome(CASES[name], procfd)
    assert like(ours, theirs) != (name in DIFFERENT), (theirs, ours)


def test_there_are_enough() -> None:
    assert len(CASES) > 200 and DIFFERENT.keys() <= CASES.keys()
    assert len(DIFFERENT) < 13
