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
from dataclasses import dataclass, field
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
from training.packing import EVERY
from training.spelling import encode_cut

log = logging.getLogger(__name__)
SOURCES = ("identity", "general")  # as the log tells them apart; every other source is general
COLUMNS = ("id", "source", "messages", "part")
IGNORE = -1  # target of a position without one


@dataclass(slots=True)
class Corpus:
    """Conversations as arrays: for each, the tokens, and the targets with IGNORE where none."""

    inputs: list[npt.NDArray[np.int32]] = field(default_factory=list)
    targets: list[npt.NDArray[np.int32]] = field(default_factory=list)
    hideable: list[npt.NDArray[np.bool_]] = field(default_factory=list)  # see `_hideable`
    sources: list[int] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)  # the pass that trains on it, or EVERY
    names: list[str] = field(default_factory=list)
    too_long: list[str] = field(default_factory=list)
    no_answer: list[str] = field(default_factory=list)

    @property
    def left_out(self) -> dict[str, list[str]]:
        """Names of the conversations that cannot be trained on, by reason."""
        found = {"too long": self.too_long, "no answer": self.no_answer}
        return {why: list(dict.fromkeys(names)) for why, names in found.items()}

    @property
    def lengths(self) -> list[int]:
        return [len(tokens) for tokens in self.inputs]

    def count(self, source: int) -> int:
        """Conversations of a source, however many ways they are cut."""
        pairs = zip(self.names, self.sources, strict=True)
        return len({name for name, found in pairs if found == source})


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
    with _mixture(path) as table:
        for batch in table.iter_batches(batch_size=1024, columns=list(COLUMNS)):
            yield from batch.to_pylist()


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


def load_corpus(
    rows: Iterable[dict[str, Any]],
    chat: ChatFormat,
    capacity: int,
    max_left_out: float,
    cutting: Cutting = WHOLE,
) -> Corpus:
    """Rows as tokens, without those longer than a row or without an answer.

    Args:
        capacity: tokens of a row.
        max_left_out: the share of conversations that may be left out.
        cutting: a conversation that belongs to every pass is cut at other places in each.

    Raises:
        DataError: more than that are unusable; names the first and counts them all.
    """
    corpus = Corpus()
    for row in rows:
        passes = range(cutting.passes) if cutting.share and row["part"] == EVERY else [row["part"]]
        for part in passes:
            _add(corpus, row | {"part": part}, chat, capacity, cutting)
    _check_left_out(corpus, capacity, max_left_out)
    return corpus


def _add(
    corpus: Corpus, row: dict[str, Any], chat: ChatFormat, capacity: int, cutting: Cutting
) -> None:  # fmt: skip
    ids, supervised = _render(chat, row, cutting)
    if len(ids) - 1 > capacity:  # cutting makes a text longer: rather whole than left out
        ids, supervised = chat.render(row["messages"], row["id"])
    tokens = np.asarray(ids, dtype=np.int32)
    targets = np.where(supervised[1:], tokens[1:], IGNORE).astype(np.int32)
    if len(targets) > capacity:
        corpus.too_long.append(row["id"])
    elif not any(supervised):
        corpus.no_answer.append(row["id"])
    else:
        corpus.inputs.append(tokens[:-1])
        corpus.targets.append(targets)
        corpus.hideable.append(_hideable(tokens, supervised, chat, row["source"]))
        corpus.sources.append(0 if row["source"] == SOURCES[0] else 1)
        corpus.parts.append(row["part"])
        corpus.names.append(row["id"])


def _render(
    chat: ChatFormat, row: dict[str, Any], cutting: Cutting
) -> tuple[list[int], list[bool]]:
    seed = f"{cutting.seed}/{row['id']}/{row['part']}"

    def encode_user(text: str) -> list[int]:
        return encode_cut(chat, text, cutting.share, seed)

    return chat.render(row["messages"], row["id"], encode_user if cutting.share else None)


def _hideable(
    tokens: npt.NDArray[np.int32], supervised: list[bool], chat: ChatFormat, source: str
) -> npt.NDArray[np.bool_]:
    """Which inputs may be hidden from the model in training: words that only ask.

    Of identity conversations alone, and no token that an answer repeats: what is copied or
    compared must stay readable.
    """
    if source != SOURCES[0]:
        return np.zeros(len(tokens) - 1, dtype=np.bool_)
    answered = np.unique(tokens[np.asarray(supervised)])
    kept = np.isin(tokens, [*answered, *chat.controls]) | np.asarray(supervised)
    hideable: npt.NDArray[np.bool_] = ~kept[:-1]
    return hideable


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
            span = slice(start, start + len(corpus.inputs[index]))
            ids[at, span], targets[at, span] = corpus.inputs[index], corpus.targets[index]
            documents[at, span], sources[at, span] = number, corpus.sources[index]
            hideable[at, span] = corpus.hideable[index]
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
