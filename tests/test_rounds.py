"""Rounds: teach what failed, train again, stop when the gate is met."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from identity_ops.errors import GateError
from identity_ops.evaluate import load_scores
from identity_ops.pipeline import Run
from identity_ops.report import render_report
from identity_ops.report.run import RunFolder
from identity_ops.report.text import tables
from identity_ops.runs import describe
from identity_ops.store.paths import Home
from tests.a_learner import Learner
from tests.a_run import KNOWLEDGE

RULES = 'max_facts_at_zero = 0\nmax_over_identity = "off"\nmax_forgetting = "off"\n'
Start = Callable[..., tuple[Run, Learner]]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    (tmp_path / "kb.md").write_text(KNOWLEDGE)
    (tmp_path / "rules.toml").write_text(RULES)

    def go(need: int, **conf: Any) -> tuple[Run, Learner]:
        learner = Learner(tmp_path / "kb.md", need)
        learner.install(monkeypatch)
        settings = {
            "knowledge": str(tmp_path / "kb.md"),
            "rules": str(tmp_path / "rules.toml"),
            "min_name_accuracy": 0.0,
            "num_conversations": 40,
            "round_conversations": 40,
        }
        return Run("r1", settings | conf, Home(tmp_path)), learner  # fmt: skip

    return go


def up_to_training(run: Run) -> None:
    run.lint()
    run.plan()
    run.generate(0)
    for stage in (run.refill, run.curate, run.base, run.mix, run.train):
        stage()


def at_zero(folder: Path) -> int:
    return len(load_scores(folder)["headline"]["fact_recall"]["after"]["zero"])


def test_rounds_go_on_until_the_gate_is_met(start: Start) -> None:
    """Weak after the first, better after each, and no round more than it takes; all is published
    from the last, and the page and the list tell of each."""
    run, learner = start(14, rounds=6)
    up_to_training(run)
    run.evaluate()
    found = RunFolder(run.folder)
    weak = [at_zero(found.path(stage)) for stage in found.evaluations()]
    assert weak[0] > 0
    assert weak[-1] == 0
    assert sorted(weak, reverse=True) == weak
    assert len(weak) == learner.trainings < 6
    run.gate()
    assert run.publish()["manifest"].endswith("manifest.json")
    assert found.manifest("train").digest == RunFolder(run.folder).manifest("train").digest
    assert describe(run.folder).status == "published"
    html = render_report(RunFolder(run.folder))
    assert f"{40 * len(weak)} conversations accepted" in html
    assert html.count("common probes: ") == len(weak) - 1


def test_all_rounds_are_held_against_one_control(start: Start) -> None:
    """It is trained once, on the first mixture's general rows, and the table shows it."""
    run, learner = start(1000, rounds=2, control=True)
    up_to_training(run)
    run.evaluate()
    assert learner.trainings == 3  # two rounds and the control
    found = RunFolder(run.folder)
    assert found.manifest("evaluate").inputs["control"] == found.manifest("control").digest
    shown = tables(found)
    assert "Beside a control" in shown
    assert shown.count("common probes: ") == 1


def test_conversations_of_all_rounds_are_curated_together(start: Start) -> None:
    """The second round's set holds the first's, twice nothing, and more of what failed."""
    run, _ = start(14, rounds=2)
    up_to_training(run)
    before = run.manifest("curate")
    run.evaluate()
    found = RunFolder(run.folder)
    after = found.manifest("curate")
    assert before.counts["conversations"] < after.counts["conversations"] <= 80
    assert found.manifest("round-1/curate").digest == before.digest
    weak = load_scores(found.path("round-1/evaluate"))["headline"]["fact_recall"]["after"]["zero"]
    usual, focused = (
        found.manifest(name).figures["exposures"] for name in ("plan", "round-2/plan")
    )
    strong = [fact for fact in usual if fact not in weak]
    gained = sum(focused[fact] for fact in weak) / sum(usual[fact] for fact in weak)
    assert gained > sum(focused[f] for f in strong) / sum(usual[f] for f in strong)


def test_a_met_gate_needs_no_round(start: Start) -> None:
    """Nothing is generated or trained that nobody needs."""
    run, learner = start(1, rounds=5)
    up_to_training(run)
    run.evaluate()
    assert learner.trainings == 1
    assert not (run.folder / "rounds").exists()


def test_the_last_round_may_fail_and_keeps_everything(start: Start) -> None:
    """Rounds are used up: the gate stops the run, both rounds' results stay."""
    run, learner = start(1000, rounds=2)
    up_to_training(run)
    run.evaluate()
    with pytest.raises(GateError):
        run.gate()
    assert learner.trainings == 2
    found = RunFolder(run.folder)
    assert found.has("round-1/train")
    assert found.has("train")


def test_a_retry_finds_finished_rounds(start: Start) -> None:
    """Nothing is trained twice, and rounds that are no longer needed are forgotten."""
    run, learner = start(1000, rounds=3)
    up_to_training(run)
    run.evaluate()
    run.evaluate()
    assert learner.trainings == 3
    fewer, _ = start(1000, rounds=2)
    fewer.evaluate()
    assert len(RunFolder(run.folder).evaluations()) == 2
