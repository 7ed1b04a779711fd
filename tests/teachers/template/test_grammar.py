"""A grammar smoke over odd knowledge bases: marks of sentences that went wrong."""

from __future__ import annotations

import re

import pytest

from identity_ops.curate.found import FactFinder
from tests.teachers.template.written import ALL, base, own_answers, written

WRONG = {
    "two articles": r"\b(?:a|an|the) (?:a|an|the)\b(?! team)",
    "a before a vowel": r"\ba [aeio][a-z]{2}(?<!one)(?<!eur)(?<!onc)\b",
    "an before a consonant": r"\ban [bcdfgjklmnpqrstvwz][a-z]",
    "two possessives": r"\b(?:your|my) (?:your|my|its|the|a)\b",
    "two verbs": r"\b(?:is|are|am|was|were|do|can) (?:is|are|am|was|were)\b(?! (?:your|what))",
    "doubled word": r"\b(you|your|my|I|what|whether|not|to|have|can) \1\b",
    "braces": r"[{}]",
    "double space": r"  ",
    "wrong marks": r"[.,:;] ?[.,;:]|\?\?|\.\?|\?\.|!\.|,\.| [.,?!](?:\s|$)",
    "I with a third-person verb": r"\bI (?:is|has|does|was not been|are)\b",
    "modal with an s-form": r"\b(?:can|cannot|will|must) (?:is|has|does|answers|speaks|uses)\b",
    "do with to be": r"\bdo (?:I|you) (?:is|are|am)\b",
    "small I": r"(?<![a-z])i am\b",
    "no object": r"\b(?:my|your) (?:is|are)\b",
}
# A user may type as he likes; his turns are checked where they are typed plainly.
PLAIN = ("beginner", "polite", "teacher", "journalist", "sceptic", "customer")


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("what", WRONG)
def test_answers_are_grammatical(name: str, what: str) -> None:
    """No answer shows this mark of a sentence that went wrong."""
    pattern = re.compile(WRONG[what])
    assert [text for text in own_answers(name) if pattern.search(text)] == []


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("what", sorted(WRONG.keys() - {"wrong marks", "small I"}))
def test_plain_questions_are_grammatical(name: str, what: str) -> None:
    """No question of a careful typist shows it either."""
    pattern = re.compile(WRONG[what])
    found = [
        turn["content"]
        for cell, messages in written(name)
        if cell.kind != "ordinary" and any(word in cell.persona for word in PLAIN)
        for turn in messages[::2]
        if pattern.search(turn["content"])
    ]
    assert found == []


@pytest.mark.parametrize("name", ALL)
def test_answers_are_sentences(name: str) -> None:
    """Answers end with a mark and are short enough for a small model."""
    for text in own_answers(name):
        assert 1 <= len(text.split()) <= 40
        assert text[-1] in ".!?)\"'" or len(text.split()) <= 8, text


def test_a_company_is_one_thing() -> None:
    """A name that ends in "s", or a value with a comment, is no plural."""
    said = [
        text for text in own_answers("museum", 1000) if " my company" in text or "my lic" in text
    ]
    assert any(text.startswith("Otter Labs is") for text in said)
    assert not [text for text in said if "Labs are" in text or "closed are" in text]


def test_each_fact_of_a_prose_base_is_taught() -> None:
    """Half sentences over lists, a full name and a company are no gaps."""
    knowledge = base("museum")
    finder = FactFinder(knowledge.facts, knowledge.profile)
    found = {fact for _, messages in written("museum", 1000) for fact in finder.find(messages)}
    assert [fact.value for fact in knowledge.facts if fact.id not in found] == []
