# SPDX-License-Identifier: MIT OR Apache-2.0
"""procfd-core/src/settings.tsv: the words it is made of, and how it is read and checked."""

from __future__ import annotations

import dataclasses
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
TABLE = "procfd-core/src/settings.tsv"
DOCUMENT = "docs/configuration.md"

# fmt: off
SETTING_COLUMNS = [
    "name", "number", "section", "shape", "value", "default", "core", "rust", "keyword", "python",
    "option", "kernel", "privilege", "see", "stage", "doc",
]
STAGE_COLUMNS = ["stage", "number", "text", "doc", "step", "errnos"]
# How an option of the command line reads its value; bindings/python/python/procfd/_cli/run.py.
OPTION_KINDS = ["switch", "text", "int", "octal", "signal", "user", "group", "groups", "caps"]
OPTION_KINDS += ["securebits", "signals"]
# fmt: on
OPTION = re.compile(r"(?P<name>--[a-z-]+) (?P<kind>\w+)(?: (?P<metavar>[^:]+))?(?:: (?P<help>.+))?")

# ---- the vocabulary of the table --------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Shape:
    """What arg and data of a command hold; "%s" is the value of the row."""

    about: str
    arg: str
    data: str = ""
    # In the end-to-end cases: the enumerator in C, the argument in Rust. Without: not from words.
    c: str = ""
    rust: str = ""


SHAPES = {
    "call": Shape("no setting: a function of its own in config.rs, named as the command", ""),
    "own": Shape("a function of its own in config.rs, named as the command", ""),
    "switch": Shape("arg 0 or 1", "0 or 1", "", "SWITCH", "true"),
    "number": Shape("arg is not negative", "%s", "", "NUMBER", "number(words)?"),
    "signed": Shape("arg as (uint64_t)-n", "%s", "", "NUMBER", "number(words)?"),
    "flags": Shape("arg, all 64 bits", "%s", "", "NUMBER", "number(words)?"),
    "caps": Shape(
        "arg is a set of capabilities",
        "capability n in bit n",
        "",
        "NUMBER",
        "CapSet::from_bits(number(words)?)",
    ),
    "fd": Shape("arg is a descriptor", "%s"),
    "string": Shape("data is a string", "0", "%s", "STRING", "word(words)?"),
    "bytes": Shape("data is a string, of any bytes", "0", "%s", "STRING", "word(words)?"),
    "strings": Shape("data is a char *const []", "0", "`char *const []` of %s", "STRINGS", "words"),
    "list": Shape(
        "data is an array of u32", "0", "%s; NULL and 0: none", "LIST", "&numbers(words)?"
    ),
    "signals": Shape(
        "arg is a signal set, or data a sigset_t",
        "signal n in bit n-1; or 0",
        "or `sigset_t`",
        "SIGNALS",
        "signals(words)?",
    ),
    "ids": Shape(
        "arg is an id, or data a struct procfd_ids",
        "id, for real, effective and saved; or 0",
        "or `struct procfd_ids`",
        "NUMBER",
        "Ids::all(number(words)?)",
    ),
    "id_map": Shape(
        "data is an array of id map lines", "0", "`struct procfd_idmap []`; NULL and 0: none"
    ),
}


@dataclasses.dataclass(frozen=True)
class Kind:
    """The value of a keyword of Python."""

    annotation: str
    # The value in Rust; and in a test, out of the words of a case.
    rust: str
    words: str


KINDS = {
    "bool": Kind("bool", "convert::switch(value, name)?", "True"),
    "int": Kind("int", "value.extract()?", "int(words[0])"),
    "signal": Kind("Signal", "names::signal(value)?", "int(words[0])"),
    "signals": Kind(
        "Iterable[Signal]", "convert::signals(value)?", "[int(word) for word in words]"
    ),
    "uid": Kind("Ids", "ids(value, names::uid)?", "int(words[0])"),
    "gid": Kind("Ids", "ids(value, names::gid)?", "int(words[0])"),
    "gids": Kind("Iterable[User]", "&names::gids(value)?", "[int(word) for word in words]"),
    "numbers": Kind("Iterable[int]", "&convert::numbers(value)?", "[int(word) for word in words]"),
    "string": Kind("str | bytes", "convert::os_string(value)?", "words[0]"),
    "caps": Kind(
        "Capabilities",
        "names::capabilities(value)?",
        "[bit for bit in range(64) if int(words[0]) >> bit & 1]",
    ),
    "securebits": Kind("int | Iterable[str]", "names::secure_bits(value)?", ""),
    "fd": Kind("Fd", "convert::duplicate(convert::fd(value)?, 0)?", ""),
}
# ---- the table --------------------------------------------------------------------------------


class Row:
    """A line of the table; `row.name` is the cell of that column, "" for an empty one."""

    def __init__(self, line: int, columns: list[str], cells: list[str]) -> None:
        self.line = line
        self.cells = {
            column: "" if cell == "-" else cell.replace("\\n", "\n")
            for column, cell in zip(columns, cells)
        }

    def __getattr__(self, column: str) -> str:
        try:
            return self.cells[column]
        except KeyError:
            raise AttributeError(column) from None

    @property
    def is_command(self) -> bool:
        return bool(self.name)

    @property
    def is_plain(self) -> bool:
        """Whether the C layer reads it by its shape."""
        return self.is_command and self.shape not in ("own", "call")

    @property
    def kind(self) -> Kind | None:
        """What the keyword takes, unless it has an arm of its own."""
        return KINDS.get(self.python)

    @property
    def methods(self) -> list[str]:
        return [method.strip() for method in self.rust.split(",")]


class Table:
    """Both tables, and the lines that stand between the settings."""

    def __init__(self, text: str) -> None:
        self.settings: list[Row] = []
        self.stages: list[Row] = []
        # Rows, "" for an empty line, and the text of headings.
        self.layout: list[Row | str] = []
        self.problems: list[str] = []
        columns: list[str] | None = None
        for number, line in enumerate(text.splitlines(), 1):
            cells = line.split("\t")
            if cells[0] in ("name", "stage"):
                columns = SETTING_COLUMNS if cells[0] == "name" else STAGE_COLUMNS
                if cells != columns:
                    self.problem(number, f"the columns must be: {' '.join(columns)}")
            elif line.startswith("## "):
                self.layout.append(line[3:])
            elif not line and columns is SETTING_COLUMNS:
                self.layout.append("")
            elif line and not line.startswith("#"):
                self.add(number, columns, cells)
        self.check()

    def problem(self, line: int, text: str) -> None:
        self.problems.append(f"{TABLE}: line {line}: {text}")

    def add(self, line: int, columns: list[str] | None, cells: list[str]) -> None:
        if columns is None or len(cells) != len(columns):
            wanted = len(columns or SETTING_COLUMNS)
            self.problem(line, f"{len(cells)} cells, not {wanted} (one TAB between two)")
            return
        for column, cell in zip(columns, cells):
            if cell != cell.strip() or not cell:
                self.problem(line, f"{column} is empty or has spaces around it: {cell!r}")
        row = Row(line, columns, cells)
        if columns is SETTING_COLUMNS:
            self.settings.append(row)
            self.layout.append(row)
        else:
            self.stages.append(row)

    def check(self) -> None:
        for rows, column in (
            (self.settings, "name"),
            (self.settings, "number"),
            (self.settings, "keyword"),
            (self.stages, "stage"),
            (self.stages, "number"),
        ):
            self.check_unique(rows, column)
        for row in self.settings:
            self.check_command(row)
            self.check_python(row)
        for row in self.stages:
            self.cell(row, "stage", r"[A-Z][A-Z0-9_]*", "capitals, as in NO_NEW_PRIVS")
            self.cell(row, "number", r"\d+", "a decimal number")
            self.cell(row, "text", r"[a-z].*[^.]", "words without a capital and a period")
            self.cell(row, "doc", r"[\s\S]+\.", "a sentence with its period")

    def check_unique(self, rows: list[Row], column: str) -> None:
        seen: dict[str, int] = {}
        for row in rows:
            value = row.cells[column]
            # A number is the same however it is written.
            key = str(int(value, 0)) if re.fullmatch(r"0x[0-9a-f]+|\d+", value) else value
            if value and key in seen:
                hint = ""
                if column == "number":
                    taken = {int(other.number, 0) for other in rows if other.number}
                    free = next(n for n in range(int(key), 0x1000) if n not in taken)
                    hint = f"; the next that is free is {free:#x} ({free})"
                self.problem(row.line, f"{column} {value} is that of line {seen[key]} too{hint}")
            seen.setdefault(key, row.line)

    def cell(self, row: Row, column: str, pattern: str, wanted: str) -> None:
        if not re.fullmatch(pattern, row.cells[column]):
            self.problem(row.line, f"{column} {row.cells[column] or '-'!r} must be {wanted}")

    def known(self, row: Row, what: str, value: str, names: list[str]) -> None:
        if value not in names:
            self.problem(row.line, f"{what} `{value}` is unknown; there are: {', '.join(names)}")

    def check_command(self, row: Row) -> None:
        if not row.is_command:
            for column in ("number", "shape", "core", "rust"):
                if row.cells[column]:
                    self.problem(row.line, f"{column} is for a command, and there is no name")
            return
        self.cell(row, "name", r"PROC_[A-Z0-9_]+", "a constant, as PROC_SET_NICE")
        self.cell(row, "number", r"0x1[0-9a-f]{2}", "0x100 to 0x1ff, in small letters")
        self.cell(row, "doc", r"[\s\S]+\.", "a sentence with its period")
        self.cell(row, "kernel", r"(\d+\.\d+.*)?", "a version, as 5.13")
        self.cell(row, "see", r"([\w-]+\(\w+\))?", "a manual page, as setpriority(2)")
        self.known(row, "shape", row.shape, list(SHAPES))
        self.known(row, "section", row.section or "-", ["-", *sections()])
        self.known(row, "stage", row.stage or "-", ["-", *(s.stage for s in self.stages)])
        if row.is_plain:
            self.cell(row, "core", r"\w+", f"a method of Settings, since the shape is {row.shape}")
        elif row.core:
            self.problem(row.line, f"core is for a plain shape, and this is `{row.shape}`")
        for column in ("value", "default", "privilege"):
            if "|" in row.cells[column]:
                self.problem(row.line, f"{column} has a |, which ends a cell in {DOCUMENT}")

    def check_python(self, row: Row) -> None:
        if bool(row.keyword) != bool(row.python):
            self.problem(row.line, "keyword and python go together")
        elif row.keyword:
            self.cell(row, "keyword", r"[a-z_]+", "a name")
            if not row.python.startswith("own "):
                self.known(row, "python", row.python, ["own TYPE", *KINDS])
                self.cell(
                    row, "rust", r"\w+(\(\))?(, \w+)*", "a method of Context, for the keyword"
                )
        if row.option:
            option = OPTION.fullmatch(row.option)
            if not option:
                self.problem(row.line, "option must be --NAME KIND [METAVAR][: HELP]")
            else:
                self.known(row, "option's kind", option["kind"], OPTION_KINDS)
            if not row.keyword:
                self.problem(row.line, "an option needs a keyword")

    def commands(self) -> list[Row]:
        return [row for row in self.settings if row.is_command]

    def keywords(self) -> list[Row]:
        return [row for row in self.settings if row.keyword]

    def in_cases(self) -> list[Row]:
        """The settings whose keyword is a key in tests/e2e/cases."""
        return [
            row
            for row in self.settings
            if row.is_plain and row.kind and row.kind.words and SHAPES[row.shape].c
        ]


def sections() -> list[str]:
    """Those that the document has a place for."""
    return re.findall(r"<!-- generated: settings (\w+) -->", (ROOT / DOCUMENT).read_text())
