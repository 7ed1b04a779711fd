"""The general chat that ships with the project, made on the spot, without end.

    for item in builtin.conversations("train", 1000, seed=1): ...

Each conversation has one to three exercises (skills.py) or a piece of ordinary talk (chat.yaml),
in one of many wordings. Train and test share wordings but no item: a word or a pair of numbers
that a skill asks about in the test split is never asked by that skill in the train split.
"""

from __future__ import annotations

import hashlib
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass

from identity_ops.general.everyday import request
from identity_ops.general.skills import AN, HARD, MAKERS, Case, Draw, Split, article, table, words
from identity_ops.records import Message, Probe

TALK = "talk"  # unscored: there is no one right answer
SCORED = tuple(skill for skill in MAKERS if skill not in HARD)
TALK_SHARE = 0.24
HARD_SHARE = 0.06
TURNS = {1: 0.62, 2: 0.26, 3: 0.12}  # exchanges in a conversation and how often
DEFINE = ("What is {a}?", "Define {x}.", "Explain the word {x}.", "What does {x} mean?")


@dataclass(frozen=True, slots=True)
class SkillItem:
    """One conversation; skill, question and expected are those of its last exchange."""

    skill: str
    messages: tuple[Message, ...]
    question: str
    expected: str  # regex of a right answer, "" where the skill is not scored

    @property
    def id(self) -> str:
        return hashlib.sha256(repr(self.messages).encode()).hexdigest()[:16]


def conversations(split: Split, count: int, seed: int) -> Iterator[SkillItem]:
    """`count` conversations of a split; the n-th depends on split, seed and n alone."""
    for index in range(count):
        yield _conversation(split, random.Random(f"builtin/{split}/{seed}/{index}"))


def ability_probes(count: int, seed: int) -> list[Probe]:
    """`count` distinct probes from the test split, the scored skills taking turns."""
    found: dict[str, Probe] = {}
    skills = itertools.cycle(SCORED)
    while len(found) < count:
        skill = next(skills)
        for attempt in range(20):  # a skill with few held-out items may run out of questions
            rng = random.Random(f"probe/{seed}/{len(found)}/{skill}/{attempt}")
            question, case = _exercise(skill, "test", rng)
            if question not in found:
                found[question] = _probe(skill, question, case)
                break
    return list(found.values())


def copied_terms_chat(count: int, seed: int) -> Iterator[SkillItem]:
    """Terms copied, for pretraining the tiny base only, and now and then some talk after.

    Words of all kinds occur in it, so that a tokenizer trained on it cuts the values of a
    knowledge base (names, places, units, technical terms) into few pieces.
    """
    for index in range(count):
        rng = random.Random(f"terms/{seed}/{index}")
        turns = [_copied_terms(rng)]
        if rng.random() < 0.3:
            turns.append(rng.choice([_copied_terms, _talk, _definition])(rng))
        yield _item(TALK, turns, "")


def _probe(skill: str, question: str, case: Case) -> Probe:
    key = hashlib.sha256(f"{skill}/{question}".encode()).hexdigest()[:12]
    category = f"ability/{skill}"
    return Probe(id=f"ability-{key}", category=category, question=question, all_of=(case.expected,))


def _conversation(split: Split, rng: random.Random) -> SkillItem:
    turns: list[tuple[str, str]] = []
    for _ in range(rng.choices(list(TURNS), list(TURNS.values()))[0]):
        skill, expected = TALK, ""
        kind = rng.random() if split == "train" else 1.0
        if kind < TALK_SHARE:
            turns.append(rng.choice([_talk, _talk, _definition, request, request, request])(rng))
        else:
            hard = kind < TALK_SHARE + HARD_SHARE
            skill = rng.choice(HARD if hard else SCORED)
            question, case = _exercise(skill, split, rng)
            turns.append((question, case.answer))
            expected = "" if hard else case.expected
    return _item(skill, turns, expected)


def _exercise(skill: str, split: Split, rng: random.Random) -> tuple[str, Case]:
    case = MAKERS[skill](Draw(skill, split, rng))
    wording: str = rng.choice(table("wordings")[skill])
    question = AN.sub(r"\1n ", wording.format(**case.slots))
    return _vary(question, rng), case


def _vary(question: str, rng: random.Random) -> str:
    """The way people type: now and then no capital, no full stop, or a please."""
    if rng.random() < 0.1 and question[0].isupper() and question.split()[0] not in words("people"):
        question = question[0].lower() + question[1:]
    if rng.random() < 0.15:
        question = question.removesuffix(".")
    return f"Please help. {question}" if rng.random() < 0.05 else question


def _pick(rows: list[dict[str, str]], rng: random.Random) -> tuple[str, str]:
    row = rng.choice(rows)
    return rng.choice(row["ask"].split(" | ")), rng.choice(row["say"].split(" | "))


def _talk(rng: random.Random) -> tuple[str, str]:
    chat = table("chat")
    return _pick(chat[rng.choice(["talk", "advice"])], rng)


def _definition(rng: random.Random) -> tuple[str, str]:
    known: dict[str, str] = table("chat")["definitions"]
    term = rng.choice(list(known))
    return rng.choice(DEFINE).format(x=term, a=article(term)), _sentence(article(term), known[term])


def _sentence(subject: str, predicate: str) -> str:
    return f"{subject[0].upper()}{subject[1:]} is {predicate}."


def _copied_terms(rng: random.Random) -> tuple[str, str]:
    """A copying exercise over the vocabulary of knowledge bases."""
    pool = [*words("terms"), *words("surnames"), *words("ventures"), *words("people")]
    text = " ".join(rng.sample(pool, rng.randint(1, 4)))
    if rng.random() < 0.3:
        text = f"{rng.choice([rng.randint(2, 999), 2 ** rng.randint(3, 16)])} {text}"
    ask = rng.choice(["Repeat this: {x}", "Copy this text: {x}", "Write {x}", "Say: {x}"])
    return ask.format(x=text), text


def _item(skill: str, turns: list[tuple[str, str]], expected: str) -> SkillItem:
    messages = [
        message
        for question, answer in turns
        for message in (
            Message(role="user", content=question),
            Message(role="assistant", content=answer),
        )
    ]
    return SkillItem(skill, tuple(messages), turns[-1][0], expected)
