# SPDX-License-Identifier: MIT OR Apache-2.0
"""Beside the standard library's subprocess: replaced, wrapped, replacing, imported from."""

from __future__ import annotations

import builtins
import pickle
import pydoc
import subprocess
import sys
import sysconfig
import traceback
from typing import Any

import procfd
import pytest


def python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# What other libraries do to subprocess.Popen before procfd is imported.
REPLACEMENTS = {
    "a function": """
genuine = subprocess.Popen
subprocess.Popen = lambda *a, **k: genuine(*a, **k)
""",
    "a subclass": """
class Logged(subprocess.Popen):
    def __init__(self, *args, **keywords):
        super().__init__(*args, **keywords)
    def _execute_child(self, *values):
        raise AssertionError("a stranger's")
subprocess.Popen = Logged
""",
    "another class": """
class Popen:
    def __init__(self, *args): raise AssertionError("a stranger's")
Popen.__module__ = "subprocess"
subprocess.Popen = Popen
""",
    "a class without the genuine one": """
import gc
class Popen: pass
subprocess.Popen = Popen
del subprocess
gc.collect()
import subprocess
""",
    # As sentry-sdk does, with functools.wraps.
    "a wrapped __init__": """
import functools
old = subprocess.Popen.__init__
@functools.wraps(old)
def init(self, *a, **kw):
    seen.append(a or kw)
    return old(self, *a, **kw)
subprocess.Popen.__init__ = init
""",
    "wrapped methods": """
def wrap(name):
    old = getattr(subprocess.Popen, name)
    def method(self, *a, **kw):
        return old(self, *a, **kw)
    setattr(subprocess.Popen, name, method)
for name in ("__init__", "wait", "communicate", "poll", "_execute_child"):
    wrap(name)
""",
}
USE = """
import procfd
done = procfd.run(["sh", "-c", "cat; exit 3"], input="x", capture_output=True, text=True,
                  umask=0o22, nice=1, cwd="/")
assert (done.returncode, done.stdout) == (3, "x"), done
with procfd.Popen(["sleep", "60"], kill_on_close=True, start_new_session=True) as process:
    process.kill()
assert process.wait() == -9
try:
    procfd.run(["sleep", "60"], timeout=0.1)
except subprocess.TimeoutExpired:
    pass
try:
    procfd.run(["true"], nonsense=1)
except TypeError:
    print("good")
"""


@pytest.mark.parametrize("name", REPLACEMENTS)
def test_a_popen_that_was_replaced(name: str) -> None:
    assert python(f"import subprocess\nseen = []\n{REPLACEMENTS[name]}{USE}") == "good\n"


def test_the_base_is_the_genuine_class() -> None:
    assert procfd.Popen.__mro__[1] is subprocess.Popen
    code = REPLACEMENTS["a subclass"] + "import procfd\nprint(procfd.Popen.__mro__[1].__qualname__)"
    assert python(f"import subprocess\n{code}") == "Popen\n"


def test_the_parameters_are_those_of_this_interpreter() -> None:
    from procfd import _genuine

    assert frozenset(_genuine._INIT) == _genuine.INIT
    assert _genuine._EXECUTE == _genuine.EXECUTE


def test_in_the_place_of_subprocess() -> None:
    code = """
import sys, procfd
sys.modules["subprocess"] = procfd
import subprocess
assert subprocess is procfd
import multiprocessing, asyncio, platform
from multiprocessing import get_context
assert "-Werror" in subprocess._args_from_interpreter_flags()
for method in ("spawn", "forkserver", "fork"):
    with get_context(method).Pool(1) as pool:
        assert pool.map(abs, [-3]) == [3], method
        pool.close(); pool.join()
async def main():
    process = await asyncio.create_subprocess_exec("true")
    return await process.wait()
assert asyncio.run(main()) == 0
assert subprocess.run(["true"]).returncode == 0
import os
os.popen("true").close()
print("good")
"""
    # A pool of the method "spawn" imports the main module again, which has none here.
    assert python(code) == "good\n"


def test_a_star_shadows_nothing() -> None:
    namespace: dict[str, Any] = {}
    exec("from procfd import *", namespace)
    assert not {name for name in namespace if hasattr(builtins, name)} - {"__builtins__"}
    assert {"Popen", "run", "spawn", "wait_any", "Process"} <= namespace.keys()


def test_no_other_system() -> None:
    code = """
import sys
sys.platform = "darwin"
try:
    import procfd
except ImportError as error:
    print(error)
"""
    assert "for Linux" in python(code)


def test_tracebacks_name_the_package() -> None:
    for call in (
        lambda: procfd.spawn(["no such program"]),
        lambda: procfd.spawn(["/etc/passwd"]),
        lambda: procfd.open(4194303),
        lambda: procfd.spawn(["true"], nice=99),
    ):
        with pytest.raises(procfd.Error) as caught:
            call()  # type: ignore[no-untyped-call]
        shown = traceback.format_exception_only(caught.type, caught.value)[-1]
        name = shown.partition(":")[0]
        assert name.startswith("procfd.") and "_" not in name
        assert getattr(procfd, name.removeprefix("procfd.")) is caught.type
        copied = pickle.loads(pickle.dumps(caught.value))
        assert (type(copied), copied.errno) == (caught.type, caught.value.errno)


@pytest.mark.parametrize(
    ("settings", "hint"),
    [
        ({"kill_on_close": 15, "close_then": (9, 1.0)}, "give watch=True"),
        ({"time_limit": 60}, "give watch=True, or init=True"),
        ({"command": 0}, "give args"),
        ({"landlock": {"strict": True, "read": ["/"]}}, ""),
    ],
    ids=repr,
)
def test_hints_are_in_pythons_words(settings: dict[str, Any], hint: str) -> None:
    given = {"command": ["true"], **settings}
    try:
        procfd.spawn(**given).wait()
    except OSError as error:
        assert hint in str(error), str(error)
        assert "PROC" not in str(error), str(error)
    else:
        assert not hint


def test_what_was_probably_meant() -> None:
    with procfd.open(1) as process:
        with pytest.raises(ValueError, match='did you mean "memory"'):
            process.info("mem")
        with pytest.raises(ValueError, match='did you mean "user"'):
            process.setns(["users"])
    with pytest.raises(ValueError, match=r"did you mean|there are"):
        procfd.Snapshot("rss")


def test_names_of_actions_and_signals_are_suggested() -> None:
    action: Any = ("dupe", 1, 2)
    with pytest.raises(ValueError, match='there is no action "dupe"; did you mean "dup"'):
        procfd.spawn(["true"], actions=[action])
    for wrong, meant in (("TERMI", "TERM"), ("SIGKIL", "SIGKILL")):
        with pytest.raises(ValueError, match=f'pdeathsig: .*did you mean "{meant}"'):
            procfd.spawn(["true"], pdeathsig=wrong)


def test_the_lock_of_a_free_threaded_interpreter_stays_off() -> None:
    """A module that needs it turns it on when it is imported, with a warning."""
    code = "import sys, procfd; print(getattr(sys, '_is_gil_enabled', lambda: True)())"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    free = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    assert done.stdout.strip() == str(not free)


def test_an_import_is_light() -> None:
    loaded = python("import sys, procfd; print(*sorted(sys.modules))").split()
    for name in (
        "asyncio",
        "ctypes",
        "pwd",
        "socket",
        "difflib",
        "procfd._details",
        "typing_extensions",
    ):
        assert name not in loaded, name


@pytest.mark.parametrize("name", ["run", "call", "check_output", "Popen", "spawn", "Context"])
def test_help_lists_each_setting(name: str) -> None:
    shown = pydoc.plain(pydoc.render_doc(getattr(procfd, name)))
    for setting in procfd.Settings.__annotations__:
        assert f"- {setting}: " in shown, setting
