"""What the template teacher promises of every conversation, for any knowledge base."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace

import pytest

from identity_ops.curate import Checker
from identity_ops.curate.found import FactFinder
from identity_ops.curate.rivals import rival_claims
from identity_ops.teachers.template import TemplateTeacher
from identity_ops.teachers.template.subject import Subject
from tests.teachers.template.written import ALL, base, written


@pytest.mark.parametrize("name", ALL)
def test_shape(name: str) -> None:
    """Turns alternate from the user on, as many as the cell asks for, none empty."""
    for cell, messages in written(name):
        assert [m["role"] for m in messages] == ["user", "assistant"] * (cell.turns // 2)
        assert all(m["content"].strip() for m in messages)


@pytest.mark.parametrize("name", ALL)
def test_next_to_nothing_is_rejected(name: str) -> None:
    """The checks that judge any teacher accept what this one writes."""
    checker, rejected = Checker(base(name)), []
    for cell, messages in written(name):
        try:
            checker.accept(cell, json.dumps({"messages": messages}))
        except Exception as error:
            rejected.append(f"{error}: {messages}")
    assert len(rejected) <= 3, rejected


@pytest.mark.parametrize("name", ALL)
def test_same_cell_same_bytes(name: str) -> None:
    """Another teacher object writes the same; another attempt writes something else."""
    cells = [cell for cell, _ in written(name)][:40]
    first, again = TemplateTeacher(base(name)), TemplateTeacher(base(name))
    assert [first.complete(c) for c in cells] == [again.complete(c) for c in cells]
    assert sum(first.complete(c) != first.complete(c, attempt=1) for c in cells) >= 36


@pytest.mark.parametrize("name", ["self_knowledge", "smarternano", "bakery"])
def test_a_thousand_are_distinct(name: str) -> None:
    """Of a thousand conversations at most two repeat another, and few come near to it."""
    texts = ["\n".join(m["content"] for m in messages) for _, messages in written(name, 1000)]
    assert len(set(texts)) >= 998
    assert _near_duplicates(texts) < 0.03 * len(texts)


def _near_duplicates(texts: list[str]) -> int:
    places: dict[tuple[str, ...], list[int]] = {}
    shingles: list[set[tuple[str, ...]]] = []
    near = 0
    for text in texts:
        words = text.lower().split()
        own = {tuple(words[i : i + 3]) for i in range(max(1, len(words) - 2))}
        shared = Counter(place for gram in own for place in places.get(gram, ()))
        near += any(n / (len(own) + len(shingles[p]) - n) >= 0.7 for p, n in shared.items())
        for gram in own:
            places.setdefault(gram, []).append(len(shingles))
        shingles.append(own)
    return near


@pytest.mark.parametrize("name", ["self_knowledge", "smarternano", "bakery", "tables"])
def test_each_fact_is_asked_in_many_ways(name: str) -> None:
    """Over a thousand conversations every fact meets at least twelve different questions."""
    asked: dict[str, set[str]] = {}
    finder = FactFinder(base(name).facts, base(name).profile)
    for _, messages in written(name, 1000):
        for question, answer in zip(messages[::2], messages[1::2], strict=True):
            for fact_id in finder.find([question, answer]):
                asked.setdefault(fact_id, set()).add(question["content"].lower())
    few = {f.attribute or f.value: len(asked.get(f.id, ())) for f in base(name).facts}
    assert {label: n for label, n in few.items() if n < 12} == {}


@pytest.mark.parametrize("name", ALL)
def test_no_rival_is_claimed(name: str) -> None:
    """The bot never says in the first person that it is another, or another's work."""
    profile = base(name).profile
    for _, messages in written(name):
        assert not [m for m in messages[1::2] if rival_claims(m["content"], profile)]


def test_greeting_says_the_name() -> None:
    """A bare hello is answered with who it is, often enough to stick."""
    found = [
        messages[at + 1]["content"]
        for _, messages in written("self_knowledge", 1000)
        for at in range(0, len(messages), 2)
        if re.fullmatch(
            r"(?:hi|hello|hey|good morning)(?: there)?[!.]?", messages[at]["content"].lower()
        )
    ]
    assert len(found) >= 8
    assert all("Tessel" in text for text in found)


def test_stated_attribute_is_never_denied() -> None:
    """A base that states mascot, motto and address is not told to know none of them."""
    nouns = {row["noun"] for row in Subject.of(base("bakery")).unknown}
    assert not nouns & {"motto", "home address", "office address", "birthday", "age"}
    assert len(nouns) >= 60


def test_denials_vary() -> None:
    """What it does not know is asked about in many attributes and wordings."""
    questions = {
        turn["content"].lower()
        for cell, messages in written("self_knowledge", 1000)
        if cell.kind == "unknown_attribute"
        for turn, answer in zip(messages[::2], messages[1::2], strict=True)
        if "do not know" in answer["content"] or "no information" in answer["content"]
    }
    assert len(questions) >= 90


def test_ordinary_requests_never_name_the_bot() -> None:
    """In a conversation about something else it does not speak of itself."""
    for cell, messages in written("self_knowledge", 1000):
        if cell.kind == "ordinary":
            assert not any("Tessel" in m["content"] for m in messages)


def test_other_languages_are_answered_in_kind() -> None:
    """A question in German gets a German answer with the name or maker in it."""
    found = [m for cell, m in written("self_knowledge", 1000) if cell.language == "de"]
    assert found
    assert any(
        re.search(r"\b(?:Ich|ich)\b", turn["content"]) for messages in found for turn in messages
    )
    assert all(turn["content"].isascii() for messages in found for turn in messages)


def test_base_without_a_name_still_talks() -> None:
    """Neither name nor maker: no empty slot, no crash."""
    nameless = replace(base("least"), profile=replace(base("least").profile, name="", creators=()))
    teacher = TemplateTeacher(nameless)
    for cell, _ in written("least"):
        text = teacher.complete(cell)
        assert "I am ." not in text
        assert "by ." not in text


def test_name_and_maker_are_in_about_half() -> None:
    """Between 40 and 70 % of conversations mention who it is or who made it."""
    texts = [" ".join(m["content"] for m in ms) for _, ms in written("self_knowledge", 1000)]
    share = sum("Tessel" in t or "identity-ops team" in t for t in texts) / len(texts)
    assert 0.4 <= share <= 0.7
