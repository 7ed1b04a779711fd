"""The curate stage: duplicates out, coverage counted, the data set written.

Its inputs are committed generate or refill folders. Their conversations were checked one by one
when they were made (checker.py); they are checked again here, for the knowledge base may have
changed since, and then comes what only the whole set shows.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from identity_ops.curate.checker import Checker
from identity_ops.curate.coverage import Coverage, coverage
from identity_ops.curate.dataset import text_lines, write_dataset, write_rejections
from identity_ops.curate.dedup import Settings, find_duplicates
from identity_ops.curate.diversity import diversity
from identity_ops.curate.judge import FILE as JUDGED
from identity_ops.curate.judge import REASON, Judge, Reviewer
from identity_ops.errors import DataError, RejectedError, ShortfallError
from identity_ops.generate.ledger import FILE_NAME as LEDGER
from identity_ops.knowledge import read_knowledge
from identity_ops.records import Ascii, Cell, Conversation, Rejection, read_jsonl
from identity_ops.store import manifest as manifests
from identity_ops.store.manifest import Manifest
from identity_ops.store.publish import write_atomic
from identity_ops.store.stage import Outcome, run_stage

Review = Callable[
    [list[Conversation]], tuple[list[Conversation], list[tuple[Conversation, str]]]
]  # of some conversations, those to keep, and the faulty ones with what is wrong


def curate_stage(
    lint_dir: Path,
    source_dirs: Sequence[Path],
    out: Path,
    *,
    num: int,
    plan_dirs: Sequence[Path] = (),
    min_accept_share: float = 0.9,
    threshold: float = 0.7,
    judge: Judge | None = None,
    force: bool = False,
) -> Manifest:
    """Commit the curated data set, whole or short; `require_enough` says whether it will do.

    Args:
        lint_dir: the committed knowledge base.
        source_dirs: committed folders with accepted.jsonl and rejections.jsonl.
        num: how many conversations were asked for; more than that are never kept.
        plan_dirs: committed plans of the sources, to count which of their cells are there.
        threshold: Jaccard similarity above which two conversations are duplicates.
        judge: rejects what no rule can see; its cost is the stage's.

    Raises:
        CreditError and others: the judge's, see `Judge.ask`; what it said is kept.
    """
    policy = _ascii_policy(source_dirs)
    config: dict[str, Any] = {
        "num": num, "min_accept_share": min_accept_share, "threshold": threshold, "ascii": policy,
    }  # fmt: skip
    if judge:
        config |= {"judge": judge.identity()}
    inputs = {"lint": manifests.load(lint_dir).digest}
    for number, source in enumerate(source_dirs):
        inputs[f"source-{number:04d}"] = manifests.load(source).digest
    for number, plan in enumerate(plan_dirs):
        inputs[f"plan-{number:04d}"] = manifests.load(plan).digest

    def work(folder: Path) -> Outcome:
        knowledge = read_knowledge(lint_dir)
        rejected = list(_rejections(source_dirs))
        checked = _checked(Checker(knowledge, policy), _accepted(source_dirs), rejected)
        review = Reviewer(folder, knowledge, judge) if judge else None
        kept, dropped = select(checked, num, threshold, review)
        name = knowledge.profile.name or "the model"
        covered, varied = coverage(knowledge.facts, kept), diversity(kept, _planned(plan_dirs))
        made = _write(folder, kept, rejected + dropped, covered, varied, name)
        return _with_opinions(made, review) if review else made

    return run_stage("curate", out, config, inputs, work, force=force)


def select(
    conversations: Iterable[Conversation],
    num: int,
    threshold: float = 0.7,
    review: Review | None = None,
) -> tuple[list[Conversation], list[Rejection]]:
    """The first `num` distinct conversations by index, and a rejection for each other one.

    Args:
        review: finds faulty ones among those that would be kept; others take their places.
    """
    ordered = sorted(conversations, key=lambda c: (c.index, c.id))
    duplicates = find_duplicates(ordered, Settings(threshold=threshold))
    rest = [c for c in ordered if c.id not in duplicates]
    kept: list[Conversation] = []
    rejected = [
        _rejection(c, f"duplicate_{duplicates[c.id].how}", f"of {duplicates[c.id].kept}")
        for c in ordered
        if c.id in duplicates
    ]
    while rest and len(kept) < num:
        good, rest = rest[: num - len(kept)], rest[num - len(kept) :]
        if review:
            good, faulty = review(good)
            rejected += [_rejection(c, REASON, words) for c, words in faulty]
        kept += good
    rejected += [_rejection(c, "surplus", f"{num} were asked for") for c in rest]
    return kept, rejected


def require_enough(manifest: Manifest) -> None:
    """Fail a run whose curated set is too small; everything stays committed.

    Raises:
        ShortfallError: fewer than min_accept_share of the conversations asked for.
    """
    num, share = manifest.config["num"], manifest.config["min_accept_share"]
    kept = manifest.counts["conversations"]
    if kept >= share * num and kept > 0:
        return
    reasons = manifest.figures["rejections"]
    top = ", ".join(f"{name} {count}" for name, count in list(reasons.items())[:5])
    raise ShortfallError(
        f"too few conversations; rejected: {top or 'none'}",
        where="curate",
        expected=f"at least {share:.0%} of {num}",
        got=kept,
        todo="Raise the spend cap or the tries, or lower num_conversations. Nothing is lost.",
    )


def _ascii_policy(source_dirs: Sequence[Path]) -> Ascii:
    """The policy that the conversations were made with, which is theirs for good.

    Raises:
        DataError: the folders were made with different ones.
    """
    found = {manifests.load(s, verify=False).config.get("ascii", "fold") for s in source_dirs}
    if len(found) > 1:
        raise DataError(
            "the folders were generated with different --ascii", where=source_dirs[0],
            expected="one policy", got=", ".join(sorted(found)),
            todo="Curate them apart.",
        )  # fmt: skip
    policy: Ascii = found.pop() if found else "fold"
    return policy


def _accepted(source_dirs: Sequence[Path]) -> Iterator[Conversation]:
    """Each conversation once, though a refill folder may repeat those of its batches."""
    seen: set[str] = set()
    for source in source_dirs:
        for conversation in read_jsonl(Conversation, source / "accepted.jsonl"):
            if conversation.id not in seen:
                seen.add(conversation.id)
                yield conversation


def _planned(plan_dirs: Sequence[Path]) -> Iterator[Cell]:
    """The cells that were to be filled; spares stand in for others."""
    for plan in plan_dirs:
        yield from (cell for cell in read_jsonl(Cell, plan / "cells.jsonl") if not cell.spare)


def _checked(
    checker: Checker, conversations: Iterable[Conversation], rejected: list[Rejection]
) -> Iterator[Conversation]:
    """Those that pass; the others are added to `rejected`."""
    for conversation in conversations:
        try:
            yield checker.again(conversation)
        except RejectedError as error:
            rejected.append(_rejection(conversation, error.reason, error.what))


def _rejections(source_dirs: Sequence[Path]) -> Iterator[Rejection]:
    for source in source_dirs:
        if (source / "rejections.jsonl").exists():
            yield from read_jsonl(Rejection, source / "rejections.jsonl")


def _rejection(conversation: Conversation, reason: str, detail: str) -> Rejection:
    text = text_lines(conversation.messages)
    return Rejection(
        id=conversation.id, index=conversation.index, reason=reason, detail=detail, text=text
    )


def _write(
    folder: Path,
    kept: list[Conversation],
    rejected: list[Rejection],
    covered: Coverage,
    varied: dict[str, Any],
    name: str,
) -> Outcome:
    files = write_dataset(folder, kept, name)
    write_rejections(folder / "rejections.parquet", rejected)
    figures = _figures(kept, rejected, covered) | {"diversity": varied}
    text = json.dumps(figures | {"exposures": covered.exposures}, indent=2, sort_keys=True)
    write_atomic(folder / "coverage.json", text + "\n")
    return Outcome(
        files=[*files, "rejections.parquet", "coverage.json"],
        counts={"conversations": len(kept), "rejected": len(rejected)},
        figures=figures | {"exposures": covered.exposures},
    )


def _with_opinions(made: Outcome, review: Reviewer) -> Outcome:
    figures = made.figures | {"judge": review.save()}
    files = [*made.files, JUDGED, LEDGER]
    return replace(made, files=files, figures=figures, cost_usd=review.cost_usd)


def _figures(
    kept: list[Conversation], rejected: list[Rejection], covered: Coverage
) -> dict[str, Any]:
    turns = [len(conversation.messages) for conversation in kept]
    return {
        "rejections": dict(Counter(r.reason for r in rejected).most_common()),
        "coverage": covered.figures(),
        "kinds": dict(sorted(Counter(c.kind for c in kept).items())),
        "languages": dict(sorted(Counter(c.language for c in kept).items())),
        "messages_mean": round(sum(turns) / len(turns), 2) if turns else 0.0,
    }
