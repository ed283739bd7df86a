# SPDX-License-Identifier: MIT OR Apache-2.0
"""The parts of documents and manual pages that scripts/generate makes from its table."""

from __future__ import annotations

import re
import textwrap

from settings_table import DOCUMENT, OPTION, ROOT, SHAPES, Row, Table

# The part of a document that has what no other line of it names.
REST = "settings that no other line names"

# ---- Markdown ---------------------------------------------------------------------------------


# ---- documents --------------------------------------------------------------------------------


def markdown(head: list[str], rows: list[list[str]], align: str = "---") -> str:
    """A table without the columns that are empty in all rows."""
    kept = [i for i in range(len(head)) if any(row[i] for row in rows)]
    lines = [[head[i] for i in kept], [align if i == kept[0] else "---" for i in kept]]
    lines += [[row[i].replace("\n", " ") for i in kept] for row in rows]
    rule = "|" + "|".join(lines[1]) + "|"
    text = ["| " + " | ".join(cells) + " |" for cells in lines]
    return (
        "\n".join([text[0], rule, *text[2:]]).replace("|  |", "| |").replace("|  |", "| |") + "\n"
    )


def settings_table(table: Table, section: str) -> str:
    head = ["command", "arg", "data", "default", "Rust", "Python", "kernel", "privilege", "see"]
    rows = []
    for row in table.commands():
        if row.section == section:
            arg, data = operands(row)
            rust = ", ".join(f"`{method.removesuffix('()')}`" for method in row.methods if method)
            python = f"`{row.keyword}`" if row.keyword else ""
            cells = [f"`{row.name}`", arg, data, row.default, rust, python]
            rows.append([*cells, row.kernel, row.privilege, row.see])
    return markdown(head, rows)


def operands(row: Row) -> tuple[str, str]:
    if row.shape == "own":
        arg, _, data = row.value.partition("/")
        return arg.strip(), data.strip()
    shape = SHAPES[row.shape]
    return tuple(  # type: ignore[return-value]
        text.replace("%s", row.value) if row.value else text.replace(" of %s", "")
        for text in (shape.arg, shape.data)
    )


def stages_table(table: Table, creator: bool) -> str:
    rows = [
        [row.number, f"`{row.stage}`", step_of(row), row.errnos] for row in steps(table, creator)
    ]
    return markdown(["number", "stage", "step", "errno and what to do"], rows, "---:")


def steps(table: Table, creator: bool) -> list[Row]:
    return [row for row in table.stages if (int(row.number) < 32) == creator]


def step_of(row: Row) -> str:
    return row.step or lower(row.doc.removeprefix("In the child: ").removesuffix("."))


def lower(text: str) -> str:
    return text[0].lower() + text[1:] if text[1:2].islower() else text


# ---- the manual page ---------------------------------------------------------------------------

# What is in parentheses, where that may be the section of a page or code again.
GROUP = re.compile(r"(?<![\w-])\((?:[^()`]|`[^`]*`|(?<=\w)\(\d\w*\))*\)")
MACRO = re.compile(r"`([^`]+)`|\b([A-Za-z][\w-]*)\((\d\w*)\)|(\()|(\))")


MACROS = {
    r"PATH": "Ev",
    r"E[A-Z0-9]+": "Er",
    r"[A-Z][A-Z0-9_]*\*?": "Dv",
    r".*[./].*": "Pa",
    r"process_\w+": "Fn",
}


def mdoc(text: str) -> str:
    """The lines of a manual page for what a document says."""
    lines, plain, at = [], "", 0
    # A group in parentheses is a macro where another is in it.
    groups = [m.span() for m in GROUP.finditer(text) if re.search(r"`|\(\d", m[0])]
    begins, ends = {a for a, _ in groups}, {b - 1 for _, b in groups}
    for match in MACRO.finditer(text):
        if match.start() < at or (match[0] in "()" and match.start() not in begins | ends):
            continue
        plain += text[at : match.start()]
        if match[0] == ")" and match.start() not in ends:
            continue
        lines += sentences(plain)
        plain, at = "", match.end()
        macro = {"(": "Po", ")": "Pc"}.get(match[0]) or macro_of(match)
        mark = re.compile(r"[.,;:]*").match(text, at)
        if mark and mark[0] and macro != "Po":
            macro += " " + " ".join(mark[0])
            at = mark.end()
        lines.append("." + macro)
    lines += sentences(plain + text[at:])
    return "".join(f"{line}\n" for line in lines)


def sentences(text: str) -> list[str]:
    """Each begins a line."""
    return [line for one in re.split(r"(?<=\.) ", text.strip()) for line in textwrap.wrap(one, 80)]


def macro_of(match: re.Match[str]) -> str:
    code, page, section, *_ = match.groups()
    if page:
        return f"Xr {page} {section}"
    macro = next((macro for pattern, macro in MACROS.items() if re.fullmatch(pattern, code)), "Ql")
    return f"{macro} {code}"


def stages_page(table: Table, creator: bool) -> str:
    parts = []
    for row in steps(table, creator):
        step = step_of(row)
        if not re.match(r"[a-z][\w-]*\(", step):
            step = step[0].upper() + step[1:]
        parts.append(f".It Dv PROC_STAGE_{row.stage} Pq {row.number}\n{mdoc(step + '.')}")
        if row.errnos:
            parts.append(f".Pp\n{mdoc(row.errnos + '.')}")
    return "".join(parts)


# ---- what a document does not have by hand -----------------------------------------------------


def by_hand(path: str) -> str:
    """The document without its part for the rest."""
    return re.sub(rf"(?s)generated: {REST}.*?end of {REST}", "", (ROOT / path).read_text())


def changelog(table: Table) -> str:
    text = by_hand("CHANGELOG.md")
    rows = [row for row in table.commands() if not re.search(rf"\b{row.name}\b", text)]
    if not rows:
        return ""
    line = f"- The settings {', '.join(f'`{row.name}`' for row in rows)}."
    return textwrap.fill(line, 118, subsequent_indent="  ") + "\n"


def settings_page(table: Table) -> str:
    """A paragraph for each setting that has none of its own in process_config(3)."""
    text = by_hand("man/process_config.3")
    return "".join(
        f".It Dv {row.name}\n{mdoc(in_words(row))}"
        for row in table.commands()
        if not re.search(rf"^\.It Dv .*\b{row.name}\b", text, re.M)
    )


def in_words(row: Row) -> str:
    """The comment of the header, as a document says it, with what the row has besides."""
    doc = re.sub(r"\b[A-Z]+_[A-Z0-9_]+\*?(?![\w(])", r"`\g<0>`", row.doc.replace("\n", " "))
    words = [doc, row.default and f"The default is {row.default}.", row.see and f"See {row.see}."]
    words += [row.privilege and f"Privilege: {row.privilege}."]
    words += [row.kernel and f"Linux {row.kernel}."]
    return " ".join(filter(None, words))


def options_page(table: Table) -> str:
    """A paragraph for each option that has none of its own in procfd(1)."""
    text = by_hand("bindings/python/procfd.1")
    parts = []
    for row in table.keywords():
        option = OPTION.fullmatch(row.option)
        if option and not re.search(rf"\bFl {option['name'][1:]}\b(?!-)", text):
            value = f" Ar {option['metavar'].lower()}" if option["metavar"] else ""
            words = option["help"] or row.doc.removesuffix(".")
            head = f".It Fl {option['name'][1:]}{value}\n"
            parts.append(head + mdoc(words[0].upper() + words[1:] + "."))
    return "".join(parts)


# ---- the order in the child --------------------------------------------------------------------


def order_page(_: Table) -> str:
    """The list of the order, which is in the document by hand."""
    text = (ROOT / DOCUMENT).read_text()
    section = text[text.index("## The order in the child") :]
    steps = re.findall(r"^(\d+)\. (.*(?:\n   .*)*)", section[: section.index("\n## ", 1)], re.M)
    return "".join(f".It {number}.\n{mdoc(' '.join(words.split()))}" for number, words in steps)
