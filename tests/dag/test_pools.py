"""A task in a missing pool waits in silence: Airflow's own processes make those of ours."""

from __future__ import annotations

import subprocess
import sys

import pytest

from identity_ops.local_airflow.settings import POOLS
from tests.dag.conftest import environment
from tests.dag.server import Web

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
STARTED = "from airflow.jobs.job import Job; Job()"  # as scheduler and triggerer do first
IN_A_TASK = """
from airflow.listeners.listener import get_listener_manager
from airflow.sdk.execution_time.task_runner import TaskRunnerMarker
get_listener_manager().hook.on_starting(component=TaskRunnerMarker())
"""


def _start(web: Web, code: str) -> str:
    """Runs it with our plugins on the api-server's database; what it logged."""
    env = environment(web.home.root.parent / "airflow")
    argv = [sys.executable, "-c", code]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


def _slots(web: Web) -> dict[str, int]:
    return {pool["name"]: pool["slots"] for pool in web.api("GET", "/pools").json()["pools"]}


def test_a_process_of_airflow_makes_what_is_missing_and_a_task_s_does_not(web: Web) -> None:
    """The owner's number of slots stays. A task's process may not even try: it has no database."""
    for pool in POOLS:
        web.api("DELETE", f"/pools/{pool}")
    web.api("POST", "/pools", {"name": "gpu", "slots": 3})
    assert "calling listener" not in _start(web, IN_A_TASK)
    assert _slots(web).keys() & POOLS.keys() == {"gpu"}
    assert "Made the missing pools teacher" in _start(web, STARTED)
    assert _slots(web) | {"gpu": 3, "teacher": POOLS["teacher"][0]} == _slots(web)
