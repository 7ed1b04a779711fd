"""Statements as people write them become questions and first-person answers."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from tests.language.facts import phrased, rows

ROWS = rows("statements.tsv")
_NEGATIVE = re.compile(r"\b(?:no|not|cannot|never|unable|lacks|nothing)\b|n't", re.IGNORECASE)


def _polarity(row: dict[str, str]) -> bool:
    return not (row["role"] == "limitation" and _NEGATIVE.search(row["text"]))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["text"][:40])
def test_statement_reads_right(row: dict[str, str]) -> None:
    """Each statement gives the yes/no question and the answer that a person would write."""
    found = phrased("", row["text"], row["role"], polarity=_polarity(row))
    assert (found.ask() + "?", found.declarative()) == (row["question"], row["answer"])


def test_a_hundred_statements_are_covered() -> None:
    """The table of checked statements has more than a hundred different ones."""
    assert len({row["text"] for row in ROWS}) > 100


def test_denied_heading_turns_a_bare_action_round() -> None:
    """Under "What it cannot do", "Scan images" means that it cannot."""
    found = phrased("", "Scan images", "limitation", polarity=False)
    assert found.declarative() == "I cannot scan images."


def test_no_double_negation() -> None:
    """A statement that is negative in meaning is not turned round by its polarity."""
    found = phrased("", "Refuses to give medical advice", "limitation", polarity=False)
    assert found.declarative() == "I refuse to give medical advice."


@pytest.mark.parametrize(
    "text", ["Q", "-", "...", "!", "It", "No", "Not", "Cannot", "can", "\u4f60\u597d"]
)
def test_odd_text_is_survived(text: str) -> None:
    """A fragment gives some sentence and no exception."""
    assert phrased("", text, "limitation").declarative()


@pytest.mark.parametrize("text", ["Unavailable on weekends", "Unsuitable for children"])
def test_a_word_that_denies_is_not_denied_again(text: str) -> None:
    """The polarity of "unavailable" is in the word."""
    found = phrased("", text, "limitation", polarity=False)
    assert found.declarative() == f"I am {text[0].lower()}{text[1:]}."


def test_pronouns_follow_the_speaker() -> None:
    """What is its for the base is your for the user and my for the bot."""
    found = phrased("", "Honest about its limits", "trait")
    assert found.ask() == "are you honest about your limits"
    assert found.declare_i() == "I am honest about my limits"
    assert found.statement is not None
    assert found.statement.declare_third("Pip") == "Pip is honest about its limits"


def test_its_of_something_else_stays() -> None:
    """In "a parcel by its order number" the number is the parcel's."""
    found = phrased("", "Track a parcel by its order number", "capability")
    assert found.declarative() == "I can track a parcel by its order number."


def test_the_user_speaks_of_himself() -> None:
    """Help for "you" becomes help for "me" when the user asks."""
    assert phrased("", "Helps you with homework").ask() == "do you help me with homework"


def test_what_the_maker_does_is_no_deed_of_the_bot() -> None:
    """The maker's name as the subject makes it a sentence to quote."""
    found = phrased("", "Otter answers mail at night")
    assert found.ask() == "is it true that Otter answers mail at night"
    assert found.declarative() == "Otter answers mail at night."


def test_a_denial_turned_round_says_something() -> None:
    """ "You know something about crypto" is what "knows nothing about crypto" denies."""
    found = phrased("", "Knows nothing about crypto", "limitation", polarity=False).statement
    assert found is not None
    claim = replace(found, negative=False)
    assert claim.declare_you() == "you know something about crypto"
    assert claim.ask() == "do you know anything about crypto"
