"""Conversations as tokens, in a file: memory holds an index, whatever the corpus weighs.

For each conversation the file has its token ids, two or four bytes each, and a byte of flags for
each. Reads go past the address space (pread), so what was read lies in the kernel's cache and not
in this process. Processes on one machine, or on one disk, share a corpus by passing it on: pickled,
it is its index and the name of its file.
"""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

IGNORE = -1  # target of a position without one
SUPERVISED, HIDEABLE = np.uint8(1), np.uint8(2)  # flags of a token
_COLUMNS = ("lengths", "supervised", "sources", "parts", "names", "too_long", "no_answer")


@dataclass(frozen=True, slots=True)
class Tokens:
    """One conversation: for each token but the last, it, its target, and whether it may hide."""

    inputs: npt.NDArray[np.int32]
    targets: npt.NDArray[np.int32]  # IGNORE where nothing is to be learnt
    hideable: npt.NDArray[np.bool_]


@dataclass(slots=True)
class Chunk:
    """Some conversations, encoded: the index's columns and the file's bytes."""

    wide: bool  # four bytes an id
    lengths: list[int] = field(default_factory=list)  # tokens in a row: without the last
    supervised: list[int] = field(default_factory=list)  # of these, how many have a target
    sources: list[int] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)  # the pass that trains on it, or EVERY
    names: list[str] = field(default_factory=list)
    too_long: list[str] = field(default_factory=list)
    no_answer: list[str] = field(default_factory=list)
    data: bytearray = field(default_factory=bytearray)

    def add(self, ids: Sequence[int], flags: npt.NDArray[np.uint8]) -> None:
        """Take in the tokens of a conversation, its last included; flags: as many."""
        self.lengths.append(len(ids) - 1)
        self.supervised.append(int(np.count_nonzero(flags[1:] & SUPERVISED)))
        self.data += np.asarray(ids, dtype=_dtype(self.wide)).tobytes() + flags.tobytes()


def _dtype(wide: bool) -> type[np.uint32] | type[np.uint16]:
    return np.uint32 if wide else np.uint16


class Corpus(Chunk):
    """All conversations; their bytes are in a file.

    Args:
        path: of the file, to share the corpus; None: a nameless one that ends with it.
    """

    _file: IO[bytes]

    def __init__(self, wide: bool, path: Path | None = None) -> None:
        super().__init__(wide)
        self.path = path
        self._starts = [0]
        self._hold(path.open("w+b") if path else tempfile.TemporaryFile())  # noqa: SIM115 (kept)

    def _hold(self, file: IO[bytes]) -> None:
        self._file = file
        weakref.finalize(self, file.close)

    def extend(self, chunk: Chunk) -> None:
        """Take in a chunk."""
        for name in _COLUMNS:
            getattr(self, name).extend(getattr(chunk, name))
        size = 5 if self.wide else 3  # bytes of an id and its flags
        for length in chunk.lengths:
            self._starts.append(self._starts[-1] + size * (length + 1))
        self._file.write(chunk.data)

    def flush(self) -> None:
        """Make what was written readable, here and elsewhere."""
        self._file.flush()

    def __getitem__(self, index: int) -> Tokens:
        count, start = self.lengths[index] + 1, self._starts[index]
        raw = os.pread(self._file.fileno(), self._starts[index + 1] - start, start)
        ids = np.frombuffer(raw, _dtype(self.wide), count).astype(np.int32)
        flags = np.frombuffer(raw, np.uint8, offset=len(raw) - count)
        targets = np.where(flags[1:] & SUPERVISED, ids[1:], np.int32(IGNORE))
        return Tokens(ids[:-1], targets, (flags[:-1] & HIDEABLE).astype(np.bool_))

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in (*_COLUMNS, "wide", "path", "_starts")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)
        self._hold(state["path"].open("rb"))

    @property
    def left_out(self) -> dict[str, list[str]]:
        """Names of the conversations that cannot be trained on, by reason."""
        found = {"too long": self.too_long, "no answer": self.no_answer}
        return {why: list(dict.fromkeys(names)) for why, names in found.items()}

    def count(self, source: int) -> int:
        """Conversations of a source, however many ways they are cut."""
        pairs = zip(self.names, self.sources, strict=True)
        return len({name for name, found in pairs if found == source})
