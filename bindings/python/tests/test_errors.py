# SPDX-License-Identifier: MIT OR Apache-2.0
"""What an exception says: its class, the step, the file."""

from __future__ import annotations

import errno
import os
import pathlib
import pickle
import re
from typing import Any

import procfd
import pytest
from procfd import Stage


def failure(**settings: Any) -> procfd.Error:
    context = procfd.Context(**{"program": "/bin/true", **settings})
    with context, pytest.raises(procfd.Error) as raised:
        context.create()
    return raised.value


def test_the_program() -> None:
    error = failure(program="/nonexistent")
    assert isinstance(error, FileNotFoundError)
    assert (error.errno, error.strerror) == (errno.ENOENT, os.strerror(errno.ENOENT))
    assert (error.filename, error.stage, error.index) == ("/nonexistent", Stage.EXEC, 0)
    assert error.stage == procfd.PROC_STAGE_EXEC
    assert error.kind == "not_found"
    assert "nonexistent" in str(error)


def test_the_file_is_the_object_that_was_given(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "not executable"
    path.write_text("")
    path.chmod(0o644)
    error = failure(program=path)
    assert isinstance(error, PermissionError)
    assert error.filename is path
    error = failure(program=b"/nonexistent")
    assert error.filename == b"/nonexistent"


def test_of_a_list_the_one_that_was_refused(tmp_path: pathlib.Path) -> None:
    refused = tmp_path / "refused"
    refused.write_text("")
    error = failure(program=["/nonexistent/1", refused, "/nonexistent/2"])
    assert isinstance(error, PermissionError)
    assert (error.filename, error.index) == (refused, 1)


def test_the_directory() -> None:
    error = failure(cwd="/nonexistent")
    assert isinstance(error, FileNotFoundError)
    assert (error.filename, error.stage) == ("/nonexistent", Stage.CWD)
    error = failure(actions=[("null", 5), ("chdir", "/etc/passwd")])
    assert isinstance(error, NotADirectoryError)
    assert (error.filename, error.stage, error.index) == ("/etc/passwd", Stage.CWD, 1)


def test_an_action() -> None:
    error = failure(stdout=procfd.DEVNULL, actions=[("open", 5, "/nonexistent/x", os.O_RDONLY)])
    assert isinstance(error, FileNotFoundError)
    assert (error.filename, error.stage, error.index) == ("/nonexistent/x", Stage.FD, 1)
    error = failure(actions=[("dup", 77, 5)])
    assert (error.errno, error.filename) == (errno.EBADF, None)
    assert "77" in str(error)


def test_settings_that_do_not_go_together() -> None:
    error = failure(ctty=0)
    assert error.stage == Stage.PLAN
    error = failure(kill_on_close=15, close_then=(9, 1.0))
    assert (error.errno, error.stage) == (errno.EOPNOTSUPP, Stage.PLAN)


def test_a_value_that_is_refused_is_a_value_error_too() -> None:
    with pytest.raises(procfd.InvalidSetting) as raised:
        procfd.Context(umask=0o1000)
    assert isinstance(raised.value, ValueError)
    assert isinstance(raised.value, OSError)
    assert raised.value.stage == Stage.CONFIG


def test_a_failed_creation_leaves_the_context_for_another_try() -> None:
    with procfd.Context("/nonexistent", ["x"], cwd="/") as context:
        for _ in range(2):
            with pytest.raises(FileNotFoundError):
                context.create()
        context.configure("/bin/true")
        process = context.create()
        assert process is not None
        with process:
            assert process.wait(60).code == 0
        with pytest.raises(ValueError, match="has started"):
            context.create()
        for call in (context.configure, context.copy, context.fileno):
            with pytest.raises(ValueError, match="has started"):
                call()


def test_a_closed_context() -> None:
    context = procfd.Context("/bin/true")
    assert os.fstat(context.fileno())
    context.close()
    context.close()
    assert "closed" in repr(context)
    with pytest.raises(ValueError, match="closed"):
        context.create()


def test_what_is_given_only_when_a_context_is_made() -> None:
    with procfd.Context() as context:
        for name in ("watch", "autoreap"):
            with pytest.raises(TypeError, match=name):
                context.configure(**{name: True})  # type: ignore[arg-type]


def test_errors_can_be_pickled() -> None:
    for error in (failure(program="/nonexistent"), failure(actions=[("dup", 77, 5)])):
        copy = pickle.loads(pickle.dumps(error))
        assert type(copy) is type(error)
        assert (str(copy), copy.args, copy.filename) == (str(error), error.args, error.filename)
        assert (copy.stage, copy.index, copy.kind) == (error.stage, error.index, error.kind)


def test_every_errno_has_its_class() -> None:
    from procfd._errors import make

    for number in errno.errorcode:
        error = make(number, None, None, 0, 0, "Other")
        assert isinstance(error, procfd.Error)
        assert isinstance(error, type(OSError(number, "")))
        assert (error.errno, error.strerror) == (number, os.strerror(number))
        # What was waited for did not happen in time: that is no connection.
        words = "the time is over" if number == errno.ETIMEDOUT else os.strerror(number)
        assert str(error) == str(OSError(number, words))


HEADER = pathlib.Path(__file__).resolve().parent.parent / "include/procfd.h"
if not HEADER.exists():
    HEADER = pathlib.Path(__file__).resolve().parents[3] / "include/procfd.h"


@pytest.mark.skipif(not HEADER.exists(), reason="the header is not here")
def test_stages_and_constants_are_those_of_the_header() -> None:
    defined = dict(re.findall(r"^#define (PROC\w+) (0x[0-9a-f]+|\d+)$", HEADER.read_text(), re.M))
    assert len(defined) > 100
    assert {name: int(value, 0) for name, value in defined.items()} == {
        name: getattr(procfd, name) for name in defined
    }
    stages = {
        name[len("PROC_STAGE_") :]: int(v, 0) for name, v in defined.items() if "_STAGE_" in name
    }
    assert stages == {stage.name: stage.value for stage in Stage}
