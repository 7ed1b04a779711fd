"""The mixture on disk: train.parquet and val.parquet, written side by side in row groups."""

from __future__ import annotations

import contextlib
import hashlib
import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from identity_ops.curate.dataset import MESSAGES, ROW_GROUP
from identity_ops.records import Message
from identity_ops.store.publish import atomic_file

TRAIN, VAL = "train.parquet", "val.parquet"
EVERY = -1  # part of the rows that every pass of a training uses
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("skill", pa.string()),
        ("messages", MESSAGES),
        ("fact_ids", pa.list_(pa.string())),
        ("tokens", pa.int64()),
        ("part", pa.int32()),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MixRow:
    """One conversation of the mixture."""

    id: str
    source: str  # "identity", or the name of a general source
    skill: str  # of builtin exercises; the kind of an identity conversation
    messages: tuple[Message, ...]
    fact_ids: tuple[str, ...] = ()
    tokens: int
    part: int = EVERY


def is_val(identity: str, share: float, seed: int) -> bool:
    """Whether a conversation is held out: by its id alone, so copies go the same way."""
    digest = hashlib.blake2b(f"val/{seed}/{identity}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") < share * 2**64


def interleaved(streams: Sequence[tuple[int, Iterable[MixRow]]]) -> Iterator[MixRow]:
    """The streams, each of a known length, spread evenly over the whole."""
    placed = [
        (((at + 0.5) / max(1, length), order, row) for at, row in enumerate(rows))
        for order, (length, rows) in enumerate(streams)
    ]
    for _, _, row in heapq.merge(*placed, key=lambda entry: entry[:2]):
        yield row


def write_mixture(folder: Path, rows: Iterable[tuple[MixRow, bool]]) -> None:
    """Write each row to the train or, where the flag says so, the val file; both appear whole."""
    with contextlib.ExitStack() as stack:
        train, val = (stack.enter_context(_writer(folder / name)) for name in (TRAIN, VAL))
        for row, held_out in rows:
            (val if held_out else train).add(row)


class _Rows:
    """Collects rows into row groups."""

    def __init__(self, writer: pq.ParquetWriter) -> None:
        self._writer = writer
        self._group: list[dict[str, Any]] = []

    def add(self, row: MixRow) -> None:
        self._group.append(asdict(row))
        if len(self._group) == ROW_GROUP:
            self.flush()

    def flush(self) -> None:
        self._writer.write_table(pa.Table.from_pylist(self._group, schema=SCHEMA))
        self._group = []


@contextlib.contextmanager
def _writer(path: Path) -> Iterator[_Rows]:
    with (
        atomic_file(path) as out,
        pq.ParquetWriter(out, SCHEMA, compression="zstd", write_page_checksum=True) as writer,
    ):
        rows = _Rows(writer)
        yield rows
        rows.flush()
