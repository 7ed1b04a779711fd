"""Texts as sets of word shingles: one array for all of them, and what two texts share."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

U64 = NDArray[np.uint64]
CHUNK = 4096  # texts that are worked on at a time
MIX = np.uint64(0x9E3779B97F4A7C15)
_WORD = re.compile(r"\w+")


class _Codes(dict[str, int]):
    """A word's stable 64-bit code, remembered: words repeat far more often than they are new."""

    def __missing__(self, word: str) -> int:
        if len(self) > 1_000_000:
            self.clear()
        digest = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        code = self[word] = int.from_bytes(digest, "little") if word else 0
        return code


_codes = _Codes()


class Shingles:
    """The shingles of all texts, as they come: text i has `values[starts[i]:starts[i + 1]]`.

    Args:
        size: words of a shingle; a shorter text is one shingle.
    """

    def __init__(self, texts: Sequence[str], size: int) -> None:
        parts = [_hashed(texts[low : low + CHUNK], size) for low in range(0, len(texts), CHUNK)]
        sizes = chain([0], *(counts for _, counts in parts))
        self.starts = np.cumsum(np.fromiter(sizes, np.int64, len(texts) + 1))
        self.values = np.concatenate([np.zeros(0, np.uint64), *(values for values, _ in parts)])
        self._sets: dict[int, U64] = {}

    def __len__(self) -> int:
        return len(self.starts) - 1

    def of(self, text: int) -> U64:
        """The distinct shingles of a text, sorted; made once, for few texts are ever asked for."""
        found = self._sets.get(text)
        if found is None:
            values = self.values[self.starts[text] : self.starts[text + 1]]
            found = self._sets[text] = np.unique(values)
        return found

    def jaccard(self, pairs: NDArray[np.int64], least: float = 0.0) -> NDArray[np.float64]:
        """Exact similarity of each pair; 0 where the sizes alone rule out `least`."""
        return np.fromiter((self._similarity(i, j, least) for i, j in pairs), float, len(pairs))

    def _similarity(self, left: int, right: int, least: float) -> float:
        one, other = self.of(int(left)), self.of(int(right))
        if min(len(one), len(other)) < least * max(len(one), len(other)):
            return 0.0
        both = np.concatenate([one, other])
        both.sort(kind="stable")
        shared = int(np.count_nonzero(both[1:] == both[:-1]))
        return shared / (len(both) - shared)


def _hashed(texts: Sequence[str], size: int) -> tuple[U64, Iterator[int]]:
    """The shingles of some texts one after the other, and how many each has."""
    words = [_padded(_WORD.findall(text.casefold()), size) for text in texts]
    lengths = np.fromiter(map(len, words), np.int64, len(words))
    total = int(lengths.sum())
    codes = np.fromiter(map(_codes.__getitem__, chain.from_iterable(words)), np.uint64, total)
    mixed = np.zeros(total - size + 1, np.uint64)
    for offset in range(size):
        mixed = (mixed ^ codes[offset : total - size + 1 + offset]) * MIX
        mixed ^= mixed >> np.uint64(29)
    inside = np.ones(total, np.bool_)
    ends = np.cumsum(lengths)
    for back in range(1, size):  # the last words of a text begin no shingle
        inside[ends - back] = False
    return mixed[inside[: len(mixed)]], iter((lengths - size + 1).tolist())


def _padded(words: list[str], size: int) -> list[str]:
    return words if len(words) >= size else [*words, *[""] * (size - len(words))]
