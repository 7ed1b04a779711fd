"""Command `chat`: talk to a model in the terminal."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from identity_ops import launch
from identity_ops.errors import UsageError
from identity_ops.registry import FILE, latest_model, list_models
from identity_ops.store.paths import Home

MODEL_OPTION = typer.Option(
    help="Model folder, or the name of a published model. Default: the promoted one."
)


def register(app: typer.Typer) -> None:
    """Add this topic's commands."""
    app.command("chat")(_chat)


def chosen_model(model: Path | None) -> Path:
    """The folder that --model means: of a model, or of all versions of one, or a name.

    Raises:
        UsageError: neither a folder nor a published model's name.
        DataError: nothing is published.
    """
    home = Home.from_env()
    if model is None:
        return latest_model(home)
    if (model / FILE).is_file():
        return latest_model(Home(model.resolve().parents[1]), model.resolve().name)
    if model.is_dir():
        return model
    names = sorted({found.name for found in list_models(home)})
    if str(model) in names:
        return latest_model(home, str(model))
    raise UsageError(
        "no such folder, and no published model of that name", where=model,
        todo=f"Published are: {', '.join(names) or 'none yet'}.",
    )  # fmt: skip


def _chat(
    model: Annotated[Path | None, MODEL_OPTION] = None,
    once: Annotated[str | None, typer.Option(help="Ask this, print the answer, end.")] = None,
    system: Annotated[str, typer.Option(help="A system message before the conversation.")] = "",
    temperature: Annotated[
        float, typer.Option(min=0, max=2, help="0: always the likeliest answer.")
    ] = 0.0,
    max_tokens: Annotated[int, typer.Option(min=1, help="Longest answer.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Of the sampling.")] = 0,
) -> None:
    """Ask a model who it is. /help lists what else; with a pipe, one question a line."""
    folder = chosen_model(model)
    print(f"model: {folder}", file=sys.stderr)
    asked = [] if once is None else [f"--once={once}"]
    launch.become([
        "-m", "training.chat", "--model", str(folder), f"--system={system}", *asked,
        "--temperature", str(temperature), "--max-tokens", str(max_tokens), "--seed", str(seed),
    ])  # fmt: skip
