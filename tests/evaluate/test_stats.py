"""Intervals and tests against published worked examples and their limits."""

from __future__ import annotations

import math
import random

import pytest

from identity_ops.errors import UsageError
from identity_ops.evaluate.stats import (
    clustered,
    difference,
    paired_difference,
    paired_p,
    percentile,
    wilson,
)


@pytest.mark.parametrize(("passed", "n"), [(-1, 5), (6, 5), (0, -1)])
def test_impossible_counts_are_refused(passed: int, n: int) -> None:
    """More passed than asked is an error, not an interval."""
    with pytest.raises(UsageError):
        wilson(passed, n)


def test_wilson_worked_example() -> None:
    """81 of 263 gives 0.2553 to 0.3662 (Newcombe 1998, table I)."""
    share = wilson(81, 263)
    assert (round(share.low, 4), round(share.high, 4)) == (0.2553, 0.3662)


def test_wilson_at_the_ends() -> None:
    """None or all of n reach exactly 0 or 1, and leave room on the other side."""
    assert wilson(0, 10).low == 0
    assert 0.2 < wilson(0, 10).high < 0.3
    assert wilson(10, 10).high == 1
    assert wilson(0, 0) == wilson(0, 0)
    assert (wilson(0, 0).low, wilson(0, 0).high) == (0, 1)


def test_difference_worked_example() -> None:
    """56 of 70 against 48 of 80: +0.2 with 0.0524 to 0.3339 (Newcombe 1998, method 10)."""
    found = difference(wilson(56, 70), wilson(48, 80))
    assert (round(found.low, 4), round(found.high, 4)) == (0.0524, 0.3339)


def test_paired_test_counts_changed_pairs_only() -> None:
    """Six gained and none lost give p = 2/64, however many stayed."""
    before = [False] * 6 + [True] * 50
    assert paired_p(before, [True] * 56) == pytest.approx(2 / 64)
    assert paired_p([True, False], [True, False]) == 1.0


def test_paired_interval_is_narrower_where_answers_agree() -> None:
    """The same two shares are told apart better when most probes agree."""
    before = [True] * 40 + [False] * 20
    agree = [True] * 45 + [False] * 15
    crossed = [False] * 15 + [True] * 45
    close, wide = paired_difference(before, agree), paired_difference(before, crossed)
    assert close.value == wide.value
    assert close.high - close.low < wide.high - wide.low
    assert close.low > 0 > wide.low


def test_pairs_must_match() -> None:
    """Two lists of different length are no pairs."""
    with pytest.raises(UsageError, match="same probes"):
        paired_p([True], [True, False])


def test_percentile() -> None:
    """Linear between neighbours; nothing has no percentile."""
    assert percentile([0.0, 1.0], 0.1) == pytest.approx(0.1)
    assert percentile([3.0], 0.9) == 3.0
    assert math.isnan(percentile([], 0.5))


def test_clusters_of_equal_answers_count_once() -> None:
    """Five equal answers to each of 40 questions show no more than one each; five independent
    ones show as much as 200 questions."""
    equal = clustered([(5, 5)] * 30 + [(0, 5)] * 10)
    once = wilson(30, 40)
    assert (equal.passed, equal.n) == (150, 200)
    assert equal.value == once.value
    assert equal.high - equal.low == pytest.approx(once.high - once.low, rel=0.03)
    rng = random.Random(3)
    free = clustered([(sum(rng.random() < 0.75 for _ in range(5)), 5) for _ in range(400)])
    wide = wilson(free.passed, free.n)
    assert free.high - free.low == pytest.approx(wide.high - wide.low, rel=0.1)


@pytest.mark.parametrize("right", [0, 5])
def test_clusters_without_any_difference_count_once_each(right: int) -> None:
    """All right tells of the questions, not of the draws: ten questions are ten."""
    found, once = clustered([(right, 5)] * 10), wilson(right * 2, 10)
    assert (found.low, found.high) == pytest.approx((once.low, once.high))


def test_clustered_intervals_cover_the_truth() -> None:
    """Of 400 simulated evaluations about 95 % hold the true rate; plain Wilson holds far fewer."""
    rng = random.Random(7)
    held = plain_held = 0
    for _ in range(400):
        rates = [rng.betavariate(1.2, 0.5) for _ in range(60)]
        counts = [(sum(rng.random() < rate for _ in range(8)), 8) for rate in rates]
        truth, found = 1.2 / 1.7, clustered(counts)
        plain = wilson(found.passed, found.n)
        held += found.low <= truth <= found.high
        plain_held += plain.low <= truth <= plain.high
    assert held / 400 > 0.92
    assert plain_held / 400 < 0.8


def test_nothing_sampled_is_nothing_known() -> None:
    """No cluster gives the whole range."""
    assert (clustered([]).low, clustered([]).high) == (0, 1)
