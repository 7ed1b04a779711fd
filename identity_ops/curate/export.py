"""Export a curated set for other tools.

    nanochat    a bare array of messages a line, as nanochat's CustomJSON task reads it (part of
                nanochat until July 2026): at least two messages, user first, strict
                alternation, text contents, no system turn
    messages    {"messages": [...]} a line
    hub         a folder that `datasets.load_dataset` reads

Metadata never goes into the lines: it gets a file beside them, in the same order.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Literal, get_args

from identity_ops.curate.dataset import read_conversations, write_dataset, write_messages
from identity_ops.curate.parse import check_roles
from identity_ops.errors import DataError, RejectedError, UsageError
from identity_ops.records import Conversation
from identity_ops.store.publish import atomic_file

Format = Literal["nanochat", "messages", "hub"]


def export(source: Path, form: str, path: Path, *, metadata: bool = False) -> int:
    """Write the conversations of a committed curate folder to `path`; returns how many.

    Args:
        form: nanochat, messages or hub (then `path` is a folder).
        metadata: also write `<path>.metadata.jsonl`, one object a line in the same order.

    Raises:
        UsageError: unknown format.
        DataError, CorruptError: `source` is no whole curate result, or a conversation does not
            alternate as the format demands.
    """
    if form not in get_args(Format):
        raise UsageError("unknown export format", expected=", ".join(get_args(Format)), got=form)
    rows = list(read_conversations(source))
    if form == "hub":
        write_dataset(path, rows, path.resolve().name)
    elif form == "messages":
        write_messages(path, (row.messages for row in rows))
    else:
        _write_lines(path, nanochat_lines(rows))
    if metadata:
        _write_lines(path.with_name(f"{path.name}.metadata.jsonl"), map(_metadata, rows))
    return len(rows)


def nanochat_lines(rows: Sequence[Conversation]) -> Iterator[str]:
    """Each conversation as a bare array, checked for what nanochat asserts on loading.

    Raises:
        DataError: names the conversation that it would refuse.
    """
    for row in rows:
        try:
            check_roles(row.messages)
        except RejectedError as error:
            raise DataError(f"nanochat would refuse it: {error.what}", where=row.id) from error
        yield json.dumps(list(row.messages), ensure_ascii=False)


def _metadata(row: Conversation) -> str:
    fields = {key: value for key, value in asdict(row).items() if key != "messages"}
    return json.dumps(fields, ensure_ascii=False)


def _write_lines(path: Path, lines: Iterator[str]) -> None:
    with atomic_file(path) as out:
        for line in lines:
            out.write(line.encode() + b"\n")
