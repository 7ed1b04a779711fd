"""`identity-ops generate`: conversations from a knowledge base, by any teacher."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from identity_ops.cli.output import JSON_OPTION, emit
from identity_ops.cli.stopping import two_steps
from identity_ops.errors import ConfigError, ShortfallError, UsageError
from identity_ops.generate.drive import Progress
from identity_ops.generate.forecast import Forecast, forecast
from identity_ops.generate.order import Order
from identity_ops.generate.run import Summary, generate
from identity_ops.report.run import RunFolder
from identity_ops.runs import find_result
from identity_ops.store.paths import Home
from identity_ops.teachers.base import TeacherConfig


def register(app: typer.Typer) -> None:
    """Add this topic's commands."""
    app.command("generate")(_generate)


def _generate(
    knowledge: Annotated[Path, typer.Argument(help="Knowledge base, markdown.", metavar="KB.md")],
    num: Annotated[int, typer.Option(min=1, help="Conversations wanted.")],
    out: Annotated[Path, typer.Option(help="Folder for the result; the same command resumes it.")],
    teacher: Annotated[
        str, typer.Option(help="template, openrouter, gemini or openai.")
    ] = "template",
    model: Annotated[str | None, typer.Option(help="Model at the provider.")] = None,
    workers: Annotated[int, typer.Option(min=1, max=512, help="Requests in flight.")] = 8,
    timeout: Annotated[
        float, typer.Option(min=1, max=3600, help="Seconds for one answer, waiting and all.")
    ] = 180.0,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, other conversations.")] = 0,
    max_cost: Annotated[
        float | None, typer.Option("--max-cost", min=0, help="Hard cap in US dollars.")
    ] = None,
    price: Annotated[
        str | None,
        typer.Option(metavar="IN:OUT", help="USD a million tokens, where nobody lists a price."),
    ] = None,
    max_requests_per_day: Annotated[
        int | None, typer.Option(min=1, help="For free tiers; the next day goes on.")
    ] = None,
    focus: Annotated[
        str | None,
        typer.Option(metavar="RUN", help="Run id or evaluation's folder: plan what failed there."),
    ] = None,
    append: Annotated[bool, typer.Option("--append", help="N more in the same folder.")] = False,
    temperature: Annotated[float, typer.Option(min=0, max=2, help="Of the teacher.")] = 1.0,
    batch_size: Annotated[int, typer.Option(min=1, help="Conversations a batch.")] = 50,
    catalogue: Annotated[
        Path | None,
        typer.Option(help="Own topics, personas, dynamics, openers (YAML)."),
    ] = None,
    prompt: Annotated[
        Path | None,
        typer.Option("--prompt-file", help="Own prompt: {{KNOWLEDGE}} once, then {{CELL}} once."),
    ] = None,
    personality: Annotated[
        str | None, typer.Option(help="How the bot speaks. Default: as the knowledge base says.")
    ] = None,
    policy: Annotated[
        str, typer.Option("--ascii", help="fold, strict or off: characters beyond ASCII.")
    ] = "fold",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it would take, and stop.")
    ] = False,
    as_json: bool = JSON_OPTION,
) -> None:
    """Generate N checked conversations from a knowledge base.

    template needs no key and asks nobody. The others take OPENROUTER_API_KEY,
    GEMINI_API_KEY or OPENAI_API_KEY from the environment or .env, else
    openroutertoken.txt, geminitoken.txt or openaitoken.txt of this folder;
    OPENROUTER_BASE_URL and the like change the address.

    --focus with --append adds conversations about what an evaluation found weak.
    Another --seed gives other conversations; --append adds N more to the folder,
    with the same or with other settings, about the same knowledge base.
    A catalogue has the form of knowledge/catalogue.yaml. --ascii: fold romanises,
    strict rejects, off keeps any script; what the knowledge base writes stays.
    """
    for path in (knowledge, catalogue, prompt):
        if path is not None and not path.is_file():
            raise UsageError("no such file", where=path)
    config = teacher_settings(
        name=teacher, model=model, temperature=temperature, workers=workers,
        max_cost_usd=max_cost, price=price, prompt_file=str(prompt) if prompt else None,
        personality=personality, ascii=policy, max_requests_per_day=max_requests_per_day,
        timeout_s=timeout,
    )  # fmt: skip
    order = Order(
        knowledge=knowledge, num=num, seed=seed, batch_size=batch_size, catalogue=catalogue,
        append=append, teacher=config,
        focus=_evaluation(focus) if focus else None,
    )  # fmt: skip
    if dry_run:
        with tempfile.TemporaryDirectory() as folder:
            said = forecast(order, Path(folder))
        emit(dataclasses.asdict(said), _say_forecast(said), as_json=as_json)
        raise typer.Exit(int(said.cap_usd is not None and not said.within_cap))
    with two_steps(), _bar(num) as show:
        summary = generate(
            order, out, home=Home.from_env(), show=show,
            announce=lambda said: print(_say_forecast(said), file=sys.stderr),
        )  # fmt: skip
    data = dataclasses.asdict(summary) | {"out": str(out), "shortfall": summary.shortfall}
    emit(data, _say(summary), as_json=as_json)
    _require_all(summary)


def _evaluation(run: str) -> Path:
    return RunFolder(find_result(Home.from_env(), run)).path("evaluate")


def teacher_settings(**options: Any) -> TeacherConfig:
    """The settings in a command's options; a wrong one is wrong usage."""
    try:
        return TeacherConfig.of(**options)
    except ConfigError as error:
        raise UsageError(error.what) from None


@contextlib.contextmanager
def _bar(total: int) -> Iterator[Callable[[Progress], None]]:
    """A progress bar on stderr; nothing where that is no terminal."""
    columns = (
        TextColumn("generate"), BarColumn(), MofNCompleteColumn(),
        TextColumn("{task.fields[more]}"), TimeElapsedColumn(),
    )  # fmt: skip
    visible = sys.stderr.isatty()
    if visible:  # lines of the log would tear the bar apart
        logging.getLogger("identity_ops").setLevel(logging.WARNING)
    with Bar(*columns, console=Console(stderr=True), disable=not visible) as bar:
        task = bar.add_task("generate", total=total, more="")

        def show(progress: Progress) -> None:
            more = f"{progress.rejected} rejected, ${progress.cost_usd:.4f}"
            bar.update(task, completed=min(total, progress.accepted), more=more)

        yield show


def _say(summary: Summary) -> str:
    reasons = f" ({_reasons(summary)})" if summary.rejections else ""
    lines = [
        f"{summary.accepted} of {summary.wanted} conversations in {summary.out}",
        f"rejected: {sum(summary.rejections.values())}{reasons}",
    ]
    if summary.prompt_tokens:
        share = summary.cached_tokens / summary.prompt_tokens
        lines += [
            f"requests: {summary.requests}; tokens: {summary.prompt_tokens} in "
            f"({share:.0%} cached), {summary.completion_tokens} out",
            f"cost: ${summary.cost_usd:.4f}"
            + (f" (perhaps ${summary.uncertain_usd:.4f} more)" if summary.uncertain_usd else ""),
            _say_outcome(summary),
        ]
    if summary.accepted:
        lines.append(f"next: identity-ops curate {summary.out} --knowledge KB.md --out DIR")
    return "\n".join(lines)


def _reasons(summary: Summary) -> str:
    return ", ".join(f"{name} {count}" for name, count in summary.rejections.items())


def _say_outcome(summary: Summary) -> str:
    """What the answers were worth, beside what they were to cost."""
    line = f"answers worth ${summary.responses_usd:.4f}"
    if summary.accepted:
        each = summary.responses_usd / summary.accepted
        line += f", ${each:.6f} an accepted conversation"
    if not summary.forecast_usd:
        return line
    ratio = summary.responses_usd / summary.forecast_usd
    return f"{line}; forecast ${summary.forecast_usd:.4f}, ratio {ratio:.2f}"


def _say_forecast(said: Forecast) -> str:
    lines = [
        f"forecast: {said.conversations} conversations by {said.teacher} {said.model}",
        f"tokens: about {said.prompt_tokens:,} in, {said.completion_tokens:,} out",
    ]
    if said.cost_usd is None or said.worst_usd is None:
        lines.append("cost: unknown; nobody lists a price (--price IN:OUT)")
    else:
        lines.append(
            f"cost: about ${said.cost_usd:.4f}, at worst ${said.worst_usd:.4f} "
            f"(price: {said.price_source}); rejected answers come on top"
        )
    if said.cap_usd is not None:
        enough = "is enough" if said.within_cap else "is not enough"
        lines.append(f"cap: ${said.cap_usd:.4f} {enough if said.cost_usd is not None else ''}")
    return "\n".join(line.rstrip() for line in lines)


def _require_all(summary: Summary) -> None:
    if summary.shortfall > 0:
        raise ShortfallError(
            f"{summary.shortfall} of {summary.wanted} conversations are missing: "
            f"{summary.stopped or 'every cell was tried, rejected: ' + _reasons(summary)}",
            where=summary.out,
            todo=None if summary.stopped else _next_after_tries(summary),
        )  # fmt: skip


def _next_after_tries(summary: Summary) -> str:
    if "provider" in summary.rejections:
        return "What is there is kept; the same command goes on from it."
    texts = summary.out / "refill" / "rejections.jsonl"
    return f"What is there is kept; --append adds more. {texts} holds each rejected text."
