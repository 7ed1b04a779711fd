"""The order of draws and the set of winners, for any order of answers."""

from __future__ import annotations

import random
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from identity_ops.generate.batch import Batch, Draw, slice_cells
from identity_ops.records import Cell, Conversation, Rejection
from tests.scene import cell


def conversation(of: Cell) -> Conversation:
    return Conversation(
        id=of.id, index=of.index, messages=(), kind=of.kind, category=of.category, topic=of.topic,
        persona=of.persona, dynamic=of.dynamic, language="en", fact_ids=(),
    )  # fmt: skip


def rejection(of: Cell) -> Rejection:
    return Rejection(id=of.id, index=of.index, reason="shape", detail="", text="")


def play(
    batch: Batch, good: Callable[[Draw], bool], rng: random.Random, *, lanes: int
) -> list[tuple[int, int]]:
    """Run a batch with answers in random order; returns what was drawn."""
    flying: list[Draw] = []
    drawn: list[tuple[int, int]] = []
    while True:
        while len(flying) < lanes and (draw := batch.next()) is not None:
            flying.append(draw)
            drawn.append((draw.cell.index, draw.attempt))
        if not flying:
            return sorted(drawn)
        draw = flying.pop(rng.randrange(len(flying)))
        if good(draw):
            batch.accept(draw, conversation(draw.cell))
        else:
            batch.reject(draw, rejection(draw.cell))


@given(
    wanted=st.integers(1, 12), spares=st.integers(0, 6), bad=st.sets(st.integers(0, 60)),
    seeds=st.tuples(st.integers(), st.integers()), lanes=st.tuples(*[st.integers(1, 9)] * 2),
)  # fmt: skip
def test_draws_and_winners_do_not_depend_on_the_order_of_answers(
    wanted: int, spares: int, bad: set[int], seeds: tuple[int, int], lanes: tuple[int, int]
) -> None:
    """The same answers in another order, by more or fewer workers: the same draws and set."""
    outcomes = []
    for seed, width in zip(seeds, lanes, strict=True):
        draws = [Draw(cell(n, spare=n >= wanted), 0) for n in range(wanted + spares)]
        batch = Batch(draws, wanted, tries=3)
        drawn = play(
            batch, lambda d: d.cell.index * 3 + d.attempt not in bad, random.Random(seed),
            lanes=width,
        )  # fmt: skip
        outcomes.append((drawn, batch.winners(), batch.rejections()))
        assert len(batch.winners()) <= wanted
    assert outcomes[0] == outcomes[1]


def test_one_usable_answer_is_hope() -> None:
    """A batch is given up for rejections alone only where nothing else came."""
    draws = [Draw(cell(n), 0) for n in range(9)]
    hopeless, weak, patient = (Batch(draws, 9, tries=1, patience=n) for n in (8, 8, None))
    play(hopeless, lambda _: False, random.Random(0), lanes=1)
    play(weak, lambda draw: draw.cell.index == 3, random.Random(0), lanes=1)
    play(patient, lambda _: False, random.Random(0), lanes=1)
    assert [batch.is_hopeless for batch in (hopeless, weak, patient)] == [True, False, False]


def test_no_more_is_drawn_than_is_wanted() -> None:
    """With nothing rejected no spare is touched."""
    batch = Batch([Draw(cell(n, spare=n >= 4), 0) for n in range(8)], 4, tries=3)
    drawn = play(batch, lambda _: True, random.Random(0), lanes=9)
    assert drawn == [(n, 0) for n in range(4)]


def test_each_rejection_brings_one_spare_then_second_tries() -> None:
    """Spares come in their order; only when they end are rejected cells asked again."""
    batch = Batch([Draw(cell(n, spare=n >= 2), 0) for n in range(3)], 2, tries=2)
    drawn = play(batch, lambda d: d.attempt == 1 or d.cell.index == 1, random.Random(0), lanes=1)
    assert drawn == [(0, 0), (0, 1), (1, 0), (2, 0)]
    assert [row.index for row in batch.winners()] == [0, 1]


def test_tries_end_with_a_shortfall() -> None:
    """When nothing is ever good the batch stops after its tries."""
    batch = Batch([Draw(cell(n), 0) for n in range(3)], 3, tries=3)
    drawn = play(batch, lambda _: False, random.Random(0), lanes=2)
    assert len(drawn) == 9
    assert batch.missing == 3


def test_a_draw_that_failed_comes_back_before_any_spare() -> None:
    """A network fault is no fault of the cell: it is tried once more, and then replaced."""
    batch = Batch([Draw(cell(0), 0), Draw(cell(1, spare=True), 0)], 1, tries=1)
    first = batch.next()
    assert first is not None
    batch.fail(first, rejection(first.cell))
    again = batch.next()
    assert again is not None
    assert (again.cell.index, again.again) == (0, True)
    batch.fail(again, rejection(again.cell))
    spare = batch.next()
    assert spare is not None
    assert spare.cell.index == 1


def test_stopped_batch_starts_nothing() -> None:
    """After a stop what is in flight still counts, and nothing follows it."""
    batch = Batch([Draw(cell(n), 0) for n in range(3)], 3, tries=3)
    flying = batch.next()
    assert flying is not None
    batch.stop()
    assert batch.next() is None
    batch.accept(flying, conversation(flying.cell))
    assert batch.missing == 2


def test_batches_share_neither_cells_nor_spares() -> None:
    """Every main cell is in one batch, no spare in two, and some spares stay in reserve."""
    cells = [cell(n, spare=n >= 10) for n in range(30)]
    slices = [slice_cells(cells, n, 4, 3) for n in range(3)]
    mains = [c.index for own, _ in slices for c in own]
    spares = [c.index for _, own in slices for c in own]
    assert mains == list(range(10))
    assert len(set(spares)) == len(spares) == 15
    assert min(spares) >= 10
