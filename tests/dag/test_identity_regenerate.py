"""The regenerating DAG as Airflow sees it: off until switched on, one run at a time, no backlog."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.dag.conftest import ROOT, environment


@pytest.fixture
def dag(seen: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = seen["dags"]["identity_regenerate"]
    return found


def _described(home: Path, **extra: str) -> dict[str, Any]:
    script = Path(__file__).with_name("describe.py")
    done = subprocess.run(
        [sys.executable, str(script), str(ROOT / "dags"), "-"], check=True, capture_output=True,
        env=environment(home) | extra, text=True,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_nothing_is_spent_before_it_is_switched_on(dag: dict[str, Any]) -> None:
    """The launcher starts other DAGs unpaused; this one spends money by itself."""
    assert dag["paused"] is True


def test_downtime_leaves_no_backlog(dag: dict[str, Any]) -> None:
    """No missed week is made up for one by one, and no start date lies in the past."""
    assert dag["catchup"] is False
    assert dag["max_active_runs"] == 1
    assert dag["start_date"] == "None"
    assert dag["due"]["4"] == 1


def test_switched_on_it_waits_for_its_day(dag: dict[str, Any]) -> None:
    """Whoever switches it on on a Tuesday has not asked for a run of Monday's."""
    assert dag["due"]["0"] == 0


def test_it_is_weekly_and_watches_the_knowledge_base(dag: dict[str, Any]) -> None:
    """By the calendar, and by the trigger that looks at the files."""
    assert dag["cron"] == "0 3 * * 1"
    assert dag["assets"] == ["identity_knowledge"]
    assert dag["watchers"] == ["identity_watch.KnowledgeTrigger"]


@pytest.mark.parametrize(
    "extra",
    [
        {"IDENTITY_REGENERATE_SCHEDULE": "15 4 * * 6"},
        {"AIRFLOW_VAR_IDENTITY_REGENERATE_SCHEDULE": "15 4 * * 6",
         "IDENTITY_REGENERATE_SCHEDULE": "0 0 * * *"},
    ],
)  # fmt: skip
def test_environment_or_variable_set_the_schedule(tmp_path: Path, extra: dict[str, str]) -> None:
    """The Variable wins, as a connection wins over a key in the environment."""
    assert _described(tmp_path, **extra)["dags"]["identity_regenerate"]["cron"] == "15 4 * * 6"


def test_a_wrong_schedule_is_an_import_error_of_this_dag_alone(tmp_path: Path) -> None:
    """The web UI shows it; identity_sft goes on."""
    found = _described(tmp_path, IDENTITY_REGENERATE_SCHEDULE="each monday")
    (text,) = found["errors"].values()
    assert "each monday" in text
    assert "IDENTITY_REGENERATE_SCHEDULE" in text
    assert set(found["dags"]) == {"identity_sft"}


def test_it_decides_then_triggers(dag: dict[str, Any]) -> None:
    """Two tasks; both ask the retry mapping, and a failure is told."""
    assert dag["tasks"]["trigger"]["upstream"] == ["decide"]
    assert set(dag["tasks"]) == {"decide", "trigger"}
    assert all(task["policy"] for task in dag["tasks"].values())
    assert dag["tells"]


def test_no_template_needs_a_logical_date() -> None:
    """Runs that an asset starts have none, so `ds` and its like would fail there."""
    for folder in ("dags", "plugins"):
        for path in (ROOT / folder).glob("*.py"):
            for word in ("{{ ds", "{{ ts", "logical_date }}", "data_interval", 'context["ds"]'):
                assert word not in path.read_text(), path
