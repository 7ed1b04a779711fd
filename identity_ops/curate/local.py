"""Numbers told of the wrong thing: grounding local to the fact that a number belongs to.

A number that the knowledge base has may still be misplaced: "I have 256 layers", where 256 is the
context length and the layers are 4. That is found where the turn names a thing with a number of
its own, by its label or by its unit, right beside the number, and the number is none of that
thing's. A number whose own fact is spoken of in the same clause may stand beside other words.
English labels only; where nothing is named beside a number, it is enough that it is known.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile

from identity_ops.curate.grounding import NO_STATEMENT, Source
from identity_ops.curate.numerals import Number, numbers, spelt, stated_numbers
from identity_ops.curate.plain import fold
from identity_ops.records import Fact

_CLAUSE = re.compile(r"[;:!?\n]\s*|\.(?=\s|$)|,\s+|\b(?:and|but|while|with|plus|or|than|not)\b")
_WORD = re.compile(r"[^\W\d_][^\W_]*(?:'[a-z]+)?")
_LINKS = (
    "is are was were of at to the a an about around roughly exactly just only some nearly my its "
    "has have for on in up under over be it that this i am me your you"
)
_VAGUE_WORDS = (  # of labels: they may be said of anything
    "model name size version number count total type kind date year time data first last current "
    "use used long large more other code language train trained training release released made"
)
_LINK, _VAGUE = frozenset(_LINKS.split()), frozenset(_VAGUE_WORDS.split())
_SIGNS = {"%": "percent", "$": "dollar", "\u20ac": "euro", "\u00a3": "pound"}


@dataclass(frozen=True, slots=True)
class _Thing:
    """A fact with a label and numbers of its own."""

    label: tuple[str, ...]
    values: frozenset[float]


class Places:
    """Where the numbers of a knowledge base belong.

    Args:
        facts: its facts; those with a label and a number decide.
        text: all of it, for the words beside numbers.
    """

    def __init__(self, facts: Iterable[Fact], text: str) -> None:
        self._things: list[_Thing] = []
        self._words: dict[float, set[str]] = defaultdict(set)  # beside a number, on its line
        self._units: dict[str, set[float]] = defaultdict(set)
        self._bare: set[float] = set()  # seen without a unit
        for fact in facts:
            self._add_fact(fact)
        for line in fold(text).splitlines():
            self._add_line(NO_STATEMENT.sub(" ", line))

    def misplaced(self, text: str, question: str, said: Source | None = None) -> list[str]:
        """The numbers in an answer that are told of something else, each with its words.

        Args:
            question: the user's turn before it.
            said: what the user brought up, which may be repeated.
        """
        found = []
        for clause in _clauses(NO_STATEMENT.sub(" ", fold(text))):
            beside = [(number, self._stranger(number, clause, question))
                      for number in stated_numbers(clause)]  # fmt: skip
            beside += [(number, self._counted(number, clause)) for number in _small(clause)]
            found += [
                f"{number.written} as {other}"
                for number, other in beside
                if other and not (said and said.has_number(number))
            ]
        return found

    def _stranger(self, number: Number, clause: str, question: str) -> str:
        """What the number is said of, though it is none of that thing's; "" where all is well."""
        values = number.values | number.parts
        return (
            self._counted(number, clause)
            or self._measured(values, _after(number, clause), f"{clause} {question}")
            or self._labelled(values, _before(number, clause), clause)
        )

    def _counted(self, number: Number, clause: str) -> str:
        """ "256 layers": the label stands behind the number."""
        after, values = _after(number, clause), number.values | number.parts
        if not after or after[0] in self._own(values) or self._units.get(after[0], set()) & values:
            return ""
        named = self._named(values, after)
        return " ".join(named.label) if named else ""

    def _measured(self, values: frozenset[float], after: list[str], said: str) -> str:
        """ "4 tokens": a unit that other numbers have."""
        own = self._own(values)
        if not after or after[0] in own or after[0] not in self._units:
            return ""
        if self._units[after[0]] & values:
            return ""
        is_open = bool(values & self._bare) and not own.isdisjoint(_stems(said))
        return "" if is_open else after[0]

    def _labelled(self, values: frozenset[float], before: list[str], clause: str) -> str:
        """ "a width of 4": the label stands before the number, and nothing of its own near."""
        named = self._named(values, before[-3:])
        if named is None:
            return ""
        own = self._own(values) - self._own(named.values)
        return " ".join(named.label) if own.isdisjoint(_stems(clause)) else ""

    def _own(self, values: frozenset[float]) -> set[str]:
        """What the knowledge base says beside these numbers."""
        return set[str]().union(*(self._words.get(value, ()) for value in values))

    def _named(self, values: frozenset[float], words: list[str]) -> _Thing | None:
        """The thing that the words name, where it does not have these numbers."""
        named = [thing for thing in self._things if set(thing.label) <= set(words)]
        if not named or any(thing.values & values for thing in named):
            return None
        return named[0]

    def _add_fact(self, fact: Fact) -> None:
        values = numbers(fold(fact.value))
        label = tuple(stem for stem in _stems(fact.attribute) if stem not in _VAGUE)
        for value in values:
            self._words[value].update(_stems(f"{fact.section} {fact.attribute} {fact.value}"))
        if values and label and re.search(r"\d", fact.value):
            self._things.append(_Thing(label, values))

    def _add_line(self, line: str) -> None:
        stems = _stems(line)
        for number in [*stated_numbers(line), *_small(line)]:
            values = number.values | number.parts
            for value in values:
                self._words[value].update(stems)
            after = _after(number, line)
            for word in after:
                self._units[word].update(values)
            if not after:
                self._bare.update(values)


def _small(text: str) -> list[Number]:
    """Small numbers in words, which count only beside a thing that is counted."""
    large = {number.start for number in stated_numbers(text)}
    return [number for number in spelt(text) if number.start not in large]


def _clauses(text: str) -> list[str]:
    return [part for part in _CLAUSE.split(text) if part]


def _after(number: Number, clause: str) -> list[str]:
    """The words that a number counts: those right behind it, or the sign on it."""
    if sign := _SIGNS.get(clause[number.start - 1 : number.start]):
        return [sign]
    rest = clause[number.end :]
    if sign := _SIGNS.get(rest.lstrip()[:1]):
        return [sign]
    near = re.match(r"(?:[ -]?[^\W\d_][^\W_]*(?:'[a-z]+)?){0,3}", rest)
    words = _WORD.findall(near[0] if near else "")
    return [_stem(word) for word in takewhile(lambda w: w.casefold() not in _LINK, words)]


def _before(number: Number, clause: str) -> list[str]:
    """The last words before a number, linking ones left out, no other number between."""
    text = re.split(r"\d", clause[: number.start])[-1]
    return _stems(text)


def _stems(text: str) -> list[str]:
    return [_stem(word) for word in _WORD.findall(fold(text)) if word.casefold() not in _LINK]


def _stem(word: str) -> str:
    low = re.sub(r"'s?$|'[a-z]+$", "", word.casefold())
    return low[:-1] if len(low) > 3 and low.endswith("s") and not low.endswith("ss") else low
