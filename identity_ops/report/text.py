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
    lines = ["Beside a control that was trained alike without identity rows:"]
    lines += [_beside(row) for row in found["rows"] if not row["depth"]]
    if losses := found["losses"]:
        lines.append(f"{'Loss on held-out general chat':<32}{losses['model']:>8.3f}, control "
                     f"{losses['control']:.3f}")  # fmt: skip
    return ["\n".join(lines)]


def _beside(row: Mapping[str, Any]) -> str:
    gain, control = row["gain"], percent(row["before"]["value"])
    return (
        f"{row['label']:<32}{percent(row['after']['value']):>8}, control {control}: "
        f"{100 * gain['value']:+.1f} points ({100 * gain['low']:+.1f} to "
        f"{100 * gain['high']:+.1f}), p {row['p']:.2g}"
    )


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
