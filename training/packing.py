"""Pack conversations into rows of a fixed length, best fit first, and never cut one.

Covers the packing and the order of rows; every epoch packs anew, so neighbours change, and the
number of rows is the same in each. All of it follows from seed and epoch: nothing to save.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import lru_cache


def best_fit(lengths: Sequence[int], capacity: int, rng: random.Random) -> list[list[int]]:
    """Rows of indices into `lengths`, in random order; each row's sum is at most `capacity`.

    Longest first, each into the fullest row that still takes it. Equal lengths come in random
    order, which changes who shares a row and never how many rows there are.

    Args:
        lengths: all between 1 and `capacity`.
    """
    order = list(range(len(lengths)))
    rng.shuffle(order)
    order.sort(key=lambda index: -lengths[index])
    rows: list[list[int]] = []
    with_room: list[list[int]] = [[] for _ in range(capacity + 1)]  # free tokens -> rows
    rooms = 0  # bit n is set when with_room[n] holds a row
    for index in order:
        length = lengths[index]
        fitting = rooms >> length
        if fitting:
            room = length + (fitting & -fitting).bit_length() - 1
            row = with_room[room].pop()
            if not with_room[room]:
                rooms ^= 1 << room
        else:
            room, row = capacity, len(rows)
            rows.append([])
        rows[row].append(index)
        if room > length:
            with_room[room - length].append(row)
            rooms |= 1 << (room - length)
    rng.shuffle(rows)
    return rows


class Schedule:
    """Which rows each optimizer step trains on.

    Epochs follow each other without a gap: a batch may hold the end of one epoch and the start
    of the next, so every batch is full.

    Args:
        lengths: of the conversations.
        capacity: tokens of a row.
        batch: rows of one optimizer step over all ranks.
        epochs: passes over the data; may be fractional.
    """

    def __init__(
        self, lengths: Sequence[int], capacity: int, batch: int, epochs: float, seed: int
    ) -> None:
        self.batch, self.seed = batch, seed
        self._lengths, self._capacity = lengths, capacity
        self._epoch = lru_cache(maxsize=2)(self._pack)
        self.rows = len(self._epoch(0))
        self.steps = max(1, round(self.rows * epochs / batch))

    def _pack(self, epoch: int) -> list[list[int]]:
        rng = random.Random(f"rows/{self.seed}/{epoch}")
        return best_fit(self._lengths, self._capacity, rng)

    def rows_of(self, step: int) -> list[list[int]]:
        """The rows of optimizer step `step` (from 0)."""
        first = step * self.batch
        places = (divmod(n, self.rows) for n in range(first, first + self.batch))
        return [self._epoch(epoch)[row] for epoch, row in places]

    def epoch_of(self, step: int) -> float:
        """Passes over the data that are complete after `step`."""
        return (step + 1) * self.batch / self.rows

    @property
    def fill(self) -> float:
        """Share of the rows' tokens that are not padding."""
        return sum(self._lengths) / (self.rows * self._capacity)
