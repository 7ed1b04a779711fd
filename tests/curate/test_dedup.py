"""Duplicates: what is found, what is not, who wins, and how it compares with an exact join."""

from __future__ import annotations

import itertools
import random
import re
import resource
import time

import numpy as np
import pytest

from identity_ops.curate.dedup import Settings, find_duplicates, near_pairs
from identity_ops.general import builtin
from tests.curate.samples import conversation

LONG = (
    "the small boat left the harbor at dawn and sailed past the old lighthouse towards the island "
    "where three fishermen were waiting with nets baskets and a pot of strong coffee"
)


def test_case_spacing_and_punctuation_make_no_difference() -> None:
    """The same letters and digits are the same conversation."""
    rows = [
        conversation(0, "Who are you?", "I am Pico."),
        conversation(1, "who are  you", "I AM PICO!"),
        conversation(2, "Who are you?", "I am Pica."),
    ]
    assert find_duplicates(rows) == {"c000001": ("c000000", "exact")}


def test_the_same_question_with_the_same_answers_is_a_duplicate() -> None:
    """What the user says in between does not make the answers new; a shared greeting is free."""
    hello = ("Hi!", "Hello! I am Pico.")
    rows = [
        conversation(0, *hello, "Fine, thanks.", "You are welcome!"),
        conversation(1, *hello, "Great, that was all.", "You are welcome."),
        conversation(2, *hello, "How big are you?", "I have two layers."),
        conversation(3, "Is anyone at home here today?", "Hello! I am Pico."),
    ]
    assert find_duplicates(rows) == {"c000001": ("c000000", "answers")}


def test_a_small_edit_is_a_near_duplicate_and_a_rewrite_is_not() -> None:
    """One word of thirty changes little; another text shares nothing."""
    rows = [
        conversation(0, "Tell me a story.", LONG),
        conversation(1, "Tell me a story!", LONG.replace("coffee", "tea")),
        conversation(2, "Tell me a story.", " ".join(reversed(LONG.split()))),
    ]
    assert find_duplicates(rows) == {"c000001": ("c000000", "near")}


def test_the_threshold_is_a_parameter() -> None:
    """What is near at 0.4 may be apart at 0.95."""
    rows = [
        conversation(0, "Tell me a story.", LONG),
        conversation(1, "Tell me a story.", LONG.replace("dawn", "noon").replace("nets", "ropes")),
    ]
    assert find_duplicates(rows, Settings(threshold=0.4))
    assert not find_duplicates(rows, Settings(threshold=0.95))


def test_the_lowest_index_wins_whatever_the_order() -> None:
    """Winners do not depend on which answer came first."""
    rows = [conversation(n, "Tell me a story.", f"{LONG} {n % 3}") for n in range(12)]
    expected = find_duplicates(rows)
    assert set(expected) == {row.id for row in rows[1:]}
    for seed in range(5):
        shuffled = rows[:]
        random.Random(seed).shuffle(shuffled)
        assert find_duplicates(shuffled) == expected


def test_what_is_kept_has_no_duplicates_left() -> None:
    """A second pass over the winners finds nothing."""
    rows = [conversation(n, "Tell me.", text) for n, text in enumerate(edited(400, seed=5))]
    dropped = find_duplicates(rows)
    assert dropped
    assert find_duplicates([row for row in rows if row.id not in dropped]) == {}


@pytest.mark.parametrize("texts", [[], [""], ["", ""], ["a"], ["a b", "a b"], ["..", "!!"]])
def test_tiny_and_empty_texts_do_no_harm(texts: list[str]) -> None:
    """No words, one word, fewer words than a shingle."""
    pairs = near_pairs(texts, Settings())
    assert all(i < j for i, j in pairs)


def test_recall_and_precision_against_an_exact_join() -> None:
    """Of 2,500 conversations with edits of every size, the pairs are those of the exact join."""
    texts = edited(2500, seed=3)
    found, exact = set(near_pairs(texts, Settings())), exact_pairs(texts, 0.7)
    assert len(exact) > 100
    assert len(found & exact) >= 0.99 * len(exact)
    assert found <= exact


def test_short_texts_are_found_as_surely_as_long_ones() -> None:
    """Few shingles fill few bins; what the others borrow must not make all bands alike."""
    rng, texts = random.Random(7), list[str]()
    for n in range(1500):
        words = [f"w{rng.randrange(5000)}" for _ in range(12 + n % 9)]
        other = [*words[:-1], f"x{n}"] if n % 2 else [f"y{n}", *words[1:]]
        texts += [" ".join(words), " ".join(other)]
    found, exact = set(near_pairs(texts, Settings())), exact_pairs(texts, 0.7)
    assert len(exact) >= 1500
    assert found <= exact
    assert len(found) >= 0.998 * len(exact)


@pytest.mark.long
def test_a_hundred_thousand_conversations_fit_in_memory() -> None:
    """100,000 short conversations stay far below 1.5 GB."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    texts = edited(100_000, seed=9)
    started = time.perf_counter()
    assert len(near_pairs(texts, Settings())) > 1000
    print(f"100,000 conversations in {time.perf_counter() - started:.1f} s")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 1.5 * 1024 * 1024  # KiB


def edited(count: int, seed: int) -> list[str]:
    """Texts of about 60 words, a third of them edits of others, 1 to 40 % of the words changed."""
    rng = random.Random(seed)
    items = builtin.conversations("train", count * 3, seed)
    words = [m["content"] for item in items for m in item.messages]
    texts: list[str] = []
    for _ in range(count):
        if texts and rng.random() < 0.33:
            parts = rng.choice(texts[-5000:]).split()
            for at in rng.sample(range(len(parts)), int(rng.uniform(0.01, 0.4) * len(parts))):
                parts[at] = rng.choice(words).split()[0]
            texts.append(" ".join(parts))
        else:
            texts.append(" ".join(rng.choice(words) for _ in range(8)))
    return texts


def exact_pairs(texts: list[str], threshold: float) -> set[tuple[int, int]]:
    """The join that no hashing is part of: an inverted index over shingles of words."""
    sets = []
    for text in texts:
        words = re.findall(r"\w+", text.casefold())
        sets.append({tuple(words[i : i + 3]) for i in range(max(1, len(words) - 2))})
    holders: dict[tuple[str, ...], list[int]] = {}
    for number, shingles in enumerate(sets):
        for shingle in shingles:
            holders.setdefault(shingle, []).append(number)
    shared = np.zeros((len(texts), len(texts)), np.int16)
    for group in holders.values():
        for i, j in itertools.combinations(group, 2):
            shared[i, j] += 1
    found = set()
    for i, j in zip(*np.nonzero(shared), strict=True):
        union = len(sets[i]) + len(sets[j]) - int(shared[i, j])
        if shared[i, j] >= threshold * union - 1e-9:
            found.add((int(i), int(j)))
    return found
