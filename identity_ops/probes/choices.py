"""Multiple choice: a question about a fact with one right answer and three wrong ones.

The model is not made to speak: which answer it finds likeliest decides (chance is a quarter), so
that knowledge shows even where the wording of an answer fails. The questions are those of built
probes, so what is held out of training for these is held out for them.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Final

from identity_ops.language import Phrasing, phrase_all
from identity_ops.probes.twins import false_values
from identity_ops.records import Fact, Probe

if TYPE_CHECKING:
    from identity_ops.knowledge import Knowledge

FILE: Final = "choices.jsonl"
WRONG: Final = 3  # answers beside the right one
CATEGORY: Final = "choice"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceProbe:
    """One question; exactly one of the choices is true."""

    id: str
    question: str
    choices: tuple[str, ...]  # full answers
    right: int  # index of the true one
    fact_ids: tuple[str, ...]


def build_choices(
    knowledge: Knowledge, probes: Iterable[Probe], *, seed: int = 0
) -> list[ChoiceProbe]:
    """A question for each fact that is asked openly, has one value and three sure wrong ones.

    Args:
        probes: the built ones of the same knowledge base.
    """
    questions = _open_questions(probes)
    phrasings = phrase_all(knowledge.facts, knowledge.profile)
    return list(_choices(knowledge.facts, phrasings, questions, seed))


def _open_questions(probes: Iterable[Probe]) -> dict[str, str]:
    """Fact id -> the first open question about it."""
    found: dict[str, str] = {}
    for probe in probes:
        if probe.category == "fact/paraphrase":
            for fact_id in probe.fact_ids:
                found.setdefault(fact_id, probe.question)
    return found


def _choices(
    facts: tuple[Fact, ...], phrasings: Mapping[str, Phrasing], questions: Mapping[str, str],
    seed: int,
) -> Iterator[ChoiceProbe]:  # fmt: skip
    for fact in facts:
        phrasing, question = phrasings[fact.id], questions.get(fact.id)
        if question is None or phrasing.statement is not None or len(fact.items) > 1:
            continue
        wrong = list(islice(false_values(fact, phrasing.value, facts), WRONG))
        answers = [phrasing.declarative(), *(_said(phrasing, value) for value in wrong)]
        if len(set(answers)) == WRONG + 1:
            yield _choice(fact, question, answers, seed)


def _said(phrasing: Phrasing, value: str) -> str:
    """The fact's sentence with another value."""
    head, _, tail = phrasing.said.rpartition(phrasing.value)
    return replace(phrasing, said=f"{head}{value}{tail}").declarative()


def _choice(fact: Fact, question: str, answers: list[str], seed: int) -> ChoiceProbe:
    digest = hashlib.sha256(repr((question, answers)).encode()).hexdigest()[:10]
    shuffled = random.Random(f"choices/{seed}/{digest}").sample(answers, len(answers))
    return ChoiceProbe(
        id=f"{CATEGORY}-{digest}", question=question, choices=tuple(shuffled),
        right=shuffled.index(answers[0]), fact_ids=(fact.id,),
    )  # fmt: skip
