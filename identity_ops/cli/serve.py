"""Command `serve`: a web page and an OpenAI-compatible API for a model."""

from __future__ import annotations

import ipaddress
import sys
from pathlib import Path
from typing import Annotated

import typer

from identity_ops import launch
from identity_ops.cli.chat import MODEL_OPTION, chosen_model
from identity_ops.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("serve")(_serve)


def _serve(
    model: Annotated[Path | None, MODEL_OPTION] = None,
    base: Annotated[
        Path | None,
        typer.Option(
            help="The model before training, shown beside it. Default: what it came from."
        ),
    ] = None,
    no_base: Annotated[bool, typer.Option("--no-base", help="Load the one model alone.")] = False,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8400,
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help="Let other machines in: there is no sign-in.")
    ] = False,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="A name the server goes by, such as a proxy's.")
    ] = None,
    rows: Annotated[int, typer.Option(min=1, help="Answers written at once, for each model.")] = 16,
    waiting: Annotated[int, typer.Option(min=1, help="Requests that may wait; more get 429.")] = 64,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds an answer may take.")] = 120.0,
    max_tokens: Annotated[int, typer.Option(min=1, help="Of an answer that asks for none.")] = 100,
    temperature: Annotated[
        float, typer.Option(min=0, max=2, help="Where none is asked for.")
    ] = 0.0,
) -> None:
    """Serve a model: a web page at /, and /v1/chat/completions as OpenAI's clients speak it."""
    folder = chosen_model(model)
    if base is not None and (no_base or not base.is_dir()):
        raise UsageError("--base needs a folder, and no --no-base", where=base)
    _require_consent(host, allow_remote)
    flags = ["--no-base"] if no_base else ["--base", str(base)] if base else []
    names = [part for name in allow_host or () for part in ("--allow-host", name)]
    launch.become([
        "-m", "training.serve", "--model", str(folder), *flags, "--host", host, "--port", str(port),
        *names, "--rows", str(rows), "--waiting", str(waiting), "--timeout", str(timeout),
        "--max-tokens", str(max_tokens), "--temperature", str(temperature),
    ])  # fmt: skip


def _require_consent(host: str, allow_remote: bool) -> None:
    """Other machines only where that was asked for."""
    if _is_loopback(host):
        return
    warning = f"warning: {host} lets other machines use this model, without a sign-in"
    print(warning, file=sys.stderr)
    if not allow_remote:
        raise UsageError(
            "not a loopback address", where=f"--host {host}",
            todo="Add --allow-remote if that is meant, or leave --host out.",
        )  # fmt: skip


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
