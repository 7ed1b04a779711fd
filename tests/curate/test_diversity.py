"""Diversity: what the figures say of sets that are known to be varied or not."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from identity_ops.curate.diversity import diversity, nearest, sample
from identity_ops.records import Cell, Conversation
from tests.curate.samples import cell, conversation
from tests.curate.test_dedup import LONG, edited


def talk(index: int, text: str, topic: str = "name", persona: str = "", dynamic: str = "") -> (
    Conversation
):  # fmt: skip
    made = conversation(index, "Tell me.", text)
    return replace(made, topic=topic, persona=persona, dynamic=dynamic)


def planned(*places: tuple[str, str, str]) -> list[Cell]:
    return [replace(cell(), topic=t, persona=p, dynamic=d) for t, p, d in places]


def test_the_nearest_is_found_by_hand() -> None:
    """Four words share two shingles of four: one third; a stranger shares none."""
    found = nearest(["a b c d", "b c d e", "x y z", "a b c d"])
    assert found == pytest.approx([1.0, 1 / 3, 0.0, 1.0])


def test_a_matrix_of_all_pairs_says_the_same() -> None:
    """Against sets compared one by one."""
    texts = edited(120, seed=4)
    sets = [_shingles(text) for text in texts]
    expected = [
        max(len(one & other) / len(one | other) for j, other in enumerate(sets) if j != i)
        for i, one in enumerate(sets)
    ]
    assert np.allclose(nearest(texts), expected)


def test_repeats_raise_the_figures() -> None:
    """A set of variations on one text is told from a set of different ones."""
    rng = random.Random(3)
    same = [talk(n, LONG.replace("coffee", f"drink {n}")) for n in range(40)]
    words = LONG.split()
    apart = [talk(n, " ".join(rng.sample(words, len(words)))) for n in range(40)]
    assert diversity(same)["nearest"]["mean"] > 0.8
    assert diversity(apart)["nearest"]["p99"] < 0.3


def test_a_larger_set_is_measured_on_as_many() -> None:
    """The sample has its size whatever there is, and does not depend on the order."""
    rows = [talk(n, f"{LONG} {n}") for n in range(300)]
    assert diversity(rows, size=50)["sampled"] == 50
    assert sample(rows, 50) == sample(rows[::-1], 50)
    assert diversity(rows, size=50) == diversity(rows[::-1], size=50)


def test_coverage_counts_what_was_planned_and_is_there() -> None:
    """A combination that nobody planned counts for nothing."""
    plan = planned(("a", "p", "x"), ("a", "q", "x"), ("b", "p", "y"))
    rows = [talk(0, "One.", "a", "p", "x"), talk(1, "Two.", "c", "r", "x")]
    found = diversity(rows, plan)
    assert found["cells"] == {
        "topics": [1, 2], "personas": [1, 2], "dynamics": [1, 2], "combinations": [1, 3],
    }  # fmt: skip
    assert found["sampled_cells"] == 2


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_have_no_neighbour(count: int) -> None:
    """No figure rather than a made-up one."""
    found = diversity([talk(n, "Hello.") for n in range(count)])
    assert found == {"sampled": count, "nearest": None, "sampled_cells": count, "cells": None}


def _shingles(text: str) -> set[tuple[str, ...]]:
    words = "".join(c if c.isalnum() or c == "_" else " " for c in text.casefold()).split()
    return {tuple(words[i : i + 3]) for i in range(max(1, len(words) - 2))}
