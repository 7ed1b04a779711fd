"""`identity-ops init`: a first knowledge base."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from identity_ops.cli.output import JSON_OPTION, emit
from identity_ops.draft import Draft, blank, from_model, from_readme
from identity_ops.errors import ConfigError, UsageError
from identity_ops.knowledge import lint_bytes
from identity_ops.store.publish import write_atomic
from identity_ops.teachers.base import TeacherConfig


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("init")(_init)


def _init(
    out: Annotated[Path, typer.Option(help="The knowledge base to write.", metavar="KB.md")],
    source: Annotated[
        Path | None,
        typer.Option("--from", help="README to take the facts from.", metavar="README.md"),
    ] = None,
    teacher: Annotated[
        str | None,
        typer.Option(help="openrouter, gemini or openai: has a model draft it, for your review."),
    ] = None,
    model: Annotated[str | None, typer.Option(help="Model at the provider.")] = None,
    max_cost: Annotated[
        float | None, typer.Option("--max-cost", min=0, help="Hard cap in US dollars.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
    as_json: bool = JSON_OPTION,
) -> None:
    """Write a knowledge base to fill in, or draft one from a README.

    `identity-ops lint` names every line that still has to be filled in or reviewed.
    """
    if teacher is not None and source is None:
        raise UsageError("a model drafts from a text", where="--teacher", todo="Add --from.")
    if source is not None and not source.is_file():
        raise UsageError("no such file", where=source)
    if out.exists() and not force:
        raise UsageError(
            "the file is there already", where=out, todo="Choose another --out, or --force."
        )
    draft = _draft(source, teacher, model, max_cost)
    write_atomic(out, draft.text)
    findings = Counter(finding.rule for finding in lint_bytes(draft.text.encode(), out.name))
    todo = findings["placeholder"]
    said = f"{out}: {todo or 'no'} places to fill in or review"
    if draft.cost_usd:
        said += f", cost: ${draft.cost_usd:.4f}"
    data = {
        "file": str(out), "from": str(source) if source else None, "placeholders": todo,
        "cost_usd": draft.cost_usd,
    }  # fmt: skip
    emit(data, f"{said}\nnext: edit it, then identity-ops lint {out}", as_json=as_json)


def _draft(
    source: Path | None, teacher: str | None, model: str | None, max_cost: float | None
) -> Draft:
    if source is None:
        return Draft(blank(), 0.0)
    if teacher is None:
        return Draft(from_readme(source), 0.0)
    if teacher == "template":
        raise UsageError("the template teacher reads no README", todo="Leave --teacher out.")
    try:
        config = TeacherConfig.of(name=teacher, model=model, max_cost_usd=max_cost, workers=1)
    except ConfigError as error:
        raise UsageError(error.what) from None
    return from_model(source, config)
