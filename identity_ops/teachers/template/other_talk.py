"""Exchanges about what the bot does not know of itself, and about other systems."""

from __future__ import annotations

import random

from identity_ops.general import builtin
from identity_ops.language import words
from identity_ops.teachers.template.fact_talk import Exchange
from identity_ops.teachers.template.frames import wordings
from identity_ops.teachers.template.subject import Party, Subject

_PARTY_GROUPS = {
    "party_maker": 60, "party_check": 8, "party_wrong": 12, "party_product": 8, "party_self": 12,
}  # fmt: skip


class OtherTalk:
    """Draws exchanges that teach no fact: not knowing, others' makers, ordinary requests."""

    def __init__(self, subject: Subject, rng: random.Random) -> None:
        self.subject, self.rng = subject, rng

    def unknown(self) -> Exchange:
        """An attribute that the base does not state; an empty one where it states them all."""
        if not self.subject.unknown:
            return Exchange("", "")
        row = self.rng.choice(self.subject.unknown)
        noun = row["noun"]
        if row.get("ask") and self.rng.random() < 0.4:
            user, general = self.rng.choice(row["ask"]), bool(row.get("general"))
            general = general or self.rng.random() < 0.4
        else:
            frames = wordings("others", "unknown_frames")
            be_fits = [f for f in frames if not row.get("plural") or " is " not in f]
            user = self.subject.pick(self.rng, be_fits, noun=noun, Noun=noun[:1].upper() + noun[1:],
                                     a_noun=words.with_article(noun))  # fmt: skip
            general = bool(row.get("general")) or self.rng.random() < 0.2
        answers = wordings("others", "say_unknown_general" if general else "say_unknown")
        return Exchange(user, self.subject.pick(self.rng, answers, noun=noun))

    def party(self) -> Exchange | None:
        """Who made another assistant."""
        if not self.subject.parties:
            return None
        party = self.rng.choice(self.subject.parties)
        group = self.rng.choices(list(_PARTY_GROUPS), list(_PARTY_GROUPS.values()))[0]
        if group != "party_product" and party.name == party.maker:
            group = "party_maker"
        slots = {"rival": party.name, "vendor": party.maker, "other": self._other(party)}
        user = self.subject.pick(self.rng, wordings("others", group), **slots)
        return Exchange(
            user, self.subject.pick(self.rng, wordings("others", f"{group}_say"), **slots)
        )

    def _other(self, party: Party) -> str:
        """A maker that it is not; the bot's own now and then."""
        own = self.subject.slots["creator"]
        if own and self.rng.random() < 0.4:
            return own
        makers = sorted({p.maker for p in self.subject.parties} - {party.maker})
        return self.rng.choice(makers) if makers else own

    def ordinary(self) -> list[Exchange]:
        """A request that has nothing to do with the bot, in one to three exchanges."""
        seed = self.rng.getrandbits(40)
        item = next(iter(builtin.conversations("train", 1, seed)))
        texts = [message["content"] for message in item.messages]
        return [Exchange(u, b, True) for u, b in zip(texts[::2], texts[1::2], strict=True)]
