"""A sweep from the command line: what it makes, what it makes once, and what it refuses."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from identity_ops import trainer
from identity_ops.cli import build
from identity_ops.errors import IdentityError, TrainingError
from identity_ops.store.manifest import Manifest
from tests.a_learner import Learner
from tests.a_run import KNOWLEDGE

Command = Callable[..., Result]
FEW = ("--conversations", "20,60", "--epochs", "2")


@pytest.fixture
def learner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Learner:
    """What a fact needs twelve conversations to be learnt by."""
    (tmp_path / "kb.md").write_text(KNOWLEDGE)
    found = Learner(tmp_path / "kb.md", 12)
    found.install(monkeypatch)
    return found


@pytest.fixture
def sweep(tmp_path: Path, learner: Learner, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setenv("IDENTITY_HOME", str(tmp_path / "home"))

    def call(*words: str) -> Result:
        argv = ["sweep", str(tmp_path / "kb.md"), "--out", str(tmp_path / "out"), *words]
        return CliRunner().invoke(build(), argv)

    return call


def result(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "out" / "sweep.json").read_text())
    return found


def test_more_conversations_teach_more_and_the_control_learns_nothing(
    sweep: Command, learner: Learner, tmp_path: Path
) -> None:
    """Table, CSV, JSON and plot of the same cells; twice the same sweep trains nothing twice."""
    made = sweep(*FEW)
    assert made.exit_code == 0, made.output
    rows = {
        (row["setting"]["num_conversations"], row["setting"]["control"]): row["measures"]
        for row in result(tmp_path)["rows"]
    }
    few, many, control = (rows[key]["facts"]["value"] for key in
                          ((20, False), (60, False), (60, True)))  # fmt: skip
    assert few < many
    assert control < many
    assert rows[60, False]["gain"]["low"] <= 0 <= rows[60, False]["gain"]["high"]
    with (tmp_path / "out/sweep.csv").open() as table:
        assert [row["num_conversations"] for row in csv.DictReader(table)] == ["60", "60", "20"]
    assert "control" in made.output
    assert (tmp_path / "out/sweep.svg").read_text().startswith("<svg")
    assert learner.trainings == 3
    assert sweep(*FEW).exit_code == 0
    assert learner.trainings == 3
    sweep("--conversations", "20,40,60", "--epochs", "2")
    assert learner.trainings == 5  # 40 is the middle: one more, and the control of that


def test_a_failed_cell_is_said_and_the_others_are_made(
    sweep: Command, learner: Learner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 1, why beside the cell's name; the next attempt makes that cell alone."""
    train, calls = learner.train, list[Path]()

    def once_broken(mix_dir: Path, base_dir: Path, out: Path, **settings: Any) -> Manifest:
        calls.append(out)
        if len(calls) == 2:
            raise TrainingError("the loss is not finite")
        return train(mix_dir, base_dir, out, **settings)

    monkeypatch.setattr(trainer, "train_stage", once_broken)
    made = sweep(*FEW, "--json")
    assert made.exit_code == 1
    failed = [row for row in result(tmp_path)["rows"] if row["failed"]]
    assert [row["setting"]["control"] for row in failed] == [True]
    assert "the loss is not finite" in failed[0]["failed"]["0"]
    assert learner.trainings == 2
    again = sweep(*FEW)
    assert again.exit_code == 0, again.output
    assert learner.trainings == 3


def test_an_interrupted_sweep_goes_on(
    sweep: Command, learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in the second cell: the first is not made again."""
    train = learner.train

    def interrupted(*args: Any, **settings: Any) -> Manifest:
        if learner.trainings == 1:
            raise KeyboardInterrupt
        return train(*args, **settings)

    monkeypatch.setattr(trainer, "train_stage", interrupted)
    assert sweep(*FEW).exit_code != 0
    monkeypatch.setattr(trainer, "train_stage", train)
    assert sweep(*FEW).exit_code == 0
    assert learner.trainings == 3


def test_a_dry_run_tells_the_cells_and_trains_nothing(
    sweep: Command, learner: Learner, tmp_path: Path
) -> None:
    """What it would take, without a folder."""
    said = sweep(*FEW, "--seeds", "0,1", "--dry-run")
    assert said.exit_code == 0, said.output
    assert "control of share 0.55, 2 epochs, 60 conversations, seed 1" in said.output
    assert "6 trainings" in said.output
    assert learner.trainings == 0
    assert not (tmp_path / "out").exists()


def test_the_centre_can_be_chosen(sweep: Command) -> None:
    """The other factors stay there, a listed value or not."""
    said = sweep(
        "--conversations", "20,40,60", "--epochs", "1,2", "--centre", "conversations=20,epochs=4",
        "--dry-run",
    )  # fmt: skip
    first, control, *others = said.output.splitlines()[:6]
    assert first == "share 0.55, 4 epochs, 20 conversations, seed 0"
    assert control == f"control of {first}"
    assert others == [
        "share 0.55, 1 epochs, 20 conversations, seed 0",
        "share 0.55, 2 epochs, 20 conversations, seed 0",
        "share 0.55, 4 epochs, 40 conversations, seed 0",
        "share 0.55, 4 epochs, 60 conversations, seed 0",
    ]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--share", "0.2,high"), "--share: not a list of numbers"),
        (("--share", "nan"), "--share: not a list of numbers"),
        (("--share", "0.2,1.5"), "identity_share"),
        (("--share", "0.2,0.2"), "share: different values"),
        (("--epochs", "0"), "epochs"),
        (("--conversations", "10.5"), "--conversations: whole numbers"),
        (("--conversations", "0,10"), "num_conversations"),
        (("--seeds", ""), "seed: different values"),
        (("--seeds", "-1"), "seed"),
        (("--centre", "rate=3"), "--centre: no place"),
        (("--centre", "epochs=1,epochs=2"), "--centre: no place"),
        (("--centre", "epochs"), "--centre: no place"),
        (("--centre", "conversations=2.5"), "--centre: whole numbers"),
        (("--base", "huge"), "unknown base"),
        (("--general", "none.parquet"), "general: no such file"),
        (("--teacher", "bard"), "teacher"),
        (("--track", "mlflow"), "track"),
        (("--num-processes", "3"), "divide by num_processes"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_found_before_anything_is_made(
    sweep: Command, learner: Learner, tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    """Even where only the last cell would have it."""
    made = sweep(*words)
    assert isinstance(made.exception, IdentityError), made.output
    assert says in str(made.exception)
    assert not (tmp_path / "home").exists()
    assert not (tmp_path / "out").exists()


def test_a_knowledge_base_with_errors_stops_the_sweep(sweep: Command, tmp_path: Path) -> None:
    """As it stops a run, before the first cell."""
    (tmp_path / "kb.md").write_text("# Nobody\n\nNothing.\n")
    made = sweep(*FEW)
    assert isinstance(made.exception, IdentityError)
    assert not (tmp_path / "out" / "sweep.json").exists()
