"""Pack conversations into rows of a fixed length, best fit first, and never cut one.

Covers the packing and the order of rows; every epoch packs anew, so neighbours change, and the
number of rows is the same in each. All of it follows from seed and epoch: nothing to save.
"""

from __future__ import annotations

import bisect
import itertools
import random
from collections.abc import Sequence
from functools import lru_cache

EVERY = -1  # part of a conversation that every pass trains on


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
        parts: of each conversation, the pass that it belongs to, or EVERY. With P parts, epoch e
            takes part e modulo P and what belongs to every one. None: all of them every time.
    """

    def __init__(
        self, lengths: Sequence[int], capacity: int, batch: int, epochs: float, seed: int,
        parts: Sequence[int] | None = None,
    ) -> None:  # fmt: skip
        self.batch, self.seed = batch, seed
        self._lengths, self._capacity = lengths, capacity
        parts = parts if parts is not None else [EVERY] * len(lengths)
        self._members = [
            [index for index, part in enumerate(parts) if part in (EVERY, number)]
            for number in range(max(parts, default=EVERY) + 1 or 1)
        ]
        self._epoch = lru_cache(maxsize=2)(self._pack)
        counts = [len(self._pack(number)) for number in range(len(self._members))]
        self._ends = list(itertools.accumulate(counts))  # rows until each epoch of a cycle ends
        self.rows = counts[0]
        self.steps = max(1, round(self._row_at(epochs) / batch))

    def _pack(self, epoch: int) -> list[list[int]]:
        members = self._members[epoch % len(self._members)]
        rng = random.Random(f"rows/{self.seed}/{epoch}")
        rows = best_fit([self._lengths[index] for index in members], self._capacity, rng)
        return [[members[place] for place in row] for row in rows]

    def _row_at(self, epoch: float) -> float:
        """Rows before a point in time that is given in epochs."""
        cycle, rest = divmod(epoch, len(self._ends))
        starts = [0, *self._ends]
        number = int(rest)
        within = (rest - number) * (starts[number + 1] - starts[number]) if rest else 0.0
        return cycle * starts[-1] + starts[number] + within

    def _place(self, row: int) -> tuple[int, int]:
        """Epoch of the row-th row of the training, and which of the epoch's rows it is."""
        cycle, rest = divmod(row, self._ends[-1])
        number = bisect.bisect_right(self._ends, rest)
        start = self._ends[number - 1] if number else 0
        return cycle * len(self._ends) + number, rest - start

    def rows_of(self, step: int) -> list[list[int]]:
        """The rows of optimizer step `step` (from 0)."""
        first = step * self.batch
        places = map(self._place, range(first, first + self.batch))
        return [self._epoch(epoch)[row] for epoch, row in places]

    def epoch_of(self, step: int) -> float:
        """Passes over the data that are complete after `step`."""
        epoch, row = self._place((step + 1) * self.batch)
        number = epoch % len(self._ends)
        start = self._ends[number - 1] if number else 0
        return epoch + row / (self._ends[number] - start)

    @property
    def fill(self) -> float:
        """Share of the rows' tokens that are not padding."""
        tokens = sum(self._lengths[index] for members in self._members for index in members)
        return tokens / (self._ends[-1] * self._capacity)
