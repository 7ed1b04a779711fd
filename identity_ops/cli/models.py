"""Commands on published models: `models`, and below it promote, rollback, check; and `gate`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from identity_ops import registry
from identity_ops.cli.output import JSON_OPTION, emit
from identity_ops.cli.runs import text_table
from identity_ops.evaluate.parity import parity
from identity_ops.evaluate.stage import load_scores
from identity_ops.evaluate.table import percent
from identity_ops.gate import read_rules, verdict_of
from identity_ops.recipes import Rules
from identity_ops.registry import VersionInfo
from identity_ops.report.run import RunFolder
from identity_ops.runs import find_result
from identity_ops.store.paths import Home

HEADER = ("model", "version", "published", "name ok", "facts", "over-id", "gate", "")
SHOWN = 3  # differing answers


def register(app: typer.Typer) -> None:
    """Add the commands."""
    models = typer.Typer(
        help="List published models; put a version in force, go back, check one.",
        invoke_without_command=True,
    )
    models.callback()(list_command)
    models.command("promote")(promote_command)
    models.command("rollback")(rollback_command)
    models.command("check")(check_command)
    app.add_typer(models, name="models")
    app.command("gate")(gate_command)


def list_command(
    context: typer.Context,
    verify: Annotated[
        bool, typer.Option("--verify", help="Hash every file again: is it as published?")
    ] = False,
    as_json: bool = JSON_OPTION,
) -> None:
    """List the published versions, the newest of each model first.

    Exit code 1 where --verify finds a version that was changed.
    """
    if context.invoked_subcommand:
        return
    found = registry.list_models(Home.from_env(), check=verify)
    text = text_table([HEADER, *map(_cells, found)]) if found else "Nothing published yet."
    emit([asdict(version) for version in found], text, as_json=as_json)
    if any(version.intact is False for version in found):
        raise typer.Exit(1)


def promote_command(
    name: Annotated[str, typer.Argument(help="The model.")],
    version: Annotated[str, typer.Argument(help="v0002-1a2b3c4d, v0002 or 2.")],
    as_json: bool = JSON_OPTION,
) -> None:
    """Put a version in force: `chat` and `serve` take it from now on."""
    now = registry.promote(Home.from_env(), name, version)
    emit({"name": name, "promoted": now}, f"{name}: {now} is promoted", as_json=as_json)


def rollback_command(
    name: Annotated[str, typer.Argument(help="The model.")], as_json: bool = JSON_OPTION
) -> None:
    """Put the version in force again that was before this one."""
    now = registry.rollback(Home.from_env(), name)
    emit({"name": name, "promoted": now}, f"{name}: back to {now}", as_json=as_json)


def check_command(
    name: Annotated[str, typer.Argument(help="The model.")],
    version: Annotated[str | None, typer.Argument(help="Default: the promoted one.")] = None,
    as_json: bool = JSON_OPTION,
) -> None:
    """Check a version: are its files as published, does it answer as it was evaluated?

    Asks it every probe again. Exit code 1 where an answer is another one.
    """
    home = Home.from_env()
    folder = registry.latest_model(home, name)
    if version is not None:
        folder = home.model(name, registry.resolve(home, name, version))
    registry.verify(home, name, folder.name)
    asked, differ = parity(folder)
    lines = [f"{folder.name}: files as published; {asked - len(differ)} of {asked} answers the "
             "same as evaluated"]  # fmt: skip
    lines += [f"  {d.question!r}: {d.evaluated!r}, now {d.published!r}" for d in differ[:SHOWN]]
    data = {"version": folder.name, "asked": asked, "differ": [asdict(d) for d in differ]}
    emit(data, "\n".join(lines), as_json=as_json)
    if differ:
        raise typer.Exit(1)


def gate_command(
    evaluation: Annotated[str, typer.Argument(help="Run id, `latest`, or an evaluation's folder.")],
    rules: Annotated[
        Path | None, typer.Option(help="TOML file with rules. Default: those for any base.")
    ] = None,
    as_json: bool = JSON_OPTION,
) -> None:
    """Hold an evaluation against rules. Exit code 1 where one fails.

    A rules file has lines as `max_over_identity = 0.05`, at its top or in a
    [gate] table, as recipes have; "off" leaves a rule out.
    """
    found = RunFolder(find_result(Home.from_env(), evaluation))
    verdict = verdict_of(
        load_scores(found.path("evaluate")), read_rules(rules) if rules else Rules()
    )
    emit(verdict, "\n".join(verdict_lines(verdict)), as_json=as_json)
    if not verdict["passed"]:
        raise typer.Exit(1)


def verdict_lines(verdict: dict[str, Any]) -> list[str]:
    """A line for each rule."""
    return [
        f"{'pass' if rule['passed'] else 'FAIL'}  {rule['rule']}: {rule['reason']}"
        for rule in verdict["rules"]
    ]


def _cells(found: VersionInfo) -> tuple[str, ...]:
    shares = (found.name_accuracy, found.fact_recall, found.over_identity)
    marks = ["promoted"] if found.promoted else []
    marks += ["CHANGED SINCE"] if found.intact is False else []
    return (
        found.name[:24], found.version, found.published_at[:16].replace("T", " "),
        *("-" if share is None else percent(share) for share in shares), found.gate,
        ", ".join(marks),
    )  # fmt: skip
