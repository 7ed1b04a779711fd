"""Intervals and tests for shares: Wilson, Newcombe's differences, the exact paired test.

Covers what the tables and the gate need, with no dependency beyond the standard library.
Sources: Wilson 1927 (score interval); Newcombe 1998, "Interval estimation for the difference
between independent proportions", methods 10 (independent) and its paired counterpart;
McNemar's test in its exact binomial form.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from identity_ops.errors import UsageError

Z95 = 1.959963984540054  # two-sided 95 %


@dataclass(frozen=True, slots=True)
class Share:
    """`passed` of `n`, with the 95 % Wilson interval. Every share lies in [0, 1]."""

    passed: int
    n: int
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


def wilson(passed: int, n: int, z: float = Z95) -> Share:
    """The share with its score interval; nothing counted means nothing known: 0 to 1.

    Raises:
        UsageError: not 0 <= passed <= n.
    """
    if not 0 <= passed <= n:
        raise UsageError("a share needs 0 <= passed <= n", got=f"{passed} of {n}")
    if n == 0:
        return Share(0, 0, 0.0, 0.0, 1.0)
    return Share(passed, n, passed / n, *_score_interval(passed / n, n, z))


def clustered(counts: Sequence[tuple[int, int]]) -> Share:
    """The share over several answers to each of some questions, with a 95 % interval.

    Answers to one question are alike, so n answers tell less than n questions would: the Wilson
    interval is taken at the effective number of answers, n over the design effect (the variance
    of the share between questions over that of n independent answers; Kish 1965). Where all
    answers agree, the questions are counted.

    Args:
        counts: passed and asked, for each question.
    """
    passed, n = sum(p for p, _ in counts), sum(asked for _, asked in counts)
    if n == 0:
        return wilson(0, 0)
    share, groups = passed / n, len(counts)
    between = sum((p - share * asked) ** 2 for p, asked in counts) / n**2
    if not between:
        return Share(passed, n, share, *_score_interval(share, groups, Z95))
    variance = between * groups / max(1, groups - 1)
    effective = min(float(n), share * (1 - share) / variance)
    return Share(passed, n, share, *_score_interval(share, effective, Z95))


def difference(after: Share, before: Share) -> Interval:
    """after - before for independent samples (Newcombe's method 10)."""
    return _newcombe(after, before, 0.0)


def paired_difference(before: Sequence[bool], after: Sequence[bool]) -> Interval:
    """after - before where both models answered the same probes (Newcombe's paired method).

    Raises:
        UsageError: the two differ in length.
    """
    both, lost, gained, neither = _pairs(before, after)
    n = len(before)
    correlation = 0.0
    margins = (both + gained) * (lost + neither) * (both + lost) * (gained + neither)
    if margins:
        correlation = (both * neither - gained * lost) / math.sqrt(margins)
    return _newcombe(wilson(both + gained, n), wilson(both + lost, n), correlation)


def paired_p(before: Sequence[bool], after: Sequence[bool]) -> float:
    """Exact two-sided McNemar p: could a fair coin have dealt the changed answers so?

    Raises:
        UsageError: the two differ in length.
    """
    _, lost, gained, _ = _pairs(before, after)
    changed = lost + gained
    tail = sum(math.comb(changed, k) for k in range(min(lost, gained) + 1))
    return min(1.0, 2 * tail / 2**changed) if changed else 1.0


def percentile(values: Sequence[float], q: float) -> float:
    """The q-quantile (0 <= q <= 1), linear between neighbours; nan without values."""
    if not values:
        return math.nan
    ordered = sorted(values)
    place = q * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def _score_interval(share: float, n: float, z: float) -> tuple[float, float]:
    scale = 1 + z * z / n
    centre = (share + z * z / (2 * n)) / scale
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / scale
    return (
        0.0 if share == 0 else max(0.0, centre - half),
        1.0 if share == 1 else min(1.0, centre + half),
    )


def _newcombe(after: Share, before: Share, correlation: float) -> Interval:
    value = after.value - before.value

    def half(a: float, b: float) -> float:
        return math.sqrt(max(0.0, a * a - 2 * correlation * a * b + b * b))

    down = half(after.value - after.low, before.high - before.value)
    up = half(after.high - after.value, before.value - before.low)
    return Interval(value, max(-1.0, value - down), min(1.0, value + up))


def _pairs(before: Sequence[bool], after: Sequence[bool]) -> tuple[int, int, int, int]:
    if len(before) != len(after):
        raise UsageError(
            "a paired test needs the same probes on both sides",
            expected=len(before),
            got=len(after),
        )
    pairs = list(zip(before, after, strict=True))
    return (
        pairs.count((True, True)),
        pairs.count((True, False)),
        pairs.count((False, True)),
        pairs.count((False, False)),
    )
