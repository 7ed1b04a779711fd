"""Duplicates among conversations: exact ones, near ones, and repeated question-answer pairs.

Three passes, each over what the one before left:
1. exact: the same letters and digits, whatever case, spacing and punctuation;
2. answers: the same first question and the same answers, whatever else the user says; a shared
   greeting alone is no reason, for many conversations begin with one;
3. near: Jaccard similarity of word-3 shingles of the whole conversation at or above a threshold.
   Candidates come from one-permutation MinHash (128 bins in 32 bands of 4), all in numpy, and
   every candidate is verified exactly, so nothing is dropped on a guess.

The winner is always the lowest index, so the result depends neither on the order of the input
nor on the order in which a teacher answered. Memory: about 3 KB a conversation.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from identity_ops.records import Conversation, Message

How = Literal["exact", "answers", "near"]
U64 = NDArray[np.uint64]
_WORD = re.compile(r"\w+")
_MIX = np.uint64(0x9E3779B97F4A7C15)
CHUNK = 4096  # texts whose signatures are made at a time
_EMPTY = np.uint64(0xFFFFFFFFFFFFFFFF)


class Duplicate(NamedTuple):
    """Why a conversation was dropped: which one is kept, and how they are alike."""

    kept: str
    how: How


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What counts as a near duplicate."""

    threshold: float = 0.7  # Jaccard similarity
    shingle: int = 3  # words
    bands: int = 32
    rows: int = 4  # bins in a band


def find_duplicates(
    conversations: Iterable[Conversation], settings: Settings | None = None
) -> dict[str, Duplicate]:
    """Id of each conversation to drop -> the one kept in its place, and how they are alike."""
    kept = sorted(conversations, key=lambda c: (c.index, c.id))
    dropped: dict[str, Duplicate] = {}
    kept = _by_key(kept, _exact_key, "exact", dropped)
    kept = _by_key(kept, _answers_key, "answers", dropped)
    _near(kept, settings or Settings(), dropped)
    return dropped


def near_pairs(texts: Sequence[str], settings: Settings) -> list[tuple[int, int]]:
    """Pairs (i < j) of texts at or above the threshold, sorted."""
    shingles = _Shingles([_hashes(text, settings.shingle) for text in texts])
    candidates = _candidates(_signatures(shingles, settings), settings.bands)
    similar = shingles.similar(candidates, settings.threshold)
    return [(int(i), int(j)) for i, j in candidates[similar]]


def text_of(messages: Iterable[Message]) -> str:
    """A conversation as one text."""
    return "\n".join(message["content"] for message in messages)


def _exact_key(conversation: Conversation) -> bytes:
    return _letters(text_of(conversation.messages))


def _answers_key(conversation: Conversation) -> bytes:
    """The first question and all answers."""
    answers = [m for m in conversation.messages if m["role"] == "assistant"]
    return _letters(text_of([*conversation.messages[:1], *answers]))


def _letters(text: str) -> bytes:
    kept = "".join(c for c in text.casefold() if c.isalnum())
    return hashlib.blake2b((kept or text).encode(), digest_size=16).digest()


def _by_key(
    conversations: list[Conversation],
    key: Callable[[Conversation], bytes],
    how: How,
    dropped: dict[str, Duplicate],
) -> list[Conversation]:
    first: dict[bytes, str] = {}
    for conversation in conversations:
        winner = first.setdefault(key(conversation), conversation.id)
        if winner != conversation.id:
            dropped[conversation.id] = Duplicate(winner, how)
    return [c for c in conversations if c.id not in dropped]


def _near(
    conversations: list[Conversation], settings: Settings, dropped: dict[str, Duplicate]
) -> None:
    """Greedy in index order: a conversation falls to the first kept one that it is like."""
    pairs = near_pairs([text_of(c.messages) for c in conversations], settings)
    for winner, loser in pairs:
        kept, gone = conversations[winner].id, conversations[loser].id
        if kept not in dropped and gone not in dropped:
            dropped[gone] = Duplicate(kept, "near")


def _hashes(text: str, size: int) -> U64:
    """The distinct shingles of a text as sorted 64-bit numbers; short texts are one shingle."""
    words = _WORD.findall(text.casefold())
    codes = np.fromiter((hash_word(word) for word in words), np.uint64, len(words))
    if len(codes) < size:
        codes = np.concatenate([codes, np.zeros(size - len(codes), np.uint64)])
    mixed = np.zeros(len(codes) - size + 1, np.uint64)
    for offset in range(size):
        mixed = (mixed ^ codes[offset : len(codes) - size + 1 + offset]) * _MIX
        mixed ^= mixed >> np.uint64(29)
    return np.unique(mixed)


_codes: dict[str, int] = {}


def hash_word(word: str) -> int:
    """A word's stable 64-bit code, remembered: words repeat far more often than they are new."""
    code = _codes.get(word)
    if code is None:
        if len(_codes) > 1_000_000:
            _codes.clear()
        digest = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        code = _codes[word] = int.from_bytes(digest, "little")
    return code


class _Shingles:
    """The shingle sets of all texts in one array: `values[starts[i]:starts[i + 1]]`."""

    def __init__(self, sets: list[U64]) -> None:
        self.sizes = np.array([len(found) for found in sets], np.int64)
        self.starts = np.concatenate([[0], np.cumsum(self.sizes)])
        self.values = np.concatenate(sets) if sets else np.zeros(0, np.uint64)

    def of(self, index: int) -> U64:
        return self.values[self.starts[index] : self.starts[index + 1]]

    def similar(self, pairs: NDArray[np.int64], threshold: float) -> NDArray[np.bool_]:
        """Which pairs are at or above the threshold, exactly."""
        if not len(pairs):
            return np.zeros(0, np.bool_)
        left, right = self.sizes[pairs[:, 0]], self.sizes[pairs[:, 1]]
        possible = np.minimum(left, right) >= threshold * np.maximum(left, right)
        result = np.zeros(len(pairs), np.bool_)
        for at in np.flatnonzero(possible):
            shared = _shared(self.of(pairs[at, 0]), self.of(pairs[at, 1]))
            result[at] = shared >= threshold * (left[at] + right[at] - shared) - 1e-9
        return result


def _shared(left: U64, right: U64) -> int:
    """Common values of two sorted sets."""
    both = np.concatenate([left, right])
    both.sort(kind="stable")
    return int(np.count_nonzero(both[1:] == both[:-1]))


def _signatures(shingles: _Shingles, settings: Settings) -> U64:
    """[texts, bins]: the least shingle that falls into each bin, empty bins borrowed."""
    bins = settings.bands * settings.rows
    signature = np.full((len(shingles.sizes), bins), _EMPTY, np.uint64)
    for low in range(0, len(signature), CHUNK):
        high = min(low + CHUNK, len(signature))
        values = shingles.values[shingles.starts[low] : shingles.starts[high]]
        row = np.repeat(np.arange(high - low, dtype=np.int64), shingles.sizes[low:high])
        place = row * bins + (values % np.uint64(bins)).astype(np.int64)
        flat = signature[low:high].reshape(-1)
        np.minimum.at(flat, place, values)
        signature[low:high] = _borrowed(flat.reshape(high - low, bins))
    return signature


def _borrowed(signature: U64) -> U64:
    """Fill each empty bin from the next full one to its right, marked with the distance."""
    bins = signature.shape[1]
    twice = np.concatenate([signature, signature], axis=1)
    places = np.where(twice == _EMPTY, 2 * bins - 1, np.arange(2 * bins))
    following = np.minimum.accumulate(places[:, ::-1], axis=1)[:, ::-1][:, :bins]
    distance = (following - np.arange(bins)).astype(np.uint64)
    filled: U64 = np.take_along_axis(twice, following, axis=1) + distance * _MIX
    return filled


def _candidates(signature: U64, bands: int) -> NDArray[np.int64]:
    """[pairs, 2] with i < j, sorted and distinct: texts that agree in at least one band.

    The bins of a band lie far apart, for neighbours may have borrowed the same shingle.
    """
    found = [np.zeros((0, 2), np.int64)]
    for band in (signature[:, first::bands] for first in range(bands)):
        key = np.zeros(len(band), np.uint64)
        for column in band.T:
            key = (key ^ column) * _MIX
            key ^= key >> np.uint64(31)
        found.extend(_pairs_of_equals(key))
    return np.unique(np.concatenate(found), axis=0)


def _pairs_of_equals(key: U64) -> Iterator[NDArray[np.int64]]:
    """All pairs inside each group of equal keys, one array for each distance in sorted order."""
    order = np.argsort(key, kind="stable")
    ranked = key[order]
    for distance in range(1, len(key)):
        same = np.flatnonzero(ranked[distance:] == ranked[:-distance])
        if not len(same):
            break
        yield np.sort(np.stack([order[same], order[same + distance]], axis=1), axis=1)
