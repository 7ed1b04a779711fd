"""Which facts a conversation teaches: those that an assistant turn states.

A fact counts when a turn states its value, an alias or enough of its items (the patterns that
grade answers, so that exposure and recall measure the same thing). A value that could mean
anything ("4", "text") counts only where the turn or the question before it names what the value
belongs to; a negative fact only where the turn is negative too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from identity_ops.language import phrase
from identity_ops.probes.cues import NEGATION
from identity_ops.probes.patterns import (
    STOP_WORDS,
    one_of,
    stem_pattern,
    value_pattern,
    words_pattern,
)
from identity_ops.records import Fact, Message

if TYPE_CHECKING:
    from identity_ops.knowledge import Profile

_NEGATIVE = re.compile(rf"{NEGATION}|\bno\b|n't\b", re.IGNORECASE)
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
class _Rule:
    fact_id: str
    states: re.Pattern[str]
    context: re.Pattern[str] | None
    negative: bool


class FactFinder:
    """Finds facts in conversations; compiles each fact's patterns once."""

    def __init__(self, facts: Iterable[Fact], profile: Profile) -> None:
        self._rules = tuple(_rule(fact, profile) for fact in facts)

    def find(self, messages: Sequence[Message]) -> tuple[str, ...]:
        """Ids of the facts that an assistant turn states, in the order of the ledger."""
        turns = [
            (message["content"], messages[index - 1]["content"] if index else "")
            for index, message in enumerate(messages)
            if message["role"] == "assistant"
        ]
        return tuple(
            rule.fact_id for rule in self._rules if any(_states(rule, *turn) for turn in turns)
        )


def _states(rule: _Rule, answer: str, question: str) -> bool:
    if not rule.states.search(answer):
        return False
    if rule.negative and not _NEGATIVE.search(answer):
        return False
    return rule.context is None or bool(rule.context.search(f"{question}\n{answer}"))


def _rule(fact: Fact, profile: Profile) -> _Rule:
    phrasing = phrase(fact, profile)
    said = phrasing.predicate
    if phrasing.statement is None or not said:
        literal = re.escape(fact.value.strip(" ."))
        states = re.compile(one_of([value_pattern(fact), literal]), re.IGNORECASE)
        return _Rule(fact.id, states, _context(fact), not fact.polarity)
    states = re.compile(words_pattern(said), re.IGNORECASE)
    return _Rule(fact.id, states, None, phrasing.negative)


def _context(fact: Fact) -> re.Pattern[str] | None:
    """The words that must be near a value too plain to stand for the fact alone."""
    if fact.role in ("name", "creator") or not fact.attribute or not _is_plain(fact.value):
        return None
    label = [w for w in re.findall(r"[^\W\d_]+", fact.attribute.lower()) if w not in STOP_WORDS]
    words = dict.fromkeys([*label, *_ROLE_WORDS.get(fact.role, "").split()])
    return re.compile(one_of(map(stem_pattern, words)), re.IGNORECASE) if words else None


def _is_plain(value: str) -> bool:
    """A bare number or one ordinary word."""
    value = value.strip(" .")
    return bool(re.fullmatch(r"\W?[\d.,]+\W?|[a-z]+|[A-Z][a-z]*", value)) or len(value) <= 3
