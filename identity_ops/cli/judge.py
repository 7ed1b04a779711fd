"""Command `check-judge`: how far a judge of conversations can be trusted, on planted faults."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from identity_ops.cli.output import JSON_OPTION, emit
from identity_ops.errors import ConfigError, UsageError
from identity_ops.store.paths import Home

if TYPE_CHECKING:
    from identity_ops.curate.judge import Judge


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("check-judge")(_check_judge)


def _check_judge(
    spec: Annotated[
        str, typer.Argument(metavar="PROVIDER[:MODEL]", help="openrouter, gemini or openai.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder for each verdict and the ledger; default: none.")
    ] = None,
    max_cost: Annotated[
        float | None, typer.Option("--max-cost", min=0, help="Hard cap, USD.")
    ] = None,
    price: Annotated[
        str | None, typer.Option(metavar="IN:OUT", help="USD a million tokens, if unlisted.")
    ] = None,
    as_json: bool = JSON_OPTION,
) -> None:
    """Measure a judge on labelled answers: planted swaps and negations beside true ones.

    Answers that were paid for before are taken from the cache.
    """
    from identity_ops.curate.planted import measure

    judge = judge_of(spec, max_cost, price)
    with _folder(out) as folder:
        found = measure(judge, folder)
    emit(found, _text(found, out), as_json=as_json)


def judge_of(spec: str, max_cost: float | None, price: str | None) -> Judge:
    """The judge in a command's options; a wrong one is wrong usage."""
    from identity_ops.curate.judge import Judge

    try:
        return Judge.of(spec, home=Home.from_env(), max_cost_usd=max_cost, price=price)
    except ConfigError as error:
        raise UsageError(error.what, expected=error.expected, got=error.got) from None


@contextlib.contextmanager
def _folder(out: Path | None) -> Iterator[Path]:
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        yield out
        return
    with tempfile.TemporaryDirectory() as scratch:
        yield Path(scratch)


def _text(found: dict[str, Any], out: Path | None) -> str:
    rows = {
        "precision": "of what it calls wrong, is wrong",
        "recall": "of what is wrong, it finds",
        "swap": "  of swapped facts",
        "negation": "  of negations",
        "kept": "of what is right, it keeps",
        "agreement": "of all, it judges as labelled",
    }
    lines = [f"judge {found['model']} on planted faults and true answers"]
    for name, label in rows.items():
        one = found[name]
        lines.append(
            f"{label:<34}{one['passed']:>4} of {one['n']:<4}{100 * one['value']:>6.1f} %  "
            f"({100 * one['low']:.1f} - {100 * one['high']:.1f})"
        )
    lines.append(f"unclear: {found['unclear']}; ${found['cost_usd']:.4f}")
    return "\n".join([*lines, *([f"each verdict: {out}"] if out else [])])
