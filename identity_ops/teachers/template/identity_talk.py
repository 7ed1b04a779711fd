"""Exchanges about name and maker: asked plainly, in passing, wrongly, in other languages."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from identity_ops.teachers.template.fact_talk import Exchange
from identity_ops.teachers.template.frames import table, wordings
from identity_ops.teachers.template.subject import Party, Subject, sentence

_HELLO = re.compile(r"hi there|hello|hi|hey|good (?:morning|afternoon|evening|day)|greetings")
CORE_SLIPS = 0.35  # who it is must be understood however it is typed
LANGUAGES = tuple(sorted(table("languages")))


class IdentityTalk:
    """Draws exchanges about who the bot is.

    `turn` is set where a conversation is nothing but one such exchange: wordings are then taken
    in turn, so that no two conversations of a plan come out alike.
    """

    def __init__(self, subject: Subject, rng: random.Random, turn: int | None = None) -> None:
        self.subject, self.rng, self.turn = subject, rng, turn

    def of_role(self, role: str) -> Exchange:
        """About the fact of this role: name or creator."""
        found = self.name() if role == "name" else self.creator()
        return found if found.plain else replace(found, slips=CORE_SLIPS)

    def name(self) -> Exchange:
        if self.rng.random() < 0.35:
            return self.greeting()
        if self.rng.random() < 0.1:
            return self._pair("name", "check", "confirm")
        if self.rng.random() < 0.12:
            return self.both()
        return self._asked("name", "what")

    def creator(self) -> Exchange:
        draw = self.rng.random()
        if draw < 0.1:
            return self._pair("creator", "check", "confirm")
        if draw < 0.25:
            return self._pair("creator", "reverse", "reverse_say")
        if draw < 0.4 and self.turn is None:
            return self._greeted()
        if draw < 0.55 and self.turn is None and self.subject.slots.get("maker_is"):
            return self._maker()
        return self._asked("creator", "who")

    def _maker(self) -> Exchange:
        """What the maker is, and where: for knowledge bases that say so."""
        placed = self.subject.slots.get("maker_place") and self.rng.random() < 0.4
        return self._pair("creator", "about_place" if placed else "about", "about_say")

    def _greeted(self) -> Exchange:
        """ "Hi, who made you?" is not answered with a greeting and the name."""
        done = self.rng.choice(wordings("identity", "creator", "done"))
        direct = self.subject.pick_raw(
            self.rng, wordings("identity", "creator", "direct"), done=done
        )
        hello = self.rng.choice(wordings("identity", "greeting", "lead"))
        said = self.subject.answer(self.rng, wordings("identity", "creator", "say"))
        return Exchange(f"{hello} {direct}?", said)

    def _asked(self, role: str, question: str) -> Exchange:
        """A question written out, or one made of a frame for facts and a name for the thing."""
        if self.turn is not None or self.rng.random() < 0.4:
            return self._pair(role, "ask", "say")
        done = self.rng.choice(wordings("identity", "creator", "done"))
        direct, clause, np = (
            self.subject.pick_raw(self.rng, wordings("identity", role, key), done=done)
            for key in ("direct", "clause", "np")
        )
        slots = {"np": np, "Np": sentence(np), "be": "is", "q": question, "Q": sentence(question),
                 "asked": direct, "Asked": sentence(direct), "indirect": clause}  # fmt: skip
        group = self.rng.choice(["noun", "asked"])
        user = self.subject.pick(self.rng, wordings("facts", group), **slots)
        return Exchange(user, self.subject.answer(self.rng, wordings("identity", role, "say")))

    def both(self) -> Exchange:
        return self._pair("both", "ask", "say")

    def greeting(self) -> Exchange:
        """A greeting, answered with the same word and the name."""
        plain = self.turn is None and self.rng.random() < 0.4
        found = self._pair("greeting", "bare" if plain else "ask", "say")
        echo = _HELLO.match(found.user.lower())
        bot = re.sub(r"^\w+(?: there)?!", f"{sentence(echo[0] if echo else 'hello')}!", found.bot)
        return Exchange(found.user if self.rng.random() < 0.8 else found.user.lower(), bot, True)

    def foreign(self, language: str, role: str) -> Exchange:
        """In another language: its greeting, the name or the maker."""
        row = table("languages")[language]
        role = "greet" if role == "name" and self.rng.random() < 0.25 else role
        creator = re.sub(r"^the ", "", self.subject.slots["creator"], flags=re.IGNORECASE)
        found = self._one_of(self._foreign_asks(row, role), row[f"say_{role}"], creator=creator)
        user = found.user if self.rng.random() < 0.7 else found.user.lower().rstrip("?!.")
        return Exchange(user, found.bot or self._english(role), True)

    def _foreign_asks(self, row: Mapping[str, Sequence[str]], role: str) -> Sequence[str]:
        """The questions of a language, or now and then one that is put together."""
        if self.turn is not None or f"{role}_clause" not in row or self.rng.random() < 0.4:
            return row[role]
        if self.rng.random() < 0.5:
            core = self.rng.choice(row[role])
            lead = self.rng.choice(row["lead"])
            return [lead + (core[:1].lower() + core[1:] if lead else core)]
        return [self.rng.choice(row["tell"]) + self.rng.choice(row[f"{role}_clause"])]

    def _english(self, role: str) -> str:
        group = "creator" if role == "creator" else "name"
        return self.subject.answer(self.rng, wordings("identity", group, "say"))

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
        again = self.rng.random() < 0.4
        user = self.rng.choice(wordings("identity", "sure", "again" if again else "ask"))
        told = said.removeprefix("Yes, ").removeprefix("No, ").removeprefix("Sorry, ")
        told = told[:1].upper() + told[1:]
        answers = ("{said}",) if again else wordings("identity", "sure", "say")
        return Exchange(user, self.rng.choice(answers).format(said=told), True)

    def _rival(self, ask: str, say: str, party: Party) -> Exchange:
        slots = {"rival": party.name, "vendor": party.maker}
        user = self.subject.pick(self.rng, wordings("identity", "misconception", ask), **slots)
        bot = self.subject.answer(self.rng, wordings("identity", "misconception", say), **slots)
        return Exchange(user, bot)

    def _can(self, template: str) -> bool:
        return bool(self.subject.pick(random.Random(0), [template]))

    def _pair(self, group: str, ask: str, say: str) -> Exchange:
        return self._one_of(wordings("identity", group, ask), wordings("identity", group, say))

    def _one_of(self, asks: Sequence[str], says: Sequence[str], **slots: str) -> Exchange:
        """A question and an answer, drawn; or, with a turn, the pair whose turn it is."""
        if self.turn is None:
            user = self.subject.pick(self.rng, asks, **slots)
            return Exchange(user, self.subject.answer(self.rng, says, **slots))
        asks, says = self.subject.usable(asks, **slots), self.subject.usable(says, **slots)
        if not asks or not says:
            return Exchange("", "")
        ask, say = asks[self.turn % len(asks)], says[self.turn // len(asks) % len(says)]
        return Exchange(self.subject.fill(ask, **slots), self.subject.fill(say, **slots))
