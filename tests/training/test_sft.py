"""Fine-tuning: the same curve on any number of processes, and after any kill."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from identity_ops import launch
from identity_ops.errors import (
    BusyError,
    ConfigError,
    DataError,
    IdentityError,
    TrainingError,
    TransientError,
)
from identity_ops.store import manifest as manifests
from identity_ops.store.manifest import Manifest
from identity_ops.trainer import TrainSettings, train_stage
from tests.training.small import row, small_rows, talk, write_mixture
from training import checkpoint


def settings(recipe: Path, stage: int = 2, processes: int = 1, **changes: Any) -> TrainSettings:
    return TrainSettings.resolve(
        "tiny", recipe=str(recipe), zero_stage=stage, num_processes=processes, **changes
    )


def losses(out: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (out / "log.jsonl").read_text().splitlines()]


def weights(out: Path) -> dict[str, torch.Tensor]:
    return checkpoint.load(out).state_dict()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "processes"),
    [
        (0, 1),
        (2, 2),
        (3, 2),
        *(pytest.param(*one, marks=pytest.mark.long) for one in ((1, 2), (3, 1))),
    ],
)
def test_every_stage_and_number_of_processes_gives_the_same_curve(
    stage: int, processes: int, reference: Path, base: Path, mixture: Path, recipe: Path,
    tmp_path: Path,
) -> None:  # fmt: skip
    """Losses and final weights: tokens are weighted exactly, however they are spread."""
    train_stage(mixture, base, tmp_path, settings=settings(recipe, stage, processes))
    assert losses(tmp_path) == pytest.approx(losses(reference), rel=1e-4)
    for name, weight in weights(reference).items():
        torch.testing.assert_close(weights(tmp_path)[name], weight, rtol=1e-2, atol=2e-3)


@pytest.mark.slow
def test_accumulation_gives_the_same_curve(
    reference: Path, base: Path, mixture: Path, recipe: Path, tmp_path: Path
) -> None:
    """One row at a time and four together: a row with few answers counts for as little."""
    text = recipe.read_text().replace("micro_rows = 4", "micro_rows = 1")
    (tmp_path / "one.toml").write_text(text)
    train_stage(mixture, base, tmp_path / "out", settings=settings(tmp_path / "one.toml"))
    assert losses(tmp_path / "out") == pytest.approx(losses(reference), rel=1e-4)


def test_training_lowers_the_loss_and_logs_every_step(reference: Path) -> None:
    """With both sources apart, and the rate falling to almost zero."""
    lines = [json.loads(line) for line in (reference / "log.jsonl").read_text().splitlines()]
    manifest = manifests.load(reference)
    assert [line["step"] for line in lines] == list(range(1, manifest.figures["steps"] + 1))
    assert set(lines[0]) == {
        "step", "steps", "epoch", "loss", "identity_loss", "general_loss", "lr", "tokens",
        "tokens_per_s", "seconds", "seconds_left", "memory_gb",
    }  # fmt: skip
    assert lines[-1]["loss"] < 0.9 * lines[0]["loss"]
    assert lines[-1]["lr"] < 0.25 * max(line["lr"] for line in lines)
    assert lines[-1]["epoch"] == pytest.approx(2.0, abs=0.1)
    before, after = manifest.figures["val_before"], manifest.figures["val_after"]
    assert after["identity_loss"] < before["identity_loss"]


def test_the_result_is_nanochat_s_layout(reference: Path, mixture: Path) -> None:
    """Weights in fp32 without rotary tables, the meta file, the tokenizer, and no leftovers."""
    manifest = manifests.load(reference)
    names = {entry.path for entry in manifest.files}
    step = f"{manifest.figures['steps']:06d}"
    folder = "chatsft_checkpoints/small"
    assert names >= {
        f"{folder}/model_{step}.pt", f"{folder}/meta_{step}.json", "tokenizer/tokenizer.pkl",
        "tokenizer/token_bytes.pt", "log.jsonl",
    }  # fmt: skip
    path = reference / folder / f"model_{step}.pt"
    state = torch.load(path, weights_only=True)
    assert "cos" not in state
    assert {weight.dtype for weight in state.values()} == {torch.float32}
    assert manifest.inputs["mix"] == manifests.load(mixture).digest
    assert not list((reference / ".snapshots").glob("*/*"))


STAGE = """
import sys
from pathlib import Path
from identity_ops.trainer import TrainSettings, train_stage
mixture, base, out, recipe = map(Path, sys.argv[1:])
settings = TrainSettings.resolve("tiny", recipe=str(recipe))
train_stage(mixture, base, out, settings=settings)
"""


def start_stage(mixture: Path, base: Path, out: Path, recipe: Path) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-c", STAGE, str(mixture), str(base), str(out), str(recipe)]
    return subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait_for(condition: Any, seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.001)


def steps_logged(out: Path) -> int:
    log = out / "log.jsonl"
    return log.read_text().count("\n") if log.exists() else 0


def kill_everything(task: subprocess.Popen[bytes], out: Path) -> None:
    for process in launch.marked(launch.marker_of(out)):
        process.kill()
    task.kill()
    task.wait()


@pytest.mark.slow
@pytest.mark.parametrize(
    "moment",
    [pytest.param("mid-step", marks=pytest.mark.long), "mid-checkpoint", "before the export"],
)
def test_a_killed_training_resumes_to_the_same_curve(
    moment: str, reference: Path, base: Path, mixture: Path, recipe: Path, tmp_path: Path
) -> None:
    """kill -9 of task, launcher and ranks: losses and weights are those of the undisturbed run."""
    out = tmp_path / "out"
    task = start_stage(mixture, base, out, recipe)
    wait_for(lambda: steps_logged(out) >= 4)
    if moment == "mid-checkpoint":
        wait_for(lambda: list((out / ".snapshots").glob(".building-*")))
    if moment == "before the export":
        steps = len(losses(reference))
        wait_for(lambda: list((out / ".snapshots").glob(f"step-*{steps}")))
    kill_everything(task, out)
    assert not (out / manifests.FILE_NAME).exists()
    said: list[str] = []
    train_stage(mixture, base, out, settings=settings(recipe), on_line=said.append)
    assert any(line.startswith("resuming after step") for line in said)
    assert losses(out) == losses(reference)
    assert all(
        torch.equal(weights(out)[name], weight) for name, weight in weights(reference).items()
    )


@pytest.mark.slow
def test_a_torn_checkpoint_falls_back_to_the_one_before(
    reference: Path, base: Path, mixture: Path, recipe: Path, tmp_path: Path
) -> None:
    """A flipped byte in the newest, and the curve is still the same."""
    out = tmp_path / "out"
    task = start_stage(mixture, base, out, recipe)
    wait_for(lambda: len(list((out / ".snapshots").glob("step-*"))) >= 2 and steps_logged(out) > 4)
    kill_everything(task, out)
    *_, older, newest = sorted((out / ".snapshots").glob("step-*"))
    victim = max(newest.rglob("*.pt"), key=lambda path: path.stat().st_size)
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 1
    victim.write_bytes(data)
    said: list[str] = []
    train_stage(mixture, base, out, settings=settings(recipe), on_line=said.append)
    assert f"resuming after step {int(older.name.removeprefix('step-'))}" in said
    assert losses(out) == losses(reference)


@pytest.mark.slow
def test_no_rank_survives_the_task_that_started_it(
    base: Path, mixture: Path, recipe: Path, tmp_path: Path
) -> None:
    """SIGKILL of the task alone: launcher and ranks notice by themselves."""
    out = tmp_path / "out"
    task = start_stage(mixture, base, out, endless(recipe, tmp_path))
    wait_for(lambda: steps_logged(out) >= 2)
    marker = launch.marker_of(out)
    assert len(launch.marked(marker)) >= 2, "no launcher with a rank to outlive the task"
    task.kill()
    assert task.wait() == -signal.SIGKILL
    wait_for(lambda: not launch.marked(marker), seconds=30)


@pytest.mark.slow
def test_asked_to_stop_it_saves_first(
    base: Path, mixture: Path, recipe: Path, tmp_path: Path
) -> None:
    """SIGTERM to the launcher, as `on_kill` sends it; a retry goes on from that very step."""
    out = tmp_path / "out"
    seldom = tmp_path / "seldom.toml"
    text = endless(recipe, tmp_path).read_text()
    seldom.write_text(text.replace("checkpoint_seconds = 0.0", "checkpoint_seconds = 1000.0"))
    task = start_stage(mixture, base, out, seldom)
    wait_for(lambda: steps_logged(out) >= 3)
    assert launch.stop(launch.marker_of(out), grace_s=20) >= 2
    task.wait()
    (snapshot,) = (out / ".snapshots").glob("step-*")
    assert int(snapshot.name.removeprefix("step-")) == steps_logged(out)


def endless(recipe: Path, folder: Path) -> Path:
    path = folder / "endless.toml"
    path.write_text(recipe.read_text().replace("epochs = 2.0", "epochs = 5000.0"))
    return path


@pytest.mark.long
def test_a_second_trainer_in_the_folder_is_refused(
    base: Path, mixture: Path, recipe: Path, tmp_path: Path
) -> None:
    """Even one that is started by hand, past the stage's own lock."""
    from identity_ops.store.lock import hold

    with hold(tmp_path / ".trainer-0.lock"), pytest.raises(BusyError):
        train_stage(mixture, base, tmp_path, settings=settings(recipe))


def test_a_loss_that_is_not_finite_stops_before_the_step(
    base: Path, mixture: Path, recipe: Path, tmp_path: Path
) -> None:
    """Step and conversations are named, and nothing is exported."""
    broken = tmp_path / "base"
    state = checkpoint.load(base).state_dict()
    state["lm_head.weight"][5] = float("nan")
    meta = json.loads(checkpoint.find(base).meta.read_text())
    (broken / "tokenizer").mkdir(parents=True)
    files = checkpoint.save(broken, checkpoint.BASE, "small", 0, state, meta)
    for name in ("tokenizer.pkl", "token_bytes.pt"):
        (broken / "tokenizer" / name).write_bytes((base / "tokenizer" / name).read_bytes())
    commit(broken, [*files, "tokenizer/tokenizer.pkl", "tokenizer/token_bytes.pt"])
    with pytest.raises(TrainingError, match=r"step 1 of .*not finite.*(identity|general)-\d+"):
        train_stage(mixture, broken, tmp_path / "out", settings=settings(recipe))
    assert not list((tmp_path / "out").rglob("model_*.pt"))
    assert not list((tmp_path / "out" / ".snapshots").glob("*"))


def commit(folder: Path, files: list[str]) -> Manifest:
    from identity_ops.store.stage import Outcome, run_stage

    return run_stage("base", folder, {"spec": "tiny"}, {}, lambda _: Outcome(files=files))


def test_a_mixture_without_identity_is_refused(base: Path, recipe: Path, tmp_path: Path) -> None:
    """The run would teach nothing and report success."""
    rows = small_rows(0, 20, random.Random(1))
    bare = write_mixture(tmp_path / "mix", rows, rows[:2])
    with pytest.raises(DataError, match="no identity"):
        train_stage(bare, base, tmp_path / "out", settings=settings(recipe))


def test_a_conversation_longer_than_a_row_is_named_up_front(
    base: Path, recipe: Path, tmp_path: Path
) -> None:
    """Before the first step, with its id."""
    rows = small_rows(20, 20, random.Random(1))
    rows.append(row("the-long-one", "identity", talk("who " * 90, "I am Orbit")))
    long = write_mixture(tmp_path / "mix", rows, rows[:2])
    with pytest.raises(DataError, match=r"the-long-one.*too long"):
        train_stage(long, base, tmp_path / "out", settings=settings(recipe))
    assert not (tmp_path / "out" / "log.jsonl").exists()


def test_settings_that_cannot_work_are_refused_before_anything_starts(recipe: Path) -> None:
    """Unknown stage, a batch that does not divide, unknown bases, wrong values."""
    for wrong in (
        {"stage": 4}, {"processes": 3}, {"epochs": 0.0}, {"learning_rate": -1.0},
        {"learning_rate": float("inf")},
    ):  # fmt: skip
        with pytest.raises(IdentityError):
            _ = settings(recipe, **wrong).recipe
    for spec in ("hub:gpt2", "huge", ""):
        with pytest.raises(IdentityError, match="base"):
            TrainSettings.resolve(spec)


def test_a_process_killed_from_outside_is_worth_a_retry(
    base: Path, mixture: Path, recipe: Path, tmp_path: Path
) -> None:
    """The error is transient: the next attempt resumes."""
    out = tmp_path / "out"

    def kill_a_rank(line: str) -> None:
        if line.startswith("train "):
            for process in launch.marked(launch.marker_of(out)):
                if (
                    "training.sft" in process.cmdline()
                    and "torch.distributed.run" not in process.cmdline()
                ):
                    os.kill(process.pid, signal.SIGKILL)

    with pytest.raises(TransientError, match="signal"):
        train_stage(
            mixture, base, out, settings=settings(endless(recipe, tmp_path)), on_line=kill_a_rank
        )
    assert not launch.marked(launch.marker_of(out))


@pytest.mark.slow
def test_checkpoints_of_other_settings_are_not_resumed(
    base: Path, mixture: Path, recipe: Path, tmp_path: Path
) -> None:
    """Half a training with one rate and half with another would be neither."""
    out = tmp_path / "out"
    task = start_stage(mixture, base, out, recipe)
    wait_for(lambda: list((out / ".snapshots").glob("step-*")))
    kill_everything(task, out)
    with pytest.raises(ConfigError, match="other settings"):
        train_stage(mixture, base, out, settings=settings(recipe, learning_rate=0.001))
