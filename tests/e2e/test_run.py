"""Whole runs under a real scheduler: what a user gets, and what a kill or a rerun must not undo."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from functools import partial
from pathlib import Path

import psutil
import pytest

from identity_ops.config import STAGES
from identity_ops.errors import ConfigError
from identity_ops.local_airflow.settings import State
from identity_ops.store import manifest as manifests
from tests.e2e.conftest import CONF, Stage, command_of, is_alive, until

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


def test_nothing_that_is_committed_is_made_again(stage: Stage, finished: Done) -> None:
    """Same parameters, another run: every result is the first run's, training included. Cleared,
    its tasks run once more, find their results, and change none of them."""
    again = stage.run("second")
    assert again.returncode == finished.returncode
    before = _made_at(stage, "second")
    assert before == _made_at(stage, "first")
    state = stage.client.run_state("second")
    stage.client.clear("second", ["curate"])
    until(lambda: _tries(stage, "second", "curate") == 2, "second try")
    assert stage.wait("second") == state
    assert _made_at(stage, "second") == before
    assert len(list((stage.home.root / "models").glob("*/*/manifest.json"))) <= 1


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


def test_a_training_outlives_a_kill_and_a_cancellation(stage: Stage, finished: Done) -> None:
    """kill -9 of the task: the ranks end with it, and its retry trains. Marked as failed, as the
    web UI does: every process ends and the GPU is free. Cleared, it goes on from its checkpoint.
    """
    assert "mix" in finished.stdout
    # Long enough not to be over before Airflow has told the task of its end: up to 5 s.
    stage.client.trigger(CONF | {"epochs": 4}, "train-killed")
    until(lambda: _state(stage, "train-killed", "train") == "running", "training", 120)
    trainers = until(lambda: _trainers(stage), "training process")
    os.kill(_pid(stage, "train-killed", "train"), signal.SIGKILL)
    until(lambda: not any(process.is_running() for process in trainers), "end of the ranks")
    until(lambda: _tries(stage, "train-killed", "train") == 2, "retry")
    until(lambda: _steps_on_disk(stage) > 5, "steps of the retry", 120)
    trainers = _trainers(stage)
    stage.client.fail("train-killed", "cancelled")
    until(lambda: not any(map(is_alive, trainers)), "end of every process", 20)
    assert stage.slots("gpu") == (0, 1)
    stage.client.clear("train-killed", ["train"])
    until(lambda: _state(stage, "train-killed", "train") == "success", "end of the training", 300)
    stage.client.fail("train-killed", "seen enough")
    (task,) = stage.tasks("train-killed")["train"]
    said = [str(line.get("event")) for line in stage.client.log("train-killed", task)]
    assert any(line.startswith("resuming after step") for line in said), "\n".join(said)
    log = stage.look("train-killed").path("train") / "log.jsonl"
    steps = [json.loads(line)["step"] for line in log.read_text().splitlines()]
    assert steps == list(range(1, len(steps) + 1))


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


def test_a_person_decides_before_training(stage: Stage, finished: Done) -> None:
    """Two runs wait without a process and show what was made; each follows its answer."""
    assert "curate" in finished.stdout
    expected = {"Approve": ("success", "success"), "Reject": ("failed", "upstream_failed")}
    for answer in expected:
        stage.client.trigger(CONF | {"require_approval": True}, f"asked-{answer}")
    for answer in expected:
        until(partial(_is_asked, stage, f"asked-{answer}"), "question", 120)
    time.sleep(2)  # faster than any person, Airflow takes the pause for a lost task
    for answer in expected:
        assert "conversations" in stage.client.question(f"asked-{answer}", "approve")
        stage.client.answer(f"asked-{answer}", "approve", answer)
    for answer, states in expected.items():
        stage.wait(f"asked-{answer}")
        found = {name: tasks[0].state for name, tasks in stage.tasks(f"asked-{answer}").items()}
        assert (found["approve"], found["train"]) == states


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


def test_a_pool_deleted_since_the_start_comes_back_with_the_next_run(stage: Stage) -> None:
    """Its tasks would wait, and nothing would say for what."""
    stage.client._checked("DELETE", "/pools/gpu")
    stage.client.trigger({"unknown": 1}, "without-pool")
    stage.wait("without-pool")
    assert stage.slots("gpu") == (0, 1)


def _trainers(stage: Stage) -> list[psutil.Process]:
    """What trains below the running Airflow."""
    supervisor = json.loads(State.of(stage.home).record.read_text())["pid"]
    below = psutil.Process(supervisor).children(recursive=True)
    return [process for process in below if "training." in command_of(process)]


def _steps_on_disk(stage: Stage) -> int:
    """Steps of the training that is under way."""
    logs = (stage.home.root / "results" / "train").glob("*/log.jsonl")
    ours = [path for path in logs if not (path.parent / manifests.FILE_NAME).exists()]
    return sum(len(path.read_text().splitlines()) for path in ours)


def _is_asked(stage: Stage, run_id: str) -> bool:
    return _state(stage, run_id, "approve") == "awaiting_input"


def _state(stage: Stage, run_id: str, task_id: str) -> str:
    return stage.tasks(run_id)[task_id][0].state


def _tries(stage: Stage, run_id: str, task_id: str) -> int:
    return stage.tasks(run_id)[task_id][0].tries


def _pid(stage: Stage, run_id: str, task_id: str) -> int:
    task = stage.tasks(run_id)[task_id][0]
    assert task.pid
    return task.pid
