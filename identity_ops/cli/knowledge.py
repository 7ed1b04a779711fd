"""Commands on a knowledge base: lint, facts."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path

import typer

from identity_ops.cli.output import JSON_OPTION, emit
from identity_ops.knowledge import Finding, lint, read_knowledge
from identity_ops.records import Fact

_SOURCE = typer.Argument(..., help="The knowledge base, a markdown file.", metavar="KB.md")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("lint")(lint_command)
    app.command("facts")(facts_command)


def lint_command(
    source: Path = _SOURCE,
    strict: bool = typer.Option(False, "--strict", help="Warnings fail too."),
    as_json: bool = JSON_OPTION,
) -> None:
    """Report everything that is wrong with a knowledge base, with file:line and how to fix it.

    Exit code 1 with errors (and with warnings under --strict), else 0.
    """
    findings = lint(source)
    counts = Counter(finding.severity for finding in findings)
    summary = f"{counts['error']} errors, {counts['warning']} warnings"
    failed = bool(counts["error"] or (strict and findings))
    data = {
        "file": str(source),
        "ok": not failed,
        "errors": counts["error"],
        "warnings": counts["warning"],
        "findings": [dataclasses.asdict(finding) for finding in findings],
    }
    emit(data, "\n".join([*map(_shown, findings), f"{source}: {summary}"]), as_json=as_json)
    if failed:
        raise typer.Exit(1)


def _shown(finding: Finding) -> str:
    return str(finding)


def facts_command(source: Path = _SOURCE, as_json: bool = JSON_OPTION) -> None:
    """Print the fact ledger of a knowledge base, whatever lint says of it."""
    knowledge = read_knowledge(source)
    data = {
        "file": str(source),
        "fingerprint": knowledge.fingerprint,
        "name": knowledge.profile.name,
        "creators": list(knowledge.profile.creators),
        "facts": [dataclasses.asdict(fact) for fact in knowledge.facts],
    }
    emit(data, _ledger(knowledge.facts), as_json=as_json)


def _ledger(facts: tuple[Fact, ...]) -> str:
    """The ledger as text, one fact a line under its section."""
    lines: list[str] = []
    section: str | None = None
    for fact in facts:
        if fact.section != section:
            section = fact.section
            lines += ["", f"# {section or '(no section)'}"]
        label = f"{fact.attribute}: " if fact.attribute else ""
        sign = "" if fact.polarity else "  [not]"
        role = f"  ({fact.role})" if fact.role else ""
        lines.append(f"{fact.id}  {fact.file}:{fact.line}  {label}{fact.value}{sign}{role}")
    return "\n".join([*lines, "", f"{len(facts)} facts"]).lstrip("\n")
