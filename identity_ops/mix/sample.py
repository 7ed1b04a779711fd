"""Choose rows of a source until a number of tokens is reached, without holding their text.

A row's rank is a hash of seed, source and row number, so a sample is uniform, without
replacement, and the same each time. One pass keeps only (rank, number, tokens) of the rows that
are in so far; a second one reads the chosen rows. A source that is too small is taken whole, as
often as it takes, and the number of epochs is said.
"""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from identity_ops.errors import DataError
from identity_ops.general.sources import Row, Source
from identity_ops.mix.screen import Screen
from identity_ops.records import Message

PATIENCE = 5000  # refused rows in a row after which an endless source counts as used up


@dataclass(frozen=True, slots=True)
class Choice:
    """Which rows of a source, and how often. `copies[number]` is how many times."""

    source: Source
    copies: dict[int, int]
    sizes: dict[int, int]  # tokens of each chosen row
    available: int  # rows that could have been chosen
    examined: int
    purged: dict[str, int]

    @property
    def tokens(self) -> int:
        return sum(self.sizes[number] * times for number, times in self.copies.items())

    @property
    def rows(self) -> int:
        return sum(self.copies.values())

    @property
    def epochs(self) -> float:
        """Passes over the source; below one where only a part is used."""
        return self.rows / self.available if self.available else 0.0

    def read(self) -> Iterator[tuple[Row, int, int, int]]:
        """(row, its number, which copy, its tokens), a whole pass for each copy."""
        for copy in range(1, max(self.copies.values(), default=0) + 1):
            left = sum(times >= copy for times in self.copies.values())
            for number, row in enumerate(self.source.rows()):
                if left == 0:
                    break
                if self.copies.get(number, 0) >= copy:
                    left -= 1
                    yield row, number, copy, self.sizes[number]


def choose(source: Source, wanted: int, screen: Screen, seed: int) -> Choice:
    """Rows of `source` that make up `wanted` tokens (up to one row more).

    Raises:
        DataError: tokens are wanted and no row is usable.
    """
    state = _State(source, wanted, screen, seed)
    state.scan()
    if wanted > 0 and not state.heap:
        raise DataError(
            "no usable conversation in a general source", where=source.name,
            got=dict(state.purged) or "no rows",
        )  # fmt: skip
    sizes = {number: tokens for _, number, tokens in state.heap}
    return Choice(
        source, state.copies(), sizes, state.available, state.examined, dict(state.purged)
    )


class _State:
    """The rows in so far: a heap with the highest rank on top."""

    def __init__(self, source: Source, wanted: int, screen: Screen, seed: int) -> None:
        self.source, self.wanted, self.screen, self.seed = source, wanted, screen, seed
        self.heap: list[tuple[int, int, int]] = []  # (-rank, row number, tokens)
        self.tokens = self.examined = self.available = 0
        self.purged: Counter[str] = Counter()
        self._seen: set[bytes] = set()

    def scan(self) -> None:
        refused = 0
        for number, row in enumerate(self.source.rows() if self.wanted > 0 else ()):
            refused = 0 if self._offer(number, row.messages) else refused + 1
            enough = self.tokens >= self.wanted or refused >= PATIENCE
            if self.source.endless and enough:
                return

    def copies(self) -> dict[int, int]:
        """How often each kept row is used: once, or several times where the source is small."""
        whole = self.wanted // self.tokens if self.tokens else 0
        counts = {number: max(1, whole) for _, number, _ in self.heap}
        rest = self.wanted - whole * self.tokens
        if whole:
            for _, number, tokens in sorted(self.heap, reverse=True):
                if rest <= 0:
                    break
                counts[number] += 1
                rest -= tokens
        return counts

    def _offer(self, number: int, messages: Sequence[Message]) -> bool:
        rank = 0 if self.source.endless else self._rank(number)
        if self.tokens >= self.wanted and self.heap and rank >= -self.heap[0][0]:
            self.available += 1  # not looked at: it would not get in
            return False
        self.examined += 1
        tokens, reason = self.screen.check(messages)
        reason = reason or self._repeated(messages)
        if reason:
            self.purged[reason] += 1
            return False
        self.available += 1
        self._keep(rank, number, tokens)
        return True

    def _keep(self, rank: int, number: int, tokens: int) -> None:
        heapq.heappush(self.heap, (-rank, number, tokens))
        self.tokens += tokens
        while self.tokens - self.heap[0][2] >= self.wanted and not self.source.endless:
            self.tokens -= heapq.heappop(self.heap)[2]

    def _rank(self, number: int) -> int:
        key = f"{self.seed}/{self.source.name}/{number}".encode()
        return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "big")

    def _repeated(self, messages: Sequence[Message]) -> str:
        text = "\0".join(f"{m['role']}\0{m['content']}" for m in messages)
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).digest()
        if digest in self._seen:
            return "duplicate"
        self._seen.add(digest)
        return ""
