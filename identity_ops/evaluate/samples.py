"""Samples: what each model answered to each probe, graded. The ground of every figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from identity_ops.errors import DataError
from identity_ops.evaluate.grade import grade
from identity_ops.probes import cues
from identity_ops.records import Fact, Message, Probe


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One graded answer, with all that a reader needs to judge the grade."""

    probe_id: str
    category: str
    question: str
    history: tuple[Message, ...] = ()
    system: str = ""
    fact_ids: tuple[str, ...] = ()
    model: str  # before or after
    answer: str
    passed: bool
    why: str
    rival: str = ""  # the first-person rival claim in the answer, if any
    own: bool = False  # the user's probe, not a built one
    seen: bool = False  # the user's probe occurs in the training mixture
    draw: int = 0  # 0: the likeliest answer; from 1 on: drawn at random


def prompt(probe: Probe | Sample) -> list[Message]:
    """The conversation that the probe puts to a model, or did."""
    system = [Message(role="system", content=probe.system)] if probe.system else []
    return [*system, *probe.history, Message(role="user", content=probe.question)]


def judge(
    probes: Sequence[Probe],
    answers: Mapping[str, str],
    model: str,
    *,
    facts: Sequence[Fact],
    claims: Mapping[str, str],
    own: frozenset[str] = frozenset(),
    seen: frozenset[str] = frozenset(),
) -> list[Sample]:
    """Grade every probe's answer.

    Args:
        facts: the ledger, so that a grade can say in words what was missing.
        claims: probe id -> first-person rival claim found in the answer.
        own, seen: ids of user-supplied probes, and of those among them that training contains.

    Raises:
        DataError: a probe without an answer.
    """
    missing = [probe.id for probe in probes if probe.id not in answers]
    if missing:
        raise DataError(
            f"{len(missing)} probes got no answer", where=missing[0],
            todo="Run the evaluation again; look at the answering process's log.",
        )  # fmt: skip
    values = {fact.id: fact.value for fact in facts}
    samples = []
    for probe in probes:
        verdict = grade(probe, answers[probe.id], wanted(probe, values), own=probe.id in own)
        samples.append(
            Sample(
                probe_id=probe.id, category=probe.category, question=probe.question,
                history=probe.history, system=probe.system, fact_ids=probe.fact_ids,
                model=model, answer=answers[probe.id], passed=verdict.passed, why=verdict.why,
                rival=claims.get(probe.id, ""), own=probe.id in own, seen=probe.id in seen,
            )
        )  # fmt: skip
    return samples


def wanted(probe: Probe, values: Mapping[str, str]) -> str:
    """In words, what a right answer has; "" where only the patterns themselves can say it."""
    fixed = {"unknown": "admitting that it is not stated", "ability": "the right answer"}
    if (group := probe.category.partition("/")[0]) in fixed:
        return fixed[group]
    if cues.NO_START in probe.none_of:
        return "a yes"
    if cues.YES_START in probe.none_of:
        return "a no"
    return "; ".join(values[key] for key in probe.fact_ids if key in values)
