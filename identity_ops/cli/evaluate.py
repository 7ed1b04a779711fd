"""Commands `evaluate`: ask a model the probes of a knowledge base; `compare`: hold two together."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from identity_ops.cli.generate import teacher_settings
from identity_ops.cli.models import verdict_lines
from identity_ops.cli.output import JSON_OPTION, emit
from identity_ops.cli.train import Status
from identity_ops.errors import DataError, UsageError
from identity_ops.evaluate import evaluate_stage, load_scores, render_table
from identity_ops.evaluate.compare import compare
from identity_ops.evaluate.judge import judge_stage
from identity_ops.evaluate.opinions import FILE as JUDGED
from identity_ops.evaluate.samples import Sample
from identity_ops.evaluate.stage import SAMPLES
from identity_ops.evaluate.table import percent
from identity_ops.gate import read_rules, verdict_of
from identity_ops.knowledge.stage import lint_stage
from identity_ops.pipeline import Run
from identity_ops.probes.files import load_probes
from identity_ops.probes.stage import probes_stage
from identity_ops.records import Probe, read_jsonl
from identity_ops.report import write_report
from identity_ops.report.run import RunFolder
from identity_ops.report.text import control_lines
from identity_ops.runs import find_result
from identity_ops.store import manifest as manifests
from identity_ops.store.manifest import Manifest
from identity_ops.store.paths import Home
from identity_ops.teachers.base import TeacherConfig

JUDGE_TOKENS = 1024  # of one opinion, thoughts included


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("evaluate")(evaluate_command)
    app.command("compare")(compare_command)


def evaluate_command(
    model: Annotated[Path, typer.Option(help="Folder of the model to judge.", exists=True)],
    knowledge: Annotated[Path, typer.Option(help="The knowledge base it was taught.", exists=True)],
    out: Annotated[Path, typer.Option(help="Folder for samples, scores and report.")],
    probes: Annotated[
        Path | None, typer.Option(help="Probes of your own, JSONL, asked beside the built ones.")
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option(help="Folder of the model before training.", exists=True)
    ] = None,
    mixture: Annotated[
        Path | None,
        typer.Option(help="What it was trained on: tells which --probes it has seen.", exists=True),
    ] = None,
    control: Annotated[
        str | None,
        typer.Option(
            metavar="RUN|DIR",
            help="A model trained alike without identity rows: its folder, or the run that made "
            "--model, whose control is trained now where it has none.",
        ),
    ] = None,
    samples: Annotated[
        int, typer.Option(min=0, max=50, help="Ask each probe so often again, at T = 0.7.")
    ] = 0,
    rules: Annotated[
        Path | None, typer.Option(help="TOML file with rules: exit code 1 where one fails.")
    ] = None,
    judge: Annotated[
        str | None, typer.Option(help="openrouter, gemini or openai: its opinion beside the rules.")
    ] = None,
    judge_model: Annotated[str | None, typer.Option(help="Model at that provider.")] = None,
    max_cost: Annotated[
        float | None, typer.Option("--max-cost", min=0, help="Hard cap of the judge, USD.")
    ] = None,
    price: Annotated[
        str | None,
        typer.Option(metavar="IN:OUT", help="Of the judge, USD a million tokens, if unlisted."),
    ] = None,
    max_tokens: Annotated[int, typer.Option(min=1, help="Limit of each answer.")] = 64,
    seed: Annotated[int, typer.Option(min=0, help="Of the probes that are drawn.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Ask again, keep the old aside.")] = False,
    as_json: bool = JSON_OPTION,
) -> None:
    """Ask a model held-out probes about a knowledge base; table, samples and HTML report.

    --judge asks another model for its opinion on each answer, and on 430 answers
    labelled by hand, which shows how far to trust it. The rules decide all the same.
    """
    if mixture and not (mixture / manifests.FILE_NAME).is_file():
        raise UsageError("no mixture", where=mixture, todo="Name a folder that `mix` made.")
    wanted = read_rules(rules) if rules else None
    beside = _control_of(control) if control else None
    other = _judge_settings(judge, judge_model, max_cost, price)
    lint_stage(knowledge, out / "lint")
    probes_stage(out / "lint", out / "probes", seed=seed, extra=probes)
    manifest = evaluate_stage(
        model, baseline, out / "probes", out / "lint", out, mix_dir=mixture, control_dir=beside,
        max_tokens=max_tokens, draws=samples, seed=seed, force=force,
    )  # fmt: skip
    scores = load_scores(out)
    opinion = None
    if other:
        opinion = judge_stage(out, out / "probes", out / "lint", out / "judge", teacher=other,
                              home=Home.from_env())  # fmt: skip
    page = write_report(out)
    verdict = verdict_of(scores, wanted) if wanted else None
    data = {"counts": manifest.counts, "scores": scores, "report": str(page), "gate": verdict,
            "judge": opinion and opinion.figures | {"cost_usd": opinion.cost_usd}}  # fmt: skip
    parts = [render_table(scores["rows"]), *(f"\n{text}" for text in control_lines(scores))]
    if met := manifest.counts["seen"]:
        parts.append(f"\n{met} of your {manifest.counts['own']} probes occur in training")
    parts += _drawn(scores["drawn"]) if samples else []
    parts += _opinion(opinion, out / "judge") if opinion else []
    parts += verdict_lines(verdict) if verdict else []
    emit(data, "\n".join([*parts, f"report: {page}"]), as_json=as_json)
    if verdict and not verdict["passed"]:
        raise typer.Exit(1)


def _control_of(where: str) -> Path:
    """The folder of a control; a run's is trained where it has none."""
    folder = find_result(Home.from_env(), where)
    run = RunFolder(folder)
    if not run.has("mix"):
        return folder
    if not run.has("control"):
        show = Status()
        Run(run.run_id, run.conf, Home.from_env()).control(show)
        show.end()
    return RunFolder(folder).path("control")


def _judge_settings(
    name: str | None, model: str | None, max_cost: float | None, price: str | None
) -> TeacherConfig | None:
    if name is None:
        return None
    if name == "template":
        raise UsageError("no judge", expected="openrouter, gemini or openai", got=name)
    return teacher_settings(name=name, model=model, max_cost_usd=max_cost, price=price,
                            max_tokens=JUDGE_TOKENS)  # fmt: skip


def _opinion(made: Manifest, folder: Path) -> list[str]:
    """Lines on the judge: how often it agrees, with whom, and what it cost."""
    found = made.figures
    rules, labels = found["rules"], found["labels"]
    return [
        f"\njudge {found['model']}: agrees with the rules on {percent(rules['value'])} of "
        f"{rules['n']} answers, with hand labels on {percent(labels['value'])} of {labels['n']} "
        f"({100 * labels['low']:.1f} - {100 * labels['high']:.1f}); {found['unclear']} unclear; "
        f"${made.cost_usd:.4f}",
        f"each opinion: {folder / JUDGED}",
    ]


def compare_command(
    first: Annotated[str, typer.Argument(help="Run id, or the folder of an evaluation or model.")],
    second: Annotated[str, typer.Argument(help="The other one.")],
    as_json: bool = JSON_OPTION,
) -> None:
    """Compare two models on the probes that both answered, with paired tests.

    "before" is the first, "after" the second. Both are graded by the probes of the
    second where it is a run.
    """
    home = Home.from_env()
    found = compare(_answers(home, first), _answers(home, second), _probes(home, second))
    data = asdict(found) | {"worse": [r["key"] for r in found.worse],
                            "better": [r["key"] for r in found.better]}  # fmt: skip
    emit(data, f"{render_table(found.rows)}\n\n{second} {found.words()}", as_json=as_json)


def _answers(home: Home, where: str) -> list[Sample]:
    folder = find_result(home, where)
    for path in (folder / SAMPLES, folder / "evaluate" / SAMPLES, folder / "evaluation" / SAMPLES):
        if path.is_file():
            return list(read_jsonl(Sample, path))
    raise DataError("no evaluation here", where=folder, todo=f"Name a folder with {SAMPLES}.")


def _probes(home: Home, where: str) -> list[Probe]:
    folder = find_result(home, where) / "probes"
    return load_probes(folder)[0] if (folder / manifests.FILE_NAME).exists() else []


def _drawn(found: dict[str, Any]) -> list[str]:
    """Lines on the drawn answers."""
    lines = [f"\n{found['draws']} more answers to each question at T = {found['temperature']}"]
    for row in found["rows"]:
        rate = row["rate"]
        lines.append(
            f"  {row['label']:<24}{percent(rate['value']):>8}  ({100 * rate['low']:.1f} - "
            f"{100 * rate['high']:.1f})  each time {percent(row['every_time']['value'])}"
        )
    return lines
