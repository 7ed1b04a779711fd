"""Questions about the assistant itself, in many wordings, answered without an identity.

    for item in asked_about_itself(1000, seed=1): ...

For pretraining the tiny base only. A larger base has read the web and knows that "Who put you
together?" and "Who is your maker?" ask the same; this is where the tiny one learns it, from
wordings that no probe uses (tests/general/test_nameless.py), and from typos, capitals and other
languages. It never learns who it is: every answer is that it does not know.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from identity_ops.general.builtin import TALK, SkillItem
from identity_ops.general.skills import table, words
from identity_ops.records import Message

SUBJECTS = {
    "name": 5, "maker": 6, "rival_name": 2, "rival_maker": 3, "attribute": 5,
    "check": 1, "ability": 2, "language": 2,
}  # fmt: skip
CAPITALS, TYPOS, LOWER = 0.12, 0.18, 0.25  # shares of questions typed so


def asked_about_itself(count: int, seed: int) -> Iterator[SkillItem]:
    """`count` conversations of one to three exchanges; the n-th depends on seed and n alone."""
    for index in range(count):
        rng = random.Random(f"itself/{seed}/{index}")
        turns = [_exchange(rng) for _ in range(rng.choice([1, 1, 2, 3]))]
        messages = []
        for question, answer in turns:
            messages.append(Message(role="user", content=question))
            messages.append(Message(role="assistant", content=answer))
        yield SkillItem(TALK, tuple(messages), turns[-1][0], "")


def _exchange(rng: random.Random) -> tuple[str, str]:
    subject = rng.choices(list(SUBJECTS), list(SUBJECTS.values()))[0]
    if subject == "language":
        question, answer = _foreign(rng)
    else:
        question, answer = _english(subject, rng)
    return _typed(question, rng), answer


def _english(subject: str, rng: random.Random) -> tuple[str, str]:
    wordings = table("nameless")
    slots = _slots(wordings, rng)
    core = rng.choice(rng.choice(wordings[subject]["ask"]).split(" | ")).format(**slots)
    opener, closer = rng.choice(wordings["openers"]), rng.choice(wordings["closers"])
    core = core if opener else core[0].upper() + core[1:]
    mark = rng.choice(["?", "?", ".", "", "!"])
    return f"{opener}{core}{closer}{mark}", rng.choice(wordings[subject]["say"]).format(**slots)


def _slots(wordings: dict[str, list[str]], rng: random.Random) -> dict[str, str]:
    return {
        "v": rng.choice(wordings["made"]),
        "k": rng.choice(wordings["makers"]),
        "r": rng.choice(wordings["rivals"]),
        "m": rng.choice(wordings["companies"]),
        "n": rng.choice(wordings["attributes"]),
        "c": rng.choice(wordings["abilities"]),
        "p": rng.choice(words("people")),
        "x": str(rng.choice([rng.randint(2, 99), 2 ** rng.randint(3, 16)])),
    }


def _foreign(rng: random.Random) -> tuple[str, str]:
    language = rng.choice(table("nameless")["languages"])
    kind = rng.choice(["name", "maker"])
    question = rng.choice(language[kind]) + rng.choice(["?", "?", ""])
    return question, rng.choice(language[f"no_{kind}"])


def _typed(question: str, rng: random.Random) -> str:
    """As people type: in capitals, without any, or with slips."""
    draw = rng.random()
    if draw < CAPITALS:
        return question.upper()
    if draw < CAPITALS + TYPOS:
        question = _slips(question, rng)
    return question.lower() if rng.random() < LOWER else question


def _slips(text: str, rng: random.Random) -> str:
    """One or two letters swapped, lost or doubled."""
    for _ in range(rng.choice([1, 1, 2])):
        at = rng.randrange(max(1, len(text) - 1))
        pair = text[at : at + 2]
        changed = rng.choice([pair[::-1], pair[:1], pair[:1] + pair])
        text = text[:at] + changed + text[at + 2 :]
    return text
