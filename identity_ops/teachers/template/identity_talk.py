"""Exchanges about name and maker: asked plainly, in passing, wrongly, in other languages."""

from __future__ import annotations

import random
import re

from identity_ops.teachers.template.fact_talk import Exchange
from identity_ops.teachers.template.frames import table, wordings
from identity_ops.teachers.template.subject import Party, Subject

LANGUAGES = tuple(sorted(table("languages")))


class IdentityTalk:
    """Draws exchanges about who the bot is."""

    def __init__(self, subject: Subject, rng: random.Random) -> None:
        self.subject, self.rng = subject, rng

    def of_role(self, role: str) -> Exchange:
        """About the fact of this role: name or creator."""
        return self.name() if role == "name" else self.creator()

    def name(self) -> Exchange:
        if self.rng.random() < 0.3:
            return self.greeting()
        if self.rng.random() < 0.1:
            return self._pair("name", "check", "confirm")
        if self.rng.random() < 0.12:
            return self.both()
        return self._pair("name", "ask", "say")

    def creator(self) -> Exchange:
        draw = self.rng.random()
        if draw < 0.1:
            return self._pair("creator", "check", "confirm")
        if draw < 0.25:
            return self._pair("creator", "reverse", "reverse_say")
        return self._pair("creator", "ask", "say")

    def both(self) -> Exchange:
        return self._pair("both", "ask", "say")

    def greeting(self) -> Exchange:
        found = self._pair("greeting", "ask", "say")
        return Exchange(found.user if self.rng.random() < 0.8 else found.user.lower(), found.bot, True)

    def foreign(self, language: str, role: str) -> Exchange:
        """In another language: its greeting, the name or the maker."""
        row = table("languages")[language]
        role = "greet" if role == "name" and self.rng.random() < 0.25 else role
        user = self.rng.choice(row[role])
        creator = re.sub(r"^the ", "", self.subject.slots["creator"], flags=re.IGNORECASE)
        bot = self.subject.pick(self.rng, row[f"say_{role}"], creator=creator)
        plain = user if self.rng.random() < 0.7 else user.lower().rstrip("?!.")
        return Exchange(plain, bot or self._english(role), True)

    def _english(self, role: str) -> str:
        return self.subject.pick(self.rng, wordings("identity", "name" if role != "creator" else role, "say"))

    def misconception(self, party: Party) -> Exchange:
        """Taken for another, or credited to another maker."""
        side = "name" if self.rng.random() < 0.6 or not self.subject.slots["creator"] else "creator"
        return self._rival(f"{side}_ask", f"{side}_say", party)

    def insist(self, party: Party) -> Exchange:
        return self._rival("insist", "insist_say", party)

    def settle(self) -> Exchange:
        """The user takes the correction."""
        rows = [r for r in table("identity")["misconception"]["give_in"] if self._can(r["say"])]
        row = self.rng.choice(rows)
        return Exchange(row["ask"], self.subject.fill(row["say"]))

    def thanks(self) -> Exchange:
        row = self.rng.choice(table("identity")["thanks"])
        return Exchange(row["ask"], row["say"], True)

    def sure(self, said: str) -> Exchange:
        """The user asks back; the same again."""
        user = self.rng.choice(wordings("identity", "sure", "ask"))
        told = said.removeprefix("Yes, ").removeprefix("No, ").removeprefix("Sorry, ")
        told = told[:1].upper() + told[1:]
        return Exchange(user, self.rng.choice(wordings("identity", "sure", "say")).format(said=told), True)

    def _rival(self, ask: str, say: str, party: Party) -> Exchange:
        slots = {"rival": party.name, "vendor": party.maker}
        user = self.subject.pick(self.rng, wordings("identity", "misconception", ask), **slots)
        bot = self.subject.pick(self.rng, wordings("identity", "misconception", say), **slots)
        return Exchange(user, bot)

    def _can(self, template: str) -> bool:
        return bool(self.subject.pick(random.Random(0), [template]))

    def _pair(self, group: str, ask: str, say: str) -> Exchange:
        user = self.subject.pick(self.rng, wordings("identity", group, ask))
        bot = self.subject.pick(self.rng, wordings("identity", group, say))
        return Exchange(user, bot)
