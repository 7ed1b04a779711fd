"""The rounds of a run side by side: what each added, and what it gained over the one before."""

from __future__ import annotations

from typing import Any

from identity_ops.evaluate.compare import compare
from identity_ops.evaluate.samples import Sample
from identity_ops.evaluate.stage import SAMPLES
from identity_ops.records import read_jsonl
from identity_ops.report.run import RunFolder

SHOWN = ("identity", "fact", "limit", "ordinary", "ability")  # of the table's rows


def round_rows(run: RunFolder) -> list[dict[str, Any]]:
    """A row for each round; empty where there was one only."""
    stages = run.evaluations() if run.has("evaluate") else []
    return [_row(run, number) for number in range(1, len(stages) + 1)] if len(stages) > 1 else []


def _row(run: RunFolder, number: int) -> dict[str, Any]:
    stage = run.evaluations()[number - 1]
    figures = run.manifest(stage).figures
    shares = {row["key"]: row for row in figures["rows"] if row["key"] in SHOWN}
    curated = stage.replace("evaluate", "curate")
    return {
        "number": number,
        "conversations": run.manifest(curated).counts["conversations"] if run.has(curated) else 0,
        "shares": {key: shares[key]["after"] for key in SHOWN if key in shares},
        "recall": figures["headline"]["fact_recall"]["after"],
        "gain": _gain(run, number),
    }


def _gain(run: RunFolder, number: int) -> str:
    """In words, with paired tests, against the round before."""
    if number == 1:
        return ""
    before, now = (
        read_jsonl(Sample, run.path(run.evaluations()[n]) / SAMPLES)
        for n in (number - 2, number - 1)
    )
    return compare(before, now).words()
