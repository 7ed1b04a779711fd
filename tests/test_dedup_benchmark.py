"""The benchmark of near-duplicate removal measures what it says, at a size that takes seconds."""

from __future__ import annotations

import statistics

import pytest

from benchmarks.dedup import CONTESTANTS, measure, shingles
from benchmarks.dedup_texts import texts


@pytest.mark.slow
def test_everybody_is_held_against_the_exact_join() -> None:
    """All find most of the planted pairs, ours nearly all of them and nothing else."""
    pairs, rows = measure(rounds=1, count=800)
    assert pairs > 50
    assert rows.keys() == {"exact", *CONTESTANTS}
    for name, (row,) in rows.items():
        assert row["cpu"] > 0, name
        assert row["peak_mb"] > 10, name
        assert row["recall"] > 0.6, name
    (ours,) = rows["ours"]
    assert ours["recall"] >= 0.99
    assert ours["precision"] == 1


def test_the_texts_have_realistic_lengths_and_come_again() -> None:
    """Two runs are about the same conversations, short and long ones."""
    found = texts(400, seed=2)
    assert found == texts(400, seed=2)
    assert len(set(found)) == 400
    words = sorted(len(text.split()) for text in found)
    assert 50 < statistics.mean(words) < 200
    assert words[40] < 40 < 150 < words[-20]


def test_a_text_of_few_words_is_one_shingle() -> None:
    """As ours has it."""
    assert shingles("Hello, you!") == {"hello you"}
    assert shingles("One two three four") == {"one two three", "two three four"}
