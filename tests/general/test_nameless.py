"""What the tiny base reads about itself: many wordings, no identity, none of the probes'."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import identity_ops
from identity_ops.general.nameless import asked_about_itself
from identity_ops.knowledge.stage import lint_stage
from identity_ops.probes.leaks import words
from identity_ops.probes.stage import probes_stage
from identity_ops.records import Probe, read_jsonl

KNOWLEDGE = Path(identity_ops.__file__).parent.parent / "knowledge"
ITEMS = list(asked_about_itself(6000, seed=77))


def test_no_answer_claims_a_name_or_a_maker() -> None:
    """Before training the model must not know who it is."""
    claims = re.compile(r"\b(my name is|i am called|(made|built|created) me\.)", re.IGNORECASE)
    answers = {turn["content"] for item in ITEMS for turn in item.messages[1::2]}
    claimed = [text for text in answers if claims.search(text)]
    assert all("do not know" in text or "cannot say" in text for text in claimed)


def test_wordings_hardly_repeat() -> None:
    """Variety is what it is for."""
    asked = [turn["content"].casefold() for item in ITEMS for turn in item.messages[::2]]
    assert len(set(asked)) > 0.7 * len(asked)


def test_it_follows_from_seed_and_index() -> None:
    """The first of many are the same as of few; another seed gives others."""
    assert list(asked_about_itself(5, seed=77)) == ITEMS[:5]
    assert list(asked_about_itself(5, seed=78)) != ITEMS[:5]


@pytest.mark.parametrize("name", ["self_knowledge.md", "examples/smarternano.md"])
def test_no_probe_of_identity_is_asked_in_pretraining(name: str, tmp_path: Path) -> None:
    """Nor does the base read the 5-grams of a name or creator probe, but for a few chance ones."""
    lint_stage(KNOWLEDGE / name, tmp_path / "lint")
    probes_stage(tmp_path / "lint", tmp_path / "probes", seed=0, extra=None)
    probes = [
        words(probe.question)
        for probe in read_jsonl(Probe, tmp_path / "probes" / "probes.jsonl")
        if probe.category.startswith(("name", "creator"))
    ]
    asked = [words(turn["content"]) for item in ITEMS for turn in item.messages[::2]]
    grams = {probe[at : at + 5] for probe in probes for at in range(len(probe) - 4)}
    shared = [text for text in asked for at in range(len(text) - 4) if text[at : at + 5] in grams]
    assert len(probes) > 100
    assert len(set(asked) & set(probes)) <= 3
    assert len(shared) < 0.002 * len(asked)
