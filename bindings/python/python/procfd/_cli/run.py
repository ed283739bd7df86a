# SPDX-License-Identifier: MIT OR Apache-2.0
"""run: a program with a configuration, and its status as the own one."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from time import monotonic
from typing import Any, cast

from .. import Context, ExitStatus, OpenSettings, Process, Stage, spawn
from .._types import Landlock
from . import arguments
from ._options import OPTIONS
from .arguments import seconds, signal_number
from .table import clean, print_json, size
from .terminal import Terminal, shares_terminal

# As timeout(1) and env(1) have them.
TIMED_OUT, FAILED, NOT_EXECUTABLE, NOT_FOUND, SIGNALLED = 124, 125, 126, 127, 128
# Signals for a program and all that it has started; signals for the program alone; and those that a
# terminal sends to the whole group by itself.
FOR_ALL = (signal.SIGTERM, signal.SIGHUP)
FOR_ONE = (signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH)
FROM_KEYS = (signal.SIGINT, signal.SIGQUIT)

# By the kind of value that the table of settings has.
READERS: dict[str, Any] = {
    "text": str,
    "int": int,
    "octal": arguments.octal,
    "signal": signal_number,
    "user": arguments.user,
    "group": arguments.group,
    "groups": arguments.groups,
    "caps": str,
    "securebits": lambda text: text.split(","),
    "signals": arguments.signals,
}


def add_to(commands: Any) -> None:
    run = commands.add_parser(
        "run",
        help="run a program with a configuration",
        usage="%(prog)s [OPTION]... [--] PROGRAM [ARGUMENT]...",
        epilog="The exit status is the program's; 128 + n if signal n killed it; "
        f"{TIMED_OUT} if the time was over, {FAILED} if the configuration failed, "
        f"{NOT_EXECUTABLE} if the program cannot be executed, {NOT_FOUND} if it does not exist.",
    )
    add = run.add_argument
    add("--explain", action="store_true", help="show the steps of the start, and start nothing")
    add("--json", action="store_true", help="with --explain: as JSON, one step a line")
    add("command", nargs=argparse.REMAINDER, metavar="PROGRAM [ARGUMENT]...")
    time = run.add_argument_group("time and end").add_argument
    time(
        "--timeout",
        type=seconds,
        metavar="TIME",
        help="signal the program if it runs longer; 0: never",
    )
    time("--time-limit", type=seconds, metavar="TIME", help="the watcher kills it after this time")
    time(
        "--signal",
        type=signal_number,
        default=signal.SIGTERM,
        help="the signal of --timeout (SIGTERM)",
    )
    time("--kill-after", type=seconds, metavar="TIME", help="send SIGKILL this long after it")
    time(
        "--no-kill-tree",
        dest="kill_tree",
        action="store_false",
        help="signal the program alone, not what it has started",
    )
    time("--kill-tree", action="store_true", default=True, help=argparse.SUPPRESS)
    time("--kill-on-exit", action="store_true", help="the kernel kills it when this command ends")
    time("--usage", action="store_true", help="print the time and memory that it used")
    add = run.add_argument_group("user and namespaces").add_argument
    add("--user", type=arguments.login, help="ids, groups and HOME, USER, LOGNAME, SHELL of a user")
    add(
        "--unshare",
        type=arguments.namespaces,
        action="extend",
        metavar="NAME,...",
        help="make new namespaces: user, pid, mount, net, ipc, uts, cgroup, time",
    )
    add(
        "--join",
        type=arguments.join,
        action="append",
        metavar="NAME,...=PATH|PID",
        help="enter the namespace of a path, or those of a process",
    )
    add(
        "--sysctl",
        type=arguments.variable,
        action="append",
        metavar="NAME=VALUE",
        help="set a kernel parameter of a new namespace",
    )
    add(
        "--time-offset",
        type=arguments.offset,
        action="append",
        metavar="CLOCK=SECONDS",
        help="how far a clock of a new time namespace is ahead",
    )
    add(
        "--mount",
        type=arguments.mount,
        action="append",
        metavar="TYPE:[SOURCE:]TARGET[:OPTION,...]",
        help="bind, rbind, tmpfs, proc, dev, overlay, symlink, ..., in order",
    )
    add(
        "--mount-proc",
        action="store_true",
        help="a /proc of the new pid namespace, in a new mount namespace; after --mount",
    )
    add("--map-root", action="store_true", help="you are root in a new user namespace")
    add(
        "--uid-map",
        type=arguments.id_map,
        action="append",
        metavar="IN:OUT:COUNT",
        help="map user ids in a new user namespace",
    )
    add(
        "--gid-map",
        type=arguments.id_map,
        action="append",
        metavar="IN:OUT:COUNT",
        help="map group ids in a new user namespace",
    )
    add = run.add_argument_group("files, terminal, environment").add_argument
    add(
        "--landlock-ro",
        action="append",
        metavar="PATH",
        help="the program reads and executes nothing outside of these paths (Landlock)",
    )
    add(
        "--landlock-rw",
        action="append",
        metavar="PATH",
        help="the same, and it changes nothing outside of these paths",
    )
    add("--stdin", metavar="FILE", help="read the standard input from this file")
    add(
        "--stdin-text",
        metavar="TEXT",
        help="read the standard input from this text, with a newline",
    )
    add("--pty", action="store_true", help="a new terminal and session, joined to this one")
    add("--argv0", metavar="NAME", help="the program's own name: its argument 0")
    add(
        "--env",
        type=arguments.variable,
        action="append",
        metavar="NAME=VALUE",
        help="set a variable",
    )
    add("--unset-env", action="append", metavar="NAME", help="remove a variable")
    add("--clear-env", action="store_true", help="begin with an empty environment")
    add = run.add_argument_group("settings of the process").add_argument
    add(
        "--limit",
        type=arguments.limit,
        action="append",
        metavar="NAME=SOFT[:HARD]",
        help="set a resource limit, as in nofile=100",
    )
    add("--memory", metavar="BYTES", help="memory.max of a cgroup of its own, such as 100M")
    add("--cpus", metavar="N", help="cpu.max of a cgroup of its own, such as 0.5")
    add("--pids", metavar="N", help="pids.max of a cgroup of its own")
    add(
        "--cgroup-limit",
        type=arguments.variable,
        action="append",
        metavar="FILE=VALUE",
        help="any other limit of a cgroup of its own",
    )
    add(
        "--ioprio",
        type=arguments.io_priority,
        metavar="CLASS[:LEVEL]",
        help="the I/O class and level, by the names of ionice",
    )
    add(
        "--seccomp",
        type=arguments.content,
        action="append",
        metavar="FILE",
        help="install this seccomp program, as libseccomp exports it",
    )
    for option, keyword, kind, metavar, text in OPTIONS:
        names = ["--chdir", option] if keyword == "cwd" else [option]
        if kind == "switch":
            add(*names, action="store_const", const=True, dest=keyword, help=text)
        else:
            add(*names, type=READERS[kind], dest=keyword, metavar=metavar, help=text)
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
    mounts = list(given.mount or ())
    if given.mount_proc:
        mounts.append({"type": "proc", "target": "/proc"})
        if "mount" not in unshare:
            unshare.append("mount")
    uid, gid, groups = given.uid, given.gid, given.groups
    variables = dict(given.env or ())
    if given.user is not None:
        uid = given.user.pw_uid if uid is None else uid
        gid = given.user.pw_gid if gid is None else gid
        groups = arguments.supplementary(given.user) if groups is None else groups
        of_login = {
            "HOME": given.user.pw_dir,
            "USER": given.user.pw_name,
            "LOGNAME": given.user.pw_name,
            "SHELL": given.user.pw_shell or "/bin/sh",
        }
        variables = {**of_login, **variables}
    limits = dict(given.cgroup_limit or ())
    for name, value in ("memory.max", given.memory), ("cpus", given.cpus), ("pids.max", given.pids):
        if value is not None:
            limits[name] = value
    special: OpenSettings = {
        "search": True,
        "namespaces": unshare or None,
        "time_offsets": dict(given.time_offset) if given.time_offset else None,
        "mounts": mounts or None,
        "ioprio": given.ioprio,
        "cgroup_limits": limits or None,
        "time_limit": given.time_limit,
        "seccomp": given.seccomp,
        "sysctls": dict(given.sysctl) if given.sysctl else None,
        "uid_map": uid_map,
        "gid_map": gid_map,
        "uid": uid,
        "gid": gid,
        "groups": groups,
        "limits": dict(given.limit) if given.limit else None,
        "env": {} if given.clear_env else None,
        "env_set": variables or None,
        "env_unset": given.unset_env,
        "landlock": landlock(given.landlock_ro or [], given.landlock_rw or []),
        "kill_on_close": True if given.kill_on_exit else None,
        # The kernel protects a pid 1 from the signal of a close: the watcher sends it there.
        # It also removes a cgroup that outlives this command, and holds a time limit.
        "watch": bool(limits or given.cgroup_leaf or given.time_limit is not None)
        or (given.kill_on_exit and "pid" in unshare and not given.init),
    }
    plain = {keyword: getattr(given, keyword) for _, keyword, *_ in OPTIONS}
    # Python ignores these, and the program should not.
    ignored_here = {signal.SIGPIPE, signal.SIGXFSZ} - set(given.sigignore or ())
    special["sigdefault"] = sorted(ignored_here | set(given.sigdefault or ()))
    return cast(OpenSettings, {**plain, **special})


def landlock(readable: list[str], writable: list[str]) -> Landlock | None:
    """The rules of --landlock-ro and --landlock-rw."""
    if not readable and not writable:
        return None
    both = [*readable, *writable]
    return {"read": both, "execute": both, "write": writable, "ioctl": writable}


def pidfd_or_path(where: str | int) -> str | int:
    """Where --join leads: a process by its pid, or the file of a namespace."""
    return os.pidfd_open(where) if isinstance(where, int) else where


def warn(given: argparse.Namespace) -> None:
    """Root that changes only its user id keeps the rights of its groups."""
    alone = given.uid is not None and given.gid is None and given.groups is None
    if alone and given.user is None and given.uid != 0 and os.geteuid() == 0:
        print(
            "procfd: --uid leaves the group id and the supplementary groups as they are; "
            "give --gid and --groups, or --user",
            file=sys.stderr,
        )


def command(given: argparse.Namespace) -> int:
    words = given.command[1:] if given.command[:1] == ["--"] else given.command
    if not words:
        given.parser.error("no program to run")
    warn(given)
    if not words[0]:
        print("procfd: the program: an empty path", file=sys.stderr)
        return NOT_FOUND
    whole = settings(given)
    terminal = None
    # A shell in a new pid namespace needs a session whose processes it can see, for job control.
    if given.pty or (given.init and not given.session and os.isatty(0) and os.isatty(1)):
        terminal = Terminal()
        whole = {**whole, **terminal.settings()}
    if given.stdin is not None:
        try:
            stdin = os.open(given.stdin, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            print(f"procfd: --stdin {given.stdin}: {error.strerror}", file=sys.stderr)
            return FAILED
        whole["fds"] = {**whole.get("fds", {}), 0: stdin}  # type: ignore[dict-item]
    if given.join:
        joins: list[tuple[list[str], str | int]] = []
        for names, where in given.join:
            try:
                joins.append((names, pidfd_or_path(where)))
            except OSError as error:
                print(f"procfd: --join: pid {where}: {error.strerror}", file=sys.stderr)
                return FAILED
        whole["join"] = joins
    if given.stdin_text is not None:
        if given.stdin is not None:
            given.parser.error("--stdin and --stdin-text: one of them")
        text = os.fsencode(given.stdin_text) + b"\n"
        whole["fds"] = {**whole.get("fds", {}), 0: text}  # type: ignore[dict-item]
    arguments_of = [words[0] if given.argv0 is None else given.argv0, *words[1:]]
    if given.explain:
        return explain(words[0], arguments_of, whole, given.json)
    handled = (*FOR_ALL, *FOR_ONE, *FROM_KEYS)
    # Blocked until there is a process to hand them to; the program starts with the old mask.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, handled)
    started = monotonic()
    try:
        mask = {*before, *(given.sigmask or ())}
        process = spawn(words[0], arguments_of, whole, sigmask=mask)
    except (ValueError, OverflowError) as error:
        print(f"procfd: {reason(error)}", file=sys.stderr)
        return FAILED
    except OSError as error:
        print(f"procfd: {reason(error)}", file=sys.stderr)
        if getattr(error, "stage", None) != Stage.EXEC:
            return FAILED
        return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE
    hand_on(process, given, terminal)
    if terminal is not None:
        terminal.start()
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    try:
        status, late = finish(process, given, terminal)
    finally:
        if terminal is not None:
            terminal.stop()
    if given.usage:
        print_usage(status, monotonic() - started)
    if late and status.signal != signal.SIGKILL:
        return TIMED_OUT
    return SIGNALLED + status.signal if status.signal else status.returncode


def reason(error: Exception) -> str:
    """The sentence of an error, without the number of the errno."""
    return getattr(error, "message", None) or str(error)


def explain(program: str, words: list[str], whole: OpenSettings, as_json: bool) -> int:
    """The steps of the start, a line each."""
    try:
        with Context(program, words, **whole) as context:
            steps = context.explain()
    except (OSError, ValueError, OverflowError) as error:
        print(f"procfd: {reason(error)}", file=sys.stderr)
        return FAILED
    for number, step in enumerate(steps, 1):
        if as_json:
            print_json(step)
        else:
            print(f"{number:2}. {clean(step['what'])}: {', '.join(step['calls'])}")
    return 0


def hand_on(process: Process, given: argparse.Namespace, terminal: Terminal | None) -> None:
    """Passes the signals on that this command gets."""

    def to_one(number: int, _: object) -> None:
        process.send_signal(number)

    def to_all(number: int, _: object) -> None:
        send(process, number, given.kill_tree)

    # The keys of a terminal have signalled the program too, if it is in this command's group.
    keys_reach_both = terminal is None and not given.session and shares_terminal()
    for number in FOR_ONE:
        signal.signal(number, to_one)
    for number in FOR_ALL:
        signal.signal(number, to_all)
    for number in FROM_KEYS:
        signal.signal(number, (lambda *_: None) if keys_reach_both else to_all)


def send(process: Process, number: int, tree: bool) -> None:
    if tree:
        with contextlib.suppress(OSError):
            process.kill_tree(number)
            return
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(number)


def finish(
    process: Process, given: argparse.Namespace, terminal: Terminal | None
) -> tuple[ExitStatus, bool]:
    """Until it ends; and whether the time was over before."""

    def wait(timeout: float | None) -> ExitStatus:
        return process.wait(timeout) if terminal is None else terminal.wait(process, timeout)

    try:
        # As timeout(1): 0 is no limit.
        return wait(given.timeout or None), False
    except TimeoutError:
        send(process, given.signal, given.kill_tree)
        # One that is stopped handles the signal once it is continued.
        send(process, signal.SIGCONT, given.kill_tree)
    try:
        return wait(given.kill_after or None), True
    except TimeoutError:
        send(process, signal.SIGKILL, given.kill_tree)
    return wait(None), True


def print_usage(status: ExitStatus, real: float) -> None:
    """The lines of time(1), and the kernel's other counts."""
    lines = [f"real {real:.2f}"]
    usage = status.usage
    if usage is not None:
        lines += [
            f"user {usage.user:.2f}",
            f"sys {usage.system:.2f}",
            f"memory {size(usage.max_rss)}",
            f"faults {usage.major_faults} major, {usage.minor_faults} minor",
            f"switches {usage.voluntary_switches} voluntary, {usage.involuntary_switches} not",
        ]
    print("\n".join(lines), file=sys.stderr)
