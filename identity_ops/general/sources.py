"""General chat from elsewhere: one reader for files, the hub and the builtin exercises.

    builtin               made on the spot, without end
    PATH.parquet          a column `messages`: list<struct<role, content>>, read in row groups
    PATH.jsonl            a line each: {"messages": [...]}, or a bare array as nanochat's tasks
    hf:REPO[:split]       a data set of the hub, streamed once into a file of the working folder

A source can be read again and again and always yields the same rows in the same order; nothing
is held in memory but the row group being read. Shape is checked here, content is not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from identity_ops.errors import ConfigError, CorruptError, DataError
from identity_ops.general import builtin
from identity_ops.records import Message
from identity_ops.store.manifest import file_hash
from identity_ops.store.publish import atomic_file

MAX_LINE = 4 << 20  # bytes
BATCH = 1000  # rows held at a time


@dataclass(frozen=True, slots=True)
class Row:
    """One conversation of a source. Messages may be anything but well-shaped."""

    where: str  # file:row
    messages: tuple[Message, ...]
    skill: str = ""


class Source(Protocol):
    """General chat that can be read repeatedly."""

    @property
    def name(self) -> str:
        """As the mixture's `source` column and its figures say."""

    @property
    def endless(self) -> bool:
        """Whether rows() never ends."""

    def digest(self) -> str:
        """What decides the rows."""

    def rows(self) -> Iterator[Row]: ...

    def renamed(self, name: str) -> Source:
        """The same rows under another name."""


@dataclass(frozen=True, slots=True)
class Builtin:
    """The exercises that ship with the project, train split."""

    seed: int = 0
    name: str = "builtin"
    endless: bool = True

    def renamed(self, name: str) -> Source:
        return replace(self, name=name)

    def digest(self) -> str:
        return f"builtin/{self.seed}"

    def rows(self) -> Iterator[Row]:
        stream = builtin.conversations("train", 1 << 62, self.seed)
        for number, item in enumerate(stream):
            yield Row(f"builtin:{number}", item.messages, item.skill)


@dataclass(frozen=True, slots=True)
class ParquetFile:
    """A Parquet file with `messages`; further columns are left unread."""

    path: Path
    name: str
    endless: bool = False

    def renamed(self, name: str) -> Source:
        return replace(self, name=name)

    def digest(self) -> str:
        return file_hash(self.path)

    def rows(self) -> Iterator[Row]:
        number = 0
        for batch in self._batches():
            for messages in batch.column("messages").to_pylist():
                yield Row(f"{self.path}:{number}", shaped(messages, f"{self.path}:{number}"))
                number += 1

    def _batches(self) -> Iterator[pa.RecordBatch]:
        try:
            with pq.ParquetFile(self.path) as file:
                _require_messages(self.path, file.schema_arrow)
                yield from file.iter_batches(batch_size=BATCH, columns=["messages"])
        except (pa.ArrowException, OSError) as error:
            raise CorruptError(f"damaged or not Parquet: {error}", where=self.path) from error


@dataclass(frozen=True, slots=True)
class JsonLines:
    """A JSONL file: `{"messages": [...]}` or a bare array of messages a line."""

    path: Path
    name: str
    endless: bool = False

    def renamed(self, name: str) -> Source:
        return replace(self, name=name)

    def digest(self) -> str:
        return file_hash(self.path)

    def rows(self) -> Iterator[Row]:
        with self.path.open("rb") as lines:
            number = 0
            while line := lines.readline(MAX_LINE + 1):
                number += 1
                if line.strip():
                    where = f"{self.path}:{number}"
                    yield Row(where, shaped(_messages(line, where), where))


def open_source(spec: str, *, seed: int = 0, spool: Path | None = None) -> Source:
    """The source that a spec names, ready to read.

    Args:
        seed: of the builtin exercises.
        spool: folder for what is fetched from the hub.

    Raises:
        ConfigError: no such kind of source, or what it needs is not installed.
        DataError: no such file, or no `messages` in it.
    """
    if spec == "builtin":
        return Builtin(seed)
    if spec.startswith("hf:"):
        return _fetched(spec, spool or Path.cwd())
    path = Path(spec)
    if not path.is_file():
        raise DataError(
            "no such file", where=spec, todo="General chat: builtin, a path, or hf:REPO[:split]."
        )
    if path.suffix in (".jsonl", ".json", ".ndjson"):
        return JsonLines(path, path.name)
    if path.suffix == ".parquet":
        return ParquetFile(path, path.name)
    raise ConfigError(
        "cannot tell the format of general chat", where=spec, expected=".parquet or .jsonl",
        got=path.suffix or "no suffix",
    )  # fmt: skip


def shaped(messages: Any, where: str) -> tuple[Message, ...]:
    """Role and content of each message, other keys dropped.

    Raises:
        DataError: not a list of objects with text in role and content.
    """
    if not isinstance(messages, list):
        raise DataError("not a list of messages", where=where, got=type(messages).__name__)
    found = []
    for message in messages:
        parts = message if isinstance(message, dict) else {}
        role, content = parts.get("role"), parts.get("content")
        if not isinstance(role, str) or not isinstance(content, str):
            raise DataError(
                "not a message", where=where, expected="role and content, both text",
                got=str(message)[:60], todo="Convert it, or leave the row out.",
            )  # fmt: skip
        found.append(Message(role=role, content=content))
    return tuple(found)


def _messages(line: bytes, where: str) -> Any:
    if len(line) > MAX_LINE:
        raise DataError("line is too long", where=where, expected=f"<= {MAX_LINE} bytes")
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"not JSON: {error}", where=where) from error
    if isinstance(data, dict) and "messages" in data:
        return data["messages"]
    if isinstance(data, list):
        return data
    raise DataError("no messages", where=where, expected='{"messages": [...]} or [...]')


def _require_messages(path: Path, schema: pa.Schema) -> None:
    kind = schema.field("messages").type if "messages" in schema.names else None
    lists = kind is not None and (pa.types.is_list(kind) or pa.types.is_large_list(kind))
    struct = kind.value_type if kind is not None and lists else None
    if struct is None or not pa.types.is_struct(struct):
        raise DataError(
            "no column messages: list<struct<role, content>>",
            where=path,
            got=", ".join(schema.names),
        )
    missing = {"role", "content"} - {field.name for field in struct}
    if missing:
        raise DataError("messages lack a field", where=path, got=", ".join(sorted(missing)))


def _fetched(spec: str, spool: Path) -> Source:
    """Stream a data set of the hub into a file once; later readings need no network."""
    repo, _, split = spec.removeprefix("hf:").partition(":")
    name = spec.replace("/", "--").replace(":", "-")
    path = spool / f".{name}.parquet"
    if not path.exists():
        _write(path, _hub_rows(repo, split or "train", spec))
    return ParquetFile(path, spec)


def _hub_rows(repo: str, split: str, spec: str) -> Iterator[tuple[Message, ...]]:
    try:
        import datasets
    except ImportError:
        raise ConfigError(
            "the hub needs the package datasets", where=spec, todo="pip install datasets"
        ) from None
    try:
        config = "all" if repo.lower().endswith("smoltalk") else None
        stream = datasets.load_dataset(repo, config, split=split, streaming=True)
    except Exception as error:  # offline, no such repository, no such split: many types
        raise DataError(
            f"cannot read from the hub: {error}", where=spec,
            todo="Check the name and the network, or give a local Parquet or JSONL file.",
        ) from error  # fmt: skip
    for number, row in enumerate(stream):
        if "messages" not in row:
            raise DataError("no column messages", where=f"{spec}:{number}", got=", ".join(row))
        yield shaped(list(row["messages"]), f"{spec}:{number}")


def _write(path: Path, rows: Iterable[tuple[Message, ...]]) -> None:
    schema = pa.schema(
        [("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())])))]
    )
    with atomic_file(path) as out, pq.ParquetWriter(out, schema, compression="zstd") as writer:
        group: list[dict[str, Any]] = []
        for messages in rows:
            group.append({"messages": list(messages)})
            if len(group) == BATCH:
                writer.write_table(pa.Table.from_pylist(group, schema=schema))
                group = []
        writer.write_table(pa.Table.from_pylist(group, schema=schema))
