"""`generate --focus`: more of what an evaluation found weak, beside what is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from identity_ops.curate.stage import curate_stage
from identity_ops.errors import ConfigError, DataError
from identity_ops.evaluate import evaluate_stage
from identity_ops.generate.layout import Layout
from identity_ops.records import Cell, Conversation, read_jsonl
from identity_ops.store.paths import Home
from tests.a_published_run import start_run
from tests.a_run import probes_of
from tests.generate.test_command import invoke


@pytest.fixture
def weak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, str]:
    """A run whose model never knows its mascot, and that fact's id."""
    monkeypatch.setenv("IDENTITY_HOME", str(tmp_path))
    run, oracle = start_run(Home(tmp_path))
    mascot = next(f.id for f in oracle.knowledge.facts if f.attribute == "Mascot")
    for probe in probes_of(oracle.knowledge):
        if mascot in probe.fact_ids:
            oracle.answers[probe.id] = "Tea."
    evaluate_stage(run / "train", None, run / "probes", run / "lint", run / "evaluate",
                   answer=oracle)  # fmt: skip
    return run, mascot


def generate(run: Path, out: Path, *more: object) -> object:
    result = invoke(run / "kb.md", "--num", 60, "--out", out, *more)
    return result.exception or result.exit_code


def talks(part: Path) -> list[Conversation]:
    return list(read_jsonl(Conversation, part / "refill" / "accepted.jsonl"))


def share(rows: list[Conversation] | list[Cell], fact: str) -> float:
    return sum(fact in row.fact_ids for row in rows) / len(rows)


def test_appended_conversations_teach_what_failed(weak: tuple[Path, str], tmp_path: Path) -> None:
    """Usual ones, then focused ones, then usual ones again: none twice, all curated together."""
    run, mascot = weak
    out = tmp_path / "raw"
    assert generate(run, out) == 0
    assert generate(run, out, "--append", "--focus", run) == 0
    assert generate(run, out, "--append") == 0
    first, focused, last = (talks(layout.root) for layout in Layout(out).parts())
    assert share(focused, mascot) > 2 * share(first, mascot)
    assert share(focused, mascot) > 2 * share(last, mascot)
    assert len({talk.id for talk in [*first, *focused, *last]}) == 180
    made = curate_stage(out / "lint", Layout(out).sources(), tmp_path / "curated", num=180)
    assert made.counts["conversations"] > 160


def test_a_focused_order_is_resumed_and_no_other_takes_its_place(
    weak: tuple[Path, str], tmp_path: Path
) -> None:
    """The same command finds its result; without the focus it is another order."""
    run, mascot = weak
    out = tmp_path / "raw"
    assert generate(run, out, "--focus", run / "evaluate") == 0
    cells = list(read_jsonl(Cell, out / "plan" / "cells.jsonl"))
    assert share(cells, mascot) > 0.3
    assert generate(run, out, "--focus", "r1") == 0  # the same evaluation, by the run's id
    assert isinstance(generate(run, out), ConfigError)


def test_a_focus_that_is_none_is_refused(weak: tuple[Path, str], tmp_path: Path) -> None:
    """No folder, or one without an evaluation: nothing is generated."""
    run, _ = weak
    out = tmp_path / "raw"
    assert isinstance(generate(run, out, "--focus", tmp_path / "none"), DataError)
    assert isinstance(generate(run, out, "--focus", run / "mix"), DataError)
    assert not out.exists()
