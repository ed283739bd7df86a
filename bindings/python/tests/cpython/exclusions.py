# SPDX-License-Identifier: MIT OR Apache-2.0
"""Tests of CPython's suites that say nothing about procfd: what is in the name, and why."""

MOCKED_POPEN = "replaces subprocess.Popen by a mock, which procfd's functions do not look up"
INSIDE = "is about the inside of the standard library's start, which is not used"

EXCLUDED = {
    r"MiscTests\.test_(call|run)_keyboardinterrupt_no_kill": MOCKED_POPEN,
    r"test_popen_error(_with_stdin_pipe)?$": MOCKED_POPEN,
    r"test__use_vfork|test_vfork_used_when_expected|test_exception_errpipe_": INSIDE,
    r"POSIXProcessTestCase\.test_stopped": "has a mock for os.waitpid, which is not called",
    r"test_create_subprocess_fails_with_inactive_watcher": "there is no child watcher to ask",
    r"test_(exec|shell)_loop_deprecated": "the argument loop, which went in 3.10",
}
