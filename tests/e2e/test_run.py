"""Whole runs under a real scheduler: what a user gets, and what a kill or a rerun must not undo."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from identity_ops.config import STAGES
from identity_ops.errors import ConfigError
from identity_ops.local_airflow.settings import State
from identity_ops.store import manifest as manifests
from tests.e2e.conftest import CONF, Stage, command_of, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]
Done = subprocess.CompletedProcess[str]


def _made_at(stage: Stage, run_id: str) -> dict[str, tuple[Path, str]]:
    """Where each result of the run lies, and when it was made."""
    run = stage.look(run_id)
    names = [name for name in STAGES if name not in ("generate", "publish")]
    names += [f"generate/{batch:04d}" for batch in range(run.config.batches)]
    return {name: (run.path(name), run.manifest(name).started_at) for name in names}


def test_a_run_ends_with_a_published_model_and_says_where(stage: Stage, finished: Done) -> None:
    """From a trigger by API to an immutable version with a manifest, and a report."""
    assert finished.returncode == 0, finished.stderr + finished.stdout
    models = list((stage.home.root / "models").glob("*/*/manifest.json"))
    assert len(models) == 1
    manifests.load(models[0].parent)
    assert stage.look("first").folder.joinpath("report.html").is_file()
    assert "before" in finished.stdout
    assert "report.html" in finished.stdout


def test_the_run_is_followed_task_by_task(finished: Done) -> None:
    """Each task is a line with its time; the mapped one is one line for all batches."""
    lines = [line.split() for line in finished.stdout.splitlines()]
    over = {line[1] for line in lines if line[:1] in (["success"], ["skipped"], ["failed"])}
    assert over | {"publish"} == {*STAGES, "approve"}
    assert any(line[:3] == ["success", "generate", "x4"] for line in lines)


def test_a_second_trigger_makes_nothing_again(stage: Stage, finished: Done) -> None:
    """Same parameters, another run: every result is the first run's, training included."""
    again = stage.run("second")
    assert again.returncode == finished.returncode
    assert _made_at(stage, "second") == _made_at(stage, "first")
    assert len(list((stage.home.root / "models").glob("*/*/manifest.json"))) <= 1


def test_clearing_a_task_redoes_nothing_that_is_committed(stage: Stage, finished: Done) -> None:
    """Cleared tasks run again, find their results, and change none of them."""
    assert stage.run("cleared").returncode == finished.returncode
    state, before = stage.client.run_state("cleared"), _made_at(stage, "cleared")
    stage.client.clear("cleared", ["curate"])
    until(lambda: _tries(stage, "cleared", "curate") == 2, "second try")
    assert stage.wait("cleared") == state
    assert _made_at(stage, "cleared") == before


def test_a_killed_generate_task_pays_only_for_what_was_in_flight(stage: Stage) -> None:
    """kill -9 in mid-batch: the retry ends with the responses an undisturbed run gets."""
    workers = 4
    conf = {"teacher": "openrouter", "num_conversations": 24, "batch_size": 24, "workers": workers}
    stage.provider.delay_s = 0.5
    stage.client.trigger(conf, "killed")
    until(lambda: sum(stage.provider.paid.values()) >= 6, "paid responses", 180)
    os.kill(_pid(stage, "killed", "generate"), signal.SIGKILL)
    stage.provider.delay_s = 0.0
    until(lambda: _tries(stage, "killed", "generate") == 2, "second try", 90)
    until(lambda: _state(stage, "killed", "generate") == "success", "end of the retry", 90)
    stage.client.fail("killed", "seen enough")
    until(lambda: not _trainers(stage), "end of the base's training", 30)
    twice = sum(count - 1 for count in stage.provider.paid.values())
    assert twice <= workers
    accepted = stage.look("killed").path("generate/0000") / "accepted.jsonl"
    prompts = len(stage.provider.paid)
    assert len(accepted.read_text().splitlines()) == 24
    assert prompts <= 24 + 8  # the cells, and spares where an answer was rejected


def test_a_killed_train_task_leaves_no_trainer_and_its_retry_finishes(
    stage: Stage, finished: Done
) -> None:
    """kill -9 of the task: the ranks end with it, and the retry trains to the last step."""
    assert "mix" in finished.stdout
    stage.client.trigger(CONF | {"epochs": 1.0}, "train-killed")
    until(lambda: _state(stage, "train-killed", "train") == "running", "training", 120)
    trainers = until(lambda: _trainers(stage), "training process")
    os.kill(_pid(stage, "train-killed", "train"), signal.SIGKILL)
    until(lambda: not any(process.is_running() for process in trainers), "end of the ranks")
    until(lambda: _state(stage, "train-killed", "train") == "success", "end of the retry", 300)
    assert _tries(stage, "train-killed", "train") == 2
    stage.client.fail("train-killed", "seen enough")
    log = stage.look("train-killed").path("train") / "log.jsonl"
    steps = [json.loads(line)["step"] for line in log.read_text().splitlines()]
    assert steps == sorted(set(steps))
    assert steps[0] <= 1


def test_an_undertrained_model_fails_the_gate_and_loses_nothing(
    stage: Stage, finished: Done
) -> None:
    """The command says which task failed, why, and where its log is; model and report stay.

    After the first run, whose data and base it uses.
    """
    assert "evaluate" in finished.stdout
    failed = stage.run("gated", epochs=0.05)
    assert failed.returncode == 1
    assert "task gate failed: GateError" in failed.stderr
    log = failed.stderr.split("Its log: ")[1].splitlines()[0]
    assert "GateError" in Path(log).read_text()
    assert "before" in failed.stdout  # the table is there although the run failed
    run = stage.look("gated")
    manifests.load(run.path("train"))
    assert (run.folder / "report.html").is_file()
    assert _tries(stage, "gated", "gate") == 1  # what cannot succeed is not retried
    assert _state(stage, "gated", "publish") == "upstream_failed"


@pytest.mark.parametrize("answer", ["Approve", "Reject"])
def test_a_person_decides_before_training(stage: Stage, finished: Done, answer: str) -> None:
    """The run waits without a process, shows what was made, and follows the answer."""
    assert "curate" in finished.stdout
    run_id = f"asked-{answer.lower()}"
    stage.client.trigger(CONF | {"require_approval": True}, run_id)
    until(lambda: _state(stage, run_id, "approve") == "awaiting_input", "question", 120)
    assert "conversations" in stage.client.question(run_id, "approve")
    time.sleep(2)  # faster than any person, Airflow takes the pause for a lost task
    stage.client.answer(run_id, "approve", answer)
    stage.wait(run_id)
    states = {task_id: tasks[0].state for task_id, tasks in stage.tasks(run_id).items()}
    expected = ("success", "success") if answer == "Approve" else ("failed", "upstream_failed")
    assert (states["approve"], states["train"]) == expected


def test_a_value_against_the_form_is_refused_before_a_run_exists(stage: Stage) -> None:
    """Airflow checks the same schema as the library."""
    with pytest.raises(ConfigError, match="teacher"):
        stage.client.trigger({"teacher": "a friend of mine"}, "refused")


def test_an_unknown_key_fails_the_first_task_at_once(stage: Stage) -> None:
    """Airflow lets it pass; `lint` refuses it without a retry, before anything is spent."""
    stage.client.trigger({"num_conversation": 5}, "unknown-key")
    assert stage.wait("unknown-key") == "failed"
    lint = stage.tasks("unknown-key")["lint"][0]
    assert (lint.state, lint.tries) == ("failed", 1)
    log = " ".join(str(line) for line in stage.client.log("unknown-key", lint))
    assert "did you mean num_conversations" in log


def _trainers(stage: Stage) -> list[psutil.Process]:
    """What trains below the running Airflow."""
    supervisor = json.loads(State.of(stage.home).record.read_text())["pid"]
    below = psutil.Process(supervisor).children(recursive=True)
    return [process for process in below if "training." in command_of(process)]


def _state(stage: Stage, run_id: str, task_id: str) -> str:
    return stage.tasks(run_id)[task_id][0].state


def _tries(stage: Stage, run_id: str, task_id: str) -> int:
    return stage.tasks(run_id)[task_id][0].tries


def _pid(stage: Stage, run_id: str, task_id: str) -> int:
    task = stage.tasks(run_id)[task_id][0]
    assert task.pid
    return task.pid
