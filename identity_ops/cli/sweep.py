"""Command `sweep`: which identity share, how many epochs, how many conversations?"""

from __future__ import annotations

import json
import math
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from identity_ops.cli.output import JSON_OPTION, emit
from identity_ops.cli.runs import text_table
from identity_ops.cli.train import Status
from identity_ops.errors import UsageError
from identity_ops.store.paths import Home
from identity_ops.sweep import FACTORS, Cell, Speed, Sweep, estimate, plan_sweep, text_rows
from identity_ops.sweep_run import check, default_setting, run_sweep, speed_here
from identity_ops.trainer import recipe_for

NOTE = (
    "* the centre. Per cent with 95 % intervals: name and creator, facts (mean), unasked talk\n"
    "about itself, ordinary ability; vs control: points of ability."
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("sweep")(sweep_command)


def sweep_command(
    knowledge: Annotated[Path, typer.Argument(help="The knowledge base to teach.", exists=True)],
    out: Annotated[Path, typer.Option(help="Folder for the table; the same command resumes it.")],
    share: Annotated[str, typer.Option(help="Identity shares, as 0.2,0.55.")] = "",
    epochs: Annotated[str, typer.Option(help="Epochs, as 4,11,16.")] = "",
    conversations: Annotated[str, typer.Option(help="Numbers, as 250,1000,2000.")] = "",
    centre: Annotated[
        str, typer.Option(help="Where the others stay, as share=0.4,conversations=250.")
    ] = "",
    seeds: Annotated[str, typer.Option(help="As 0,1,2: each setting once with each.")] = "0",
    grid: Annotated[
        bool, typer.Option("--grid", help="All combinations, not one factor at a time.")
    ] = False,
    control: Annotated[bool, typer.Option(help="Train one without identity rows, too.")] = True,
    base: Annotated[
        str, typer.Option(help="tiny, nanochat:DIR[@step] or hf:NAME_OR_DIR.")
    ] = "tiny",
    general: Annotated[
        list[str] | None, typer.Option(help="General chat, as of `mix`. Default: builtin.")
    ] = None,
    teacher: Annotated[
        str, typer.Option(help="template, openrouter, gemini, openai.")
    ] = "template",
    teacher_model: Annotated[str | None, typer.Option(help="Model at that provider.")] = None,
    max_cost: Annotated[
        float | None, typer.Option("--max-cost", min=0, help="Cap of the whole sweep, USD.")
    ] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Default: the recipe's.")] = None,
    zero_stage: Annotated[int, typer.Option(min=0, max=3, help="DeepSpeed ZeRO stage.")] = 2,
    num_processes: Annotated[int, typer.Option(min=1, help="One for each GPU.")] = 1,
    track: Annotated[str, typer.Option(help="tensorboard or wandb, too.")] = "none",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the cells and an estimate; train nothing.")
    ] = False,
    as_json: bool = JSON_OPTION,
) -> None:
    """Train over shares, epochs and numbers of conversations, and tabulate what came out.

    One factor is varied at a time; the others stay at the centre: the recipe's value
    where it is listed, else their list's middle, or what --centre says. What a cell
    shares with another, or with an earlier run, is not made again; a cell that fails is
    reported, and the rest go on.
    """
    conf = {
        "knowledge": str(knowledge.resolve()), "base_model": _absolute_base(base),
        "general": [_absolute_general(spec) for spec in general or ["builtin"]],
        "teacher": teacher, "teacher_model": teacher_model, "max_cost_usd": max_cost,
        "learning_rate": learning_rate, "zero_stage": zero_stage,
        "num_processes": num_processes, "track": track,
    }  # fmt: skip
    recipe = recipe_for(base).sft
    given: dict[str, Sequence[float]] = {
        "identity_share": numbers("--share", share), "epochs": numbers("--epochs", epochs),
        "num_conversations": whole("--conversations", conversations),
    }  # fmt: skip
    places = centre_of(centre)
    values = {name: [*found, *(place for key, place in places.items()
                               if key == name and place not in found)]
              for name, found in given.items() if found}  # fmt: skip
    default = replace(default_setting(recipe.identity_share, recipe.epochs), **places)
    sweep = plan_sweep(default, values, whole("--seeds", seeds), grid=grid, control=control)
    home = Home.from_env()
    if dry_run:
        with tempfile.TemporaryDirectory(prefix="sweep-") as scratch:
            cost = check(sweep, conf, Path(scratch), home).cost_usd
        _forecast(sweep, speed_here(home), cost, as_json=as_json)
        return
    show = Status()
    found = run_sweep(sweep, conf, out, home, on_cell=_announce(show), on_line=show)
    show.end()
    _report(sweep, found, out, as_json=as_json)


def numbers(option: str, text: str) -> list[float]:
    """The numbers of a comma list; none of an empty one.

    Raises:
        UsageError: what is no number.
    """
    try:
        found = [float(part) for part in text.split(",")] if text.strip() else []
    except ValueError:
        raise UsageError(f"{option}: not a list of numbers", expected="1,2,3", got=text) from None
    if not all(map(math.isfinite, found)):
        raise UsageError(f"{option}: not a list of numbers", expected="1,2,3", got=text)
    return found


def whole(option: str, text: str) -> list[int]:
    """The same of whole numbers."""
    found = numbers(option, text)
    if any(value != int(value) for value in found):
        raise UsageError(f"{option}: whole numbers are needed", got=text)
    return [int(value) for value in found]


def centre_of(text: str) -> dict[str, Any]:
    """The factors that the text gives a value, by their names in a run's parameters.

    Raises:
        UsageError: no such factor, no number, the same one twice.
    """
    found: dict[str, Any] = {}
    names = {said: name for name, said in FACTORS.items()}
    for part in filter(None, text.split(",")):
        said, _, value = part.partition("=")
        read = whole if said == "conversations" else numbers
        values = read("--centre", value)
        if said not in names or names[said] in found or len(values) != 1:
            raise UsageError("--centre: no place", expected="share=0.4,epochs=2", got=text)
        found[names[said]] = values[0]
    return found


def _absolute_base(spec: str) -> str:
    kind, colon, rest = spec.partition(":")
    folder = rest.partition("@")[0]
    if colon and folder and (kind == "nanochat" or Path(folder).exists()):
        return f"{kind}:{Path(folder).resolve()}{rest[len(folder) :]}"
    return spec


def _absolute_general(spec: str) -> str:
    name, _, weight = spec.rpartition("=") if "=" in spec else (spec, "", "")
    path = Path(name)
    return f"{path.resolve()}{f'={weight}' if weight else ''}" if path.is_file() else spec


def _announce(show: Status) -> Any:
    def on_cell(number: int, total: int, cell: Cell) -> None:
        show.end()
        print(f"[{number}/{total}] {cell}", file=sys.stderr, flush=True)

    return on_cell


def _forecast(sweep: Sweep, speed: Speed, cost: float, *, as_json: bool) -> None:
    cells = list(sweep.cells())
    said = estimate(cells, speed) | {"cost_usd": cost}
    basis = "as the last training here" if speed.measured else "as the tiny base on two cores"
    lines = [*map(str, cells), "",
             f"{said['trainings']} trainings on {said['tokens'] / 1e6:.1f}M tokens, about "
             f"{max(1, round(said['seconds'] / 60))} min at {speed.tokens_per_s:,.0f} tokens/s "
             f"({basis}); teacher about ${cost:.2f}; what is cached costs nothing"]  # fmt: skip
    emit({"cells": [str(cell) for cell in cells], "estimate": said}, "\n".join(lines),
         as_json=as_json)  # fmt: skip


def _report(sweep: Sweep, found: dict[str, Any], out: Path, *, as_json: bool) -> None:
    rows = found["rows"]
    failed = [f"failed: {row['setting']}, seed {seed}: {why}"
              for row in rows for seed, why in row["failed"].items()]  # fmt: skip
    text = "\n".join([text_table(text_rows(sweep, rows)), "", NOTE, *failed,
                      f"table: {out / 'sweep.csv'}", f"plot:  {out / 'sweep.svg'}"])  # fmt: skip
    emit(json.loads(json.dumps(found)), text, as_json=as_json)
    if failed:
        raise typer.Exit(1)
