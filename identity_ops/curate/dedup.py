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
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from identity_ops.curate.shingles import CHUNK, MIX, U64, Shingles
from identity_ops.records import Conversation, Message

How = Literal["exact", "answers", "near"]
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
    shingles, least = Shingles(texts, settings.shingle), settings.threshold - 1e-9
    candidates = _candidates(_signatures(shingles, settings), settings.bands)
    similar = shingles.jaccard(candidates, least) >= least
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


def _signatures(shingles: Shingles, settings: Settings) -> U64:
    """[texts, bins]: the least shingle that falls into each bin, empty bins filled."""
    bins = settings.bands * settings.rows
    signature = np.full((len(shingles), bins), _EMPTY, np.uint64)
    sizes = np.diff(shingles.starts)
    for low in range(0, len(signature), CHUNK):
        high = min(low + CHUNK, len(signature))
        values = shingles.values[shingles.starts[low] : shingles.starts[high]]
        row = np.repeat(np.arange(high - low, dtype=np.int64), sizes[low:high])
        place = row * bins + (values % np.uint64(bins)).astype(np.int64)
        flat = signature[low:high].reshape(-1)
        np.minimum.at(flat, place, values)
        _fill(flat, bins)
    return signature


def _fill(flat: U64, bins: int) -> None:
    """Give each empty bin what a full one of its text holds, drawn alike for all texts.

    Neighbours must not borrow the same shingle, or the bands of a short text fall together
    (Shrivastava, Optimal Densification for Fast and Accurate Minwise Hashing, 2017).
    """
    draws, full = np.random.default_rng(0), flat != _EMPTY
    empty = np.flatnonzero(~full)
    while len(empty):
        source = empty - empty % bins + draws.permutation(bins)[empty % bins]
        found = full[source]
        flat[empty[found]] = flat[source[found]]
        empty = empty[~found]


def _candidates(signature: U64, bands: int) -> NDArray[np.int64]:
    """[pairs, 2] with i < j, sorted and distinct: texts that agree in at least one band."""
    found, count = [np.zeros(0, np.int64)], len(signature)
    for band in (signature[:, first::bands] for first in range(bands)):
        key = np.zeros(count, np.uint64)
        for column in band.T:
            key = (key ^ column) * MIX
            key ^= key >> np.uint64(31)
        found.extend(_pairs_of_equals(key))
    numbers = np.unique(np.concatenate(found))
    return np.stack(np.divmod(numbers, max(count, 1)), axis=1)


def _pairs_of_equals(key: U64) -> Iterator[NDArray[np.int64]]:
    """Each pair i < j of equal keys as i * len(key) + j, one array a distance in sorted order."""
    order = np.argsort(key, kind="stable")  # equal keys stay in order: i < j
    ranked = key[order]
    for distance in range(1, len(key)):
        same = np.flatnonzero(ranked[distance:] == ranked[:-distance])
        if not len(same):
            break
        yield order[same] * len(key) + order[same + distance]
