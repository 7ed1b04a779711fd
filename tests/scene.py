"""A small knowledge base, cells and settings that several tests share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from identity_ops.knowledge import Knowledge, read_knowledge
from identity_ops.knowledge.stage import lint_stage
from identity_ops.records import Cell, Kind, write_jsonl
from identity_ops.store.manifest import canonical_hash
from identity_ops.store.stage import Outcome, run_stage
from identity_ops.teachers.base import TeacherConfig
from identity_ops.teachers.spend import Account, Budget
from tests.loopback import KEY, Provider

TEXT = """# Wren

## Basic Identity
- Name: Wren
- Creator: Alder Lab
- Context length: 4096 tokens

## Capabilities
- Writing short texts

## Limitations
- Cannot scan images

## Technical Details
- License: MIT

## Personality
- Calm and brief
"""


class Pages:
    """A book that keeps its lines in memory."""

    def __init__(self) -> None:
        self.opened: list[float] = []
        self.closed: list[tuple[float, str]] = []

    def open(self, key: str, usd: float) -> str:
        self.opened.append(usd)
        return f"{key}-{len(self.opened)}"

    def close(self, entry: str, usd: float, status: str) -> None:  # noqa: ARG002 - the interface's
        self.closed.append((usd, status))


def knowledge(folder: Path, text: str = TEXT) -> Knowledge:
    path = folder / "kb.md"
    path.write_text(text, encoding="utf-8")
    return read_knowledge(path)


def cell(index: int = 0, *, spare: bool = False, kind: Kind = "ordinary") -> Cell:
    return Cell(
        id=canonical_hash(["cell", index])[:16], index=index, kind=kind, category="daily life",
        topic=f"topic number {index}", persona="a curious neighbour", dynamic="one question",
        openers=("hi there", "morning"), language="en", turns=2, fact_ids=(), seed=index,
        spare=spare,
    )  # fmt: skip


def settings(provider: Provider, **changes: Any) -> TeacherConfig:
    values: dict[str, Any] = {
        "name": "openrouter", "base_url": provider.url, "backoff_s": 0.01, "max_wait_s": 0.05,
        "timeout_s": 5.0, "attempts": 3,
    }  # fmt: skip
    return TeacherConfig.of(**(values | changes))


def account(*, cap_usd: float | None = None, retries: int = 100) -> Account:
    return Account(Budget(cap_usd), Pages(), retries=retries)


def commit_lint(folder: Path, text: str = TEXT) -> Path:
    """A lint folder of a small knowledge base."""
    source = folder / "kb.md"
    source.write_text(text, encoding="utf-8")
    lint_stage(source, folder / "lint")
    return folder / "lint"


def commit_plan(out: Path, *, mains: int, spares: int, batch_size: int) -> Path:
    """A plan folder as the plan stage leaves it."""
    cells = [cell(n, spare=n >= mains) for n in range(mains + spares)]
    counts = {"cells": mains, "spares": spares, "batches": -(-mains // batch_size)}

    def work(folder: Path) -> Outcome:
        write_jsonl(folder / "cells.jsonl", cells)
        return Outcome(files=["cells.jsonl"], counts=counts)

    run_stage("plan", out, {"num": mains, "batch_size": batch_size}, {}, work)
    return out


__all__ = ["KEY", "Pages", "account", "cell", "commit_lint", "commit_plan", "knowledge", "settings"]
