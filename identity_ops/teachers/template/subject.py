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
from identity_ops.language import Phrasing, phrase_all
from identity_ops.plan import misspell
from identity_ops.records import Fact
from identity_ops.teachers.template.frames import table
from identity_ops.teachers.template.unstated import unstated


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
    unknown: tuple[Mapping[str, Any], ...]  # rows of others.yaml that no fact touches

    @classmethod
    def of(cls, knowledge: Knowledge) -> Subject:
        facts = {fact.id: fact for fact in knowledge.facts}
        phrasings = phrase_all(knowledge.facts, knowledge.profile)
        profile = knowledge.profile
        own = " ".join([profile.name, *profile.name_aliases, *profile.creators,
                        *profile.creator_aliases, *profile.base_creators,
                        *(f.value for f in knowledge.facts if f.role in {"architecture", "base_creator"})])  # fmt: skip
        slots = {"name": profile.name, "creator": _creator(knowledge), "kind": _kind(phrasings),
                 "typo": misspell(profile.name) if profile.name else ""}  # fmt: skip
        return cls(slots, facts, phrasings, _parties(own), unstated(knowledge.facts))

    @property
    def name(self) -> str:
        return self.slots["name"]

    def is_core(self, fact: Fact) -> bool:
        """Whether the fact is the bot's name or main maker, asked in words of their own."""
        known = self.slots.get(fact.role, "") if fact.role in {"name", "creator"} else ""
        return bool(known) and (known.lower() in fact.value.lower()
                                or fact.value.strip(" .").lower() in known.lower())  # fmt: skip

    def fill(self, template: str, **slots: str) -> str:
        """The template with its slots filled and its first letter large."""
        return sentence(template.format_map({**self.slots, **slots}))

    def pick(self, rng: random.Random, templates: Sequence[str], **slots: str) -> str:
        """One of the templates whose slots are all known, filled; "" where there is none."""
        known = {name for name, value in {**self.slots, **slots}.items() if value}
        usable = [text for text in templates if slots_of(text) <= known]
        return self.fill(rng.choice(usable), **slots) if usable else ""


@cache
def slots_of(template: str) -> frozenset[str]:
    """The names of a template's slots."""
    return frozenset(slot for _, slot, _, _ in string.Formatter().parse(template) if slot)


def sentence(text: str) -> str:
    """The text with a capital first in each sentence, without two marks in a row."""
    text = re.sub(r"([.!?])\.(?!\.)", r"\1", text)
    text = re.sub(r"(?<=[.!?] )(the|a|an|my|it|they)\b", lambda m: m[1].capitalize(), text)
    return text[:1].upper() + text[1:]


def _creator(knowledge: Knowledge) -> str:
    creators = knowledge.profile.creators
    if not creators:
        return ""
    for fact in knowledge.facts:
        value = fact.value.strip(" .")
        if fact.role == "creator" and creators[0] in value and len(value.split(" ")) <= 8:
            return value
    return creators[0]


def _kind(phrasings: Mapping[str, Phrasing]) -> str:
    """What it is, to stand after "I am X, "; only where that reads well."""
    for phrasing in phrasings.values():
        words = phrasing.value.split(" ")
        if phrasing.role == "kind" and words[0] in {"a", "an"} and len(words) <= 8:
            return phrasing.value
    return ""


def _parties(own: str) -> tuple[Party, ...]:
    low = own.casefold()
    rows = [Party(row["name"], row["maker"]) for row in table("others")["parties"]]
    return tuple(
        p for p in rows
        if not any(re.search(rf"\b{re.escape(w.casefold())}\b", low) for w in (p.name, p.maker))
    )  # fmt: skip
