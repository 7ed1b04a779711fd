"""Tables to entries: "attribute | value" rows, feature matrices, one-row tables of attributes."""

from __future__ import annotations

import re

from identity_ops.knowledge.blocks import Table, Text
from identity_ops.knowledge.entries import Entry, Section
from identity_ops.knowledge.roles import broad, label_role
from identity_ops.knowledge.split import items_of, strip_marks, tidy
from identity_ops.knowledge.words import plain

_KEY = re.compile(
    r"(?:attributes?|propert(?:y|ies)|fields?|keys?|items?|facts?|specs?|specifications?|parameters?"
    r"|settings?|features?|characteristics?|what|topics?|aspects?|details?|categor(?:y|ies)|"
    r"question|metric|thing|info|capability|ability|)"
)
_VALUE = re.compile(
    r"(?:values?|details?|descriptions?|info(?:rmation)?|answers?|supported|available|data|status"
    r"|setting|figures?|content|specifications?|it is|is|amount|)\??"
)
_NOTE = re.compile(r"(?:notes?|comments?|remarks?|details?|explanations?|sources?|references?)")


def table_entries(table: Table, section: Section) -> list[Entry]:
    """The facts of a table, and of those that follow it without an empty line."""
    return [entry for part in _parts(table) for entry in _entries(part, section)]


def _parts(table: Table) -> list[Table]:
    """The table cut where a rule of dashes makes the row above it another head."""
    rules = [n for n, row in enumerate(table.rows) if n and _rule(row)]
    starts = [0, *(n + 1 for n in rules)]
    ends = [*(n - 1 for n in rules), len(table.rows)]
    heads = [table.head, *(table.rows[n - 1] for n in rules)]
    return [
        Table(head, table.rows[start:end])
        for head, start, end in zip(heads, starts, ends, strict=True)
    ]


def _rule(row: list[Text]) -> bool:
    shown = [cell.text for cell in row if cell.text]
    return bool(shown) and all(re.fullmatch(r":?-{2,}:?", text) for text in shown)


def _entries(table: Table, section: Section) -> list[Entry]:
    heads = [plain(cell.text) for cell in table.head]
    rows = [row for row in table.rows if any(cell.text for cell in row)]
    if len(heads) < 2 or not rows:
        return [_entry(section, heads[0], row[0]) for row in rows if heads and row and row[0].text]
    if len(rows) == 1 and sum(bool(label_role(head)) for head in heads) >= 2 and len(heads) > 2:
        pairs = zip(table.head, rows[0], strict=False)
        return [_entry(section, head.text, cell) for head, cell in pairs if cell.text]
    if _head_is_row(heads):
        rows = [table.head, *rows]
        return [_entry(section, row[0].text, row[1]) for row in rows if _full(row)]
    if _of_attributes(heads, rows):
        return [_noted(section, heads, row) for row in rows if _full(row) and not _heads(row)]
    return _matrix(table, rows, section)


def _of_attributes(heads: list[str], rows: list[list[Text]]) -> bool:
    """Whether rows are attributes with a value: by the heads, or, in a language that we do not
    know the heads of, because most rows are named like attributes."""
    if _KEY.fullmatch(heads[0]):
        return len(heads) == 2 or bool(_VALUE.fullmatch(heads[1]))
    known = sum(bool(label_role(plain(row[0].text))) for row in rows)
    return len(heads) == 2 and 2 * known > len(rows)


def _full(row: list[Text]) -> bool:
    return len(row) > 1 and bool(row[0].text.strip()) and bool(row[1].text.strip(" -\u2013\u2014"))


def _heads(row: list[Text]) -> bool:
    """Whether a row of attributes is a head of its own: | Metric | Amount |."""
    return all(
        pattern.fullmatch(plain(cell.text))
        for pattern, cell in zip((_KEY, _VALUE), row, strict=False)
    )


def _head_is_row(heads: list[str]) -> bool:
    """Whether a two-column table starts with data: | Name | Tessel |."""
    known = bool(label_role(heads[0])) and not _KEY.fullmatch(heads[0])
    return len(heads) == 2 and known and not _VALUE.fullmatch(heads[1]) and not label_role(heads[1])


def _noted(section: Section, heads: list[str], row: list[Text]) -> Entry:
    """A row of attribute and value, with the cell of a notes column in parentheses."""
    entry = _entry(section, row[0].text, row[1])
    note = row[2].text.strip() if len(row) > 2 and _NOTE.fullmatch(heads[2]) else ""
    return (
        _entry(section, row[0].text, Text(f"{entry.value} ({tidy(note)})", row[1].lines))
        if note
        else entry
    )


def _matrix(table: Table, rows: list[list[Text]], section: Section) -> list[Entry]:
    """Rows are things, columns are their attributes: "Pro" x "Price" -> "Pro plan price"."""
    found = []
    first = plain(table.head[0].text)
    for row in rows:
        thing = row[0].text.strip()
        if not thing:
            continue
        if first and not _names_no_thing(first) and first not in plain(thing):
            thing = f"{thing} {first}"
        for head, cell in zip(table.head[1:], row[1:], strict=False):
            if cell.text.strip(" -\u2013\u2014"):
                column = head.text.strip()
                bare = not column or _VALUE.fullmatch(plain(column))
                found.append(_entry(section, thing if bare else f"{thing} {column.lower()}", cell))
    return found


def _names_no_thing(head: str) -> bool:
    """Whether the first column's head is a title ("Limits") and no kind of thing ("Plan")."""
    several = head.endswith("s") and not head.endswith("ss")
    return bool(_KEY.fullmatch(head)) or several or broad(head)


def _entry(section: Section, label: str, cell: Text) -> Entry:
    text, ticked = strip_marks(cell)
    value = tidy(text.text)
    if not value:
        value = "no" if ticked is False else "yes"
    entry = section.entry(label.strip(" :*?"), value, cell.line_at(0))
    return Entry(
        section=entry.section,
        label=entry.label,
        value=value,
        line=entry.line,
        role=entry.role,
        items=items_of(label, value, entry.role),
        polarity=False if ticked is False else None,
    )
