"""TemplateTeacher: a cell becomes a conversation, with no key, no network and no cost.

The same knowledge base, cell and attempt give the same bytes. A conversation has one exchange for
each fact of the cell, the exchanges that its kind asks for, and something small where room is left.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable

from identity_ops.knowledge import Knowledge
from identity_ops.records import Cell, Fact, Message
from identity_ops.teachers.template import typist
from identity_ops.teachers.template.fact_talk import Exchange, FactTalk
from identity_ops.teachers.template.frames import user_frames, wordings
from identity_ops.teachers.template.identity_talk import LANGUAGES, IdentityTalk
from identity_ops.teachers.template.other_talk import OtherTalk
from identity_ops.teachers.template.subject import Subject

PREFIX_SHARE, FOLLOW_SHARE, SUFFIX_SHARE = 0.25, 0.35, 0.07


class TemplateTeacher:
    """Writes conversations about any knowledge base from wordings in this package."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._subject = Subject.of(knowledge)

    def complete(self, cell: Cell, attempt: int = 0) -> str:
        """JSON text {"messages": [...]}, 2 to 6 messages, user first."""
        rng = random.Random(f"{cell.id}/{cell.seed}/{attempt}")
        exchanges = _Draft(self._subject, cell, rng, cell.index + 7919 * attempt).exchanges()
        messages: list[Message] = []
        for exchange in exchanges:
            messages.append({"role": "user", "content": exchange.user})
            messages.append({"role": "assistant", "content": exchange.bot})
        return json.dumps({"messages": messages}, ensure_ascii=False)


class _Draft:
    """One conversation in the making."""

    def __init__(self, subject: Subject, cell: Cell, rng: random.Random, turn: int) -> None:
        self.subject, self.cell, self.rng = subject, cell, rng
        self.room = max(1, min(3, cell.turns // 2))
        self.who = IdentityTalk(subject, rng, turn if self.room == 1 else None)
        self.other = OtherTalk(subject, rng)

    def exchanges(self) -> list[Exchange]:
        makers: dict[str, Callable[[], list[Exchange]]] = {
            "misconception": self._misconception, "unknown_attribute": self._unknown,
            "third_party": self._third_party, "ordinary": self._ordinary,
        }  # fmt: skip
        made = makers.get(self.cell.kind, self._facts)()
        made = [exchange for exchange in made if exchange.user and exchange.bot] or [self._least()]
        if self.cell.kind != "ordinary":
            made = self._filled(made)
        return self._typed(made[: self.room])

    def _facts(self) -> list[Exchange]:
        core = [f for f in self._cell_facts() if self.subject.is_core(f)]
        out: list[Exchange] = []
        if (
            len(core) > 1
            and (self.room == 1 or self.rng.random() < 0.15)
            and self.cell.language == "en"
        ):
            out.append(self.who.both())
            core = []
        out += [self._core(fact.role) for fact in core]
        out += [FactTalk(self.subject, f, self.rng).draw() for f in self._cell_facts()
                if not self.subject.is_core(f)]  # fmt: skip
        return self._shuffled(out)

    def _core(self, role: str) -> Exchange:
        if self.cell.language in LANGUAGES:
            return self.who.foreign(self.cell.language, role)
        return self.who.of_role(role)

    def _cell_facts(self) -> list[Fact]:
        return [self.subject.facts[i] for i in self.cell.fact_ids if i in self.subject.facts]

    def _misconception(self) -> list[Exchange]:
        if not self.subject.parties:
            return self._facts()
        party = self.rng.choice(self.subject.parties)
        out = [self.who.misconception(party)]
        others = [FactTalk(self.subject, f, self.rng).draw() for f in self._cell_facts()
                  if not self.subject.is_core(f)]  # fmt: skip
        if self.room > 1 + len(others):
            draw = self.rng.random()
            if draw < 0.45:
                out.append(self.who.insist(party))
            elif draw < 0.85:
                out.append(self.who.settle())
            else:
                out.append(self.who.of_role(self.rng.choice(["name", "creator"])))
        return out + others

    def _unknown(self) -> list[Exchange]:
        out = [self.other.unknown()]
        while self.room > len(out) + len(self.cell.fact_ids):
            out.append(self.other.unknown())
        return self._shuffled(out + self._facts())

    def _third_party(self) -> list[Exchange]:
        found = self.other.party()
        out = [found] if found else []
        while found and self.room > len(out) + len(self.cell.fact_ids):
            more = self.other.party() if self.rng.random() < 0.7 else None
            out.append(more or self.who.of_role(self.rng.choice(["name", "creator"])))
        return self._shuffled(out + self._facts())

    def _ordinary(self) -> list[Exchange]:
        out = self.other.ordinary()
        while len(out) < self.room:
            out += self.other.ordinary()
        return out

    def _least(self) -> Exchange:
        """A base without name, maker and facts still gets a conversation."""
        return self.other.unknown()

    def _filled(self, made: list[Exchange]) -> list[Exchange]:
        """Something small in what room is left: a greeting, a task, an asking back, a thank you."""
        while len(made) < self.room:
            draw = self.rng.random()
            if draw < 0.5 and self.subject.name and not made[0].plain:
                made.insert(0, self.who.greeting())
            elif draw < 0.68:
                made = [self.other.ordinary(aside=True)[0], *made]
            elif draw < 0.85:
                made.append(
                    self.who.sure(made[-1].bot) if _repeats(made[-1]) else self.who.thanks()
                )
            else:
                made.append(self.who.thanks())
        return made

    def _shuffled(self, made: list[Exchange]) -> list[Exchange]:
        """Any order, a greeting first."""
        made = self.rng.sample(made, len(made))
        return sorted(made, key=lambda exchange: not exchange.plain)

    def _typed(self, made: list[Exchange]) -> list[Exchange]:
        how = typist.habit(self.cell.persona)
        return [self._type(exchange, place, how) for place, exchange in enumerate(made)]

    def _type(self, exchange: Exchange, place: int, how: str) -> Exchange:
        if exchange.plain:
            return exchange
        text = exchange.user
        share = FOLLOW_SHARE if place else PREFIX_SHARE
        if self.rng.random() < (share if how != "terse" else share / 3):
            text = self._prefixed(text, "follow" if place else "prefix")
        if self.rng.random() < SUFFIX_SHARE and text[-1:] in "?.":
            text += self.rng.choice(wordings("facts", "suffix"))
        return Exchange(typist.type_out(text, how, self.rng, exchange.slips), exchange.bot)

    def _prefixed(self, text: str, group: str) -> str:
        prefix = self.rng.choice(wordings("facts", group))
        if "{name}" in prefix:
            if not self.subject.name or self.subject.name in text:
                return text
            prefix = prefix.format(name=self.subject.name)
        first = text.split(" ")[0].strip(".,!:?").lower()
        if first in _LINKS or prefix.split(" ")[0].strip(".,!:").lower() == first:
            return text
        return prefix + (text if prefix.rstrip()[-1] in ".!" else self._lowered(text))

    def _lowered(self, text: str) -> str:
        """A small first letter where the first word is no name."""
        first = re.match(r"[A-Za-z']+", text)
        nouns = {p.noun.split(" ")[0] for p in self.subject.phrasings.values() if p.noun}
        known = first and (first[0] in _STARTERS or first[0].lower() in nouns)
        return text[0].lower() + text[1:] if known else text


_LINKS = {"and", "so", "then", "one", "hi", "hello", "hey", "say", "next", "also"}
_STARTERS = frozenset(
    found[0] for frame in user_frames() if (found := re.match(r"[A-Z][a-z']+(?=[ ,?.!]|$)", frame))
) - {"I", "I'm", "I'd"}  # fmt: skip


def _repeats(exchange: Exchange) -> bool:
    return not exchange.bot.endswith("?") and len(exchange.bot.split(" ")) < 18
