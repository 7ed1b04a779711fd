"""Which facts a conversation teaches: those that an assistant turn states.

A fact with a label counts when a turn states its value, an alias or enough of its items (by the
patterns that grade answers, so that exposure and recall measure the same thing). A value that
could mean anything ("4", "text"), or that is part of another fact's value, counts only where the
turn or the question before it names what the value belongs to. A statement counts when one
sentence holds its words, all of up to three and two thirds of more, and agrees with it in
saying yes or no.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from identity_ops.language import phrase
from identity_ops.probes.cues import NEGATION
from identity_ops.probes.patterns import STOP_WORDS, one_of, stem_pattern, value_pattern
from identity_ops.records import Fact, Message

if TYPE_CHECKING:
    from identity_ops.knowledge import Profile

_NEGATIVE = re.compile(NEGATION, re.IGNORECASE)
_LEADING_NO = re.compile(r"^\W*no\b\W*", re.IGNORECASE)
_UNSAID = STOP_WORDS | {"itself", "myself", "yourself", "himself", "herself", "themselves"}
_SENTENCES = re.compile(r"(?<=[.!?])\s+|\n+")
_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
# What people call the thing that a role is about, where the label itself may not be said.
_ROLE_WORDS = {
    "version": "version release", "date": "date released released born when old year",
    "size": "size parameters big large weights", "layers": "layers deep depth blocks",
    "width": "width wide dimension hidden", "heads": "heads attention",
    "vocabulary": "vocabulary tokens words", "context": "context window tokens length remember",
    "hardware": "hardware trained run chips machine", "cost": "cost price paid money expensive",
    "time": "time long hours minutes", "data": "data trained text learned",
    "language": "language languages speak", "price": "price cost free pay",
    "kind": "kind sort what type", "license": "license licence terms",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Value:
    """States a labelled fact: the value, near the words it needs."""

    fact_id: str
    value: re.Pattern[str]
    context: re.Pattern[str] | None

    def stated(self, answer: str, question: str) -> bool:
        if not self.value.search(answer):
            return False
        return self.context is None or bool(self.context.search(f"{question}\n{answer}"))


@dataclass(frozen=True, slots=True)
class _Claim:
    """States a yes-or-no fact: enough of its words in one sentence that says the same."""

    fact_id: str
    words: tuple[re.Pattern[str], ...]
    need: int
    negative: bool | None  # None: the statement has a negation of its own, so it shows nothing

    def stated(self, answer: str, question: str) -> bool:  # noqa: ARG002 - the rules' interface
        return any(self._said(sentence) for sentence in _SENTENCES.split(answer))

    def _said(self, sentence: str) -> bool:
        if sum(bool(word.search(sentence)) for word in self.words) < self.need:
            return False
        denied = bool(_NEGATIVE.search(_LEADING_NO.sub("", sentence)))
        return self.negative is None or denied == self.negative


class FactFinder:
    """Finds facts in conversations; compiles each fact's patterns once."""

    def __init__(self, facts: Iterable[Fact], profile: Profile) -> None:
        listed = list(facts)
        self._rules = tuple(_rule(fact, listed, profile) for fact in listed)

    def find(self, messages: Sequence[Message]) -> tuple[str, ...]:
        """Ids of the facts that an assistant turn states, in the order of the ledger."""
        turns = [
            (message["content"], messages[index - 1]["content"] if index else "")
            for index, message in enumerate(messages)
            if message["role"] == "assistant"
        ]
        return tuple(
            rule.fact_id for rule in self._rules if any(rule.stated(*turn) for turn in turns)
        )


def _rule(fact: Fact, facts: Sequence[Fact], profile: Profile) -> _Value | _Claim:
    phrasing = phrase(fact, profile)
    words = _content(phrasing.predicate) if phrasing.statement is not None else []
    if not words:
        literal = re.escape(fact.value.strip(" ."))
        value = re.compile(one_of([value_pattern(fact), literal]), re.IGNORECASE)
        return _Value(fact.id, value, _context(fact, facts, phrasing.noun))
    need = len(words) if len(words) <= 3 else -(-len(words) * 2 // 3)
    patterns = tuple(re.compile(stem_pattern(word), re.IGNORECASE) for word in words)
    own = bool(_NEGATIVE.search(f"{phrasing.predicate} {phrasing.detail}"))
    return _Claim(fact.id, patterns, need, None if own else phrasing.negative)


def _content(text: str) -> list[str]:
    words = (word.lower() for word in _WORD.findall(text))
    return list(dict.fromkeys(word for word in words if word not in _UNSAID))


def _context(fact: Fact, facts: Sequence[Fact], noun: str) -> re.Pattern[str] | None:
    """The words that must be near a value that does not stand for the fact alone."""
    if fact.role in ("name", "creator") or not fact.attribute:
        return None
    if not (_is_plain(fact.value) or _is_part(fact, facts)):
        return None
    label = [*_content(fact.attribute), *_content(noun)]
    words = dict.fromkeys([*label, *_ROLE_WORDS.get(fact.role, "").split()])
    return re.compile(one_of(map(stem_pattern, words)), re.IGNORECASE) if words else None


def _is_plain(value: str) -> bool:
    """A bare number or one ordinary word."""
    value = value.strip(" .")
    return bool(re.fullmatch(r"\W?[\d.,]+\W?|[a-z]+|[A-Z][a-z]*", value)) or len(value) <= 3


def _is_part(fact: Fact, facts: Sequence[Fact]) -> bool:
    """Whether saying another fact's value says this one's, too."""
    own = fact.value.casefold().strip(" .")
    others = (other.value.casefold() for other in facts if other.id != fact.id)
    return any(own in other for other in others)
