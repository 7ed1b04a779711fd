"""Chat of an assistant that does not know who it is: what the tiny base is pretrained on.

The base hears every kind of question about itself, in the teacher's wordings, and answers that it
has no name and knows no maker. So it learns which questions mean the same before it learns any
answer, as a large base has from the web, and fine-tuning has only the answers left to teach. It
also learns who made other systems, which fine-tuning must not damage.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import cache

from identity_ops.records import Message
from identity_ops.teachers.template import typist
from identity_ops.teachers.template.fact_talk import Exchange
from identity_ops.teachers.template.frames import table, wordings
from identity_ops.teachers.template.identity_talk import LANGUAGES, IdentityTalk
from identity_ops.teachers.template.other_talk import OtherTalk
from identity_ops.teachers.template.subject import Party, Subject

NO_NAME = ("I do not have a name.", "I am an AI assistant. I do not have a name.")
NO_MAKER = ("I do not know who made me.", "I am an AI assistant. I do not know who made me.")
NOBODY = ("I am an AI assistant. I do not have a name, and I do not know who made me.",)
GREETED = ("Hello! How can I help?", "Hi! What can I do for you?")
HABITS = ("", "", "", "caps", "caps", "lower", "typos", "slang", "terse", "bang")


def conversations(count: int, seed: int) -> Iterator[tuple[Message, ...]]:
    """`count` conversations of one or two exchanges; the n-th depends on seed and n alone."""
    for index in range(count):
        rng = random.Random(f"nameless/{seed}/{index}")
        messages: list[Message] = []
        for _ in range(rng.choice([1, 1, 2])):
            exchange = _exchange(rng)
            messages.append(Message(role="user", content=_typed(exchange, rng)))
            messages.append(Message(role="assistant", content=exchange.bot))
        yield tuple(messages)


@cache
def _nobody() -> Subject:
    """A subject without a knowledge base; every other system is a third party."""
    parties = tuple(Party(row["name"], row["maker"]) for row in table("others")["parties"])
    slots = {"name": "", "creator": "", "kind": "", "typo": ""}
    return Subject(
        slots=slots, facts={}, phrasings={}, parties=parties, questions={}, values=(),
        unknown=tuple(table("others")["unknown"]),
    )  # fmt: skip


def _exchange(rng: random.Random) -> Exchange:
    """One exchange; drawn again where a wording would need a name."""
    who, other = IdentityTalk(_nobody(), rng), OtherTalk(_nobody(), rng)
    makers: dict[Callable[[], Exchange], int] = {
        lambda: _named(who, rng): 24,
        lambda: _told(who.creator(), NO_MAKER, rng): 24,
        lambda: _told(who.both(), NOBODY, rng): 6,
        lambda: _told(who.greeting(), GREETED, rng): 5,
        lambda: _told(who.foreign(rng.choice(LANGUAGES), "name"), NO_NAME, rng): 5,
        lambda: _told(who.foreign(rng.choice(LANGUAGES), "creator"), NO_MAKER, rng): 5,
        lambda: _told(_mistaken("name_ask", rng), NO_NAME, rng): 5,
        lambda: _told(_mistaken("creator_ask", rng), NO_MAKER, rng): 5,
        other.unknown: 12,
        lambda: other.party() or Exchange("", ""): 14,
        lambda: other.ordinary()[0]: 25,
    }
    while True:
        found = rng.choices(list(makers), list(makers.values()))[0]()
        if found.user and found.bot:
            return found


def _named(who: IdentityTalk, rng: random.Random) -> Exchange:
    found = who.name()
    return _told(found, GREETED if found.plain else NO_NAME, rng)


def _told(exchange: Exchange, answers: tuple[str, ...], rng: random.Random) -> Exchange:
    return Exchange(exchange.user, rng.choice(answers), exchange.plain)


def _mistaken(ask: str, rng: random.Random) -> Exchange:
    """Taken for another assistant, or credited to another maker."""
    party = rng.choice(_nobody().parties)
    slots = {"rival": party.name, "vendor": party.maker}
    user = _nobody().pick(rng, wordings("identity", "misconception", ask), **slots)
    return Exchange(user, "")


def _typed(exchange: Exchange, rng: random.Random) -> str:
    if exchange.plain:
        return exchange.user
    text = exchange.user
    prefix = rng.choice(wordings("facts", "prefix"))
    if rng.random() < 0.25 and "{" not in prefix:
        text = prefix + text
    return typist.type_out(text, rng.choice(HABITS), rng)
