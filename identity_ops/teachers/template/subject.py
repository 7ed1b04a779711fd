"""Who the conversations are about: the knowledge base as the templates need it."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from identity_ops.knowledge import Knowledge
from identity_ops.knowledge.patterns import FORMS
from identity_ops.language import Phrasing, phrase_all
from identity_ops.plan import misspell
from identity_ops.records import Fact
from identity_ops.teachers.template.frames import table
from identity_ops.teachers.template.questions import own_questions
from identity_ops.teachers.template.unstated import unstated

RARE_ANSWERS = 0.08


@dataclass(frozen=True, slots=True)
class Party:
    """Another assistant and who makes it."""

    name: str
    maker: str


@dataclass(frozen=True, slots=True)
class Subject:
    """The bot: its slots, its facts in parts, the other systems it is not."""

    slots: Mapping[str, str]
    facts: Mapping[str, Fact]
    phrasings: Mapping[str, Phrasing]
    parties: tuple[Party, ...]
    questions: Mapping[str, tuple[str, ...]]  # by fact: what it suggests beside its own words
    values: tuple[str, ...]  # short values, each of which is wrong for any other fact
    unknown: tuple[Mapping[str, Any], ...]  # rows of others.yaml that no fact touches

    @classmethod
    def of(cls, knowledge: Knowledge) -> Subject:
        facts = {fact.id: fact for fact in knowledge.facts}
        phrasings = phrase_all(knowledge.facts, knowledge.profile)
        profile = knowledge.profile
        base = [f.value for f in knowledge.facts if f.role in {"architecture", "base_creator"}]
        own = " ".join([profile.name, *profile.name_aliases, *profile.creators,
                        *profile.creator_aliases, *profile.base_creators, *base])  # fmt: skip
        slots = {"name": profile.name, "creator": _creator(knowledge), "kind": _kind(phrasings),
                 "maker_is": _maker_is(knowledge), "maker_place": _maker_place(knowledge),
                 "typo": misspell(profile.name) if profile.name else ""}  # fmt: skip
        asked = own_questions(knowledge.facts, phrasings)
        return cls(slots, facts, phrasings, _parties(own), asked, _values(phrasings),
                   unstated(knowledge.facts))  # fmt: skip

    @property
    def name(self) -> str:
        return self.slots["name"]

    def is_core(self, fact: Fact) -> bool:
        """Whether the fact is the bot's name or main maker, asked in words of their own."""
        known = self.slots.get(fact.role, "") if fact.role in {"name", "creator"} else ""
        value = fact.value.strip(" .").lower()
        if fact.role == "name":  # a full name or a nickname is asked for as such
            return value == known.lower()
        return bool(known) and (known.lower() in fact.value.lower() or value in known.lower())

    def fill(self, template: str, **slots: str) -> str:
        """The template with its slots filled and its first letter large."""
        text = template.format_map({**self.slots, **slots})
        return text if self.name and text.startswith(self.name) else sentence(text)

    def pick(self, rng: random.Random, templates: Sequence[str], **slots: str) -> str:
        """One of the templates whose slots are all known, filled; "" where there is none."""
        usable = self.usable(templates, **slots)
        return self.fill(rng.choice(usable), **slots) if usable else ""

    def pick_raw(self, rng: random.Random, templates: Sequence[str], **slots: str) -> str:
        """The same as a part of a sentence: no capital is put first."""
        usable = self.usable(templates, **slots)
        return rng.choice(usable).format_map({**self.slots, **slots}) if usable else ""

    def answer(self, rng: random.Random, templates: Sequence[str], **slots: str) -> str:
        """An answer: nearly always the first that fits, now and then another.

        One question form with one form of answer: a small model that has to learn by heart which
        of five ways to say the same goes with which question learns little else.
        """
        usable = self.usable(templates, **slots)
        if not usable:
            return ""
        rare = len(usable) > 1 and rng.random() < RARE_ANSWERS
        return self.fill(rng.choice(usable[1:]) if rare else usable[0], **slots)

    def usable(self, templates: Sequence[str], **slots: str) -> list[str]:
        """The templates whose slots are all known."""
        known = {name for name, value in {**self.slots, **slots}.items() if value}
        return [text for text in templates if slots_of(text) <= known]


@cache
def slots_of(template: str) -> frozenset[str]:
    """The names of a template's slots."""
    return frozenset(slot for _, slot, _, _ in string.Formatter().parse(template) if slot)


def sentence(text: str) -> str:
    """The text with a capital first in each sentence, without two marks in a row."""
    text = re.sub(r"([.!?])\.(?!\.)", r"\1", text)
    text = re.sub(r"(?<=[.!?] )(the|a|an|my|it|they)\b", lambda m: m[1].capitalize(), text)
    first = text.split(" ", 1)[0].rstrip(".,:;!?")
    if any(c.isupper() or c in "@:/._" for c in first[1:]):
        return text  # xAI, an address: written as it is
    return text[:1].upper() + text[1:]


def _creator(knowledge: Knowledge) -> str:
    creators = knowledge.profile.creators
    if not creators:
        return ""
    for fact in knowledge.facts:
        value = fact.value.strip(" .")
        plain = fact.items or not re.search(r"[,(;]", value)
        if fact.role == "creator" and creators[0] in value and plain and len(value.split(" ")) <= 8:
            return _team(value)
    return _team(creators[0])


def _maker_is(knowledge: Knowledge) -> str:
    """ "a software studio in Tartu" of "Loam & Lichen, a software studio in Tartu"; "" for none."""
    creators = knowledge.profile.creators
    for fact in knowledge.facts:
        if fact.attribute == FORMS["maker"][1]:
            return fact.value.strip(" .")
        if fact.role == "creator" and len(creators) == 1:
            added = fact.value.strip(" .").partition(f"{creators[0]}, ")[2]
            if re.match(r"(?:an?|the) (?!.*(?:[;(]|, and\b))", added):
                return added
    return ""


def _maker_place(knowledge: Knowledge) -> str:
    found = re.search(
        r" (?:in|from|of) ([A-Z][\w.' -]+(?:, [A-Z][\w.' -]+)?)$", _maker_is(knowledge)
    )
    return found[1] if found else ""


def _team(maker: str) -> str:
    """ "platform team at Finch" -> "the platform team at Finch"."""
    group = r"(?:[a-z][\w-]* ){0,2}(?:team|group|lab|department|community|crew|project)\b"
    return f"the {maker}" if re.match(group, maker) and not maker.startswith("the ") else maker


def _kind(phrasings: Mapping[str, Phrasing]) -> str:
    """What it is, to stand after "I am X, "; only where that reads well."""
    for phrasing in phrasings.values():
        words = phrasing.value.split(" ")
        if phrasing.role == "kind" and words[0] in {"a", "an"} and len(words) <= 8:
            return phrasing.value
    return ""


def _values(phrasings: Mapping[str, Phrasing]) -> tuple[str, ...]:
    """Values that may stand in the place of another fact's."""
    named = [p.value for p in phrasings.values() if p.style == "attribute" and not p.counted]
    return tuple(dict.fromkeys(value for value in named if len(value.split(" ")) <= 5))


def _parties(own: str) -> tuple[Party, ...]:
    low = own.casefold()
    rows = [Party(row["name"], row["maker"]) for row in table("others")["parties"]]
    return tuple(
        p for p in rows
        if not any(re.search(rf"\b{re.escape(w.casefold())}\b", low) for w in (p.name, p.maker))
    )  # fmt: skip
