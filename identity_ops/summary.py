"""What a run prints at its end: figures from its manifests, where things lie, what to do next."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from identity_ops.evaluate.table import percent
from identity_ops.records import Conversation, read_jsonl
from identity_ops.report.run import RunFolder
from identity_ops.report.text import tables

APPROVAL_BYTES = 4000


def render(run_folder: Path) -> str:
    """The summary of a run, finished or not; stages that are absent are left out."""
    run = RunFolder(run_folder)
    parts = [_probes(run), "\n".join(_facts_of(run)), "\n".join(_places(run)), _next(run)]
    return "\n\n".join(part for part in parts if part)


def approval(run_folder: Path) -> str:
    """Markdown for the person who is asked whether to train: at most 4 KB, from manifests."""
    run = RunFolder(run_folder)
    curated = run.manifest("curate")
    cost = sum(found.cost_usd for found in run.manifests().values())
    lines = [f"- {_data(curated.figures, curated.counts)}", f"- cost so far: {cost:.2f} USD", ""]
    for talk in itertools.islice(read_jsonl(Conversation, _accepted(run)), 5):
        turns = (f"**{turn['role']}:** {turn['content'][:200]}\n" for turn in talk.messages)
        lines += [*turns, "---"]
    return "\n".join(lines).encode()[:APPROVAL_BYTES].decode(errors="ignore")


def _accepted(run: RunFolder) -> Path:
    return run.path("refill") / "accepted.jsonl"


def _probes(run: RunFolder) -> str:
    if not run.has("evaluate"):
        return ""
    name = run.manifest("lint").figures.get("name", "") if run.has("lint") else ""
    table = tables(run)
    return f"Held-out probes of {name or run.run_id}, before and after training\n\n{table}"


def _facts_of(run: RunFolder) -> Iterator[str]:
    """One line each for data, mixture, training, recall and gate."""
    if run.has("curate"):
        yield _row("data", _data(run.manifest("curate").figures, run.manifest("curate").counts))
    if run.has("mix"):
        yield _row("mixture", _mixture(run.manifest("mix").figures))
    if run.has("train"):
        figures = run.manifest("train").figures
        speed = figures["tokens"] / max(figures["seconds"], 1e-9)
        yield _row("training", f"{figures['tokens']:,} tokens in {figures['seconds']:.0f} s "
                   f"({speed:,.0f} tokens/s)")  # fmt: skip
    if run.has("evaluate"):
        yield _row("recall", _recall(run.manifest("evaluate").figures["headline"]["fact_recall"]))
    if run.has("gate"):
        gate = run.manifest("gate").figures
        failed = [rule["reason"] for rule in gate["rules"] if not rule["passed"]]
        yield _row("gate", "passed" if gate["passed"] else "failed: " + "; ".join(failed))
    cost = sum(found.cost_usd for found in run.manifests().values())
    yield _row("cost", f"{cost:.2f} USD")


def _data(figures: dict[str, Any], counts: dict[str, int]) -> str:
    reasons = ", ".join(f"{name} {n}" for name, n in figures["rejections"].items())
    coverage = figures["coverage"]
    return (
        f"{counts['conversations']:,} conversations, {counts['rejected']:,} rejected"
        f"{f' ({reasons})' if reasons else ''}, {coverage['covered']} of {coverage['facts']} "
        f"facts covered{_varied(figures.get('diversity') or {})}"
    )


def _varied(found: dict[str, Any]) -> str:
    nearest = found.get("nearest")
    return f"; similarity to the nearest {nearest['mean']:.2f} on average" if nearest else ""


def _mixture(figures: dict[str, Any]) -> str:
    rows = ", ".join(f"{name} {n:,}" for name, n in figures["rows"].items())
    purged = sum(sum(reasons.values()) for reasons in figures["purged"].values())
    passes = f" for {figures['passes']} passes" if figures["passes"] > 1 else ""
    return (
        f"{percent(figures['share'])} of tokens teach identity; rows: {rows}{passes}; "
        f"{purged:,} left out; each fact in {figures['exposures_min']} or more conversations"
    )


def _recall(found: dict[str, Any]) -> str:
    after, before = found["after"], found.get("before")
    share = after["at_80"]
    return (
        f"facts {percent(before['mean']['value']) if before else '-'} -> "
        f"{percent(after['mean']['value'])} (mean over {after['facts']} facts, 10th percentile "
        f"{percent(after['p10'])}); "
        f"{share['passed']} of {share['n']} at 80 % or better, {len(after['zero'])} at zero"
    )


def _places(run: RunFolder) -> Iterator[str]:
    if run.has("publish"):
        yield _row("model", _short(run.path("publish")))
    elif run.has("train"):
        yield _row("model", f"{_short(run.path('train'))} (not published)")
    if run.has("curate"):
        yield _row("data", _short(run.path("curate")))
    report = run.folder / "report.html"
    if report.exists():
        yield _row("report", _short(report))


def _next(run: RunFolder) -> str:
    if not run.has("train"):
        return ""
    return "\n".join(
        (
            "Next: make chat    ask it who it is",
            "      make up      Airflow's web UI: parameters, Trigger, logs",
            "      edit knowledge/self_knowledge.md (or write your own) and make run again",
        )
    )


def _row(label: str, text: str) -> str:
    return f"{label:<10}{text}"


def _short(path: Path) -> str:
    """Relative where that is shorter: people read and paste these."""
    relative = os.path.relpath(path)
    return relative if len(relative) < len(str(path)) else str(path)
