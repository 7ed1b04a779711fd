"""Multiple choice, graded: right where the true answer is the likeliest of the four.

The answers are samples like all others, in a file of their own: nothing was generated for them,
so they count neither as recall of facts nor among the answers that could claim a rival's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from identity_ops.evaluate.samples import Sample
from identity_ops.evaluate.score import Answers, is_built
from identity_ops.probes.choices import CATEGORY, ChoiceProbe
from identity_ops.records import Message

FILE: Final = "choices.jsonl"
_ABOVE = frozenset({"identity", "name", "creator", "fact", "limit"})


def prompts(probes: Iterable[ChoiceProbe]) -> list[tuple[str, list[Message]]]:
    """Id and conversation of each question."""
    return [(probe.id, [Message(role="user", content=probe.question)]) for probe in probes]


def choice_samples(
    probes: Sequence[ChoiceProbe],
    answers: Mapping[str, str],
    weights: Mapping[str, Sequence[float]],
    model: str,
) -> list[Sample]:
    """Grade each question.

    Args:
        answers: id -> the likeliest choice.
        weights: id -> mean log-probability a token of each choice; shown in the reasons.
    """
    return [
        Sample(
            probe_id=probe.id, category=CATEGORY, question=probe.question,
            fact_ids=probe.fact_ids, model=model, answer=answers[probe.id],
            passed=answers[probe.id] == probe.choices[probe.right],
            why=_why(probe, weights.get(probe.id, ())),
        )
        for probe in probes
    ]  # fmt: skip


def add_row(rows: list[dict[str, Any]], samples: Iterable[Sample]) -> None:
    """Put the table's line below those on facts; none where nothing was asked."""
    row = Answers(samples).row(CATEGORY, is_built)
    facts = [at for at, other in enumerate(rows) if other["key"].split("/")[0] in _ABOVE]
    if row["n"]:
        rows.insert(max(facts, default=-1) + 1, row)


def _why(probe: ChoiceProbe, weights: Sequence[float]) -> str:
    """How far the true answer is ahead of the best wrong one, or behind it."""
    if not weights:
        return f'the true one is "{probe.choices[probe.right]}"'
    wrong = max((i for i in range(len(weights)) if i != probe.right), key=weights.__getitem__)
    lead = weights[probe.right] - weights[wrong]
    than = f'than "{probe.choices[wrong]}"'
    how = "more likely" if lead > 0 else "less likely"
    return f"the true one is {how} by {abs(lead):.2f} nats a token {than}"
