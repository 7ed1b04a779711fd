"""Production without containers: Postgres, Redis, Celery and two workers, as compose has them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from identity_ops.local_airflow.client import Task
from identity_ops.pipeline import Run
from identity_ops.store import manifest as manifests
from identity_ops.store.paths import Home
from tests.e2e.conftest import until
from tests.loopback import KEY, Provider, serve
from tests.production import databases, topology
from tests.production.scenario import BATCHES, CONVERSATIONS, WORKERS, Scenario
from tests.production.topology import Topology

RUN = "disturbed"
ON_GPU = {"base", "train", "evaluate"}
NEEDED = "IDENTITY_TESTS_NEED" in os.environ  # set by `make test-slow`, which installs them
pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


@dataclass(frozen=True, slots=True)
class Disturbed:
    """The run, over, and what was seen on its way."""

    topology: Topology
    scenario: Scenario
    provider: Provider
    state: str

    @property
    def run(self) -> Run:
        return Run(RUN, self.scenario.conf, self.topology.home)

    @property
    def tasks(self) -> list[dict[str, Any]]:
        """Every task instance, as Airflow's API shows it."""
        client = self.topology.client
        found = client._checked("GET", f"/dags/identity_sft/dagRuns/{RUN}/taskInstances").json()
        rows: list[dict[str, Any]] = found["task_instances"]
        return rows


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Scenario, Provider]]:
    """What the run reads and whom it asks."""
    scenario = Scenario(tmp_path_factory.mktemp("own")).write()
    with serve() as provider:
        yield scenario, provider


@pytest.fixture(scope="module")
def production(environment: tuple[Scenario, Provider]) -> Iterator[Topology]:
    if lacking := databases.missing():
        (pytest.fail if NEEDED else pytest.skip)(f"lacking {', '.join(lacking)}")
    scenario, provider = environment
    variables = {
        "OPENROUTER_BASE_URL": provider.url,
        "OPENROUTER_API_KEY": KEY,
        "IDENTITY_ALLOWED_ROOTS": str(scenario.folder),
    }
    with topology.up(variables) as running:
        yield running


@pytest.fixture(scope="module")
def disturbed(production: Topology, environment: tuple[Scenario, Provider]) -> Disturbed:
    """A run whose workers are killed, one in generation and one in training, and start again."""
    scenario, provider = environment
    provider.delay_s = 0.5
    production.client.trigger(scenario.conf, RUN)
    until(lambda: sum(provider.paid.values()) >= 2 * BATCHES, "paid responses", 180)
    production.kill("worker")
    provider.delay_s = 0.0
    production.start("worker")
    until(lambda: _steps(production.home) >= 5, "training", 240)
    trainers = production.trainers()
    assert trainers
    production.kill("gpu-worker")
    until(lambda: not any(process.is_running() for process in trainers), "end of the trainers", 20)
    production.start("gpu-worker")
    over = ("success", "failed")
    until(lambda: production.client.run_state(RUN) in over, "end of the run", 300)
    return Disturbed(production, scenario, provider, production.client.run_state(RUN))


def test_every_service_is_healthy(production: Topology) -> None:
    """By the checks that compose runs."""
    for name in production.running:
        until(lambda name=name: production.healthy(name), f"healthy {name}")  # type: ignore[misc]


def test_the_run_ends_right_and_is_published(disturbed: Disturbed) -> None:
    """Two workers lost, and the model is there."""
    assert disturbed.state == "success", _summary(disturbed)
    models = list((disturbed.topology.home.root / "models").glob("Wren/*/manifest.json"))
    assert len(models) == 1
    manifests.load(models[0].parent)


def test_what_was_lost_was_tried_again(disturbed: Disturbed) -> None:
    """Each kill cost a try, no more."""
    tries = {(row["task_id"], row["map_index"]): row["try_number"] for row in disturbed.tasks}
    assert max(tries[("generate", batch)] for batch in range(BATCHES)) == 2
    assert tries[("train", -1)] == 2


def test_each_task_ran_on_the_worker_of_its_queue(disturbed: Disturbed) -> None:
    """Models run on the GPU worker and in its pool, everything else on the other one."""
    for row in disturbed.tasks:
        gpu = row["task_id"] in ON_GPU
        assert row["queue"] == ("gpu" if gpu else "default"), row["task_id"]
        assert (row["pool"] == "gpu") is gpu, row["task_id"]
        if row["state"] == "success":
            assert row["hostname"] == ("gpu-worker" if gpu else "worker"), row["task_id"]


def test_nothing_is_paid_twice_but_what_was_in_flight(disturbed: Disturbed) -> None:
    """A request without an answer counts as spent; every answer is kept."""
    assert len(disturbed.provider.paid) >= CONVERSATIONS
    assert sum(count - 1 for count in disturbed.provider.paid.values()) <= WORKERS


def test_the_data_is_that_of_an_undisturbed_run(
    disturbed: Disturbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the byte, from the conversations to the mixture that was trained on."""
    with serve() as provider:
        monkeypatch.setenv("OPENROUTER_BASE_URL", provider.url)
        monkeypatch.setenv("OPENROUTER_API_KEY", KEY)
        monkeypatch.setenv("IDENTITY_ALLOWED_ROOTS", str(disturbed.scenario.folder))
        calm = Run("calm", disturbed.scenario.conf, Home(tmp_path / "home"))
        calm.lint()
        calm.plan()
        for batch in range(BATCHES):
            calm.generate(batch)
        calm.refill()
        calm.curate()
        calm.base()
        calm.mix()
    for stage, name in (
        ("refill", "accepted.jsonl"),
        ("curate", "*.parquet"),
        ("mix", "*.parquet"),
    ):
        assert _hashes(disturbed.run.path(stage), name) == _hashes(calm.path(stage), name), stage


def test_the_training_has_each_step_once(disturbed: Disturbed) -> None:
    """The second try goes on where the first one's last checkpoint is, or begins again."""
    lines = (disturbed.run.path("train") / "log.jsonl").read_text().splitlines()
    steps = [json.loads(line)["step"] for line in lines]
    assert steps == list(range(1, disturbed.run.manifest("train").figures["steps"] + 1))


def test_no_process_is_left_over(disturbed: Disturbed) -> None:
    """Neither of the killed workers nor of the finished tasks."""
    until(lambda: not disturbed.topology.trainers(), "end of every trainer", 20)


def test_a_task_s_log_is_there_for_the_web_ui(disturbed: Disturbed) -> None:
    """Read by the api-server from what the workers wrote."""
    client = disturbed.topology.client
    train = next(task for task in client.tasks(RUN) if task.task_id == "train")
    assert "ZeRO 1" in _text(disturbed, train)


def _text(disturbed: Disturbed, task: Task) -> str:
    return json.dumps(disturbed.topology.client.log(RUN, task))


def _steps(home: Home) -> int:
    """Optimizer steps that the training has logged."""
    logs = home.root.glob("results/train/*/log.jsonl")
    return max((len(path.read_text().splitlines()) for path in logs), default=0)


def _hashes(folder: Path, pattern: str) -> dict[str, str]:
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest()
             for path in folder.glob(pattern)}  # fmt: skip
    assert found
    return found


def _summary(disturbed: Disturbed) -> str:
    return "\n".join(f"{row['task_id']} {row['state']}" for row in disturbed.tasks)
