"""Drawn answers: what a model says when it does not always take the likeliest word.

Each probe is asked K more times at TEMPERATURE. The pass rate is over all answers, its interval
over the questions (`stats.clustered`), for five answers to one question are no five questions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from identity_ops.evaluate.samples import Sample, prompt
from identity_ops.evaluate.score import LABELS, LOWER_IS_BETTER, MEASURES, Judge
from identity_ops.evaluate.stats import clustered, wilson
from identity_ops.records import Message, Probe

TEMPERATURE = 0.7
_MARK = "#"  # between a probe's id and the number of the draw


def prompts(probes: Sequence[Probe], count: int) -> list[tuple[str, list[Message]]]:
    """Every probe `count` times; the name of each draw seeds its own random numbers."""
    return [
        (f"{probe.id}{_MARK}{draw}", prompt(probe))
        for draw in range(1, count + 1)
        for probe in probes
    ]


def by_draw(answers: Mapping[str, str], count: int) -> Iterator[tuple[int, dict[str, str]]]:
    """(draw, probe id -> answer) for each draw."""
    found: dict[int, dict[str, str]] = {draw: {} for draw in range(1, count + 1)}
    for name, text in answers.items():
        probe_id, _, draw = name.rpartition(_MARK)
        found[int(draw)][probe_id] = text
    yield from found.items()


def drawn_scores(samples: Iterable[Sample], count: int) -> dict[str, Any]:
    """Pass rate over the drawn answers, by group, and how many questions are right every time."""
    questions: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        questions[sample.probe_id].append(sample)
    rows = [_row(key, pick, good, questions.values()) for key, pick, good in MEASURES]
    return {
        "draws": count, "temperature": TEMPERATURE,
        "rows": [row for row in rows if row["questions"]],
    }  # fmt: skip


def _row(key: str, pick: Judge, good: Judge, questions: Iterable[list[Sample]]) -> dict[str, Any]:
    asked = [[good(s) for s in draws] for draws in questions if pick(draws[0])]
    return {
        "key": key, "label": LABELS[key], "lower_is_better": key in LOWER_IS_BETTER,
        "questions": len(asked),
        "rate": asdict(clustered([(sum(marks), len(marks)) for marks in asked])),
        "every_time": asdict(wilson(sum(map(all, asked)), len(asked))),
    }  # fmt: skip
