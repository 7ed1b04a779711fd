"""Markdown to a small tree of blocks, each with the line it stands on.

Covers: ATX and setext headings, nested and numbered lists, tables, block quotes, links, inline
code, struck-out text (dropped). Code blocks, HTML blocks and comments give no blocks.
"""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, TypeVar

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

_MAX_NESTING = 40  # of lists and their items; what nests deeper ends the reading
_PARSER = MarkdownIt("commonmark", {"maxNesting": _MAX_NESTING}).enable(["table", "strikethrough"])
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)


Mark = TypeVar("Mark", bound=tuple[Any, ...])


@dataclass(slots=True)
class Text:
    """Inline text without markup. Soft line breaks are spaces; `lines` says where each began."""

    text: str = ""
    lines: list[tuple[int, int]] = field(default_factory=list)  # (offset, line), ascending
    bold: list[tuple[int, int]] = field(default_factory=list)
    links: list[tuple[int, int, str]] = field(default_factory=list)  # (start, end, address)

    def line_at(self, offset: int) -> int:
        """The line of the character at `offset`."""
        index = bisect.bisect_right(self.lines, offset, key=itemgetter(0))
        return self.lines[index - 1][1] if index else 1

    def part(self, start: int, end: int) -> Text:
        """The text between two offsets, with its lines and marks."""
        inside = _between(self.lines, start + 1, end)
        return Text(
            self.text[start:end],
            [(0, self.line_at(start)), *((at - start, line) for at, line in inside)],
            [(a - start, b - start) for a, b in _between(self.bold, start, end) if b <= end],
            [
                (a - start, b - start, to)
                for a, b, to in _between(self.links, start, end)
                if b <= end
            ],
        )

    def stripped(self) -> Text:
        """The text without white space at its ends."""
        left = len(self.text) - len(self.text.lstrip())
        return self.part(left, max(left, len(self.text.rstrip())))


def _between(marks: list[Mark], start: int, end: int) -> list[Mark]:
    """The marks, sorted by offset, that begin from `start` to before `end`."""
    first = bisect.bisect_left(marks, start, key=itemgetter(0))
    return marks[first : bisect.bisect_left(marks, end, lo=first, key=itemgetter(0))]


@dataclass(slots=True)
class Heading:
    """A heading. level: 1 to 6."""

    level: int
    text: Text


@dataclass(slots=True)
class Paragraph:
    """Running text outside lists."""

    text: Text


@dataclass(slots=True)
class Item:
    """One list item: its first text and what is nested under it."""

    text: Text
    children: list[Block] = field(default_factory=list)


@dataclass(slots=True)
class Bullets:
    """A list, numbered or not."""

    items: list[Item]


@dataclass(slots=True)
class Table:
    """A table: the head row and the others, cell by cell."""

    head: list[Text]
    rows: list[list[Text]]


Block = Heading | Paragraph | Bullets | Table


def parse(text: str) -> list[Block]:
    """The blocks of a markdown text, in order. Never raises on any text."""
    return _blocks(SyntaxTreeNode(_PARSER.parse(hide_front_matter(text))))


def hide_front_matter(text: str) -> str:
    """`text` with leading YAML front matter made blank, so that line numbers stay."""
    found = _FRONT_MATTER.match(text)
    return "\n" * found.group(0).count("\n") + text[found.end() :] if found else text


def front_matter(text: str) -> list[tuple[int, str, str]]:
    """(line, key, value) of the plain `key: value` lines of leading YAML front matter."""
    found = _FRONT_MATTER.match(text)
    rows = []
    for number, line in enumerate(found.group(1).splitlines() if found else [], start=2):
        key, colon, value = line.partition(":")
        if colon and value.strip() and re.fullmatch(r"[A-Za-z_][\w-]*", key):
            rows.append((number, key.replace("_", " "), value.strip().strip("\"'")))
    return rows


def _blocks(parent: SyntaxTreeNode) -> list[Block]:
    found: list[Block] = []
    for node in parent.children:
        if node.type == "heading":
            found.append(Heading(int(node.tag[1]), _inline(node)))
        elif node.type == "paragraph":
            found.append(Paragraph(_inline(node)))
        elif node.type in ("bullet_list", "ordered_list"):
            found.append(Bullets([_item(child) for child in node.children]))
        elif node.type == "table":
            found.append(_table(node))
        elif node.type == "blockquote":
            found.extend(_blocks(node))
    return [block for block in found if not (isinstance(block, Paragraph) and not block.text.text)]


def _item(node: SyntaxTreeNode) -> Item:
    blocks = _blocks(node)
    if blocks and isinstance(blocks[0], Paragraph):
        return Item(blocks[0].text, blocks[1:])
    line = (node.map or (0, 0))[0] + 1
    return Item(Text("", [(0, line)]), blocks)


def _table(node: SyntaxTreeNode) -> Table:
    rows = [
        [_inline(cell, line=(row.map or (0, 0))[0] + 1) for cell in row.children]
        for part in node.children
        for row in part.children
    ]
    return Table(rows[0], rows[1:])


def _inline(node: SyntaxTreeNode, line: int | None = None) -> Text:
    inline = next((child for child in node.children if child.type == "inline"), None)
    first = line if line is not None else ((node.map or (0, 0))[0] + 1)
    out = Text("", [(0, first)])
    tokens = (inline.token.children or []) if inline and inline.token else []
    _Flattener(out, first).run(tokens)
    return out.stripped()


class _Flattener:
    """Inline tokens to a `Text`."""

    def __init__(self, out: Text, line: int) -> None:
        self.out, self.line = out, line
        self.opened: list[tuple[int, str]] = []
        self.struck = 0

    def run(self, tokens: list[Token]) -> None:
        for token in tokens:
            if token.type in ("s_open", "s_close"):
                self.struck += 1 if token.type == "s_open" else -1
            elif token.type in ("softbreak", "hardbreak"):
                self.line += 1
                self.add(" ")
                self.out.lines.append((len(self.out.text), self.line))
            elif token.type in ("strong_open", "link_open"):
                self.opened.append((len(self.out.text), str(token.attrs.get("href", ""))))
            elif token.type in ("strong_close", "link_close"):
                self.close(token.type)
            elif token.type in ("text", "code_inline"):
                self.add(token.content)
            elif token.type == "html_inline":
                self.html(token.content)

    def add(self, text: str) -> None:
        if not self.struck:
            self.out.text += text.replace("\n", " ")

    def html(self, content: str) -> None:
        """A line break is a space; other tags and comments vanish."""
        self.line += content.count("\n")
        if content.lower().startswith("<br"):
            self.add(" ")

    def close(self, kind: str) -> None:
        start, address = self.opened.pop()
        marks: list[Any] = self.out.bold if kind == "strong_close" else self.out.links
        end = len(self.out.text)
        mark = (start, end) if kind == "strong_close" else (start, end, address)
        bisect.insort(marks, mark)


def hide_code(text: str) -> str:
    """`text` with code blocks and HTML comments made blank, line numbers kept."""
    lines = text.split("\n")
    for token in _PARSER.parse(text):
        if token.type in ("fence", "code_block") and token.map:
            for number in range(token.map[0], min(token.map[1], len(lines))):
                lines[number] = ""
    shown = "\n".join(lines)
    return re.sub(
        r"<!--.*?(?:-->|\Z)", lambda m: "\n" * m.group(0).count("\n"), shown, flags=re.DOTALL
    )


def too_deep(text: str) -> int | None:
    """The line where lists or quotes nest so deep that the rest is not read; None: nowhere."""
    for token in _PARSER.parse(hide_front_matter(text)):
        container = token.type in ("list_item_open", "blockquote_open")
        if container and token.level == _MAX_NESTING - 1 and token.map:
            return token.map[0] + 1
    return None


def empty_headings(text: str) -> list[Text]:
    """Each heading with nothing but other empty headings below it."""
    blocks = parse(text)
    found = []
    for number, block in enumerate(blocks):
        if isinstance(block, Heading) and not _filled(blocks[number + 1 :], block.level):
            found.append(block.text)
    return found


def _filled(below: list[Block], level: int) -> bool:
    """Whether a block other than headings stands below, before the next heading of `level`."""
    for block in below:
        if not isinstance(block, Heading):
            return True
        if block.level <= level:
            return False
    return False
