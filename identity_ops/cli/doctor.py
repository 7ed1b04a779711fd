"""The doctor command."""

from __future__ import annotations

import dataclasses

import typer
from dotenv import load_dotenv

from identity_ops.cli.output import JSON_OPTION, emit
from identity_ops.doctor import Check, examine
from identity_ops.store.paths import Home


def register(app: typer.Typer) -> None:
    """Add this topic's commands."""
    app.command()(doctor)


def doctor(as_json: bool = JSON_OPTION) -> None:
    """What is missing on this machine, and how to get it. Exit code 1 where something is."""
    load_dotenv(".env")
    checks = examine(Home.from_env())
    emit([dataclasses.asdict(check) for check in checks], _text(checks), as_json=as_json)
    if any(check.level == "missing" for check in checks):
        raise typer.Exit(1)


def _text(checks: list[Check]) -> str:
    width = max(len(check.name) for check in checks)
    lines = []
    for check in checks:
        lines.append(f"{check.level:<8} {check.name:<{width}}  {check.found}")
        if check.todo:
            lines.append(f"{'':<8} {'':<{width}}  -> {check.todo}")
    return "\n".join(lines)
