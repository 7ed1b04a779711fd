"""Labelled facts that are statements all the same: "Math: Can add numbers", "Emoji: never used"."""

from __future__ import annotations

import re
from dataclasses import replace

from identity_ops.knowledge.blocks import Text
from identity_ops.knowledge.split import sentences
from identity_ops.knowledge.words import is_saying
from identity_ops.language import labels, statements, words
from identity_ops.language.statement import Statement
from identity_ops.language.yes_no import from_label
from identity_ops.records import Fact

_FINITE = frozenset([
    "can", "cannot", "can't", "does", "doesn't", "is", "has", "never", "not", "no",
    "will", "won't", "must", "only", "always", "may", "unable",
])  # fmt: skip


def first_sentence(value: str) -> str:
    """The first sentence of a value, without its mark."""
    text = re.sub(r"\s+", " ", value).strip()
    first = next((part.text for part in sentences(Text(text))), "")
    return first.rstrip(".;, ") or text


def in_value(fact: Fact, names: tuple[str, ...]) -> Statement | None:
    """ "Math: Can add small numbers": the label is a topic and the value a statement."""
    first = fact.value.split(" ")[0].lower()
    finite = first in _FINITE
    if labels.looks_like_date(fact.value) or is_saying(fact.attribute):
        return None
    subjects = "|".join(
        re.escape(n) for n in (*names, "I", "It", "You", "The model", "The bot") if n
    )
    owner = re.match(rf"(?:{subjects}) (\S+)", fact.value)
    owns = bool(owner) and statements.is_finite(owner[1] if owner else "")
    leads = fact.role in {"capability", "limitation", "trait"} and bool(words.base_of_s(first))
    if not (finite or owns or leads) or len(fact.value.split(" ")) < 2:
        return None
    found = statements.parse(first_sentence(fact.value), names=names, role=fact.role,
                             positive=fact.polarity)  # fmt: skip
    bare = found.modal == "have" and first in {"only", "always", "not", "may"}
    return found if found.modal != "clause" and not bare else None


_NEVER_DONE = re.compile(
    r"(?:(?:is|are) )?(?P<not>never|not) (?P<done>\w+)(?P<rest>,? .+)?", re.IGNORECASE
)


def never_done(fact: Fact, names: tuple[str, ...]) -> Statement | None:
    """ "Emoji: never used", "Chats: not stored on disk": what the bot does not do with it."""
    found = _NEVER_DONE.fullmatch(first_sentence(fact.value))
    if not found or words.base_of_participle(found["done"]) not in words.VERBS:
        return None
    said = from_label(f"{fact.attribute.strip(' :')} {found['done']}", False, names)
    rest = found["rest"] or ""
    return replace(said, predicate=said.predicate + rest, never=found["not"].lower() == "never")


def in_label(fact: Fact, names: tuple[str, ...]) -> Statement | None:
    """ "Explains formulas: in Calc, in Sheets": a deed, and the list says where or which."""
    first, _, rest = fact.attribute.partition(" ")
    base = words.base_of_s(first)
    placed = fact.value.split(" ")[0].lower() in words.PREPOSITIONS  # "Names weeds: from a photo"
    plain = base and rest and (placed or not words.nounish(base))
    if not plain or fact.role not in {"capability", "limitation"}:
        return None
    found = statements.parse(fact.attribute, names=names, role=fact.role, positive=fact.polarity)
    return found if found.modal in {"do", "can"} else None
