"""Commands of the data: `curate`, `export` and `mix`."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from identity_ops.cli.judge import judge_of
from identity_ops.cli.output import JSON_OPTION, emit
from identity_ops.errors import UsageError
from identity_ops.store import manifest as manifests
from identity_ops.store.manifest import Manifest
from identity_ops.store.paths import Home


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("curate")(_curate)
    app.command("export")(_export)
    app.command("mix")(_mix)


def _curate(
    source: Annotated[Path, typer.Argument(help="Folder that `generate` wrote.", metavar="DIR")],
    knowledge: Annotated[Path, typer.Option(help="The knowledge base.", exists=True)],
    out: Annotated[Path, typer.Option(help="Folder for the curated set.")],
    num: Annotated[
        int | None, typer.Option(min=1, help="Conversations wanted; default: as generated.")
    ] = None,
    min_accept_share: Annotated[
        float, typer.Option(min=0, max=1, help="Fail below this share of them.")
    ] = 0.9,
    threshold: Annotated[
        float, typer.Option(min=0.1, max=1, help="Similarity of near duplicates.")
    ] = 0.7,
    judge: Annotated[
        str | None,
        typer.Option(metavar="PROVIDER[:MODEL]", help="Also rejects swapped facts and negations."),
    ] = None,
    max_cost: Annotated[
        float | None, typer.Option("--max-cost", min=0, help="Hard cap of the judge, USD.")
    ] = None,
    price: Annotated[
        str | None,
        typer.Option(metavar="IN:OUT", help="Of the judge, USD a million tokens, if unlisted."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Redo, keep the old aside.")] = False,
    as_json: bool = JSON_OPTION,
) -> None:
    """Check, ground and deduplicate conversations; write Parquet and JSONL with coverage.

    --judge asks a model about each conversation that passed everything else;
    `check-judge` measures how far that model can be trusted.
    """
    from identity_ops.curate.stage import curate_stage, require_enough
    from identity_ops.generate.layout import Layout
    from identity_ops.knowledge.stage import lint_stage

    reader = judge_of(judge, max_cost, price) if judge else None
    sources = Layout(source).sources()
    wanted = num or sum(_wanted(folder) for folder in sources)
    with tempfile.TemporaryDirectory() as scratch:
        lint_stage(knowledge, Path(scratch) / "lint")
        manifest = curate_stage(
            Path(scratch) / "lint", sources, out, num=max(1, wanted),
            plan_dirs=Layout(source).plans(), min_accept_share=min_accept_share,
            threshold=threshold, judge=reader, force=force,
        )  # fmt: skip
    emit(_data(manifest), _curate_text(manifest, out), as_json=as_json)
    require_enough(manifest)


def _export(
    source: Annotated[Path, typer.Argument(help="Folder that `curate` wrote.", metavar="DIR")],
    form: Annotated[str, typer.Option("--format", help="nanochat, messages or hub.")],
    out: Annotated[Path, typer.Option(help="File, or folder for the hub format.")],
    metadata: Annotated[
        bool, typer.Option("--metadata", help="Also write PATH.metadata.jsonl.")
    ] = False,
    as_json: bool = JSON_OPTION,
) -> None:
    """Write a curated set as other tools read it."""
    from identity_ops.curate.export import export

    count = export(source, form, out, metadata=metadata)
    data = {"conversations": count, "format": form, "path": str(out)}
    emit(data, f"{count} conversations as {form}: {out}", as_json=as_json)


def _mix(
    identity: Annotated[Path, typer.Option(help="Folder that `curate` wrote.")],
    general: Annotated[
        list[str], typer.Option(help="builtin, PATH or hf:REPO[:split]; =WEIGHT; repeatable.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the mixture.")],
    identity_share: Annotated[
        float | None, typer.Option(help="Share of all tokens; default 0.3.")
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="IDENTITY:GENERAL, in tokens, instead of the share.")
    ] = None,
    base: Annotated[
        str | None, typer.Option(help="As of `train`: tokens are counted by its tokenizer.")
    ] = None,
    chat_template: Annotated[
        Path | None, typer.Option(help="As of `train`, for an hf: base.", exists=True)
    ] = None,
    knowledge: Annotated[
        Path | None, typer.Option(help="Knowledge base: looks for leaked probes.", exists=True)
    ] = None,
    passes: Annotated[
        int, typer.Option(min=1, help="Samples of general chat: one for each epoch of training.")
    ] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Of the sample of general chat.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Redo, keep the old aside.")] = False,
    as_json: bool = JSON_OPTION,
) -> None:
    """Mix identity conversations with general chat, by share of tokens."""
    from identity_ops.knowledge.stage import lint_stage
    from identity_ops.mix import mix_stage
    from identity_ops.probes.stage import probes_stage
    from identity_ops.trainer import base_folder

    pair = _pair(weights) if weights else None
    share = identity_share if identity_share is not None or pair else 0.3
    home = Home.from_env()
    base_dir = base_folder(base, home, chat_template=chat_template) if base else None
    with tempfile.TemporaryDirectory() as scratch:
        lint, probes = Path(scratch) / "lint", Path(scratch) / "probes"
        if knowledge:
            lint_stage(knowledge, lint)
            probes_stage(lint, probes, seed=0)
        manifest = mix_stage(
            identity, base_dir, out, general=general, identity_share=share, weights=pair,
            lint_dir=lint if knowledge else None, probes_dir=probes if knowledge else None,
            seed=seed, passes=passes, force=force,
        )  # fmt: skip
    emit(_data(manifest), _mix_text(manifest, out), as_json=as_json)


def _wanted(folder: Path) -> int:
    counts = manifests.load(folder, verify=False).counts
    return counts.get("wanted", counts.get("accepted", 0))


def _pair(text: str) -> tuple[float, float]:
    parts = text.split(":")
    try:
        identity, general = map(float, parts)
    except ValueError:
        raise UsageError("weights", expected="IDENTITY:GENERAL, as 1:3", got=text) from None
    return identity, general


def _data(manifest: Manifest) -> dict[str, Any]:
    return {"counts": manifest.counts, "figures": manifest.figures}


def _curate_text(manifest: Manifest, out: Path) -> str:
    figures, coverage = manifest.figures, manifest.figures["coverage"]
    lines = [
        f"{manifest.counts['conversations']} conversations kept, "
        f"{manifest.counts['rejected']} rejected: {out}",
        f"facts covered: {coverage['covered']} of {coverage['facts']}; conversations a fact: "
        f"least {coverage['exposures_min']}, mean {coverage['exposures_mean']}",
    ]
    lines += _diversity_lines(figures["diversity"])
    if found := figures.get("judge"):
        lines.append(
            f"judge {found['model']}: {found['wrong']} of {found['asked']} wrong, "
            f"{found['unclear']} unclear; ${manifest.cost_usd:.4f}"
        )
    if coverage["gaps"]:
        lines.append("not covered: " + ", ".join(coverage["gaps"]))
    text = "\n".join(lines)
    text += "\n" + _table("kind", "conversations", figures["kinds"])
    return text + ("\n" + _table("rejected for", "times", figures["rejections"]))


def _diversity_lines(found: dict[str, Any]) -> list[str]:
    lines = []
    if nearest := found["nearest"]:
        lines.append(
            f"similarity to the nearest of {found['sampled']} sampled: mean {nearest['mean']:.2f}, "
            f"90th percentile {nearest['p90']:.2f}, 99th {nearest['p99']:.2f}"
        )
    if cells := found["cells"]:
        shares = (f"{name} {there} of {wanted}" for name, (there, wanted) in cells.items())
        lines.append("of the plan: " + ", ".join(shares))
    return lines


def _mix_text(manifest: Manifest, out: Path) -> str:
    figures = manifest.figures
    unit = "tokens" if figures["tokens_exact"] else "tokens, estimated: name --base to count them"
    table = Table("source", "rows", unit, "epochs", "left out")
    for name, rows in figures["rows"].items():
        purged = ", ".join(f"{k} {v}" for k, v in figures["purged"].get(name, {}).items())
        tokens = f"{figures['tokens'].get(name, 0):,}"
        table.add_row(name, f"{rows:,}", tokens, f"{figures['epochs'][name]:g}", purged or "-")
    leaks = "none left" if figures["leaks_checked"] else "not looked for: name --knowledge"
    return (
        f"{_plain(table)}\nidentity: {figures['share']:.1%} of the tokens of a pass; conversations "
        f"a fact: least {figures['exposures_min']}, mean {figures['exposures_mean']}\n"
        f"probe leaks: {leaks}\n"
        f"{manifest.counts['train']} to train on, {manifest.counts['val']} held out: {out}"
    )


def _table(left: str, right: str, rows: dict[str, int]) -> str:
    table = Table(left, right)
    for name, count in rows.items():
        table.add_row(name, str(count))
    return _plain(table) if rows else ""


def _plain(table: Table) -> str:
    console = Console(width=110, no_color=True)
    with console.capture() as capture:
        console.print(table)
    return capture.get().rstrip()
