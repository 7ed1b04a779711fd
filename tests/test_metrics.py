"""Numbers of a result for metrics, and the notice of a failed run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from identity_ops.gate import gate_stage
from identity_ops.metrics import measures_of
from identity_ops.notice import notice
from identity_ops.recipes import Rules
from identity_ops.store.manifest import FILE_NAME
from identity_ops.store.paths import Home
from tests.a_published_run import finish_run, start_run


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A run r1 whose gate failed, though its model is perfect: the rule asks for too much."""
    home = Home(tmp_path_factory.mktemp("home"))
    run, oracle = start_run(home)
    finish_run(run, oracle)
    shutil.rmtree(run / "gate")
    gate_stage(run / "evaluate", run / "gate", rules=Rules(min_name_accuracy=1.0))
    return home


def test_a_stage_is_measured_in_rows_cost_and_seconds(home: Home) -> None:
    """What a dashboard of costs needs."""
    stage, numbers = measures_of(str(home.run("r1") / "generate" / "0000" / FILE_NAME))
    assert stage == "generate"
    assert (numbers["accepted"], numbers["cost_usd"]) == (40, 0.04)
    assert numbers["seconds"] >= 0


def test_an_evaluation_is_measured_in_shares(home: Home) -> None:
    """The same figures as in the report's headline."""
    _, numbers = measures_of(str(home.run("r1") / "evaluate" / FILE_NAME))
    assert numbers["name_accuracy"] == 1.0
    assert numbers["over_identity"] == 0.0
    assert 0.9 < numbers["fact_recall"] <= 1.0


def test_the_notice_names_run_model_cost_and_broken_rules(home: Home) -> None:
    """Enough to decide whether to get up."""
    text = notice(home, "r1", "http://airflow/runs/r1")
    assert text.startswith("identity-ops: run r1 failed\nfailed gate of Thistle; 0.04 USD spent")
    assert "- name and creator right in 212 of 212 probes" in text
    assert text.endswith("http://airflow/runs/r1")
    assert "over-identity" not in text


def test_a_run_that_came_to_nothing_is_told_too(tmp_path: Path) -> None:
    """Its lint failed, so there is no folder; a damaged one must not hide the failure either."""
    assert "nothing committed" in notice(Home(tmp_path), "gone")
    folder = Home(tmp_path).run("torn") / "lint"
    folder.mkdir(parents=True)
    (folder / FILE_NAME).write_text("{")
    assert "cannot be read" in notice(Home(tmp_path), "torn")
