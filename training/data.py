"""The mixture as tokens: read, render and lay out as tensors.

Covers which conversations can be trained on (those that fit a row and have something to learn),
and what a batch of packed rows looks like. Every token predicts the next one of its own
conversation; the last token of each has nothing to predict, so it takes no place in a row.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from identity_ops.chat_format import ChatFormat
from identity_ops.errors import DataError
from training.corpus import HIDEABLE, IGNORE, SUPERVISED, Chunk, Corpus
from training.packing import EVERY
from training.pool import in_processes
from training.spelling import encode_cut

log = logging.getLogger(__name__)
SOURCES = ("identity", "general")  # as the log tells them apart; every other source is general
COLUMNS = ("id", "source", "messages", "part")
CHUNK = 1024  # rows that are read and encoded at once


@dataclass(frozen=True, slots=True)
class Batch:
    """Packed rows. ids and documents: (B, T); the rest: (N,), one for each supervised token."""

    ids: Tensor
    documents: Tensor  # number of the conversation in its row, -1 for padding
    select: Tensor  # flat position in (B, T)
    targets: Tensor
    sources: Tensor  # index into SOURCES
    hideable: Tensor  # (B, T)
    tokens: int  # without padding

    def to(self, device: torch.device) -> Batch:
        """The same batch on a device."""
        return Batch(
            self.ids.to(device, non_blocking=True),
            self.documents.to(device, non_blocking=True),
            self.select.to(device, non_blocking=True),
            self.targets.to(device, non_blocking=True),
            self.sources.to(device, non_blocking=True),
            self.hideable.to(device, non_blocking=True),
            self.tokens,
        )


@contextlib.contextmanager
def _mixture(path: Path) -> Iterator[pq.ParquetFile]:
    """A mixture's file, open.

    Raises:
        DataError: not Parquet, or columns missing.
    """
    try:
        with pq.ParquetFile(path) as table:
            missing = set(COLUMNS) - set(table.schema_arrow.names)
            if missing:
                raise DataError("columns are missing", where=path, got=sorted(missing))
            yield table
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"unreadable: {error}", where=path) from error


def read_mixture(path: Path) -> Iterator[dict[str, Any]]:
    """Rows of a mixture's Parquet file, streamed."""
    for table in _tables(path):
        yield from table.to_pylist()


def _tables(path: Path) -> Iterator[pa.RecordBatch]:
    with _mixture(path) as table:
        yield from table.iter_batches(batch_size=CHUNK, columns=list(COLUMNS))


def rows_of(path: Path) -> int:
    """How many rows a mixture's file has."""
    with _mixture(path) as table:
        return int(table.metadata.num_rows)


def passes_of(path: Path) -> int:
    """For how many passes a mixture's file holds general chat of its own."""
    with _mixture(path) as table:
        parts = table.read(columns=["part"])["part"].to_numpy()
    return int(parts.max(initial=EVERY)) + 1 or 1


@dataclass(frozen=True, slots=True)
class Cutting:
    """How user turns are cut (see training.spelling), and for how many passes anew."""

    share: float = 0.0
    passes: int = 1
    seed: int = 0


WHOLE = Cutting()


@dataclass(frozen=True, slots=True)
class Encoder:
    """Rows of a mixture as tokens: those that fit a row and have something to learn.

    Args:
        capacity: tokens of a row.
        cutting: a conversation that belongs to every pass is cut at other places in each.
    """

    chat: ChatFormat
    capacity: int
    cutting: Cutting = WHOLE

    @property
    def wide(self) -> bool:
        """Whether token ids need more than two bytes."""
        return self.chat.vocabulary > 1 << 16

    def __call__(self, rows: Iterable[dict[str, Any]]) -> Chunk:
        chunk = Chunk(self.wide)
        for row in rows:
            anew = self.cutting.share and row["part"] == EVERY
            for part in range(self.cutting.passes) if anew else [row["part"]]:
                self._add(chunk, row | {"part": part})
        return chunk

    def _add(self, chunk: Chunk, row: dict[str, Any]) -> None:
        ids, supervised = self._render(row)
        if len(ids) - 1 > self.capacity:  # cutting makes a text longer: rather whole than left out
            ids, supervised = self.chat.render(row["messages"], row["id"])
        if len(ids) - 1 > self.capacity:
            chunk.too_long.append(row["id"])
        elif not any(supervised[1:]):
            chunk.no_answer.append(row["id"])
        else:
            chunk.add(ids, _flags(ids, supervised, self.chat, row["source"]))
            chunk.sources.append(0 if row["source"] == SOURCES[0] else 1)
            chunk.parts.append(row["part"])
            chunk.names.append(row["id"])

    def _render(self, row: dict[str, Any]) -> tuple[list[int], list[bool]]:
        share = self.cutting.share
        seed = f"{self.cutting.seed}/{row['id']}/{row['part']}"

        def encode_user(text: str) -> list[int]:
            return encode_cut(self.chat, text, share, seed)

        return self.chat.render(row["messages"], row["id"], encode_user if share else None)


def _flags(
    ids: list[int], supervised: list[bool], chat: ChatFormat, source: str
) -> npt.NDArray[np.uint8]:
    """Which tokens are learnt, and which may be hidden in training: words that only ask.

    Hidden are words of identity conversations alone, and none that an answer repeats: what is
    copied or compared must stay readable.
    """
    learnt = np.asarray(supervised)
    flags = learnt.astype(np.uint8) * SUPERVISED
    if source == SOURCES[0]:
        tokens = np.asarray(ids, dtype=np.int32)
        kept = np.isin(tokens, [*np.unique(tokens[learnt]), *chat.controls]) | learnt
        flags |= ~kept * HIDEABLE
    return flags


def load_corpus(
    rows: Iterable[dict[str, Any]],
    chat: ChatFormat,
    capacity: int,
    max_left_out: float,
    cutting: Cutting = WHOLE,
) -> Corpus:
    """Rows as tokens, see `Encoder`.

    Args:
        max_left_out: the share of conversations that may be left out.

    Raises:
        DataError: more than that are unusable; names the first and counts them all.
    """
    encode = Encoder(chat, capacity, cutting)
    return _gathered(Corpus(encode.wide), [encode(rows)], capacity, max_left_out)


def load_mixture(
    path: Path, encode: Encoder, max_left_out: float, processes: int = 1, file: Path | None = None
) -> Corpus:
    """A mixture's Parquet file as tokens, the same whatever the number of processes.

    Args:
        file: where the tokens go, see `Corpus`.

    Raises:
        DataError: as `load_corpus`.
    """
    chunks = in_processes(_encode_table, encode, _tables(path), processes)
    return _gathered(Corpus(encode.wide, file), chunks, encode.capacity, max_left_out)


def _encode_table(encode: Encoder, table: pa.RecordBatch) -> Chunk:
    return encode(table.to_pylist())


def _gathered(
    corpus: Corpus, chunks: Iterable[Chunk], capacity: int, max_left_out: float
) -> Corpus:  # fmt: skip
    for chunk in chunks:
        corpus.extend(chunk)
    corpus.flush()
    _check_left_out(corpus, capacity, max_left_out)
    return corpus


def _check_left_out(corpus: Corpus, capacity: int, max_left_out: float) -> None:
    for reason, names in corpus.left_out.items():
        total = len(names) + len(set(corpus.names))
        if len(names) > max_left_out * total:
            raise DataError(
                f"{len(names)} of {total} conversations cannot be trained on: {reason}",
                where=names[0],
                expected=f"at most {capacity + 1} tokens and an answer",
                todo="Raise row_tokens or max_left_out in the recipe, or shorten them.",
            )
        if names:
            log.warning("left out %d conversations: %s, first %s", len(names), reason, names[0])


def collate(corpus: Corpus, rows: Sequence[Sequence[int]], capacity: int) -> Batch:
    """Tensors of packed rows."""
    shape = (len(rows), capacity)
    ids = np.zeros(shape, dtype=np.int64)
    documents = np.full(shape, -1, dtype=np.int64)
    targets = np.full(shape, IGNORE, dtype=np.int64)
    sources = np.zeros(shape, dtype=np.int64)
    hideable = np.zeros(shape, dtype=np.bool_)
    for at, row in enumerate(rows):
        start = 0
        for number, index in enumerate(row):
            found = corpus[index]
            span = slice(start, start + len(found.inputs))
            ids[at, span], targets[at, span] = found.inputs, found.targets
            documents[at, span], sources[at, span] = number, corpus.sources[index]
            hideable[at, span] = found.hideable
            start = span.stop
    select = np.flatnonzero(targets.ravel() != IGNORE)
    return Batch(
        torch.from_numpy(ids),
        torch.from_numpy(documents),
        torch.from_numpy(select),
        torch.from_numpy(targets.ravel()[select]),
        torch.from_numpy(sources.ravel()[select]),
        torch.from_numpy(hideable),
        int((documents >= 0).sum()),
    )


def hide(batch: Batch, places: Tensor, token: int) -> Batch:
    """The batch with its hideable inputs replaced by `token` where `places` (rows, T) is true.

    A small model that has read each question a few times learns the exact string; with words
    missing it learns which words matter, and so understands other wordings.
    """
    ids = batch.ids.masked_fill(places[: len(batch.ids)] & batch.hideable, token)
    return dataclasses.replace(batch, ids=ids)
