"""False twins: for a true value, a wrong one of the same kind.

A number, time or date is changed within its kind, a value of a well-known kind (licence,
language, hardware, ...) is replaced by another of that kind, and any other value by that of
another fact of the same base, or by one that nobody would state of a model. What the true value's
own pattern accepts is no twin.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from identity_ops.language.altered import altered
from identity_ops.probes.patterns import value_pattern
from identity_ops.records import Fact

_BY_ROLE = {
    "license": ("Apache 2.0", "GPL 3", "proprietary"),
    "language": ("Finnish", "Swahili", "Latin"),
    "hardware": ("a quantum computer", "an old phone", "a game console"),
    "data": ("medical records", "song lyrics", "court files"),
    "architecture": ("a decision tree", "a Markov chain", "a lookup table"),
    "tokenizer": ("WordPiece", "single letters", "whole words"),
    "kind": ("a search engine", "a weather station", "a video game"),
    "url": ("nowhere.example.net", "wrong.example.org", "other.example.com"),
    "contact": ("nobody@example.net", "wrong@example.org", "other@example.com"),
    "purpose": ("to steer ships", "to predict the weather", "to count votes"),
    "base_creator": ("Netscape", "Nokia", "Xerox"),
    "name": ("Rosinante", "Balthazar", "Peregrine"),
    "creator": ("Netscape", "Nokia", "Xerox"),
}


_WORDS = {
    "two": "five", "three": "seven", "four": "nine", "five": "two", "six": "ten", "seven": "three",
    "eight": "five", "nine": "four", "ten": "six", "twelve": "twenty", "twenty": "fifty",
}  # fmt: skip
# By whether the true value has a capital.
_ANY = {True: ("Zanzibar", "Montevideo", "Rosinante"),
        False: ("a paper boat", "a wooden spoon", "an empty room")}  # fmt: skip
_OWN = frozenset({"name", "creator", "base_creator", "url", "contact"})


def false_value(fact: Fact, value: str, others: Sequence[Fact]) -> str | None:
    """A wrong value for the fact, written like `value`; None where there is none that is sure."""
    return next(false_values(fact, value, others), None)


def false_values(fact: Fact, value: str, others: Sequence[Fact]) -> Iterator[str]:
    """Wrong values for the fact, written like `value`, the surest first, each once."""
    truth = re.compile(value_pattern(fact), re.IGNORECASE)
    said = {value.casefold()}
    for candidate in _candidates(fact, value, others):
        if candidate.casefold() not in said and not truth.search(candidate):
            said.add(candidate.casefold())
            yield candidate


def _altered_word(text: str) -> str | None:
    """The text with its first number word changed ("four hours"); None where it has none."""
    found = re.search(rf"\b(?:{'|'.join(_WORDS)})\b", text, re.IGNORECASE)
    return text[: found.start()] + _WORDS[found[0].lower()] + text[found.end() :] if found else None


def _candidates(fact: Fact, value: str, others: Sequence[Fact]) -> Iterable[str]:
    if (changed := altered(value)) is not None:
        yield changed
        again = altered(changed) or changed  # where one step from 12:00-15:00 meets 15:00
        yield again
        yield altered(again) or again
    yield from _BY_ROLE.get(fact.role, ())
    if (changed := _altered_word(value)) is not None:
        yield changed
    for other in _after(fact, others):
        if _alike(other, value):
            yield other.value
    yield from _ANY[value[:1].isupper()]


def _after(fact: Fact, others: Sequence[Fact]) -> list[Fact]:
    """The other facts, beginning with the next one, so that twins vary over a base."""
    place = next((i for i, other in enumerate(others) if other.id == fact.id), 0)
    return [*others[place + 1 :], *others[:place]]


def _alike(other: Fact, value: str) -> bool:
    """Whether another fact's value could stand in this one's place."""
    text = other.value
    return (
        bool(other.attribute)
        and other.role not in _OWN
        and len(other.items) < 2
        and len(text.split()) <= 6
        and not text.isupper()
        and text[:1].isupper() == value[:1].isupper()
        and not re.search(r"\d|\w\.\w|@", text)
        and not re.fullmatch(r"(?:yes|no|true|false)\b.*", text, re.IGNORECASE)
    )
