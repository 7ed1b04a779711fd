"""Parity: does a published folder answer as the model that was evaluated did?

What is published may be read by another loader, or with another template, than what was measured;
asking it the same questions again is the only proof. Answers are greedy and asked in the same
order, so that they are the same to the character where nothing changed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from identity_ops.errors import DataError
from identity_ops.evaluate.samples import Sample, prompt
from identity_ops.evaluate.stage import SAMPLES, Answer, trained_answer
from identity_ops.records import read_jsonl

MAX_TOKENS = 64  # of an evaluation whose lineage does not say


@dataclass(frozen=True, slots=True)
class Difference:
    """A question to which the published model now gives another answer."""

    question: str
    evaluated: str
    published: str


def parity(version: Path, *, answer: Answer | None = None) -> tuple[int, list[Difference]]:
    """Ask a published version its evaluation's probes again: how many, and which differ.

    Raises:
        DataError: it was published without its evaluation, or does not answer.
    """
    path = version / "evaluation" / SAMPLES
    if not path.is_file():
        raise DataError("this version was published without its evaluation", where=version)
    samples = [s for s in read_jsonl(Sample, path) if s.model == "after"]
    ask = answer or trained_answer
    answers = ask(
        version, [(s.probe_id, prompt(s)) for s in samples], max_tokens=_max_tokens(version),
        temperature=0.0, seed=0,
    )  # fmt: skip
    differ = [
        Difference(s.question, s.answer, answers.get(s.probe_id, ""))
        for s in samples
        if answers.get(s.probe_id) != s.answer
    ]
    return len(samples), differ


def _max_tokens(version: Path) -> int:
    stages = json.loads((version / "lineage.json").read_bytes())["stages"]
    return int(stages.get("evaluate", {}).get("config", {}).get("max_tokens", MAX_TOKENS))
