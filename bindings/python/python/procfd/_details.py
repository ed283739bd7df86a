# SPDX-License-Identifier: MIT OR Apache-2.0
"""psutil's questions, answered by the descriptor: the bodies of these methods of Process.

The names and fields are those of psutil. The module is loaded at the first such question.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from weakref import WeakKeyDictionary

from . import _native
from ._errors import make
from ._records import (
    ContextSwitches,
    CpuTimes,
    Ids,
    IoCounters,
    IoPriority,
    Mapping,
    MemoryFullInfo,
    MemoryInfo,
    OpenFile,
    ThreadTimes,
)
from ._sockets import Address, Connection, check, connections

__all__ = [
    "Address",
    "Connection",
    "ContextSwitches",
    "CpuTimes",
    "Ids",
    "IoCounters",
    "IoPriority",
    "Mapping",
    "MemoryFullInfo",
    "MemoryInfo",
    "OpenFile",
    "ThreadTimes",
]

Process = _native.Process
NANO = 1e9
# The answers of one question to a process, for oneshot().
_TOGETHER = (
    *("comm", "creds", "ids", "job", "sched", "start", "state", "switches", "threads", "times"),
)
# The processes that are in a oneshot() block, and what their first question has read.
_held: WeakKeyDictionary[Process, list[_native.Info]] = WeakKeyDictionary()


@contextlib.contextmanager
def oneshot(process: Process) -> Iterator[None]:
    if process in _held:
        yield
        return
    _held[process] = []
    try:
        yield
    finally:
        _held.pop(process, None)


def _info(process: Process, group: str) -> _native.Info:
    """The answers with this group: of a oneshot() block, those that it has read."""
    if not _held or group not in _TOGETHER or process not in _held:
        return process.info(group)
    held = _held[process]
    if not held:
        held.append(process.info(*_TOGETHER))
    return held[0]


def _gone(process: Process, what: str) -> Exception:
    return make(
        errno.ESRCH, f"{what} pid {process.pid}: {os.strerror(errno.ESRCH)}", None, 0, 0, ""
    )


def _refused(process: Process, what: str) -> Exception:
    if not is_running(process):
        return _gone(process, what)
    text = f"{what} pid {process.pid}: {os.strerror(errno.EACCES)}"
    return make(errno.EACCES, text, None, 0, 0, "PermissionDenied")


def _ask(process: Process, what: str, group: str, missing: Any = None) -> Any:
    """One group of info(). Where it is absent, the reason decides which error it is."""
    try:
        info = _info(process, group)
    except ProcessLookupError:
        raise _gone(process, what) from None
    value = getattr(info, group)
    if value is not None:
        return value
    why = info.why(group)
    if not is_running(process):
        raise _gone(process, what)
    if missing is not None and why != "denied":
        return missing
    if why == "gone":
        raise _gone(process, what)
    if why == "denied":
        raise _refused(process, what)
    # A kernel thread has no memory; this kernel cannot tell.
    number = errno.ENODATA if why == "nothing" else errno.EOPNOTSUPP
    raise make(number, f"{what} pid {process.pid}: {os.strerror(number)}", None, 0, 0, "")


def _listed(ask: Callable[[], list[Any]]) -> list[Any]:
    """A list that is empty for kernel threads, which have no arguments, descriptors or memory."""
    try:
        return ask()
    except OSError as error:
        if error.errno != errno.ENODATA:
            raise
        return []


def name(process: Process) -> str:
    short: str = _ask(process, "name", "comm")
    if len(os.fsencode(short)) >= 15:
        with contextlib.suppress(OSError):
            argv = process.argv()
            full = os.path.basename(argv[0]) if argv else ""
            if full.startswith(short):
                return full
    return short


def username(process: Process) -> str:
    import pwd

    uid = _ask(process, "username", "creds").ruid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def cmdline(process: Process) -> list[str]:
    return _listed(process.argv)


def ppid(process: Process) -> int:
    return int(_ask(process, "ppid", "ids").ppid)


def create_time(process: Process) -> float:
    return float(_ask(process, "create_time", "start").real_ns / NANO)


def terminal(process: Process) -> str | None:
    device = _ask(process, "terminal", "job").tty
    if device == 0:
        return None
    for folder, prefix in (("/dev/pts", ""), ("/dev", "tty")):
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(prefix):
                    with contextlib.suppress(OSError):
                        found = entry.stat()
                        if stat.S_ISCHR(found.st_mode) and found.st_rdev == device:
                            return entry.path
    return None


def uids(process: Process) -> Ids:
    creds = _ask(process, "uids", "creds")
    return Ids(creds.ruid, creds.euid, creds.suid)


def gids(process: Process) -> Ids:
    creds = _ask(process, "gids", "creds")
    return Ids(creds.rgid, creds.egid, creds.sgid)


def num_threads(process: Process) -> int:
    return int(_ask(process, "num_threads", "threads"))


def num_fds(process: Process) -> int:
    return int(_ask(process, "num_fds", "fds").count)


def num_ctx_switches(process: Process) -> ContextSwitches:
    switches = _ask(process, "num_ctx_switches", "switches")
    return ContextSwitches(switches.voluntary, switches.involuntary)


def cpu_times(process: Process) -> CpuTimes:
    times = _ask(process, "cpu_times", "times")
    return CpuTimes(
        times.user_ns / NANO,
        times.system_ns / NANO,
        times.children_user_ns / NANO,
        times.children_system_ns / NANO,
        times.block_io_ns / NANO,
    )


def cpu_num(process: Process) -> int:
    return int(_ask(process, "cpu_num", "sched").processor)


def memory_info(process: Process) -> MemoryInfo:
    info = process.info("memory", "memory_parts")
    memory, parts = info.memory, info.memory_parts
    if memory is None or parts is None:
        # Kernel threads and zombies have no memory.
        if is_running(process):
            return MemoryInfo(0, 0, 0, 0, 0)
        raise _gone(process, "memory_info")
    return MemoryInfo(memory.resident, memory.virt, parts.shared, parts.text, parts.data)


def memory_full_info(process: Process) -> MemoryFullInfo:
    plain = memory_info(process)
    if not plain.vms:
        return MemoryFullInfo(*plain, 0, 0, 0)
    own = _ask(process, "memory_full_info", "memory_set")
    return MemoryFullInfo(*plain, own.uss, own.pss, own.swap)


def memory_percent(process: Process, memtype: str = "rss") -> float:
    if memtype in MemoryInfo._fields:
        size = getattr(memory_info(process), memtype)
    elif memtype in ("uss", "pss", "swap"):
        size = getattr(_ask(process, "memory_percent", "memory_set"), memtype)
    else:
        known = ", ".join((*MemoryInfo._fields, "uss", "pss", "swap"))
        raise ValueError(f"memory_percent: there is no {memtype!r}; there are: {known}")
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return float(size / total * 100)


def threads(process: Process) -> list[ThreadTimes]:
    return [
        ThreadTimes(tid, user / NANO, system / NANO)
        for tid, user, system in _native._threads(process)
    ]


_MODES = {os.O_RDONLY: "r", os.O_WRONLY: "w", os.O_RDWR: "r+"}


def open_files(process: Process) -> list[OpenFile]:
    found = []
    for fd, kind, flags, position, _, path in _listed(lambda: _native._open_fds(process)):
        if path.endswith(" (deleted)") and not os.path.exists(path):
            # It has no path any more.
            continue
        if kind == "file" and path.startswith("/"):
            mode = _MODES.get(flags & os.O_ACCMODE, "r+")
            if flags & os.O_APPEND:
                mode = mode.replace("w", "a") if mode == "w" else "a+" if mode == "r+" else mode
            found.append(OpenFile(path, fd, position, mode, flags))
    return found


def memory_maps(process: Process) -> list[Mapping]:
    return [
        Mapping(f"{start:x}-{end:x}", perms, path or "[anon]", end - start, offset, device, inode)
        for start, end, perms, offset, device, inode, path in _listed(
            lambda: _native._maps(process)
        )
    ]


def io_counters(process: Process) -> IoCounters:
    io = _ask(process, "io_counters", "io")
    return IoCounters(
        io.read_calls, io.write_calls, io.read_bytes, io.write_bytes, io.read_chars, io.write_chars
    )


def suspend(process: Process) -> None:
    process.stop()


def resume(process: Process) -> None:
    process.cont()


def is_running(process: Process) -> bool:
    try:
        process.send_signal(0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def nice(process: Process, value: int | None) -> int | None:
    if value is None:
        return int(_ask(process, "nice", "sched").nice)
    process.set_nice(value)
    return None


_IO_CLASSES = {"none": 0, "rt": 1, "be": 2, "idle": 3}


def ionice(process: Process, ioclass: int | str | None, value: int | None) -> IoPriority | None:
    if ioclass is None:
        if value is not None:
            raise ValueError("ionice: the 'ioclass' argument must be specified with a value")
        priority = _ask(process, "ionice", "ioprio")
        return IoPriority(priority >> 13, priority & 0x1FFF)
    if isinstance(ioclass, str):
        if ioclass not in _IO_CLASSES:
            known = ", ".join(_IO_CLASSES)
            raise ValueError(f"ionice: there is no class {ioclass!r}; there are: {known}")
        ioclass = _IO_CLASSES[ioclass]
    if ioclass in (_IO_CLASSES["none"], _IO_CLASSES["idle"]):
        if value:
            raise ValueError("ionice: this ioclass accepts no value: it has no levels")
    elif value is not None and value > 7:
        raise ValueError(f"ionice: the value {value} is not in 0 to 7")
    process.set_ioprio(ioclass, value or 0)
    return None


def cpu_affinity(process: Process, cpus: Iterable[int] | None) -> list[int] | None:
    if cpus is None:
        return process.affinity()
    count = os.sysconf("SC_NPROCESSORS_CONF")
    wanted = list(cpus)
    for cpu in wanted:
        if not isinstance(cpu, int):
            raise TypeError(f"cpu_affinity: a CPU is an int, not {type(cpu).__name__}")
        if not 0 <= cpu < count:
            raise ValueError(f"cpu_affinity: CPU {cpu} is not in 0 to {count - 1}")
    process.set_affinity(wanted or range(count))
    return None


def net_connections(process: Process, kind: str = "inet") -> list[Connection]:
    check(kind)
    by_inode: dict[int, list[int]] = {}
    for fd, what, _, _, inode, _ in _listed(lambda: _native._open_fds(process)):
        if what == "socket":
            by_inode.setdefault(inode, []).append(fd)
    if not by_inode:
        return []
    # The tables of its own network namespace.
    folder = os.open(f"/proc/{process.pid}", os.O_PATH | os.O_DIRECTORY)
    try:
        # Not reaped after the open: the directory is its own.
        if not is_running(process):
            raise _gone(process, "net_connections")
        return list(connections(folder, kind, by_inode))
    finally:
        os.close(folder)


# --- many answers ---------------------------------------------------------------------------


def _status(process: Process) -> str:
    return str(_ask(process, "status", "state").name)


_ANSWERS: dict[str, Callable[[Process], Any]] = {
    "cmdline": cmdline,
    "cpu_affinity": lambda process: process.affinity(),
    "cpu_num": cpu_num,
    "cpu_percent": lambda process: process.cpu_percent(),
    "cpu_times": cpu_times,
    "create_time": create_time,
    "cwd": lambda process: process.cwd(),
    "environ": lambda process: process.environ(),
    "exe": lambda process: process.exe(),
    "gids": gids,
    "io_counters": io_counters,
    "ionice": lambda process: ionice(process, None, None),
    "memory_full_info": memory_full_info,
    "memory_info": memory_info,
    "memory_maps": memory_maps,
    "memory_percent": memory_percent,
    "name": name,
    "net_connections": net_connections,
    "nice": lambda process: nice(process, None),
    "num_ctx_switches": num_ctx_switches,
    "num_fds": num_fds,
    "num_threads": num_threads,
    "open_files": open_files,
    "pid": lambda process: process.pid,
    "ppid": ppid,
    "status": _status,
    "terminal": terminal,
    "threads": threads,
    "uids": uids,
    "username": username,
}


def as_dict(
    process: Process, attrs: Iterable[str] | None = None, ad_value: Any = None
) -> dict[str, Any]:
    if isinstance(attrs, str):
        raise TypeError("as_dict: attrs must be a list of names, not one string")
    wanted = list(_ANSWERS if attrs is None else attrs)
    for one in wanted:
        if one not in _ANSWERS:
            from ._errors import suggest

            raise ValueError(suggest(f"as_dict: there is no {one!r}", one, list(_ANSWERS)))
    answers = {}
    for one in wanted:
        try:
            answers[one] = _ANSWERS[one](process)
        except ProcessLookupError:
            raise
        except OSError:
            # Refused, or of a kind that this process has not: the program of a kernel thread.
            answers[one] = ad_value
    return answers
