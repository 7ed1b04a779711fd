"""Which cell to draw next, and which drawn ones win: the pure core of a batch.

The set of draws and of winners depends on the answers alone, never on the order in which they
arrive: cells are started in a fixed order, one more for each rejection, and a new round of
second tries begins only when the round before is settled. So a run that was killed and replayed
from its log ends with the set of an undisturbed one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from identity_ops.records import Cell, Conversation, Rejection


@dataclass(frozen=True, slots=True)
class Draw:
    """One try at one cell."""

    cell: Cell
    attempt: int
    again: bool = False  # it failed transiently before


class Batch:
    """The state of one batch.

    Args:
        draws: in order of preference: the batch's own cells, then its spares.
        wanted: conversations to accept.
        tries: draws of one cell at most; second tries begin when every cell had its first.
        patience: rejections without one acceptance after which going on is hopeless; None: all
            cells are tried.
    """

    def __init__(
        self, draws: Iterable[Draw], wanted: int, *, tries: int, patience: int | None = None
    ) -> None:
        self.wanted, self._tries, self._patience = wanted, tries, patience
        self._queue = deque(draws)
        self._round = 0
        self._flying = 0
        self._failed: list[Cell] = []  # rejected in this round: candidates of the next
        self._stopped = False
        self._accepted: dict[str, Conversation] = {}
        self._rejections: list[tuple[int, int, Rejection]] = []

    def next(self) -> Draw | None:
        """The draw to start now; None while there is nothing to start."""
        if self._stopped or len(self._accepted) + self._flying >= self.wanted:
            return None
        if not self._queue and self._flying == 0:
            self._begin_round()
        if not self._queue:
            return None
        self._flying += 1
        return self._queue.popleft()

    def accept(self, draw: Draw, conversation: Conversation) -> None:
        """The draw gave a conversation."""
        self._flying -= 1
        self._accepted[draw.cell.id] = conversation

    def reject(self, draw: Draw, rejection: Rejection) -> None:
        """The draw gave something unusable: another cell takes its place."""
        self._flying -= 1
        self._failed.append(draw.cell)
        self._rejections.append((draw.attempt, draw.cell.index, rejection))

    def fail(self, draw: Draw, rejection: Rejection) -> None:
        """The draw gave nothing at all: the same cell once more, before any spare."""
        if draw.again:
            return self.reject(draw, rejection)
        self._flying -= 1
        self._queue.appendleft(Draw(draw.cell, draw.attempt, again=True))
        return None

    def drop(self) -> None:
        """A draw was given up because the batch is stopping."""
        self._flying -= 1

    def stop(self) -> None:
        """Start nothing more."""
        self._stopped = True

    def rest(self) -> list[Draw]:
        """The draws that were never started."""
        return list(self._queue)

    @property
    def accepted(self) -> int:
        return len(self._accepted)

    @property
    def rejected(self) -> int:
        return len(self._rejections)

    @property
    def is_hopeless(self) -> bool:
        """Nothing was accepted, and that is no bad luck any more."""
        patience = self._patience
        return patience is not None and not self._accepted and self.rejected >= patience

    @property
    def missing(self) -> int:
        """Conversations still wanted."""
        return self.wanted - len(self._accepted)

    def winners(self) -> list[Conversation]:
        """The accepted conversations, by cell index."""
        return sorted(self._accepted.values(), key=lambda conversation: conversation.index)

    def rejections(self) -> list[Rejection]:
        """The rejections, by cell index and try."""
        rows = sorted(self._rejections, key=lambda row: (row[1], row[0]))
        return [rejection for _, _, rejection in rows]

    def _begin_round(self) -> None:
        self._round += 1
        if self._round < self._tries:
            cells = sorted(self._failed, key=lambda cell: cell.index)
            self._queue.extend(Draw(cell, self._round) for cell in cells)
        self._failed = []


def slice_cells(
    cells: Sequence[Cell], batch: int, batch_size: int, batches: int
) -> tuple[list[Cell], list[Cell]]:
    """The batch's own cells and its spares.

    Three quarters of the spares are dealt evenly to the batches; the rest stays in reserve for
    the gaps that only `refill` can see.
    """
    mains = [cell for cell in cells if not cell.spare]
    spares = [cell for cell in cells if cell.spare]
    share = len(spares) * 3 // 4 // batches
    first = batch * batch_size
    return mains[first : first + batch_size], spares[batch * share : (batch + 1) * share]
