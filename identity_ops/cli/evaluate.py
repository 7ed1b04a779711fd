"""Command `evaluate`: ask a model the probes of a knowledge base, before and after."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from identity_ops.cli.output import JSON_OPTION, emit
from identity_ops.evaluate import evaluate_stage, load_scores, render_table
from identity_ops.knowledge.stage import lint_stage
from identity_ops.probes.stage import probes_stage
from identity_ops.report import write_report


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("evaluate")(evaluate_command)


def evaluate_command(
    model: Annotated[Path, typer.Option(help="Folder of the model to judge.", exists=True)],
    knowledge: Annotated[Path, typer.Option(help="The knowledge base it was taught.", exists=True)],
    out: Annotated[Path, typer.Option(help="Folder for samples, scores and report.")],
    probes: Annotated[
        Path | None, typer.Option(help="Probes of your own, JSONL, asked beside the built ones.")
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option(help="Folder of the model before training.", exists=True)
    ] = None,
    max_tokens: Annotated[int, typer.Option(min=1, help="Limit of each answer.")] = 64,
    seed: Annotated[int, typer.Option(min=0, help="Of the probes that are drawn.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Ask again, keep the old aside.")] = False,
    as_json: bool = JSON_OPTION,
) -> None:
    """Ask a model held-out probes about a knowledge base; table, samples and HTML report."""
    lint_stage(knowledge, out / "lint")
    probes_stage(out / "lint", out / "probes", seed=seed, extra=probes)
    manifest = evaluate_stage(
        model, baseline, out / "probes", out / "lint", out, max_tokens=max_tokens, seed=seed,
        force=force,
    )  # fmt: skip
    page = write_report(out)
    scores = load_scores(out)
    data = {"counts": manifest.counts, "scores": scores, "report": str(page)}
    emit(data, render_table(scores["rows"]) + f"\nreport: {page}", as_json=as_json)
