"""The curated data set on disk, as the field's tools read it.

    data/train-00000-of-00001.parquet   messages: list<struct<role, content>> and the plan's fields
    README.md                           `configs:` for datasets.load_dataset, plain and streaming
    conversations.jsonl                 {"messages": [...]} a line, for tools that read no Parquet

Reading compares the schema exactly first: pyarrow would silently drop columns it does not expect.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from identity_ops.errors import CorruptError, DataError
from identity_ops.records import Conversation, Message, Rejection
from identity_ops.store import manifest as manifests
from identity_ops.store.publish import atomic_file, write_atomic

TRAIN = "data/train-00000-of-00001.parquet"
ROW_GROUP = 2000
MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
CONVERSATIONS = pa.schema(
    [
        ("id", pa.string()),
        ("index", pa.int64()),
        ("messages", MESSAGES),
        ("kind", pa.string()),
        ("category", pa.string()),
        ("topic", pa.string()),
        ("persona", pa.string()),
        ("dynamic", pa.string()),
        ("language", pa.string()),
        ("fact_ids", pa.list_(pa.string())),
        ("split", pa.string()),
    ]
)
REJECTIONS = pa.schema(
    [
        ("id", pa.string()),
        ("index", pa.int64()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("text", pa.string()),
    ]
)


def write_table(path: Path, schema: pa.Schema, rows: Iterable[dict[str, Any]]) -> int:
    """Write rows to a zstd Parquet file, a row group at a time, atomically; returns how many."""
    rows, count = iter(rows), 0
    with (
        atomic_file(path) as out,
        pq.ParquetWriter(out, schema, compression="zstd", write_page_checksum=True) as writer,
    ):
        while group := list(islice(rows, ROW_GROUP)):
            writer.write_table(pa.Table.from_pylist(group, schema=schema))
            count += len(group)
    return count


def read_table(path: Path, schema: pa.Schema) -> Iterator[dict[str, Any]]:
    """The rows of a Parquet file, a row group at a time.

    Raises:
        DataError: its columns are not exactly `schema`'s.
        CorruptError: not Parquet, truncated or damaged.
    """
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            require_schema(path, file.schema_arrow, schema)
            for group in range(file.num_row_groups):
                yield from file.read_row_group(group).to_pylist()
    except FileNotFoundError:
        raise DataError("no such file", where=path) from None
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise CorruptError(
            f"damaged or not Parquet: {error}", where=path, todo="Make or fetch it again."
        ) from error


def require_schema(path: Path, found: pa.Schema, expected: pa.Schema) -> None:
    """Names, types and order of the columns must be the same; metadata may differ.

    Raises:
        DataError: names what is missing, unknown or of another type.
    """
    got, want = ({field.name: _type_name(field) for field in s} for s in (found, expected))
    if list(got.items()) == list(want.items()) and len(got) == len(found.names):
        return
    differs = [
        *(f"missing {name}" for name in want if name not in got),
        *(f"unknown {name}" for name in got if name not in want),
        *(f"{n} is {got[n]}, not {want[n]}" for n in want if n in got and got[n] != want[n]),
    ]
    raise DataError(
        "not the expected columns", where=path, expected=", ".join(want),
        got="; ".join(differs) or "another order", todo="Make it again with this version.",
    )  # fmt: skip


def _type_name(field: pa.Field) -> str:
    """The type in words; what writers call the element of a list makes no difference."""
    return str(field.type).replace("list<element:", "list<item:")


def read_conversations(folder: Path, *, verify: bool = True) -> Iterator[Conversation]:
    """The conversations of a committed curate folder, checked against its manifest first.

    Raises:
        CorruptError: a file differs from the manifest.
        DataError: no result, or other columns.
    """
    manifests.load(folder, verify=verify)
    for row in read_table(folder / TRAIN, CONVERSATIONS):
        fields: dict[str, Any] = {
            key: tuple(v) if isinstance(v, list) else v for key, v in row.items()
        }
        yield Conversation(**fields)


def write_dataset(folder: Path, conversations: Sequence[Conversation], name: str) -> list[str]:
    """Write the three files; returns their names."""
    write_table(folder / TRAIN, CONVERSATIONS, map(_row, conversations))
    write_messages(folder / "conversations.jsonl", (c.messages for c in conversations))
    write_atomic(folder / "README.md", card(name, len(conversations)))
    return [TRAIN, "conversations.jsonl", "README.md"]


def write_rejections(path: Path, rejections: Iterable[Rejection]) -> int:
    """Write the rejected responses with their reasons; lone surrogates are escaped."""
    return write_table(path, REJECTIONS, map(_rejection_row, rejections))


def write_messages(path: Path, conversations: Iterable[Sequence[Message]]) -> None:
    """One `{"messages": [...]}` a line."""
    with atomic_file(path) as out:
        for messages in conversations:
            out.write(json.dumps({"messages": list(messages)}, ensure_ascii=False).encode() + b"\n")


def text_lines(messages: Iterable[Message]) -> str:
    """A conversation as people read it: one `role: content` a line."""
    return "\n".join(f"{message['role']}: {message['content']}" for message in messages)


def card(name: str, count: int) -> str:
    """The data set card; its header tells `datasets` where the rows are."""
    size = "n<1K" if count < 1000 else "1K<n<10K" if count < 10_000 else "10K<n<1M"
    title = json.dumps(f"Conversations about {name}", ensure_ascii=False)
    return (
        "---\n"
        f"pretty_name: {title}\n"
        "task_categories:\n- text-generation\n"
        f"size_categories:\n- {size}\n"
        "configs:\n- config_name: default\n  data_files:\n"
        f"  - split: train\n    path: {TRAIN}\n"
        "---\n\n"
        f"# Conversations about {name}\n\n"
        f"{count} chat conversations that teach a language model who it is, made by identity-ops.\n"
        "`messages` holds the turns; `fact_ids` names the facts of the knowledge base that the\n"
        "assistant states; the other columns are the plan each conversation was drawn from.\n"
        "`conversations.jsonl` has the messages alone.\n"
    )


def _row(conversation: Conversation) -> dict[str, Any]:
    return {name: _plain(getattr(conversation, name)) for name in CONVERSATIONS.names}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _rejection_row(rejection: Rejection) -> dict[str, Any]:
    row: dict[str, Any] = {name: getattr(rejection, name) for name in REJECTIONS.names}
    for name in ("detail", "text"):
        row[name] = row[name].encode("utf-8", "backslashreplace").decode()
    return row
