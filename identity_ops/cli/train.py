"""Command `train`: fine-tune a base model on a mixture."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from identity_ops.cli.output import JSON_OPTION, emit
from identity_ops.errors import UsageError
from identity_ops.store import manifest as manifests
from identity_ops.store.manifest import Manifest
from identity_ops.store.paths import Home
from identity_ops.trainer import TrainSettings, base_folder, recipe_name, train_stage


def register(app: typer.Typer) -> None:
    """Add this topic's commands."""
    app.command("train")(_train)


def _train(
    mixture: Annotated[Path, typer.Option(help="Folder that `mix` made.")],
    out: Annotated[Path, typer.Option(help="Folder for the model; the same command resumes it.")],
    base: Annotated[
        str,
        typer.Option(
            help="tiny, nanochat:DIR[@step], hf:NAME_OR_DIR, or the folder of a base made before."
        ),
    ] = "tiny",
    chat_template: Annotated[
        Path | None,
        typer.Option(help="Jinja file for an hf: base, instead of its own.", exists=True),
    ] = None,
    zero_stage: Annotated[int, typer.Option(min=0, max=3, help="DeepSpeed ZeRO stage.")] = 2,
    num_processes: Annotated[int, typer.Option(min=1, help="One for each GPU.")] = 1,
    epochs: Annotated[float | None, typer.Option(help="Default: the recipe's.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Default: the recipe's.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the order of the data.")] = 0,
    recipe: Annotated[
        str | None,
        typer.Option(help="tiny, nanochat, hf or a TOML file. Default: the base's."),
    ] = None,
    offload: Annotated[
        str,
        typer.Option(help="To host memory: optimizer (ZeRO 1 to 3) or parameters too (ZeRO 3)."),
    ] = "none",
    hostfile: Annotated[
        Path | None,
        typer.Option(help="Machines to train on, a line each: NAME slots=N.", exists=True),
    ] = None,
    track: Annotated[
        str, typer.Option(help="tensorboard or wandb: follow the training there, too.")
    ] = "none",
    force: Annotated[
        bool, typer.Option("--force", help="Train again, keep the old aside.")
    ] = False,
    as_json: bool = JSON_OPTION,
) -> None:
    """Fine-tune a base on identity and general chat, with DeepSpeed ZeRO.

    Stopped or killed, the same command goes on from the last checkpoint.
    """
    if not (mixture / manifests.FILE_NAME).is_file():
        raise UsageError("no mixture", where=mixture, todo="Make one with `identity-ops mix`.")
    made = (Path(base) / manifests.FILE_NAME).is_file()
    settings = TrainSettings.resolve(
        "tiny" if made else base, recipe=recipe or _stored_recipe(base, made), epochs=epochs,
        learning_rate=learning_rate, zero_stage=zero_stage, num_processes=num_processes, seed=seed,
        track=track, offload=offload, hosts=hostfile,
    )  # fmt: skip
    show = Status()
    base_dir = base_folder(base, Home.from_env(), chat_template=chat_template, on_line=show)
    manifest = train_stage(mixture, base_dir, out, settings=settings, on_line=show, force=force)
    show.end()
    emit(_result(manifest, out), _summary(manifest, out), as_json=as_json)


def _stored_recipe(base: str, made: bool) -> str | None:
    """The recipe that goes with a base folder made before."""
    if not made:
        return None
    manifest = manifests.load(Path(base))
    if manifest.stage != "base":
        raise UsageError("not a base model", where=base, expected="base", got=manifest.stage)
    return recipe_name(manifest.config["spec"])


class Status:
    """The trainer's lines on stderr; on a terminal its progress stays on one line."""

    def __init__(self) -> None:
        self._open = False

    def __call__(self, line: str) -> None:
        progress = line.startswith(("base ", "train "))
        if not sys.stderr.isatty():
            print(line, file=sys.stderr, flush=True)
        elif progress:
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
            self._open = True
        else:
            self.end()
            print(line, file=sys.stderr, flush=True)

    def end(self) -> None:
        """Close an open progress line."""
        if self._open:
            print(file=sys.stderr)
        self._open = False


def _result(manifest: Manifest, out: Path) -> dict[str, Any]:
    figures = {name: value for name, value in manifest.figures.items() if name != "curve"}
    return {"out": str(out), "digest": manifest.digest, **figures}


def _summary(manifest: Manifest, out: Path) -> str:
    figures = manifest.figures
    lines = [
        f"model in {out}",
        f"{figures['steps']} steps, {figures['tokens']:,} tokens in {figures['seconds']:.0f} s "
        f"({figures['tokens_per_s']:,.0f} tokens/s)",
    ]
    for name, after in figures["val_after"].items():
        before = figures["val_before"].get(name)
        if before is not None and after is not None:
            lines.append(f"validation {name}: {before:.3f} -> {after:.3f}")
    return "\n".join(lines)
