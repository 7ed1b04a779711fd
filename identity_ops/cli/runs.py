"""Commands on past runs: runs, report."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from identity_ops.cli.output import JSON_OPTION, emit
from identity_ops.evaluate.stage import load_scores
from identity_ops.evaluate.table import percent
from identity_ops.report import write_report
from identity_ops.report.data import money
from identity_ops.report.run import RunFolder
from identity_ops.report.text import tables
from identity_ops.runs import RunInfo, describe, find_result, list_runs
from identity_ops.store.paths import Home

HEADER = ("run", "status", "name", "name ok", "facts", "over-id", "cost", "started")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("runs")(runs_command)
    app.command("report")(report_command)


def runs_command(as_json: bool = JSON_OPTION) -> None:
    """List what ran, what it cost and how well it took, the newest first."""
    runs = list_runs(Home.from_env())
    text = text_table([HEADER, *map(_cells, runs)]) if runs else "No runs yet. Start with: make run"
    emit([asdict(run) for run in runs], text, as_json=as_json)


def report_command(
    run: Annotated[str, typer.Argument(help="Run id, `latest`, or a folder of a result.")],
    out: Annotated[Path | None, typer.Option(help="The HTML file to write.")] = None,
    as_json: bool = JSON_OPTION,
) -> None:
    """Write the HTML report of a run, and print its table."""
    folder = find_result(Home.from_env(), run)
    page = write_report(folder, out)
    found = RunFolder(folder)
    scores = load_scores(found.path("evaluate")) if found.has("evaluate") else None
    data = {"report": str(page), "run": asdict(describe(folder)), "scores": scores,
            "money": money(found)}  # fmt: skip
    table = tables(found) + "\n" if scores else ""
    emit(json.loads(json.dumps(data)), f"{table}report: {page}", as_json=as_json)


def _cells(run: RunInfo) -> tuple[str, ...]:
    shares = [run.name_accuracy, run.fact_recall, run.over_identity]
    return (
        run.run_id[:36], run.status, run.name[:16],
        *("-" if share is None else percent(share) for share in shares),
        f"${run.cost_usd:.2f}", run.started_at[:16].replace("T", " "),
    )  # fmt: skip


def text_table(rows: list[tuple[str, ...]]) -> str:
    """Rows as aligned text."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
             for row in rows]  # fmt: skip
    return "\n".join(line.rstrip() for line in lines)
