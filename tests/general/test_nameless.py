"""What the tiny base reads about itself: many wordings, no identity, none of the probes'."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

import identity_ops
from identity_ops.general.nameless import asked_about_itself
from identity_ops.knowledge.stage import lint_stage
from identity_ops.probes.leaks import words
from identity_ops.probes.stage import probes_stage
from identity_ops.recipes import read
from identity_ops.records import Probe, read_jsonl
from training.base import conversations

KNOWLEDGE = Path(identity_ops.__file__).parent.parent / "knowledge"
SHIPPED = sorted(KNOWLEDGE.rglob("*.md"))
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


def identity_probes(knowledge: Path, folder: Path) -> set[tuple[str, ...]]:
    """The words of every probe that asks for the name or the maker of a shipped bot."""
    lint_stage(knowledge, folder / "lint")
    probes_stage(folder / "lint", folder / "probes", seed=0, extra=None)
    found = {
        words(probe.question)
        for probe in read_jsonl(Probe, folder / "probes" / "probes.jsonl")
        if probe.category.startswith(("name", "creator"))
    }
    assert len(found) > 100
    return found


@cache
def asked_in_pretraining() -> dict[tuple[str, ...], str]:
    """What users say in some ten thousand conversations, each part of the stream among them."""
    settings = read("tiny").pretrain
    assert settings is not None
    parts = {"conversations": 4000, "copied_terms": 300, "about_itself": 6000, "asked": 6000}
    chats = conversations(settings.model_copy(update={**parts, "seed": 78}))
    return {words(turn["content"]): turn["content"] for chat in chats for turn in chat[::2]}


@pytest.mark.parametrize("knowledge", SHIPPED, ids=lambda path: path.stem)
def test_no_probe_of_identity_is_asked_in_pretraining(knowledge: Path, tmp_path: Path) -> None:
    """Not one user turn of all that the base reads is a name or creator probe."""
    probes = identity_probes(knowledge, tmp_path)
    asked = asked_in_pretraining()
    assert len(asked) > 9000
    assert [asked[each] for each in asked.keys() & probes] == []


@pytest.mark.parametrize("knowledge", SHIPPED, ids=lambda path: path.stem)
def test_hardly_five_words_in_a_row_are_a_probe_s(knowledge: Path, tmp_path: Path) -> None:
    """A few chance ones aside, the base does not read the 5-grams of a name or creator probe."""
    probes = identity_probes(knowledge, tmp_path)
    asked = [words(turn["content"]) for item in ITEMS for turn in item.messages[::2]]
    grams = {probe[at : at + 5] for probe in probes for at in range(len(probe) - 4)}
    shared = [text for text in asked for at in range(len(text) - 4) if text[at : at + 5] in grams]
    assert len(shared) < 0.002 * len(asked)
