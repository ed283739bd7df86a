# SPDX-License-Identifier: MIT OR Apache-2.0
"""What psutil and libproc2 say of a process, by the names and in the units of struct procfd_info.

A value is None where the peer says that it may not or cannot know.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import subprocess
from typing import Any, Callable

import psutil  # type: ignore[import-untyped]

PAGE = os.sysconf("SC_PAGE_SIZE")
TICK = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
Values = dict[str, Any]


class Gone(Exception):
    """There is no such process."""


class Server:
    """A program that answers each line with lines."""

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, errors="strict"
        )

    def line(self, question: str = "") -> str:
        assert self.process.stdin and self.process.stdout
        if question:
            self.process.stdin.write(question + "\n")
            self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.process.args!r} ended: {self.process.poll()}")
        return line

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def procfd(server: Server, way: str, pid: int = 0) -> list[Values]:
    """What libprocfd says, one dictionary for each process."""
    found = []
    line = server.line(f"{way} {pid}")
    while line.strip():
        found.append(json.loads(line))
        line = server.line()
    return found


# ---- psutil -----------------------------------------------------------------------------------

STATES = {
    psutil.STATUS_RUNNING: "R",
    psutil.STATUS_SLEEPING: "S",
    psutil.STATUS_DISK_SLEEP: "D",
    psutil.STATUS_STOPPED: "T",
    psutil.STATUS_TRACING_STOP: "t",
    psutil.STATUS_ZOMBIE: "Z",
    psutil.STATUS_DEAD: "X",
    psutil.STATUS_PARKED: "P",
    psutil.STATUS_IDLE: "I",
}


def ticks(seconds: float) -> int:
    """Nanoseconds: psutil has divided a whole number of ticks."""
    return round(seconds * os.sysconf("SC_CLK_TCK")) * TICK


def device(number: int) -> int:
    """The kernel's encoding in stat, as makedev(3) has it."""
    number &= 0xFFFF_FFFF
    return os.makedev((number >> 8) & 0xFFF, (number & 0xFF) | ((number >> 12) & 0xFFF00))


def ids(p: psutil.Process) -> Values:
    user, group = p.uids(), p.gids()
    return {
        "ruid": user.real,
        "euid": user.effective,
        "suid": user.saved,
        "rgid": group.real,
        "egid": group.effective,
        "sgid": group.saved,
    }


def times(p: psutil.Process) -> Values:
    t = p.cpu_times()
    return {
        "user_ns": ticks(t.user),
        "system_ns": ticks(t.system),
        "children_user_ns": ticks(t.children_user),
        "children_system_ns": ticks(t.children_system),
        "block_io_ns": ticks(t.iowait),
    }


def memory(p: psutil.Process) -> Values:
    m = p.memory_info()
    return {
        "mem_virtual": m.vms,
        "mem_shared": m.shared,
        "mem_text": m.text,
        "mem_data": m.data,
        # The sum of what `status` has; `stat` has an estimate (6.17).
        "resident": m.rss,
    }


def full(p: psutil.Process) -> Values:
    m = p.memory_full_info()
    return {"mem_uss": m.uss, "mem_pss": m.pss, "mem_swapped": m.swap}


def io(p: psutil.Process) -> Values:
    c = p.io_counters()
    return {
        "io_read_calls": c.read_count,
        "io_write_calls": c.write_count,
        "io_read_bytes": c.read_bytes,
        "io_write_bytes": c.write_bytes,
        "io_read_chars": c.read_chars,
        "io_write_chars": c.write_chars,
    }


def switches(p: psutil.Process) -> Values:
    c = p.num_ctx_switches()
    return {"leader_nvcsw": c.voluntary, "leader_nivcsw": c.involuntary}


def limits(p: psutil.Process) -> Values:
    return {f"limit_{which}": [v % (1 << 64) for v in p.rlimit(which)] for which in range(16)}


def name(p: psutil.Process) -> Values:
    # The name itself: the public call puts the beginning of the arguments in its place.
    return {"comm": os.fsencode(p._proc.name()).hex()}


def terminal(p: psutil.Process) -> Values:
    # The public call answers with a path, if there is one.
    return {"tty": device(int(p._proc._parse_stat_file()["ttynr"]))}


def started(p: psutil.Process) -> Values:
    p._proc._ctime = None
    return {"start_boot_ns": ticks(p._proc.create_time(monotonic=True))}


QUESTIONS: list[tuple[Callable[[psutil.Process], Values], tuple[str, ...]]] = [
    (lambda p: {"pid": p.pid}, ("pid",)),
    (lambda p: {"ppid": p._proc.ppid()}, ("ppid",)),
    (name, ("comm",)),
    (lambda p: {"state": ord(STATES.get(p.status(), "?"))}, ("state",)),
    (started, ("start_boot_ns",)),
    (terminal, ("tty",)),
    (ids, ("ruid", "euid", "suid", "rgid", "egid", "sgid")),
    (times, ("user_ns", "system_ns", "children_user_ns", "children_system_ns", "block_io_ns")),
    (memory, ("mem_virtual", "mem_shared", "mem_text", "mem_data", "resident")),
    (full, ("mem_uss", "mem_pss", "mem_swapped")),
    (io, tuple(f"io_{a}_{b}" for a in ("read", "write") for b in ("calls", "bytes", "chars"))),
    (switches, ("leader_nvcsw", "leader_nivcsw")),
    (lambda p: {"nice": p.nice()}, ("nice",)),
    (lambda p: {"ioprio": p.ionice()[0] << 13 | p.ionice()[1]}, ("ioprio",)),
    (limits, tuple(f"limit_{which}" for which in range(16))),
    (lambda p: {"fd_count": p.num_fds()}, ("fd_count",)),
    (lambda p: {"threads": p.num_threads()}, ("threads",)),
    (lambda p: {"processor": p.cpu_num()}, ("processor",)),
]


def ask(questions: list[Any], pid: int) -> Values:
    known: Values = {}
    try:
        p = psutil.Process(pid)
    except psutil.NoSuchProcess as e:
        raise Gone from e
    for question, names in questions:
        try:
            known |= question(p)
        except (psutil.AccessDenied, psutil.ZombieProcess):
            known |= dict.fromkeys(names)
        except psutil.NoSuchProcess as e:
            raise Gone from e
        except PermissionError:
            known |= dict.fromkeys(names)
    return known


def by_psutil(pid: int) -> Values:
    return ask(QUESTIONS, pid)


def maps(p: psutil.Process) -> Values:
    found = []
    for m in p.memory_maps(grouped=False):
        first, _, last = m.addr.partition("-")
        path = "" if m.path == "[anon]" else m.path
        found.append([int(first, 16), int(last, 16), m.perms, path.removesuffix(" (deleted)")])
    return {"maps": found}


def threads(p: psutil.Process) -> dict[int, list[int]] | None:
    """psutil takes the first parenthesis of a thread's stat for the end of its name."""
    for name in pathlib.Path(f"/proc/{p.pid}/task").glob("*/comm"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if b")" in name.read_bytes():
                return None
    return {t.id: [ticks(t.user_time), ticks(t.system_time)] for t in p.threads()}


TEXTS: list[tuple[Callable[[psutil.Process], Values], tuple[str, ...]]] = [
    (lambda p: {"exe": p._proc.exe()}, ("exe",)),
    (lambda p: {"cwd": p.cwd()}, ("cwd",)),
    (lambda p: {"argv": p.cmdline()}, ("argv",)),
    (lambda p: {"environ": p.environ()}, ("environ",)),
    (maps, ("maps",)),
    (
        lambda p: {"files": sorted([f.fd, f.flags, f.position, f.path] for f in p.open_files())},
        ("files",),
    ),
    (lambda p: {"threads_list": threads(p)}, ("threads_list",)),
    (lambda p: {"children": sorted(c.pid for c in p.children())}, ("children",)),
    (lambda p: {"affinity": p.cpu_affinity()}, ("affinity",)),
]


def texts_by_psutil(pid: int) -> Values:
    return ask(TEXTS, pid)


# ---- libproc2 ---------------------------------------------------------------------------------

SAME_NUMBER = {
    "AUTOGRP_ID": "autogroup",
    "AUTOGRP_NICE": "autogroup_nice",
    "FLAGS": "task_flags",
    "FLT_MAJ": "majflt",
    "FLT_MIN": "minflt",
    "ID_EGID": "egid",
    "ID_EUID": "euid",
    "ID_FGID": "fsgid",
    "ID_FUID": "fsuid",
    "ID_PGRP": "pgid",
    "ID_PID": "pid",
    "ID_PPID": "ppid",
    "ID_RGID": "rgid",
    "ID_RUID": "ruid",
    "ID_SESSION": "sid",
    "ID_SGID": "sgid",
    "ID_SUID": "suid",
    "ID_TGID": "tgid",
    "ID_TPGID": "tpgid",
    "IO_READ_BYTES": "io_read_bytes",
    "IO_READ_CHARS": "io_read_chars",
    "IO_READ_OPS": "io_read_calls",
    "IO_WRITE_BYTES": "io_write_bytes",
    "IO_WRITE_CBYTES": "io_cancelled_write_bytes",
    "IO_WRITE_CHARS": "io_write_chars",
    "IO_WRITE_OPS": "io_write_calls",
    "NICE": "nice",
    "NLWP": "threads",
    "NS_CGROUP": "ns_cgroup_id",
    "NS_IPC": "ns_ipc_id",
    "NS_MNT": "ns_mnt_id",
    "NS_NET": "ns_net_id",
    "NS_PID": "ns_pid_id",
    "NS_TIME": "ns_time_id",
    "NS_USER": "ns_user_id",
    "NS_UTS": "ns_uts_id",
    "OOM_ADJ": "oom_score_adj",
    "OOM_SCORE": "oom_score",
    "PRIORITY": "priority",
    "PRIORITY_RT": "rt_priority",
    "PROCESSOR": "processor",
    "SCHED_CLASS": "policy",
    "STATE": "state",
    "VSIZE_BYTES": "mem_virtual",
}
PAGES = {
    "MEM_CODE_PGS": "mem_text",
    "MEM_DATA_PGS": "mem_data",
    "MEM_RES_PGS": "mem_resident",
    "MEM_SHR_PGS": "mem_shared",
}
KIBIBYTES = {
    "SMAP_PRV_TOTAL": "mem_uss",
    "SMAP_PSS": "mem_pss",
    "SMAP_SWAP": "mem_swapped",
    "SMAP_SWAP_PSS": "mem_swap_pss",
    "VM_DATA": "mem_private_data",
    "VM_EXE": "mem_exe",
    "VM_LIB": "mem_lib",
    "VM_RSS_ANON": "mem_anon",
    "VM_RSS_FILE": "mem_file",
    "VM_RSS_LOCKED": "mem_locked",
    "VM_RSS_SHARED": "mem_shmem",
    "VM_STACK": "mem_stack",
    "VM_SWAP": "mem_swap",
}
TICKS = {
    "TICS_BEGAN": "start_boot_ns",
    "TICS_BLKIO": "block_io_ns",
    "TICS_GUEST": "guest_ns",
    "TICS_SYSTEM": "system_ns",
    "TICS_USER": "user_ns",
}
MASKS = {
    "SIGBLOCKED": "sig_blocked",
    "SIGCATCH": "sig_caught",
    "SIGIGNORE": "sig_ignored",
    "SIGNALS": "sig_pending_process",
    "SIGPENDING": "sig_pending_thread",
}
# With the children's: the difference is theirs.
WITH_CHILDREN = {
    "FLT_MAJ": "children_majflt",
    "FLT_MIN": "children_minflt",
    "TICS_GUEST": "children_guest_ns",
    "TICS_SYSTEM": "children_system_ns",
    "TICS_USER": "children_user_ns",
}


def text(hexed: str) -> str:
    return os.fsdecode(bytes.fromhex(hexed))


def by_libproc2(server: Server, pid: int) -> Values:
    raw = json.loads(server.line(str(pid)))
    if not raw:
        raise Gone
    known = {ours: raw[theirs] for theirs, ours in SAME_NUMBER.items()}
    known |= {ours: raw[theirs] * PAGE for theirs, ours in PAGES.items()}
    known |= {ours: raw[theirs] * 1024 for theirs, ours in KIBIBYTES.items()}
    known |= {ours: raw[theirs] * TICK for theirs, ours in TICKS.items()}
    known |= {ours: int(text(raw[theirs]) or "0", 16) for theirs, ours in MASKS.items()}
    for theirs, ours in WITH_CHILDREN.items():
        scale = TICK if theirs.startswith("TICS") else 1
        known[ours] = (raw[f"{theirs}_C"] - raw[theirs]) * scale
    known["tty"] = device(raw["TTY"])
    known["comm"] = raw["CMD"]
    # It shows -1 for the largest number too, which means no login.
    known["loginuid"] = None if raw["ID_LOGIN"] == -1 else raw["ID_LOGIN"]
    known["limit_5_soft"] = raw["RSS_RLIM"]
    known["groups"] = text(raw["SUPGIDS"])
    known["texts"] = {
        "exe": text(raw["EXE"]),
        "argv": [text(argument) for argument in raw["CMDLINE_V"]],
        "environ": [text(variable) for variable in raw["ENVIRON_V"]],
        "cgroup": [text(line) for line in raw["CGROUP_V"]],
        "wchan": text(raw["WCHAN_NAME"]),
    }
    return known
