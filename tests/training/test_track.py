"""What a training tells of itself: memory in its log, figures in the tracker that was asked for."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from identity_ops import tracking
from identity_ops.errors import ConfigError
from identity_ops.pipeline import Run
from identity_ops.store import manifest as manifests
from identity_ops.store.paths import Home
from identity_ops.trainer import TrainSettings, train_stage
from tests.a_run import KNOWLEDGE
from tests.e2e.conftest import until
from training.track import TensorBoard, Wandb, scalars


def log_of(out: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


def accumulated(folder: Path, tag: str) -> list[tuple[int, float]]:
    """What TensorBoard itself reads of a tag."""
    found = EventAccumulator(str(folder))
    found.Reload()
    return [(event.step, event.value) for event in found.Scalars(tag)]


def test_tensorboard_shows_every_step_of_a_training(
    base: Path, mixture: Path, recipe: Path, tmp_path: Path
) -> None:
    """Losses by source, rate, speed and memory as in the log, validation before and after; and a
    tracker makes no other model of it."""
    settings = TrainSettings.resolve("tiny", recipe=str(recipe), track="tensorboard")
    made = train_stage(mixture, base, tmp_path, settings=settings)
    lines, shown = log_of(tmp_path), tmp_path / "tensorboard"
    for tag, name in (("loss/identity", "identity_loss"), ("loss/general", "general_loss"),
                      ("training/learning_rate", "lr")):  # fmt: skip
        steps, values = zip(*accumulated(shown, tag), strict=True)
        assert list(steps) == [line["step"] for line in lines]
        assert values == pytest.approx([line[name] for line in lines])
    (before, first), (after, last) = accumulated(shown, "validation/identity")
    assert (before, after) == (0, len(lines))
    assert last < first
    assert made.figures["memory_of"] in {"GPU", "process"}
    (peak,) = made.figures["memory_gb"]
    assert accumulated(shown, "memory_gb/rank_0")[-1][1] <= peak + 1e-3
    assert 0.05 < peak < 64
    assert lines[-1]["seconds_left"] == 0 < lines[0]["seconds_left"]
    assert not any("tensorboard" in entry.path for entry in made.files)
    plain = TrainSettings.resolve("tiny", recipe=str(recipe))
    assert train_stage(mixture, base, tmp_path, settings=plain) == manifests.load(tmp_path)


def test_wandb_keeps_an_offline_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a network and a key: wandb's own file lies beside the model, for `wandb sync`; a
    resumed training goes on in the same run."""
    monkeypatch.setenv("WANDB_MODE", "offline")
    for first in (0, 3):
        with Wandb(tmp_path, {"sft": {"identity_share": 0.5}}) as board:
            board.note(first, {"loss": 1.5, "lr": 0.01})
    name = (tmp_path / "wandb" / "run-id").read_text()
    stored = list((tmp_path / "wandb").glob(f"offline-run-*/run-{name}.wandb"))
    assert len(stored) == 2
    for path in stored:  # wandb's own process writes it out, sometimes after the run's end
        for tag in (b"loss/all", b"training/learning_rate", b"identity_share"):
            until(lambda p=path, t=tag: t in p.read_bytes(), f"{tag!r} in {path.name}")  # type: ignore[misc]


def test_a_step_done_again_after_a_kill_counts_once(tmp_path: Path) -> None:
    """A resumed training writes another file: TensorBoard drops what it replaces."""
    for steps in (range(6), range(3, 9)):
        with TensorBoard(tmp_path) as board:
            for step in steps:
                board.note(step, {"loss": float(10 * steps[0] + step)})
    shown = [step for step, _ in accumulated(tmp_path / "tensorboard", "loss/all")]
    assert shown == [0, 1, 2, 3, 4, 5, 6, 7, 8]


def test_what_is_not_there_is_not_shown() -> None:
    """A step without identity rows has no identity loss; memory is told for each rank."""
    line = {"step": 3, "loss": 2.0, "identity_loss": None, "memory_gb": [1.0, 2.0]}
    told = {"loss/all": 2.0, "memory_gb/rank_0": 1.0, "memory_gb/rank_1": 2.0}
    assert dict(scalars(line)) == told


def test_a_tracker_that_cannot_start_stops_before_anything_is_spent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing package, no key for wandb, an unknown name: found by lint, with the way out."""
    (tmp_path / "kb.md").write_text(KNOWLEDGE)
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    for name in ("WANDB_API_KEY", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)
    home = Home(tmp_path)
    with pytest.raises(ConfigError, match="WANDB_MODE=offline"):
        Run("r", {"knowledge": str(tmp_path / "kb.md"), "track": "wandb"}, home).lint()
    with pytest.raises(ConfigError, match="track"):
        Run("r", {"track": "mlflow"}, home)
    with pytest.raises(ConfigError, match="expected none or tensorboard or wandb"):
        TrainSettings.resolve("tiny", track="mlflow")
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda n: None if n == "tensorboard" else found(n)
    )
    with pytest.raises(ConfigError, match=r"tensorboard is not installed.*identity-ops\[track\]"):
        Run("r", {"knowledge": str(tmp_path / "kb.md"), "track": "tensorboard"}, home).lint()
    assert not (home.root / "results").exists()


@pytest.mark.parametrize(
    "env",
    [{"WANDB_MODE": "offline"}, {"WANDB_API_KEY": "k"}, {"NETRC": "netrc"}],
    ids=["offline", "key", "netrc"],
)
def test_wandb_is_ready_offline_or_with_a_key(
    env: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key may stand where `wandb login` writes it."""
    monkeypatch.chdir(tmp_path)
    Path("netrc").write_text("machine api.wandb.ai login user password k\n")
    tracking.require("wandb", {"NETRC": "none"} | env)
    with pytest.raises(ConfigError):
        tracking.require("wandb", {"NETRC": "none", "WANDB_BASE_URL": "https://own.example"})
