"""`identity-ops init`: a first knowledge base."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from identity_ops.cli.output import JSON_OPTION, emit
from identity_ops.draft import blank, from_readme
from identity_ops.errors import UsageError
from identity_ops.knowledge import lint_bytes
from identity_ops.store.publish import write_atomic


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("init")(_init)


def _init(
    out: Annotated[Path, typer.Option(help="The knowledge base to write.", metavar="KB.md")],
    source: Annotated[
        Path | None,
        typer.Option("--from", help="README to take the facts from.", metavar="README.md"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
    as_json: bool = JSON_OPTION,
) -> None:
    """Write a knowledge base to fill in, or draft one from a README.

    `identity-ops lint` names every line that still has to be filled in.
    """
    if source is not None and not source.is_file():
        raise UsageError("no such file", where=source)
    if out.exists() and not force:
        raise UsageError(
            "the file is there already", where=out, todo="Choose another --out, or --force."
        )
    text = blank() if source is None else from_readme(source)
    write_atomic(out, text)
    findings = Counter(finding.rule for finding in lint_bytes(text.encode(), out.name))
    todo = findings["placeholder"]
    said = f"{out}: {todo} places to fill in" if todo else f"{out}: nothing left to fill in"
    data = {"file": str(out), "from": str(source) if source else None, "placeholders": todo}
    emit(data, f"{said}\nnext: edit it, then identity-ops lint {out}", as_json=as_json)
