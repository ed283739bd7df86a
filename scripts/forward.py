# SPDX-License-Identifier: MIT OR Apache-2.0
"""The settings of a context as methods of a command: the signatures in procfd-core/src/settings."""

from __future__ import annotations

import pathlib
import re
import textwrap

CORE = "procfd-core/src"
FILE = f"{CORE}/command/forward.rs"
METHOD = re.compile(
    r"^    pub fn (\w+)(<[^(]*>)?\(\s*&mut self,?\s*([^{]*?),?\s*\) -> Configured<'_>", re.M
)
OWN = re.compile(r"^    pub fn (\w+)", re.M)
# What a command has in another form: the program, the whole environment, and the signal of a
# close policy.
ELSEWHERE = {
    "program",
    "program_in_path",
    "program_first_of",
    "program_fd",
    "env_only",
    "kill_group_on_close",
}
# Types that are not the crate's.
STD = {
    "Duration": "std::time",
    "OsStr": "std::ffi",
    "OwnedFd": "std::os::fd",
    "RawFd": "std::os::fd",
    "Path": "std::path",
}
PRELUDE = {"AsRef", "Into", "IntoIterator", "Item", "Option", "String", "ToString", "Vec"}


def sources() -> list[str]:
    """The files that this reads."""
    root = pathlib.Path(__file__).resolve().parent.parent
    families = sorted((root / CORE / "settings").glob("*.rs"))
    return [f"{CORE}/command.rs", *(path.relative_to(root).as_posix() for path in families)]


def methods(root: pathlib.Path) -> dict[str, list[tuple[str, str]]]:
    """By family: name and arguments of each method that a command has by this file alone."""
    command, *families = sources()
    skipped = ELSEWHERE | set(OWN.findall((root / command).read_text()))
    found: dict[str, list[tuple[str, str]]] = {}
    for family in families:
        for name, generics, arguments in METHOD.findall((root / family).read_text()):
            if name in skipped:
                continue
            if generics:
                raise SystemExit(
                    f"{family}: {name} has type parameters: give Command a method of its own"
                )
            found.setdefault(pathlib.Path(family).stem, []).append(
                (name, " ".join(arguments.split()))
            )
    return found


def imports(arguments: str) -> str:
    """The `use` lines of the types among the arguments."""
    groups: dict[str, list[str]] = {}
    for name in sorted(set(re.findall(r"\b[A-Z]\w*", arguments)) - PRELUDE):
        groups.setdefault(STD.get(name, "crate"), []).append(name)
    lines = {room: use(room, names) for room, names in sorted(groups.items())}
    own = lines.pop("crate", "")
    return "".join(lines.values()) + "\nuse super::Command;\n" + own


def use(room: str, names: list[str]) -> str:
    """A `use` line, as rustfmt breaks it."""
    line = (
        f"use {room}::{names[0]};\n"
        if len(names) == 1
        else f"use {room}::{{{', '.join(names)}}};\n"
    )
    if len(line) <= 111:
        return line
    wrapped = textwrap.fill(
        f"{', '.join(names)},", 108, initial_indent="    ", subsequent_indent="    "
    )
    return f"use {room}::{{\n{wrapped}\n}};\n"


def body() -> str:
    """The file, but for its head."""
    found = methods(pathlib.Path(__file__).resolve().parent.parent)
    rows = "".join(
        f"    // {family}\n" + "".join(f"    {name}({arguments});\n" for name, arguments in each)
        for family, each in found.items()
    )
    name = "stringify!($name)"
    link = f'concat!("See [`Context::", {name}, "`](crate::Context::", {name}, ").")'
    return f"""{imports(rows)}
macro_rules! forward {{
    ($($name:ident($($arg:ident: $kind:ty),*);)*) => {{
        impl Command {{
            $(
                #[doc = {link}]
                pub fn $name(&mut self, $($arg: $kind),*) -> &mut Self {{
                    self.configure(|context| context.$name($($arg),*).map(drop))
                }}
            )*
        }}
    }};
}}

forward! {{
{rows}}}
"""
