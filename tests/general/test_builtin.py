"""The builtin general chat: distinct, split by item, gradable."""

from __future__ import annotations

import itertools
import re

import pytest

from identity_ops.general import builtin
from identity_ops.general.skills import MAKERS, pool, table, words

TRAIN = list(builtin.conversations("train", 8000, seed=7))
COLOURFUL = ("colour", "is_colour", "what_has")
TEST = list(builtin.conversations("test", 4000, seed=7))


def last_answer(item: builtin.SkillItem) -> str:
    return item.messages[-1]["content"]


def test_there_are_thousands_of_distinct_conversations_over_many_skills() -> None:
    """8,000 draws give at least 5,000 distinct conversations, and every scored skill occurs."""
    assert len({item.id for item in TRAIN}) >= 5000
    assert {item.skill for item in TRAIN} >= set(builtin.SCORED)
    assert len(builtin.SCORED) >= 12


def test_each_skill_has_at_least_eight_wordings() -> None:
    """A skill asked in one wording would measure the wording."""
    for skill in MAKERS:
        assert len(set(table("wordings")[skill])) >= 8, skill


@pytest.mark.parametrize("kind", ["objects", "people", "colours", "places"])
@pytest.mark.parametrize("skill", sorted(MAKERS))
def test_no_word_is_in_both_splits_of_a_skill(skill: str, kind: str) -> None:
    """The pools of the two splits are disjoint, together everything, and both large enough."""
    train, test = pool(skill, kind, "train"), pool(skill, kind, "test")
    assert not set(train) & set(test)
    assert sorted(train + test) == sorted(words(kind))
    assert len(test) >= 2 or (kind == "colours" and skill not in COLOURFUL)


def test_test_questions_never_occur_in_training() -> None:
    """No user turn that is scored in the test split is a user turn of the train split."""
    seen = {m["content"].lower() for item in TRAIN for m in item.messages if m["role"] == "user"}
    asked = {item.question.lower() for item in TEST}
    assert not seen & asked


def test_compared_pairs_of_test_never_occur_in_training() -> None:
    """A pair of numbers is held out in both orders."""

    def pairs(items: list[builtin.SkillItem], skill: str) -> set[tuple[str, ...]]:
        return {
            tuple(sorted(re.findall(r"\d+", item.question)))
            for item in items
            if item.skill == skill
        }

    for skill in ("larger", "smaller"):
        assert pairs(TEST, skill)
        assert not pairs(TRAIN, skill) & pairs(TEST, skill)


def test_the_right_answer_passes_and_another_items_answer_fails() -> None:
    """Each regex accepts its own answer and refuses the answer to another question."""
    by_skill: dict[str, list[builtin.SkillItem]] = {}
    for item in TEST:
        by_skill.setdefault(item.skill, []).append(item)
    for skill, items in by_skill.items():
        for item, other in itertools.pairwise(items):
            assert re.search(item.expected, last_answer(item), re.I), item
            if last_answer(other).split()[0] != last_answer(item).split()[0]:
                assert not re.search(item.expected, last_answer(other), re.I), (skill, item, other)


@pytest.mark.parametrize("answer", ["I do not know.", "", "Yes and no", "the list", "1 2 3 4 5 6"])
def test_an_evasive_answer_fails_every_probe(answer: str) -> None:
    """Nothing that avoids the question passes."""
    for probe in builtin.ability_probes(290, seed=3):
        if answer.startswith("Yes") and probe.all_of[0].startswith(r"^\W*yes"):
            continue
        if answer.startswith("Yes") and probe.all_of[0] == r"^\W*Yes\b":
            continue
        assert not re.search(probe.all_of[0], answer, re.I), probe


def test_probes_are_distinct_balanced_and_reproducible() -> None:
    """580 probes: distinct ids and questions, every skill twenty times, the same each time."""
    probes = builtin.ability_probes(580, seed=1)
    assert len({p.question for p in probes}) == len({p.id for p in probes}) == 580
    counts = {c: sum(p.category == c for p in probes) for c in {p.category for p in probes}}
    assert set(counts) == {f"ability/{skill}" for skill in builtin.SCORED}
    assert max(counts.values()) - min(counts.values()) <= 3
    assert probes == builtin.ability_probes(580, seed=1) != builtin.ability_probes(580, seed=2)


def test_a_longer_draw_begins_with_the_shorter_one() -> None:
    """The n-th conversation depends on split, seed and n alone."""
    assert [i.id for i in builtin.conversations("train", 50, seed=7)] == [i.id for i in TRAIN[:50]]


def test_conversations_alternate_in_ascii_and_stay_short() -> None:
    """One to three exchanges, plain ASCII, short enough for a context of 256 tokens."""
    for item in TRAIN + TEST:
        roles = [m["role"] for m in item.messages]
        assert roles == ["user", "assistant"] * (len(roles) // 2)
        assert 2 <= len(roles) <= 6
        text = " ".join(m["content"] for m in item.messages)
        assert text.isascii()
        assert len(text.split()) < 120
        assert all(m["content"].strip() for m in item.messages)


def test_general_chat_says_nothing_about_who_it_is() -> None:
    """That is taught elsewhere; here no answer speaks of itself, in either set."""
    about_self = re.compile(r"\bI am an? (?:AI|assistant)\b|\bmy name\b|\bI am called\b", re.I)
    chats = [*TRAIN, *builtin.copied_terms_chat(2000, seed=1)]
    assert not any(about_self.search(m["content"]) for item in chats for m in item.messages)


def test_copied_terms_come_back_as_they_were_given() -> None:
    """Each first answer is the end of its question, and thousands of terms are among them."""
    chats = [item.messages for item in builtin.copied_terms_chat(2000, seed=1)]
    assert all(asked["content"].endswith(said["content"]) for asked, said, *_ in chats)
    copied = {term for _, said, *_ in chats for term in said["content"].split()}
    assert {*words("surnames"), *words("people")} <= copied
