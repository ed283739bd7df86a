# SPDX-License-Identifier: MIT OR Apache-2.0
"""Compares what libprocfd says of every process of the machine with psutil and libproc2.

A peer, libprocfd, and the peer again read each process. A constant field must equal one of the
peer's two readings. A field that only grows must lie between them. A field that goes up and down
must do one or the other, and has a few attempts; so has a field that may differ for a moment. A
field that libprocfd does not know must be unknown to the peers too: they raise, or say nothing, or
libproc2 shows a zero. Both do so for the memory of zombies and kernel threads.

usage: compare.py FACTS PROC2|- SECONDS    (TAP on standard output)
"""

from __future__ import annotations

import collections
import contextlib
import os
import random
import re
import sys
import time
from typing import Any, Callable, Optional

import peers
import psutil  # type: ignore[import-untyped]
from peers import Gone, Server, Values

WAYS = ["pidfd", "dir", "list", "apart"]
TRIES = 40
SHOWN = 5
PF_KTHREAD = 0x200000

GROWS = {
    "user_ns",
    "system_ns",
    "children_user_ns",
    "children_system_ns",
    "guest_ns",
    "children_guest_ns",
    "block_io_ns",
    "minflt",
    "majflt",
    "children_minflt",
    "children_majflt",
    "io_read_chars",
    "io_write_chars",
    "io_read_calls",
    "io_write_calls",
    "io_read_bytes",
    "io_write_bytes",
    "io_cancelled_write_bytes",
}
MOVES = {
    "threads",
    "mem_virtual",
    "mem_resident",
    "mem_shared",
    "mem_text",
    "mem_data",
    "resident",
    "mem_uss",
    "mem_pss",
    "mem_swapped",
    "mem_swap_pss",
    "mem_private_data",
    "mem_exe",
    "mem_lib",
    "mem_anon",
    "mem_file",
    "mem_locked",
    "mem_shmem",
    "mem_stack",
    "mem_swap",
    "fd_count",
    "oom_score",
}
# There and back again within a moment: a spawn, for one, blocks all signals.
FLICKERS = {
    "state",
    "task_flags",
    "processor",
    "priority",
    "autogroup_nice",
    "tpgid",
    "sig_blocked",
    "sig_ignored",
    "sig_caught",
    "sig_pending_process",
    "sig_pending_thread",
}

Verdict = Optional[str]
Peer = Callable[[int], Values]


def same(ours: Any, before: Any, after: Any) -> bool:
    return bool(ours in (before, after))


def moves(ours: Any, before: Any, after: Any) -> bool:
    if ours in (before, after):
        return True
    numbers = all(isinstance(value, int) for value in (ours, before, after))
    return numbers and min(before, after) < ours < max(before, after)


def is_nothing(value: Any) -> bool:
    return value in (None, 0, "", [], {}, -1, "-", [""])


class Tally:
    """Agreements and disagreements, by peer and field."""

    def __init__(self) -> None:
        self.agreed: collections.Counter[str] = collections.Counter()
        self.bad: dict[str, list[str]] = collections.defaultdict(list)

    def note(self, field: str, why: Verdict) -> None:
        if why is None:
            self.agreed[field] += 1
        else:
            self.bad[field].append(why)


def derived(ours: Values) -> Values:
    """Fields of ours under the names that a peer has something for."""
    out = dict(ours)
    if "mem_anon" in ours:
        out["resident"] = ours["mem_anon"] + ours["mem_file"] + ours["mem_shmem"]
    # The peers count the leading thread's alone.
    if ours.get("threads") == 1 and "nvcsw" in ours:
        out["leader_nvcsw"], out["leader_nivcsw"] = ours["nvcsw"], ours["nivcsw"]
    if "limit_5" in ours:
        out["limit_5_soft"] = ours["limit_5"][0]
    return out


def has_no_memory(ours: Values) -> bool:
    """Peers show zeroes of what a zombie and a kernel thread do not have."""
    return ours.get("state") in (ord("Z"), ord("X")) or bool(ours.get("task_flags", 0) & PF_KTHREAD)


def leader_has_ended(ours: Values, before: Values, after: Values) -> bool:
    """Whether the leading thread has, and others live."""
    return ord("Z") in (before.get("state"), after.get("state")) and ours.get("threads", 0) > 1


def has_no_pages(field: str, before: Values, after: Values) -> bool:
    """psutil adds up to 0 where smaps_rollup opens but cannot be read: its process is ending."""
    totals = ("mem_uss", "mem_pss", "mem_swapped")
    return field in totals and 0 in (before.get("mem_pss"), after.get("mem_pss"))


def judge(field: str, ours: Values, before: Values, after: Values, zero_is_none: bool) -> Verdict:
    a, b = before[field], after[field]
    if field not in ours:
        unknown = a is None or b is None
        if zero_is_none or has_no_memory(ours) or has_no_pages(field, before, after):
            unknown = unknown or is_nothing(a) or is_nothing(b)
        return None if unknown else f"absent, peer: {a!r}, {b!r}"
    if a is None or b is None:
        # It may know more.
        return None
    if leader_has_ended(ours, before, after) and (is_nothing(a) or is_nothing(b)):
        # So it does: the peers ask the leading thread alone.
        return None
    mine = ours[field]
    if field in GROWS or field.startswith("leader_"):
        good = a <= mine <= b
    elif field in MOVES:
        good = moves(mine, a, b)
    else:
        good = same(mine, a, b)
    return None if good else f"{mine!r}, peer: {a!r}, {b!r}"


def may_change_again(field: str, ours: Values, before: Values, after: Values) -> bool:
    """Whether another try may be needed because of what the process does."""
    if field == "comm" and has_no_memory(ours):
        # A kernel worker's says what it works on, and whether it does.
        return True
    return field in MOVES | FLICKERS or before.get(field) != after.get(field)


class Comparison:
    """One peer's fields."""

    def __init__(
        self, name: str, peer: Callable[[int], Values], facts: Server, way_of: Any
    ) -> None:
        self.name, self.peer, self.facts, self.way_of = name, peer, facts, way_of
        # These three change by the asking itself: asked by one another they have moved on.
        self.askers: set[int] = {os.getpid()}
        self.tally = Tally()
        self.zero_is_none = name.startswith("libproc2")

    def readings(self, pid: int) -> tuple[Values, Values, Values] | None:
        """Ours between two of the peer's; None if it was not one process all the time."""
        try:
            before = self.peer(pid)
        except Gone:
            return None
        ours = peers.procfd(self.facts, self.way_of(), pid)[0]
        try:
            after = self.peer(pid)
        except Gone:
            return None
        if "start_boot_ns" in before and before["start_boot_ns"] != after["start_boot_ns"]:
            return None
        return before, derived(ours), after

    def process(self, pid: int) -> None:
        waiting: dict[str, str] | None = None
        for _ in range(TRIES):
            found = self.readings(pid)
            if found is None:
                return
            before, ours, after = found
            if "errno" in ours:
                self.tally.note(
                    "errno", f"pid {pid}: errno {ours['errno']} of a process that lives"
                )
                return
            fields = before.keys() if waiting is None else waiting.keys()
            again: dict[str, str] = {}
            for field in fields:
                if pid in self.askers and field in MOVES | FLICKERS:
                    continue
                if exempt(field, ours, before, after):
                    continue
                if field == "comm" and self.zero_is_none and not is_plain(ours.get(field, "")):
                    continue
                why = judge(field, ours, before, after, self.zero_is_none)
                if why is not None and may_change_again(field, ours, before, after):
                    again[field] = f"pid {pid} ({psutil_name(pid)}): {why}"
                elif why is not None:
                    self.tally.note(field, f"pid {pid} ({psutil_name(pid)}): {why}")
                else:
                    self.tally.note(field, None)
            if not again:
                return
            waiting = again
        for field, why in (waiting or {}).items():
            self.tally.note(field, why)


def exempt(field: str, ours: Values, before: Values, after: Values) -> bool:
    if field in ("state", "task_flags"):
        # The peers show the leading thread, procfd a living one.
        return leader_has_ended(ours, before, after)
    if field.startswith("leader_"):
        return field not in ours
    return field in ("texts", "groups")


def is_plain(name: str) -> bool:
    """Whether libproc2 shows a name as it is: it puts others for what cannot be printed."""
    return all(0x20 <= byte < 0x7F for byte in bytes.fromhex(name))


def psutil_name(pid: int) -> str:
    with contextlib.suppress(Exception):
        return repr(psutil.Process(pid)._proc.name())
    return "?"


# ---- texts and lists --------------------------------------------------------------------------


def plain(hexed: str) -> str:
    return os.fsdecode(bytes.fromhex(hexed))


def unmarked(path: str) -> str:
    """Without what the kernel puts behind the name of a file that has been unlinked."""
    return path.removesuffix(" (deleted)")


def as_psutil_arguments(argv: str) -> list[str]:
    """psutil takes spaces for separators where a process has written over its arguments."""
    if not argv:
        return []
    separator = "\0" if argv.endswith("\0") else " "
    words = argv.removesuffix(separator).split(separator)
    if separator == "\0" and len(words) == 1 and " " in argv:
        return argv.removesuffix("\0").split(" ")
    return words


def psutil_texts(ours: Values) -> Values:
    """Our texts and lists in the form that psutil gives them."""
    out: Values = {}
    for key in ("exe", "cwd"):
        if key in ours:
            out[key] = unmarked(plain(ours[key]))
    if "argv" in ours:
        out["argv"] = as_psutil_arguments(plain(ours["argv"]))
    if "environ" in ours:
        out["environ"] = psutil._common.parse_environ_block(plain(ours["environ"]))
    if "maps" in ours:
        out["maps"] = [
            [first, last, flags, unmarked(plain(path)).strip()]
            for first, last, flags, path in ours["maps"]
        ]
    if "fds" in ours:
        # psutil shows what is a regular file by its name, without the mark too.
        named = [(*rest, unmarked(plain(path))) for *rest, path in ours["fds"]]
        out["files"] = sorted(
            [fd, flags, position, path]
            for fd, _, flags, position, path in named
            if path.startswith("/") and psutil._common.isfile_strict(path)
        )
    if "threads_list" in ours:
        out["threads_list"] = {tid: [user, system] for tid, user, system in ours["threads_list"]}
    for key in ("children", "affinity"):
        if key in ours:
            out[key] = sorted(ours[key])
    return out


def of_threads(ours: Values, before: Values, after: Values) -> bool:
    for tid, used in ours.items():
        a, b = before.get(tid), after.get(tid)
        if a is None and b is None:
            return False
        if a and b and not (a[0] <= used[0] <= b[0] and a[1] <= used[1] <= b[1]):
            return False
    return before.keys() & after.keys() <= ours.keys()


def of_children(ours: list[int], before: list[int], after: list[int]) -> bool:
    return set(before) & set(after) <= set(ours) <= set(before) | set(after)


def text_agrees(field: str, ours: Any, before: Any, after: Any) -> bool:
    if field == "threads_list":
        return of_threads(ours, before, after)
    if field == "children":
        return of_children(ours, before, after)
    if field in ("exe", "cwd"):
        before, after = unmarked(before), unmarked(after)
    return same(ours, before, after)


def shown(field: str, value: Any) -> str:
    if field == "environ":  # other people's
        return f"{len(value)} variables"
    text = repr(value)
    return text if len(text) < 300 else text[:300] + "..."


def compare_texts(pid: int, facts: Server, tally: Tally) -> None:
    fields: set[str] | None = None
    for turn in range(TRIES):
        try:
            before = peers.texts_by_psutil(pid)
            raw = peers.procfd(facts, "texts", pid)[0]
            after = peers.texts_by_psutil(pid)
        except Gone:
            return
        ours = psutil_texts(raw)
        again = set()
        for field in before.keys() if fields is None else fields:
            a, b = before[field], after[field]
            if field not in ours:
                good = is_nothing(a) or is_nothing(b)
            else:
                good = a is None or b is None or text_agrees(field, ours[field], a, b)
            if good:
                tally.note(field, None)
            elif turn + 1 < TRIES and (a != b or field not in ("exe", "argv")):
                again.add(field)
            else:
                mine = shown(field, ours[field]) if field in ours else "absent"
                error = raw.get(f"{field}_errno", "")
                peer = f"{shown(field, a)}, {shown(field, b)}"
                tally.note(field, f"pid {pid} ({psutil_name(pid)}): {mine} {error}, peer: {peer}")
        if not again:
            return
        fields = again


def compare_texts_of_libproc2(pid: int, facts: Server, peer: Peer, tally: Tally) -> None:
    for turn in range(TRIES):
        try:
            before = peer(pid)
            raw = peers.procfd(facts, "texts", pid)[0]
            after = peer(pid)
        except Gone:
            return
        if before["start_boot_ns"] != after["start_boot_ns"]:
            return
        why = libproc2_texts(raw, before, after)
        if not why:
            tally.note("texts", None)
            return
        if turn + 1 == TRIES:
            tally.note("texts", f"pid {pid} ({psutil_name(pid)}): {why}")


def libproc2_texts(raw: Values, before: Values, after: Values) -> Verdict:
    """The first that disagrees. Arguments it cuts, and control characters it replaces."""
    a, b = before["texts"], after["texts"]
    if ord("Z") in (before["state"], after["state"]) and raw.get("threads_list", [0])[1:]:
        # It asks the leading thread alone, which has ended.
        return None
    if "exe" in raw and not same(plain(raw["exe"]), a["exe"], b["exe"]):
        return f"exe {plain(raw['exe'])!r}, peer: {a['exe']!r}"
    for field in ("argv", "environ"):
        # It stops at 128 KiB.
        if len(raw.get(field, "")) > 200_000:
            continue
        # A newline separates, too, for it; and "-" is none, or none for the caller to see.
        words = re.split("[\0\n]", plain(raw.get(field, "")))
        told = [[word for word in texts[field] if word] for texts in (a, b)]
        if not same([word for word in words if word] or ["-"], *told):
            return f"{field} {shown(field, words)}, peer: {shown(field, told[0])}"
    if "groups" in raw:
        mine = ",".join(str(group) for group in raw["groups"]) or "-"
        if not same(mine, before["groups"], after["groups"]):
            return f"groups {mine}, peer: {before['groups']}"
    if "cgroup" in raw:
        mine = "0::" + plain(raw["cgroup"])
        if mine not in a["cgroup"] and mine not in b["cgroup"]:
            return f"cgroup {mine!r}, peer: {a['cgroup']!r}"
    # It takes underscores away.
    if "wchan" in raw and not same(plain(raw["wchan"]).lstrip("_"), a["wchan"], b["wchan"]):
        return f"wchan {plain(raw['wchan'])!r}, peer: {a['wchan']!r}, {b['wchan']!r}"
    return None


# ---- the snapshot -----------------------------------------------------------------------------


def pids_and_starts() -> dict[int, int]:
    found = {}
    for pid in psutil.pids():
        with contextlib.suppress(psutil.Error):
            found[pid] = peers.started(psutil.Process(pid))["start_boot_ns"]
    return found


def compare_snapshot(facts: Server, tally: Tally) -> None:
    before = pids_and_starts()
    ours = peers.procfd(facts, "all")
    after = pids_and_starts()
    found = {entry["pid"]: entry for entry in ours}
    tally.note("no process twice", None if len(found) == len(ours) else "a pid twice")
    order = [entry["pid"] for entry in ours]
    tally.note("ascending", None if order == sorted(order) else f"{order}")
    for pid in before.keys() & after.keys():
        if before[pid] == after[pid]:
            tally.note("complete", None if pid in found else f"pid {pid} is missing")
    for pid, entry in found.items():
        starts = {before.get(pid), after.get(pid)} - {None}
        if starts:
            good = entry["start_boot_ns"] in starts
            why = f"pid {pid}: {entry['start_boot_ns']}, peer: {starts}"
            tally.note("start_boot_ns", None if good else why)


def compare_clock(facts: Server, tally: Tally) -> None:
    """The start by the wall clock: the offset of the two clocks cannot be read at one instant."""

    def clocks() -> tuple[int, int]:
        return time.clock_gettime_ns(time.CLOCK_REALTIME), time.clock_gettime_ns(
            time.CLOCK_BOOTTIME
        )

    real_before, boot_before = clocks()
    ours = peers.procfd(facts, "pidfd", os.getpid())[0]
    real_after, boot_after = clocks()
    offset = ours["start_real_ns"] - ours["start_boot_ns"]
    low, high = real_before - boot_after, real_after - boot_before
    why = f"{offset}, wanted {low} to {high}"
    tally.note("start_real_ns", None if low <= offset <= high else why)


# ---- the run ----------------------------------------------------------------------------------


def report(number: int, name: str, tally: Tally) -> None:
    count, bad = sum(tally.agreed.values()), sum(len(all) for all in tally.bad.values())
    for field, whys in sorted(tally.bad.items()):
        for why in whys[:SHOWN]:
            print(f"# {name}: {field}: {why}")
        if len(whys) > SHOWN:
            print(f"# {name}: {field}: {len(whys) - SHOWN} more")
    good = count > 0 and not bad
    print(f"# {count} values of {len(tally.agreed)} fields agree, {bad} do not")
    print(f"{'' if good else 'not '}ok {number} - {name}", flush=True)


def main() -> int:
    facts = Server([sys.argv[1]])
    proc2 = None if sys.argv[2] == "-" else Server([sys.argv[2]])
    seconds = float(sys.argv[3])
    turn = 0

    def way() -> str:
        nonlocal turn
        turn += 1
        return WAYS[turn % len(WAYS)]

    comparisons = [Comparison("psutil: fields", peers.by_psutil, facts, way)]
    if proc2:
        peer = lambda pid: peers.by_libproc2(proc2, pid)  # noqa: E731
        comparisons.append(Comparison("libproc2: fields", peer, facts, way))
    for comparison in comparisons:
        comparison.askers |= {server.process.pid for server in (facts, proc2) if server}
    texts, texts2, snapshot, clock = Tally(), Tally(), Tally(), Tally()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pids = psutil.pids()
        random.shuffle(pids)
        compare_snapshot(facts, snapshot)
        compare_clock(facts, clock)
        for pid in pids:
            if time.monotonic() >= end:
                break
            for comparison in comparisons:
                comparison.process(pid)
            compare_texts(pid, facts, texts)
            if proc2 and pid not in comparisons[0].askers:
                compare_texts_of_libproc2(pid, facts, peer, texts2)
    print("1..6")
    report(1, "psutil: fields", comparisons[0].tally)
    report(2, "psutil: texts and lists", texts)
    if proc2:
        report(3, "libproc2: fields", comparisons[1].tally)
        report(4, "libproc2: texts and groups", texts2)
    else:
        print("ok 3 - libproc2: fields # SKIP no libproc2-dev")
        print("ok 4 - libproc2: texts and groups # SKIP no libproc2-dev")
    report(5, "the snapshot of all", snapshot)
    report(6, "starts by the wall clock", clock)
    facts.close()
    if proc2:
        proc2.close()
    tallies = [c.tally for c in comparisons] + [texts, texts2, snapshot, clock]
    return 1 if any(tally.bad for tally in tallies) else 0


if __name__ == "__main__":
    sys.exit(main())
