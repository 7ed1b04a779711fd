"""Rows hold every conversation whole, once an epoch, in an order that follows from the seed."""

from __future__ import annotations

import random

import pytest

from training.packing import EVERY, Schedule, best_fit


@pytest.mark.parametrize("seed", range(8))
def test_every_conversation_is_in_exactly_one_row_and_none_overflows(seed: int) -> None:
    """Whatever the lengths are, those of the full capacity included."""
    rng = random.Random(seed)
    lengths = [rng.randint(1, 50) for _ in range(rng.randint(1, 300))] + [50, 50, 1]
    rows = best_fit(lengths, 50, rng)
    assert sorted(index for row in rows for index in row) == list(range(len(lengths)))
    assert all(sum(lengths[index] for index in row) <= 50 for row in rows)


def test_the_fullest_row_that_still_fits_is_taken() -> None:
    """First fit would put the 3 beside the 5 and leave the 2 without a place."""
    rows = best_fit([5, 6, 3, 2, 4], 10, random.Random(0))
    assert sorted(sorted([5, 6, 3, 2, 4][index] for index in row) for row in rows) == [
        [2, 3, 5],
        [4, 6],
    ]


def test_rows_are_almost_full_on_realistic_lengths() -> None:
    """The goal is 99.5 % where conversations are short against the row."""
    rng = random.Random(1)
    lengths = [min(250, max(8, int(rng.lognormvariate(4, 0.6)))) for _ in range(2000)]
    schedule = Schedule(lengths, 256, 8, 1, seed=0)
    assert schedule.fill >= 0.995


def test_epochs_follow_each_other_without_a_gap() -> None:
    """Two epochs of 7 rows in batches of 4 give every conversation twice, but for the last 2."""
    lengths = [10] * 7
    schedule = Schedule(lengths, 10, 4, 2, seed=3)
    seen = [index for step in range(4) for row in schedule.rows_of(step) for index in row]
    assert schedule.steps == 4
    assert sorted(seen[:7]) == list(range(7))
    assert sorted(seen[7:14]) == list(range(7))


def test_each_epoch_takes_its_own_part_and_what_belongs_to_all() -> None:
    """Three parts over four epochs: the fourth is the first again, packed anew."""
    parts = [EVERY] * 6 + [0] * 5 + [1] * 9 + [2] * 2
    schedule = Schedule([10] * 22, 10, 1, 4, seed=3, parts=parts)
    seen = [schedule.rows_of(step)[0][0] for step in range(schedule.steps)]
    epochs = [seen[:11], seen[11:26], seen[26:34], seen[34:]]
    for number, epoch in enumerate(epochs):
        wanted = [i for i, part in enumerate(parts) if part in (EVERY, number % 3)]
        assert sorted(epoch) == wanted
    assert epochs[0] != epochs[3]
    assert [schedule.epoch_of(step) for step in (10, 25, 33, 44)] == [1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize(("epochs", "rows"), [(0.5, 4), (1, 7), (1.5, 12), (2, 16), (3.5, 28)])
def test_epochs_may_be_fractional(epochs: float, rows: int) -> None:
    """Parts of 7 and 9 rows: a cycle has 16."""
    parts = [EVERY] * 2 + [0] * 5 + [1] * 7
    assert Schedule([10] * 14, 10, 1, epochs, seed=0, parts=parts).steps == rows


def test_a_step_does_not_depend_on_the_steps_asked_before() -> None:
    """A resumed run asks for step 9 without having asked for the first eight."""
    lengths = [random.Random(n).randint(3, 20) for n in range(90)]
    one, other = Schedule(lengths, 32, 4, 3, seed=5), Schedule(lengths, 32, 4, 3, seed=5)
    walked = [one.rows_of(step) for step in range(one.steps)]
    assert other.rows_of(9) == walked[9]
    assert [other.rows_of(step) for step in reversed(range(other.steps))] == walked[::-1]


def test_each_epoch_packs_anew_into_as_many_rows() -> None:
    """Neighbours and order change; the number of steps must not."""
    lengths = [random.Random(n).randint(3, 9) for n in range(60)]
    first, second = (best_fit(lengths, 32, random.Random(seed)) for seed in (1, 2))
    assert first != second
    assert len(first) == len(second)


def test_another_seed_gives_another_order() -> None:
    """Or the seed would be ignored."""
    orders = [Schedule([5] * 40, 10, 4, 1, seed).rows_of(0) for seed in (0, 1)]
    assert orders[0] != orders[1]
