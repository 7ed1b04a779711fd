"""Labels whose value is yes or no: "Supports dark mode", "GPU required", "GDPR compliant"."""

from __future__ import annotations

import re
from dataclasses import replace

from identity_ops.language import words
from identity_ops.language.statement import Statement
from identity_ops.language.statements import is_finite, parse

_THERE = frozenset(["available", "enabled", "included", "possible", "present"])
_STATES = frozenset(["certified", "accredited", "audited", "hosted", "licensed", "rated"])


def from_label(label: str, value: bool, names: tuple[str, ...] = ()) -> Statement:
    """The statement of a label with a yes or a no: "Internet access", "GPU required"."""
    text = re.sub(r"\?$", "", re.sub(r"\s+", " ", label).strip())
    aux = re.match(r"(?:is|are|can|does|do|has|was|will) (?:it|you|the \w+) (.+)", text, re.I)
    if aux:
        text = f"{text.split(' ')[0]} {aux[1]}"
    statement = _read(text, names)
    if statement.modal == "have" and not statement.negative:
        statement = replace(statement, predicate=words.with_article(statement.predicate))
    return replace(statement, negative=statement.negative == value)


def _read(text: str, names: tuple[str, ...]) -> Statement:
    noun, _, last = text.rpartition(" ")
    done = words.base_of_participle(last)
    if _is_quality(noun, last) or (not noun and done):
        return Statement(modal="be", predicate=words.lower_first(text))
    if noun and last.lower() in _THERE and not is_finite(text):  # "Tool calling enabled"
        return Statement(modal="have", predicate=words.lower_first(noun))
    verb = done or {"needed": "need"}.get(last.lower(), "")
    if noun and verb in words.VERBS and not words.is_adjective(text.split(" ")[0]):
        thing = words.with_article(words.lower_first(noun))
        return Statement(modal="do", predicate=f"{verb} {thing}")
    return parse(text, names=names, default="support", role="")


def _is_quality(noun: str, last: str) -> bool:
    """Whether the words say what the bot is: "GDPR compliant", "Kid friendly", "Self-hosted"."""
    joined, _, tail = last.lower().rpartition("-")
    done = joined and words.base_of_participle(tail)
    told = bool(done) or words.is_adjective(tail) or tail in _STATES
    first = (noun or last).split(" ")[0]
    acts = is_finite(first) or words.is_verb(first) or words.is_adverb(first)
    many = bool(noun) and words.is_plural(noun)
    return told and bool(noun or joined) and not (acts or many or tail in _THERE)
