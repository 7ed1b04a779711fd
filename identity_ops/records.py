"""The records that pass between stages, and how they become JSON lines.

Frozen and slotted: a stage that wants another value makes another record. Unknown keys are
refused when reading, so that a file of another version is never half understood.
"""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypedDict, TypeVar

from identity_ops.errors import DataError
from identity_ops.store.publish import atomic_file

Kind = Literal[
    "identity", "limitation", "misconception", "unknown_attribute", "third_party", "ordinary"
]
Ascii = Literal["fold", "strict", "off"]  # which characters conversations may have
T = TypeVar("T")


class Message(TypedDict):
    """One turn, as every chat format writes it. role: system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing the knowledge base says of the model."""

    id: str  # stable under re-ordering and re-wrapping
    section: str  # the heading it stands under, as written
    attribute: str  # the label as written, "" for an unlabelled statement
    role: str  # what the attribute is about in one of our terms (name, creator, ...), "" if new
    value: str  # the value, or the whole statement where there is no label
    items: tuple[str, ...] = ()  # the parts of a value that is a list
    aliases: tuple[str, ...] = ()  # other spellings that an answer may use
    polarity: bool = True  # False: the model cannot, has not or is not
    file: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """The plan of one conversation."""

    id: str  # conversation id: hash of knowledge fingerprint, seed and index
    index: int
    kind: Kind
    category: str  # the topic's group in the catalogue
    topic: str
    persona: str
    dynamic: str
    openers: tuple[str, ...]
    language: str  # ISO 639-1
    turns: int  # user and assistant messages together
    fact_ids: tuple[str, ...]  # facts the conversation must teach
    seed: int  # of this conversation alone
    spare: bool = False  # held back to replace a rejected one


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One answer of a teacher: the record of what was paid for."""

    id: str  # conversation id
    key: str  # what was asked: hash of provider, address, model, full request, id and attempt
    attempt: int
    text: str
    finish_reason: str
    provider: str
    model: str
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    cost_usd: float
    latency_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """An accepted conversation with the plan it came from."""

    id: str
    index: int
    messages: tuple[Message, ...]
    kind: Kind
    category: str
    topic: str
    persona: str
    dynamic: str
    language: str
    fact_ids: tuple[str, ...]  # facts found in it, not only planned
    split: str = "train"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A response or conversation that was not used, and why."""

    id: str
    index: int
    reason: str  # code, counted in the report
    detail: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One question with the rule that grades its answer.

    A probe passes when every `all_of` matches and no `none_of` does (case-insensitive search).
    """

    id: str
    category: str  # "stratum" or "stratum/detail": name/typo, fact, unknown, ability/copy, ...
    question: str
    all_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()
    history: tuple[Message, ...] = ()
    system: str = ""
    fact_ids: tuple[str, ...] = ()


def encode(record: Any) -> str:
    """One record as one JSON line, without the newline."""
    row = {name: getattr(record, name) for name in field_names(type(record))}  # asdict copies
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"))


def decode(kind: type[T], line: str, where: str = "") -> T:
    """The record in a JSON line.

    Raises:
        DataError: not JSON, or not exactly this record's keys.
    """
    try:
        row = json.loads(line)
        return kind(**{key: _freeze(value) for key, value in row.items()})
    except (ValueError, TypeError, AttributeError) as error:
        raise DataError(f"not a {kind.__name__} record: {error}", where=where or None) from error


def write_jsonl(path: Path, records: Iterable[Any]) -> int:
    """Write records to `path` atomically; returns how many."""
    count = 0
    with atomic_file(path) as out:
        for record in records:
            out.write(encode(record).encode() + b"\n")
            count += 1
    return count


def read_jsonl(kind: type[T], path: Path) -> Iterator[T]:
    """The records of a committed file, in order."""
    with path.open(encoding="utf-8", newline="\n") as lines:
        for number, line in enumerate(lines, start=1):
            yield decode(kind, line, f"{path}:{number}")


def field_names(kind: type[Any]) -> tuple[str, ...]:
    """The record's columns, in order."""
    return tuple(field.name for field in dataclasses.fields(typing.cast(Any, kind)))


def _freeze(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
