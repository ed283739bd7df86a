#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Prove, from its machine code, that what runs in the cloned child is self-contained.

The child shares the parent's memory and may neither allocate, lock, panic, nor touch thread-local
storage. Its code is placed in the section .text.procfd_child; this disassembles that section in
the shipped static library, and the same functions in the shipped shared library, and refuses
  - calls and jumps to anywhere outside the section,
  - calls and jumps through a register or through memory,
  - addresses taken from the GOT, and any reference to a symbol that is not read-only data,
  - thread-local storage (segment registers %fs and %gs).
The section must be there, must not be empty, and must hold procfd_child_entry.

An object given as the argument is looked at in their place.

With --self-test, objects that break each rule are assembled, and must be refused.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import pathlib
import platform
import re
import shlex
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
from tap import Tap  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
STATIC = ROOT / "build/procfd.o"
SHARED = ROOT / "build/libprocfd.so.1.0.0"
SECTION = re.compile(r"procfd_child")
ENTRY = "procfd_child"

INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\t(.+?)\s*$")
RELOCATION = re.compile(r"^([0-9a-f]+)\s+[0-9a-f]+\s+(R_\S+)\s+[0-9a-f]+\s+(\S+)")
TARGET = re.compile(r"^(?:\S+ )*?(?:call|jmp|j[a-z]+|loop\w*|xbegin)\S*\s+([0-9a-f]+)\b")
BRANCH = re.compile(
    r"^(?:(?:notrack|bnd|rep|repz|data16|cs|ds|addr32|rex\.\w+) )*"
    r"(call|lcall|jmp|ljmp|j[a-z]+|loop\w*|xbegin)[a-z]?\b"
)
READ_ONLY = re.compile(r"^\.(rodata|data\.rel\.ro|gcc_except_table|eh_frame)\b|^\.L|^anon\.")


@dataclasses.dataclass(frozen=True)
class Symbol:
    """A symbol of an object: its section, and its extent there."""

    name: str
    section: str
    address: int
    size: int
    kind: str


def tool(*command: str | pathlib.Path) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def sections(binary: pathlib.Path) -> dict[str, tuple[str, int]]:
    """By index: the name and the size of each section."""
    found = {}
    for line in tool("readelf", "-SW", binary).splitlines():
        match = re.match(
            r"\s*\[\s*(\d+)\]\s+(\S+)\s+\S+\s+[0-9a-f]+\s+[0-9a-f]+\s+([0-9a-f]+)", line
        )
        if match:
            found[match[1]] = (match[2], int(match[3], 16))
    return found


def symbols(binary: pathlib.Path) -> list[Symbol]:
    names = sections(binary)
    found = []
    for line in tool("readelf", "-sW", binary).splitlines():
        parts = line.split()
        if len(parts) >= 7 and re.fullmatch(r"\d+:", parts[0]):
            section = names.get(parts[6], (parts[6], 0))[0]
            name = parts[7] if len(parts) > 7 else ""
            found.append(Symbol(name, section, int(parts[1], 16), int(parts[2], 0), parts[3]))
    return found


GUARD = re.compile(r"(\.text\.unlikely\.)?_ZN4core9panicking19panic_cannot_unwind17h[0-9a-f]{16}E$")


@dataclasses.dataclass(frozen=True)
class Instruction:
    """One instruction, as objdump shows it, with what the linker is to put into it."""

    address: int
    text: str
    references: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return f"{self.address:#x}: {self.text}"


def relocations(binary: pathlib.Path, section: str) -> dict[int, tuple[str, str]]:
    """By offset in the section: type and symbol."""
    found = {}
    current = ""
    for line in tool("readelf", "-rW", binary).splitlines():
        head = re.match(r"Relocation section '\.rela?(\S+)'", line)
        current = head[1] if head else current
        entry = RELOCATION.match(line)
        if entry and current == section:
            found[int(entry[1], 16)] = (entry[2], entry[3])
    return found


def disassemble(binary: pathlib.Path, *limits: str) -> list[Instruction]:
    found = []
    for line in tool("objdump", "-d", "-w", "--no-show-raw-insn", *limits, binary).splitlines():
        match = INSTRUCTION.match(line)
        if match:
            found.append(Instruction(int(match[1], 16), match[2]))
    return found


def is_guard(code: Instruction) -> bool:
    """Whether it is the call that Rust up to 1.85 puts behind a function that must not unwind.

    Only the unwinder jumps there, and nothing in the child begins to unwind: each other panic is a
    fault.
    """
    names = [symbol for _, symbol in code.references] or re.findall(r"<([^>+]*)>$", code.text)
    return code.text.startswith("call ") and any(map(GUARD.match, names))


def judge(code: Instruction, inside: list[range], known: dict[str, Symbol]) -> str | None:
    """The fault of one instruction, if it has one."""
    if is_guard(code):
        return None
    branch = BRANCH.match(code.text)
    if "(bad)" in code.text:
        return "not an instruction"
    if "%fs:" in code.text or "%gs:" in code.text:
        return "thread-local storage"
    for kind, symbol in code.references:
        home = known[symbol].section if symbol in known else symbol
        if re.search(r"TLS|TPOFF", kind):
            return f"thread-local storage ({symbol})"
        if "GOT" in kind:
            return f"goes through the GOT ({symbol})"
        if branch and "*" in code.text:
            return "an indirect call or jump"
        if branch and not SECTION.search(home):
            return f"leaves the section, for {symbol}"
        if not READ_ONLY.search(home) and not SECTION.search(home):
            return f"refers to {symbol}"
    if branch and "*" in code.text:
        return "an indirect call or jump"
    if branch and not code.references:
        target = TARGET.match(code.text)
        if not target:
            return "a branch this checker does not understand"
        at = int(target[1], 16)
        if not any(at in part for part in inside):
            return f"leaves the section, for {at:#x}"
    return None


def check_object(binary: pathlib.Path) -> list[str]:
    """The rules, for a relocatable object, where the section still has its name."""
    homes = {
        name: size
        for name, size in sections(binary).values()
        if SECTION.search(name) and name.startswith(".text")
    }
    if not homes:
        return ["there is no section .text.procfd_child"]
    table = symbols(binary)
    known = {symbol.name: symbol for symbol in table if symbol.name}
    problems = []
    # Rust mangles the name around it.
    if not any(ENTRY in name and s.section in homes for name, s in known.items()):
        problems.append(f"{ENTRY} is not in the section")
    for name, size in homes.items():
        listing = disassemble(binary, "-j", name)
        pending = relocations(binary, name)
        functions = [symbol for symbol in table if symbol.section == name and symbol.kind == "FUNC"]
        if not size or not listing:
            problems.append(f"{name} is empty")
            continue
        ends = [code.address for code in listing[1:]] + [size]
        for code, end in zip(listing, ends):
            mine = [pending.pop(at) for at in range(code.address, end) if at in pending]
            wrong = judge(dataclasses.replace(code, references=tuple(mine)), [range(size)], known)
            if wrong:
                at = next(
                    (
                        symbol.name
                        for symbol in functions
                        if code.address in range(symbol.address, symbol.address + symbol.size)
                    ),
                    name,
                )
                problems.append(f"{at}: {code}: {wrong}")
        problems += [
            f"{name}+{at:#x}: {kind} {symbol} belongs to no instruction"
            for at, (kind, symbol) in pending.items()
        ]
    return problems


def child_functions(binary: pathlib.Path) -> set[str]:
    return {
        symbol.name
        for symbol in symbols(binary)
        if symbol.kind == "FUNC" and SECTION.search(symbol.section)
    }


def check_shared(binary: pathlib.Path, names: set[str]) -> list[str]:
    """The rules, for the functions of these names in a linked library."""
    table = [symbol for symbol in symbols(binary) if symbol.name in names and symbol.size]
    missing = names - {symbol.name for symbol in table}
    problems = [f"{name} is not in the library" for name in sorted(missing)]
    inside = [range(symbol.address, symbol.address + symbol.size) for symbol in table]
    for symbol in table:
        limits = (
            f"--start-address={symbol.address:#x}",
            f"--stop-address={symbol.address + symbol.size:#x}",
        )
        for code in disassemble(binary, *limits):
            wrong = judge(code, inside, {})
            if wrong:
                problems.append(f"{symbol.name}: {code}: {wrong}")
    return problems


# ---- the checker, checked ----------------------------------------------------------------------

GOOD = """
.section .rodata.table,"a"
table: .quad 1, 2
.section .text.procfd_child,"ax",@progbits
.globl procfd_child_entry
.type procfd_child_entry,@function
procfd_child_entry:
    mov $39, %eax
    syscall
    lea table(%rip), %rcx
    call inner
    test %eax, %eax
    je 1f
    jmp inner
1:  ret
.size procfd_child_entry, .-procfd_child_entry
.type inner,@function
inner:
    ret
.size inner, .-inner
"""
BROKEN = [
    ("a call of malloc", "call malloc", "malloc"),
    ("a call through the PLT", "call malloc@PLT", "malloc"),
    ("a call of a function in another section", "call elsewhere", "leaves the section"),
    ("a jump to another section", "jmp elsewhere", "leaves the section"),
    ("a conditional jump to another section", "jne elsewhere", "leaves the section"),
    ("a call through a register", "call *%rax", "indirect"),
    ("a jump through a register", "jmp *%rax", "indirect"),
    ("a jump through a register, notrack", "notrack jmp *%rax", "indirect"),
    ("a call through memory", "call *8(%rdi)", "indirect"),
    ("a call through the GOT", "call *malloc@GOTPCREL(%rip)", "GOT"),
    ("a jump table", "jmp *table(,%rax,8)", "indirect"),
    ("an address from the GOT", "mov environ@GOTPCREL(%rip), %rax", "GOT"),
    ("errno", "mov errno@GOTTPOFF(%rip), %rax", "thread-local"),
    ("the thread pointer", "mov %fs:0, %rax", "thread-local"),
    ("a stack protector", "mov %fs:0x28, %rax", "thread-local"),
    ("a write to a variable", "movl $1, variable(%rip)", "variable"),
    ("a panic", "call _ZN4core9panicking5panic17h0123456789abcdefE", "panic"),
    (
        "a jump to the guard of another function",
        "jmp _ZN4core9panicking19panic_cannot_unwind17h0123456789abcdefE",
        "panic_cannot_unwind",
    ),
]
ELSEWHERE = """
.section .text.elsewhere,"ax",@progbits
elsewhere: ret
.section .data.variable,"aw",@progbits
variable: .long 0
"""


def assemble(source: str, folder: str, name: str) -> pathlib.Path:
    path, to = pathlib.Path(folder, f"{name}.s"), pathlib.Path(folder, f"{name}.o")
    path.write_text(source)
    compiler = shlex.split(os.environ.get("CC") or "cc")
    subprocess.run([*compiler, "-c", path, "-o", to], check=True)
    return to


def self_test(tap: Tap) -> None:
    def refused(name: str, source: str, word: str) -> None:
        problems = check_object(assemble(source, folder, f"case{tap.count}"))
        good = any(word in problem for problem in problems)
        tap.case(f"refused: {name}", [] if good else [f"wanted {word}, got {problems}"])

    with tempfile.TemporaryDirectory() as folder:
        tap.case("accepted: self-contained code", check_object(assemble(GOOD, folder, "good")))
        guard = "call _ZN4core9panicking19panic_cannot_unwind17h0123456789abcdefE"
        guarded = GOOD.replace("    lea table", f"    {guard}\n    lea table")
        tap.case("accepted: the guard", check_object(assemble(guarded, folder, "guarded")))
        for name, code, word in BROKEN:
            refused(
                name, GOOD.replace("    lea table", f"    {code}\n    lea table") + ELSEWHERE, word
            )
            refused(
                name + ", in a inner",
                GOOD.replace("inner:\n", f"inner:\n    {code}\n") + ELSEWHERE,
                word,
            )
        empty = '.section .text.procfd_child,"ax",@progbits\n'
        refused("no section", ".text\nprocfd_child_entry: ret\n", "no section")
        refused("an empty section", empty, "empty")
        refused("a section without the entry", empty + "inner: ret\n", ENTRY)
        linked = pathlib.Path(folder, "linked.so")
        for name, code, good in (
            ("accepted", "nop", True),
            ("refused", "call elsewhere", False),
            ("refused", "call malloc", False),
            ("refused", "call *%rax", False),
        ):
            source = GOOD.replace("    lea table", f"    {code}\n    lea table") + ELSEWHERE
            item = assemble(source, folder, f"linked{tap.count}")
            compiler = shlex.split(os.environ.get("CC") or "cc")
            subprocess.run(
                [*compiler, "-shared", "-nostartfiles", item, "-o", linked, "-lc"], check=True
            )
            problems = check_shared(linked, child_functions(item))
            wrong = problems if good else [] if problems else ["nothing was found"]
            tap.case(f"{name}, once linked: {code}", wrong)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("object", nargs="?", type=pathlib.Path)
    args = parser.parse_args()
    tap = Tap()
    if platform.machine() != "x86_64":
        tap.skip("the child's code", f"this checker does not read {platform.machine()} code")
    elif args.self_test:
        self_test(tap)
    elif args.object:
        name = f"the child's code in {args.object.name} is self-contained"
        tap.case(name, check_object(args.object))
    else:
        names = child_functions(STATIC)
        tap.note(f"{len(names)} functions: {', '.join(sorted(names))}")
        tap.case("the child's code in libprocfd.a is self-contained", check_object(STATIC))
        tap.case(
            "the child's code in libprocfd.so is self-contained",
            check_shared(SHARED, names) if names else ["nothing to look for"],
        )
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
