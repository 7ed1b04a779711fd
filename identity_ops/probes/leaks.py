"""Leaks: training turns that give a probe away.

A user turn leaks a probe when the two are equal after normalisation (case, punctuation, spacing),
or when they share an 8-gram after the bot's names and the facts' values are masked. Exercises
are held out by item and share their wording with training on purpose, so only equality counts for
them. Cost: one dictionary look-up for each word of a turn.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from identity_ops.knowledge import profile_of
from identity_ops.language import Phrasing, phrase_all
from identity_ops.records import Fact, Message, Probe

GRAM = 8
MASK = "*"
EXERCISES = ("ability", "ordinary/exercise")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*|\*")


class Talk(Protocol):
    """Anything with an id and messages; a Conversation is one."""

    @property
    def id(self) -> str: ...

    @property
    def messages(self) -> Sequence[Message]: ...


def words(text: str) -> tuple[str, ...]:
    """The text as comparisons see it: lower case, no punctuation, straight quotes."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")
    return tuple(_WORD.findall(folded))


def masked_phrases(names: Iterable[str], facts: Iterable[Fact]) -> tuple[str, ...]:
    """What to mask: the names given, and each fact's value, items, aliases, noun and statement.

    A statement is masked as questions hold it ("Cannot scan images" as "scan images"): the words
    that say what the fact is about are in any question on it, and no wording of the probe.
    """
    listed = list(facts)
    found = list(names)
    for fact in listed:
        found += [fact.value, *fact.items, *fact.aliases]
    for phrasing in phrase_all(listed, profile_of(listed)).values():
        found += [phrasing.value, phrasing.noun, *_tails(phrasing)]
    return tuple(dict.fromkeys(phrase for phrase in found if words(phrase)))


def _tails(phrasing: Phrasing) -> list[str]:
    """What the fact is about as questions hold it: the clause without its first words."""
    if phrasing.statement is None:
        clause = phrasing.indirect.split()[1:]
        return [" ".join(clause if not phrasing.noun else clause[:-1]).removeprefix("your ")]
    said = [phrasing.ask(), replace(phrasing.statement, negative=False, never=False).declare_you()]
    return [phrasing.predicate, *(" ".join(text.split()[2:]) for text in said)]


class Masker:
    """Replaces known phrases by one mask word, the longest phrase first."""

    def __init__(self, phrases: Iterable[str]) -> None:
        self._by_first: dict[str, list[tuple[str, ...]]] = {}
        for phrase in sorted({words(p) for p in phrases} - {()}, key=len, reverse=True):
            self._by_first.setdefault(phrase[0], []).append(phrase)

    def __call__(self, tokens: tuple[str, ...]) -> tuple[str, ...]:
        out, place = [], 0
        while place < len(tokens):
            length = self._match(tokens, place)
            out.append(MASK if length else tokens[place])
            place += length or 1
        return tuple(out)

    def _match(self, tokens: tuple[str, ...], place: int) -> int:
        for phrase in self._by_first.get(tokens[place], ()):
            if tokens[place : place + len(phrase)] == phrase:
                return len(phrase)
        return 0


class LeakFinder:
    """Tells which probe a conversation leaks.

    Args:
        probes: the held-out probes; user-supplied ones are not held out and do not belong here.
        phrases: names and values to mask, see `masked_phrases`.
    """

    def __init__(self, probes: Iterable[Probe], phrases: Iterable[str]) -> None:
        self._mask = Masker(phrases)
        self._equal: dict[tuple[str, ...], list[str]] = defaultdict(list)
        self._grams: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for probe in probes:
            tokens = words(probe.question)
            self._equal[tokens].append(probe.id)
            if not probe.category.startswith(EXERCISES):
                for gram in set(grams(self._mask(tokens), GRAM)):
                    self._grams[gram].append(probe.id)

    def find(self, messages: Iterable[Message]) -> str | None:
        """The id of the first probe that a user turn leaks, None if there is none."""
        return next(self._found(messages), None)

    def find_all(self, messages: Iterable[Message]) -> set[str]:
        """The ids of all probes that the user turns leak."""
        return set(self._found(messages))

    def _found(self, messages: Iterable[Message]) -> Iterator[str]:
        for message in messages:
            if message["role"] == "user":
                yield from self._leaked(message["content"])

    def _leaked(self, text: str) -> Iterator[str]:
        tokens = words(text)
        yield from self._equal.get(tokens, ())
        if len(tokens) >= GRAM and self._grams:
            for gram in grams(self._mask(tokens), GRAM):
                yield from self._grams.get(gram, ())


def grams(tokens: tuple[str, ...], size: int) -> Iterator[tuple[str, ...]]:
    """Every run of `size` tokens, except runs of masks alone."""
    for start in range(len(tokens) - size + 1):
        gram = tokens[start : start + size]
        if set(gram) != {MASK}:
            yield gram


def leaks(
    conversations: Iterable[Talk], probes: Iterable[Probe], phrases: Iterable[str]
) -> dict[str, str]:
    """Conversation id -> id of the probe it leaks, for those that leak one."""
    finder = LeakFinder(probes, phrases)
    found = ((talk.id, finder.find(talk.messages)) for talk in conversations)
    return {identity: probe for identity, probe in found if probe is not None}
