"""An evaluation in the terminal: the table, then what was asked for beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from identity_ops.evaluate.stage import load_scores
from identity_ops.evaluate.table import percent, render_table
from identity_ops.report.rounds import SHOWN, round_rows
from identity_ops.report.run import RunFolder


def tables(run: RunFolder) -> str:
    """The tables of a run's evaluation: its probes, its control, its rounds."""
    scores = load_scores(run.path("evaluate"))
    parts = [render_table(scores["rows"]), *control_lines(scores)]
    rounds = round_rows(run)
    return "\n\n".join([*parts, "\n".join(_round_lines(rounds))] if rounds else parts)


def control_lines(scores: Mapping[str, Any]) -> list[str]:
    """The model beside its control, [] where none was asked for."""
    found = scores.get("control")
    if not found:
        return []
    losses = found["losses"]
    said = (
        f"\nloss on held-out general chat {losses['model']:.3f}, control {losses['control']:.3f}"
        if losses else ""
    )  # fmt: skip
    head = "Beside a control that was trained alike without identity rows"
    return [f"{head}\n\n{render_table(found['rows'], against='control')}{said}"]


def _round_lines(rounds: list[dict[str, Any]]) -> Iterator[str]:
    """A line for each round, and below it what it gained over the one before."""
    yield f"{'round':<7}{'talks':>7}{'facts':>9}" + "".join(f"{name:>10}" for name in SHOWN)
    for row in rounds:
        shares = (row["shares"].get(name) for name in SHOWN)
        cells = "".join(f"{percent(one['value']) if one else '-':>10}" for one in shares)
        recall = percent(row["recall"]["mean"]["value"])
        yield f"{row['number']:<7}{row['conversations']:>7,}{recall:>9}{cells}"
        if row["gain"]:
            yield f"       {row['gain']}"
