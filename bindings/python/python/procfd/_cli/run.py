# SPDX-License-Identifier: MIT OR Apache-2.0
"""run: a program with a configuration, and its status as the own one."""

from __future__ import annotations

import argparse
import grp
import os
import pwd
import resource
import signal
import sys
from typing import Any, cast

from .. import ExitStatus, OpenSettings, Process, Stage, spawn
from ._options import OPTIONS

# As timeout(1) and env(1) have them.
TIMED_OUT, FAILED, NOT_EXECUTABLE, NOT_FOUND, SIGNALLED = 124, 125, 126, 127, 128
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
NAMESPACES = ("user", "pid", "mount", "net", "ipc", "uts", "cgroup", "time")
# What a terminal sends to the whole group is the program's to answer; the others are handed on.
FORWARDED = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH)
FROM_TERMINAL = (signal.SIGINT, signal.SIGQUIT)


def seconds(text: str) -> float:
    """A time with its unit: 500ms, 5s, 2m, 1h, 1d; without one it is seconds."""
    number = text.rstrip("abcdefghijklmnopqrstuvwxyz")
    try:
        time = float(number) * UNITS[text[len(number) :] or "s"]
    except (KeyError, ValueError):
        raise argparse.ArgumentTypeError(f"not a time: {text!r}") from None
    if not 0 <= time < float("inf"):
        raise argparse.ArgumentTypeError(f"not a time: {text!r}")
    return time


def limit(text: str) -> tuple[int, int | tuple[int, int]]:
    """NAME=SOFT[:HARD], by the names of resource.RLIMIT_*."""
    name, _, values = text.partition("=")
    number = getattr(resource, f"RLIMIT_{name.upper()}", None)
    try:
        if number is None:
            raise ValueError
        bounds = [-1 if v == "unlimited" else int(v) for v in values.split(":")]
        soft, hard = bounds * 2 if len(bounds) == 1 else bounds
    except ValueError:
        raise argparse.ArgumentTypeError(f"not NAME=SOFT[:HARD]: {text!r}") from None
    return number, (soft, hard)


def id_map(text: str) -> tuple[int, int, int]:
    """INSIDE:OUTSIDE:COUNT."""
    try:
        inside, outside, count = (int(part) for part in text.split(":"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"not INSIDE:OUTSIDE:COUNT: {text!r}") from None
    return inside, outside, count


def namespaces(text: str) -> list[str]:
    names = text.split(",")
    for name in names:
        if name not in NAMESPACES:
            known = ", ".join(NAMESPACES)
            raise argparse.ArgumentTypeError(f"no namespace {name!r}; there are {known}")
    return names


def user(text: str) -> int:
    return named(text, lambda: pwd.getpwnam(text).pw_uid)


def group(text: str) -> int:
    return named(text, lambda: grp.getgrnam(text).gr_gid)


def named(text: str, look: Any) -> int:
    try:
        return int(text) if text.isdecimal() else int(look())
    except KeyError:
        raise argparse.ArgumentTypeError(f"not known here: {text!r}") from None


def groups(text: str) -> list[int]:
    return [group(part) for part in text.split(",")] if text else []


def variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"not NAME=VALUE: {text!r}")
    return name, value


def add_to(commands: Any) -> None:
    from .act import signal_number

    run = commands.add_parser(
        "run",
        help="run a program with a configuration",
        usage="%(prog)s [OPTION]... [--] PROGRAM [ARGUMENT]...",
        epilog="The exit status is the program's; 128 + n when signal n killed it; "
        f"{TIMED_OUT} when the time was over, {FAILED} when the configuration failed, "
        f"{NOT_EXECUTABLE} when the program cannot be executed, {NOT_FOUND} when it is not there.",
    )
    add = run.add_argument
    add("command", nargs=argparse.REMAINDER, metavar="PROGRAM [ARGUMENT]...")
    add("--timeout", type=seconds, metavar="TIME", help="signal it when it runs longer")
    add("--signal", type=signal_number, default=signal.SIGTERM, help="that signal (SIGTERM)")
    add("--kill-after", type=seconds, metavar="TIME", help="and SIGKILL so much later")
    add("--kill-on-exit", action="store_true", help="the kernel kills it when this command ends")
    add("--unshare", type=namespaces, action="extend", metavar="NAME,...", help="new namespaces")
    add("--map-root", action="store_true", help="the caller is root in a new user namespace")
    add("--uid-map", type=id_map, action="append", metavar="IN:OUT:COUNT")
    add("--gid-map", type=id_map, action="append", metavar="IN:OUT:COUNT")
    add("--limit", type=limit, action="append", metavar="NAME=SOFT[:HARD]", help="as nofile=100")
    add("--env", type=variable, action="append", metavar="NAME=VALUE")
    add("--unset-env", action="append", metavar="NAME")
    add("--clear-env", action="store_true")
    readers: dict[str, Any] = {
        "text": str,
        "int": int,
        "octal": lambda text: int(text, 8),
        "signal": signal_number,
        "user": user,
        "group": group,
        "groups": groups,
    }
    for option, keyword, kind, metavar, text in OPTIONS:
        if kind == "switch":
            add(option, action="store_const", const=True, dest=keyword, help=text)
        else:
            add(option, type=readers[kind], dest=keyword, metavar=metavar, help=text)
    run.set_defaults(function=command, parser=run)


def settings(given: argparse.Namespace) -> OpenSettings:
    """The options as procfd's settings."""
    unshare = list(given.unshare or ())
    uid_map, gid_map = given.uid_map, given.gid_map
    if given.map_root:
        uid_map, gid_map = uid_map or [(0, os.geteuid(), 1)], gid_map or [(0, os.getegid(), 1)]
    if (uid_map or gid_map) and "user" not in unshare:
        unshare.append("user")
    if given.init and "pid" not in unshare:
        unshare.append("pid")
    special: OpenSettings = {
        "search": True,
        "namespaces": unshare or None,
        "uid_map": uid_map,
        "gid_map": gid_map,
        "limits": dict(given.limit) if given.limit else None,
        "env": {} if given.clear_env else None,
        "env_set": dict(given.env) if given.env else None,
        "env_unset": given.unset_env,
        "kill_on_close": True if given.kill_on_exit else None,
        # The kernel protects a pid 1 from its own hand: the watcher does it there.
        "watch": given.kill_on_exit and "pid" in unshare and not given.init,
        # Python ignores these, and the program should not.
        "sigdefault": [signal.SIGPIPE, signal.SIGXFSZ],
    }
    plain = {keyword: getattr(given, keyword) for _, keyword, *_ in OPTIONS}
    return cast(OpenSettings, {**plain, **special})


def command(given: argparse.Namespace) -> int:
    words = given.command[1:] if given.command[:1] == ["--"] else given.command
    if not words:
        given.parser.error("no program to run")
    handled = (*FORWARDED, *FROM_TERMINAL)
    # Blocked until there is somebody to hand them to; the program starts with the mask from before.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, handled)
    try:
        process = spawn(words[0], words, settings(given), sigmask=before)
    except ValueError as error:
        print(f"procfd: {error}", file=sys.stderr)
        return FAILED
    except OSError as error:
        print(f"procfd: {error}", file=sys.stderr)
        if getattr(error, "stage", None) != Stage.EXEC:
            return FAILED
        return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE

    def forward(number: int, _: object) -> None:
        process.send_signal(number)

    for number in FORWARDED:
        signal.signal(number, forward)
    for number in FROM_TERMINAL:
        signal.signal(number, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    status, late = finish(process, given)
    if late and status.signal != signal.SIGKILL:
        return TIMED_OUT
    return SIGNALLED + status.signal if status.signal else status.returncode


def finish(process: Process, given: argparse.Namespace) -> tuple[ExitStatus, bool]:
    """Until it ends; and whether the time was over before."""
    try:
        return process.wait(given.timeout), False
    except TimeoutError:
        process.send_signal(given.signal)
    try:
        return process.wait(given.kill_after), True
    except TimeoutError:
        process.kill()
    return process.wait(), True
