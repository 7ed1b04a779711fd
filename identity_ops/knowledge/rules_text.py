"""Lint rules over bytes and lines: encoding, language, odd characters, placeholders, secrets,
injection."""

from __future__ import annotations

import re
from collections.abc import Iterator

from identity_ops.knowledge.blocks import hide_code
from identity_ops.knowledge.findings import Finding, Severity
from identity_ops.knowledge.secrets import secret_lines
from identity_ops.knowledge.tongue import foreign_tongue

_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_ZERO_WIDTH = re.compile(
    "[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b\u2060-\u2064\ufeff\U000e0000-\U000e007f]|(?<![^\\s\\w])[\u200c\u200d](?=[\\sA-Za-z0-9]|$)"
)
_CONTROL = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SPECIAL = re.compile(r"<\|[a-z0-9_ ]+\|>|<(?:s|/s|bos|eos|pad|unk)>|\[/?INST\]", re.IGNORECASE)
_INJECTION = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b[^.\n]{0,30}\b(?:previous|prior|above|earlier|all|any"
    r"|your|the|these|system)\b[^.\n]{0,20}\b(?:instructions?|prompts?|rules|directions?|guidelines?"
    r"|messages?)\b|\bnew instructions?:|\bsystem prompt:|\byou (?:must|will) now\b|\bjailbreak"
    r"|\breveal\b[^.\n]{0,20}\b(?:system )?prompt\b|\bpretend (?:to be|that you)\b",
    re.IGNORECASE,
)
_REFUSAL = re.compile(r"\b(?:not|never|cannot|refuses? to)\W*$|n['\u2019]t\W*$", re.IGNORECASE)
_BRACES = re.compile(r"\{\{\s*[A-Z][A-Z0-9_ .-]*\s*\}\}")
_TODO = re.compile(r"\b(?:TODO|TBD|TBA|FIXME|XXX|TKTK)\b")
_BRACKETS = re.compile(r"(?<![\]\w\\!])\[([^\[\]\n]{1,80})\](?![(\[:])")
_CITED = re.compile(
    r"\^.+|[\d\s,;\u2013-]+|[ xX]|sic|\w[\w .,&-]*,? \d{4}[a-z]?(?:[,;] .*)?|[\"'].*|[^\w]*"
)
_BLANK = re.compile(
    r"(?<!\w)_{3,}(?!\w)|\?{3,}|<(?:your|my|the|insert|fill|name|add|enter)\b[^<>]*>|lorem ipsum",
    re.IGNORECASE,
)
_TAG = re.compile(r"<[A-Z][A-Z0-9_ ]*>")
_REFERENCE = re.compile(r"^ {0,3}\[([^\]\n]+)\]:\s*\S", re.MULTILINE)


def bytes_findings(data: bytes, file: str) -> list[Finding]:
    """What is wrong with the bytes."""
    if not data.strip():
        return [
            _finding(
                "empty-file", file, 1, "the file is empty.", "Write the facts about the model."
            )
        ]
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return [_finding("encoding", file, 1, "the file is UTF-16.", "Save it as UTF-8.")]
    if b"\0" in data:
        line = data[: data.index(b"\0")].count(b"\n") + 1
        return [
            _finding(
                "binary",
                file,
                line,
                "a NUL byte: this is no text file.",
                "Give a markdown file in UTF-8.",
            )
        ]
    return [
        _finding("encoding", file, number, "bytes that are not UTF-8.", "Save the file as UTF-8.")
        for number, line in enumerate(re.split(rb"\r\n|\r|\n", data), start=1)
        if not _is_utf8(line)
    ]


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def line_findings(text: str, file: str) -> list[Finding]:
    """What is wrong with single lines."""
    shown = hide_code(text).split("\n")
    defined = {name.casefold() for name in _REFERENCE.findall(text)}
    found = [
        _finding(
            "secret",
            file,
            line,
            f"this looks like a secret ({kind}).",
            "Remove it, and revoke it if it is real: teachers and the model would learn it.",
        )
        for line, kind in secret_lines(text)
    ]
    for number, line in _filled(text.split("\n")):
        found += _characters(line, file, number)
        found += _injection(line, file, number)
    for number, line in _filled(shown):
        found += [
            _finding(
                "placeholder",
                file,
                number,
                f"the placeholder {mark!r} is still there.",
                "Fill it in, or delete the line.",
            )
            for mark in _placeholders(line, defined)
        ]
    return found


def language_findings(text: str, file: str) -> list[Finding]:
    """Whether it is in another language than what is made of it."""
    tongue = foreign_tongue(hide_code(text))
    if not tongue:
        return []
    message = f"this reads like {tongue}: the embedded teacher and the probes speak English."
    fix = "Write the facts in English; names and values may stay as they are."
    return [_finding("language", file, 1, message, fix, "warning")]


def _filled(lines: list[str]) -> Iterator[tuple[int, str]]:
    """(number, line) of the lines that hold anything."""
    return ((number, line) for number, line in enumerate(lines, start=1) if line)


def _characters(line: str, file: str, number: int) -> Iterator[Finding]:
    checks: tuple[tuple[re.Pattern[str], str, Severity, str], ...] = (
        (_BIDI, "bidi", "error", "a character that turns the direction of text"),
        (_ZERO_WIDTH, "invisible", "error", "an invisible character"),
        (_CONTROL, "control", "error", "a control character"),
    )
    for pattern, rule, severity, what in checks:
        if found := pattern.search(line):
            where = f"{what} (U+{ord(found.group(0)[0]):04X}) at column {found.start() + 1}."
            yield _finding(rule, file, number, where, "Delete it.", severity)
    if found := _SPECIAL.search(line):
        yield _finding(
            "special-token",
            file,
            number,
            f"the special token {found.group(0)!r} of a chat format.",
            "Describe it in words: conversations that contain it are rejected.",
            "warning",
        )


def _injection(line: str, file: str, number: int) -> Iterator[Finding]:
    found = _INJECTION.search(line)
    if found and not _REFUSAL.search(line[: found.start()]):
        yield _finding(
            "injection",
            file,
            number,
            f"this reads like an order to the teacher: {found.group(0)!r}.",
            "State facts about the model; teachers get this text as data.",
            "warning",
        )


def _placeholders(line: str, defined: set[str]) -> Iterator[str]:
    bare = re.sub(r"`[^`]*`", lambda code: " " * len(code.group(0)), line)
    for pattern in (_BRACES,):
        yield from (found.group(0) for found in pattern.finditer(line))
    for pattern in (_TODO, _BLANK, _TAG):
        yield from (found.group(0) for found in pattern.finditer(bare))
    for found in _BRACKETS.finditer(bare):
        inside = found.group(1).strip()
        if not _CITED.fullmatch(inside) and inside.casefold() not in defined:
            yield found.group(0)


def _finding(
    rule: str, file: str, line: int, message: str, fix: str, severity: Severity = "error"
) -> Finding:
    return Finding(rule=rule, severity=severity, file=file, line=line, message=message, fix=fix)
