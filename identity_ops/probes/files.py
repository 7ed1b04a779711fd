"""Probe files: the committed ones and those that users write.

A user's line: {"id", "category", "question", "all_of": [regex], "none_of": [regex],
"history"?: [messages], "system"?: str}. Every mistake is reported with file:line, all at once.
Regexes are limited to MAX_PATTERN characters and may not nest unbounded repeats, for such a
pattern can take longer than the age of the universe on one answer.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from re import _parser  # type: ignore[attr-defined]
from typing import Annotated, Any, Literal

import regex  # type: ignore[import-untyped]
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from identity_ops.errors import DataError
from identity_ops.probes.choices import FILE as CHOICES
from identity_ops.probes.choices import ChoiceProbe
from identity_ops.records import Message, Probe, encode, read_jsonl
from identity_ops.store import manifest as manifests
from identity_ops.store.manifest import canonical_hash

BUILT = "probes.jsonl"
OWN = "own_probes.jsonl"
MAX_PATTERN = 2_000  # characters
MAX_FILE = 32 * 1024 * 1024  # bytes
MAX_ERRORS = 20
_REPEATS = {"MAX_REPEAT", "MIN_REPEAT"}  # possessive repeats cannot backtrack

Text = Annotated[str, Field(min_length=1, max_length=8_000, pattern=r"\S")]


class UserMessage(BaseModel):
    """One earlier turn of a user's probe."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    role: Literal["user", "assistant"]
    content: Text


class UserProbe(BaseModel):
    """One line of a user's probe file."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: Annotated[str, Field(min_length=1, max_length=200)]
    category: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\s/][^/]*(/[^/]+)*$")]
    question: Text
    all_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()
    history: tuple[UserMessage, ...] = ()
    system: str = Field("", max_length=8_000)

    @field_validator("all_of", "none_of")
    @classmethod
    def _patterns(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            check_pattern(pattern)
        return patterns

    @field_validator("history")
    @classmethod
    def _turns(cls, history: tuple[UserMessage, ...]) -> tuple[UserMessage, ...]:
        roles = [message.role for message in history]
        if roles != ["user", "assistant"] * (len(roles) // 2):
            raise ValueError("history must alternate user, assistant and end with the assistant")
        return history

    def record(self) -> Probe:
        """The probe as the stages pass it on."""
        turns = tuple(Message(role=m.role, content=m.content) for m in self.history)
        return Probe(
            id=self.id, category=self.category, question=self.question, all_of=self.all_of,
            none_of=self.none_of, history=turns, system=self.system,
        )  # fmt: skip


def read_user_probes(path: Path) -> list[Probe]:
    """The probes of a user's JSONL file.

    Raises:
        DataError: names up to MAX_ERRORS wrong lines with what is wrong in each.
    """
    probes: list[Probe] = []
    errors: list[str] = []
    lines: dict[str, int] = {}
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        try:
            probe = UserProbe.model_validate(_object(line)).record()
            if not probe.all_of and not probe.none_of:
                raise ValueError("all_of, none_of: both empty, so any answer would pass")
            if probe.id in lines:
                raise ValueError(f"id: {probe.id!r} is already on line {lines[probe.id]}")
            lines[probe.id] = number
            probes.append(probe)
        except ValueError as error:
            errors.append(f"{path}:{number}: {_explain(error)}")
    if errors or not probes:
        _refuse(path, errors)
    return probes


def check_pattern(pattern: str) -> None:
    """Refuse a regex that does not compile, is too long, or can backtrack without end.

    Raises:
        ValueError: says which.
    """
    if len(pattern) > MAX_PATTERN:
        raise ValueError(f"regex of {len(pattern)} characters, at most {MAX_PATTERN}")
    if not pattern:
        raise ValueError("empty regex: it would match any answer")
    try:
        re.compile(pattern, re.IGNORECASE)
        regex.compile(pattern, regex.IGNORECASE)  # which searches it, with a time limit
        tree = _parser.parse(pattern, re.IGNORECASE)
    except (re.error, regex.error, RecursionError, OverflowError) as error:
        raise ValueError(f"regex {pattern!r} does not compile: {error}") from None
    if _nested(tree, inside=False):
        raise ValueError(f"regex {pattern!r} repeats a repeat without bound; write it flat")


def fingerprint(probes: Iterable[Probe | ChoiceProbe]) -> str:
    """Hash of what is asked and how it is graded, whatever the order: equal hashes, equal tests."""
    return canonical_hash(sorted(encode(probe) for probe in probes))


def load_probes(folder: Path) -> tuple[list[Probe], list[Probe]]:
    """Built probes and the user's, from a committed probes folder."""
    manifest = manifests.load(folder)
    listed = {entry.path for entry in manifest.files}
    built = list(read_jsonl(Probe, folder / BUILT))
    return built, list(read_jsonl(Probe, folder / OWN)) if OWN in listed else []


def load_choices(folder: Path) -> list[ChoiceProbe]:
    """The multiple-choice probes of a committed probes folder; none where it was made without."""
    listed = {entry.path for entry in manifests.load(folder).files}
    return list(read_jsonl(ChoiceProbe, folder / CHOICES)) if CHOICES in listed else []


def _lines(path: Path) -> list[str]:
    try:
        if path.stat().st_size > MAX_FILE:
            raise DataError("probe file too big", where=path, expected=f"at most {MAX_FILE} bytes")
        return path.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise DataError(f"cannot read the probe file: {error.strerror}", where=path) from error
    except UnicodeDecodeError as error:
        raise DataError("the probe file is not UTF-8", where=path, got=error.reason) from error


def _object(line: str) -> dict[str, Any]:
    try:
        row = json.loads(line, object_pairs_hook=_unique)
    except RecursionError:
        raise ValueError("not JSON: nested too deeply") from None
    if not isinstance(row, dict):
        raise ValueError("not a JSON object")
    return row


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        twice = next(key for key, n in Counter(key for key, _ in pairs).items() if n > 1)
        raise ValueError(f"{twice}: given twice")
    return row


def _explain(error: ValueError) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(
            f"{'.'.join(map(str, one['loc']))}: "
            + one["msg"].removeprefix("Value error, ").replace("valid tuple", "list")
            for one in error.errors()
        )
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON: {error.msg} at column {error.colno}"
    return str(error)


def _refuse(path: Path, errors: list[str]) -> None:
    if not errors:
        raise DataError("no probe in the file", where=path, todo="Write one JSON object a line.")
    shown = "\n  ".join(errors[:MAX_ERRORS])
    more = f"\n  and {len(errors) - MAX_ERRORS} more" if len(errors) > MAX_ERRORS else ""
    raise DataError(f"{len(errors)} wrong lines in the probe file\n  {shown}{more}\n")


def _nested(node: Any, *, inside: bool) -> bool:
    """Whether an unbounded repeat lies within another."""
    if isinstance(node, _parser.SubPattern):
        return any(_nested(part, inside=inside) for part in node.data)
    if isinstance(node, (tuple, list)):
        parts: list[Any] = list(node)
        if parts and str(parts[0]) in _REPEATS:
            _, high, body = parts[1]
            unbounded = high == _parser.MAXREPEAT
            return (inside and unbounded) or _nested(body, inside=inside or unbounded)
        return any(_nested(part, inside=inside) for part in parts)
    return False
