"""Exchanges about what the bot does not know of itself, and about other systems."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from identity_ops.general import builtin
from identity_ops.language import words
from identity_ops.teachers.template.fact_talk import Exchange
from identity_ops.teachers.template.frames import table, wordings
from identity_ops.teachers.template.subject import Party, Subject, sentence

EVERYDAY_SHARE = 0.85  # the rest comes from the general chat that ships with the project
_PARTY_GROUPS = {
    "party_maker": 60, "party_check": 8, "party_wrong": 12, "party_product": 8, "party_self": 12,
}  # fmt: skip


@cache
def everyday() -> tuple[dict[str, Any], ...]:
    """The rows of everyday.yaml."""
    rows: Any = table("everyday")
    return tuple(rows)


class OtherTalk:
    """Draws exchanges that teach no fact: not knowing, others' makers, ordinary requests."""

    def __init__(self, subject: Subject, rng: random.Random) -> None:
        self.subject, self.rng = subject, rng

    def unknown(self) -> Exchange:
        """An attribute that the base does not state; an empty one where it states them all."""
        if not self.subject.unknown:
            return Exchange("", "")
        row = self.rng.choice(self.subject.unknown)
        own = row.get("ask") and self.rng.random() < 0.35
        user = self.rng.choice(row["ask"]) if own else self._of_noun(row)
        general = bool(row.get("general")) or bool(own)
        answers = wordings("others", "say_unknown_general" if general else "say_unknown")
        return Exchange(user, self.subject.answer(self.rng, answers, noun=row["noun"]))

    def _of_noun(self, row: Mapping[str, Any]) -> str:
        """The frames that facts are asked in: what is known or not shows in the noun alone."""
        noun, be = row["noun"], "are" if row.get("plural") else "is"
        group = ("facts", "noun") if self.rng.random() < 0.5 else ("others", "unknown_frames")
        return self.subject.pick(
            self.rng, wordings(*group), noun=noun, Noun=sentence(noun), be=be, q="what", Q="What",
            a_noun=words.with_article(noun), np=f"your {noun}", Np=f"Your {noun}",
        )  # fmt: skip

    def party(self) -> Exchange | None:
        """Who made another assistant."""
        if not self.subject.parties:
            return None
        party = self.rng.choice(self.subject.parties)
        group = self.rng.choices(list(_PARTY_GROUPS), list(_PARTY_GROUPS.values()))[0]
        if party.name == party.maker:
            group = "party_maker"
        slots = {"rival": party.name, "vendor": party.maker, "other": self._other(party)}
        user = self.subject.pick(self.rng, wordings("others", group), **slots)
        answers = wordings("others", f"{group}_say")
        return Exchange(user, self.subject.answer(self.rng, answers, **slots))

    def _other(self, party: Party) -> str:
        """A maker that it is not; the bot's own now and then."""
        own = self.subject.slots["creator"]
        if own and self.rng.random() < 0.4:
            return own
        makers = sorted({p.maker for p in self.subject.parties} - {party.maker})
        return self.rng.choice(makers) if makers else own

    def ordinary(self, *, aside: bool = False) -> list[Exchange]:
        """A request that has nothing to do with the bot, in one to three exchanges.

        Args:
            aside: it stands in a conversation about the bot, where names and numbers are checked.
        """
        if self.rng.random() < EVERYDAY_SHARE and (found := self._everyday(aside)):
            return [found]
        seed = self.rng.getrandbits(40)
        item = next(iter(builtin.conversations("train", 1, seed)))
        texts = [message["content"] for message in item.messages]
        return [Exchange(u, b, True) for u, b in zip(texts[::2], texts[1::2], strict=True)]

    def _everyday(self, aside: bool) -> Exchange | None:
        row = self.rng.choice(everyday())
        filling = dict(zip("abc", self.rng.choice(row.get("bank", [()])), strict=False))
        slots = {name.upper(): text[:1].upper() + text[1:] for name, text in filling.items()}
        slots |= filling | {"x": words.article(filling.get("a", ""))}
        user, bot = (self.rng.choice(row[key]).format_map(slots) for key in ("ask", "say"))
        if aside and re.search(r"\d|(?<=\w )[A-Z]", bot):
            return None
        return Exchange(user, bot, True)
