"""Command `chat`: talk to a model in the terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from identity_ops import launch
from identity_ops.errors import UsageError
from identity_ops.registry import latest_model
from identity_ops.store.paths import Home


def register(app: typer.Typer) -> None:
    """Add this topic's commands."""
    app.command("chat")(_chat)


def _chat(
    model: Annotated[
        Path | None, typer.Option(help="Model folder. Default: the promoted one.")
    ] = None,
    temperature: Annotated[
        float, typer.Option(min=0, max=2, help="0: always the likeliest answer.")
    ] = 0.0,
    max_tokens: Annotated[int, typer.Option(min=1, help="Longest answer.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Of the sampling.")] = 0,
) -> None:
    """Ask a model who it is. /quit ends; with a pipe for input, one question a line."""
    if model is not None and not model.is_dir():
        raise UsageError("no such folder", where=model)
    folder = model or latest_model(Home.from_env())
    print(f"model: {folder}", file=sys.stderr)
    argv = [
        sys.executable, "-m", "training.chat", "--model", str(folder),
        "--temperature", str(temperature), "--max-tokens", str(max_tokens), "--seed", str(seed),
    ]  # fmt: skip
    env = launch.environment("", Path(os.devnull))
    code = subprocess.run(argv, env=env, check=False).returncode
    if code:
        raise typer.Exit(1)
