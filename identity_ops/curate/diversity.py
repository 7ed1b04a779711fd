"""How varied a set of conversations is, in figures that two runs can be compared by.

A share of repeats or of distinct words falls as a set grows, so likeness is measured in a sample
of a fixed size: for each conversation of it the greatest Jaccard similarity (of word-3 shingles)
to any other one there. The sample depends on the conversations' ids alone. Coverage says how much
of the plan is there: its topics, personas and dynamics, and its cells, which are combinations of
the three.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from identity_ops.curate.dedup import text_of
from identity_ops.curate.shingles import Shingles
from identity_ops.records import Cell, Conversation

SAMPLE: Final = 500  # conversations; figures of fewer are comparable with none of another number
PERCENTILES: Final = (50, 90, 99)
AXES: Final = ("topic", "persona", "dynamic")


def diversity(
    conversations: Iterable[Conversation], planned: Iterable[Cell] = (), *, size: int = SAMPLE
) -> dict[str, Any]:
    """Figures of likeness and coverage.

    Args:
        planned: the cells of the plan without its spares; none: coverage is left out.
        size: of the sample.

    Returns:
        `sampled`; `nearest` with mean, p50, p90 and p99 (null for fewer than two); `cells`
        with [present, planned] for each axis and for their combinations (null without a plan),
        and `sampled_cells`, the distinct combinations in the sample.
    """
    found = list(conversations)
    drawn = sample(found, size)
    return {
        "sampled": len(drawn),
        "nearest": _summary(nearest([text_of(one.messages) for one in drawn])),
        "sampled_cells": len({_place(one) for one in drawn}),
        "cells": _cells(found, list(planned)),
    }


def sample(conversations: Sequence[Conversation], size: int) -> list[Conversation]:
    """The same `size` of them in whatever order they come."""
    return sorted(conversations, key=lambda one: hashlib.blake2b(one.id.encode()).digest())[:size]


def nearest(texts: Sequence[str]) -> NDArray[np.float64]:
    """[texts]: each text's greatest similarity to another one, exactly."""
    if len(texts) < 2:
        return np.zeros(0)
    sets = Shingles(texts, size=3)
    sizes = np.array([len(sets.of(text)) for text in range(len(texts))])
    shared = _shared([sets.of(text) for text in range(len(texts))])
    found: NDArray[np.float64] = shared / (sizes[:, None] + sizes - shared)
    np.fill_diagonal(found, 0)
    greatest: NDArray[np.float64] = found.max(axis=1)
    return greatest


def _shared(sets: Sequence[NDArray[np.uint64]]) -> NDArray[np.int64]:
    """[sets, sets]: how many values two sets have in common; the diagonal is 0.

    Equal values stand together once all are sorted, so those at a distance of one, of two, ... are
    compared at once.
    """
    count, values = len(sets), np.concatenate(sets)
    owners = np.repeat(np.arange(count), [len(one) for one in sets])
    order = np.argsort(values, kind="stable")
    ranked, owners = values[order], owners[order]
    shared = np.zeros(count * count, np.int64)
    for distance in range(1, count):
        same = np.flatnonzero(ranked[distance:] == ranked[:-distance])
        if not len(same):
            break
        pairs = owners[same] * count + owners[same + distance]
        shared += np.bincount(pairs, minlength=count * count)
    square = shared.reshape(count, count)
    return square + square.T


def _summary(found: NDArray[np.float64]) -> dict[str, float] | None:
    if not len(found):
        return None
    ranks = {f"p{rank}": round(float(np.percentile(found, rank)), 4) for rank in PERCENTILES}
    return {"mean": round(float(found.mean()), 4), **ranks}


def _cells(found: Sequence[Conversation], planned: Sequence[Cell]) -> dict[str, list[int]] | None:
    if not planned:
        return None
    rows = {
        f"{axis}s": ({getattr(one, axis) for one in found}, {getattr(c, axis) for c in planned})
        for axis in AXES
    } | {"combinations": ({_place(one) for one in found}, {_place(one) for one in planned})}
    return {name: [len(there & wanted), len(wanted)] for name, (there, wanted) in rows.items()}


def _place(one: Conversation | Cell) -> tuple[str, str, str]:
    return one.topic, one.persona, one.dynamic
