"""The control: the same training without what teaches identity."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from identity_ops.control import control_settings, control_stage, mean_difference
from identity_ops.errors import UsageError
from identity_ops.mix.table import TRAIN
from identity_ops.trainer import TrainSettings
from tests.training.small import small_rows, write_mixture
from training.data import read_mixture


def test_a_control_has_the_general_rows_alone(tmp_path: Path) -> None:
    """The very same ones, in their order, in both files."""
    rows = small_rows(30, 20, random.Random(1))
    mixed = write_mixture(tmp_path / "mix", rows, rows[25:35])
    made = control_stage(mixed, tmp_path / "control")
    kept = [row["id"] for row in read_mixture(tmp_path / "control" / TRAIN)]
    assert kept == [row["id"] for row in rows if row["source"] == "general"]
    assert made.counts == {"train.parquet": 20, "val.parquet": 5}


def test_a_control_may_train_without_identity_rows() -> None:
    """And nothing else of the settings is changed."""
    settings = TrainSettings.resolve("tiny", epochs=2.0)
    control = control_settings(settings)
    assert control.recipe.sft.control
    assert control.recipe.sft.model_copy(update={"control": False}) == settings.recipe.sft


def test_a_difference_is_of_means_over_seeds() -> None:
    """Two seeds against one control; the interval holds the value and is that of the items."""
    taught = [[True] * 60 + [False] * 40, [True] * 40 + [False] * 60]
    found = mean_difference(taught, [[True] * 100])
    assert found.value == pytest.approx(-0.5)
    assert found.low < -0.5 < found.high
    assert mean_difference([[True, False]], [[True, False]]).low == 0


@pytest.mark.parametrize("sides", [([], [[True]]), ([[True]], []), ([[True]], [[True, False]]),
                                   ([[]], [[]])])  # fmt: skip
def test_a_difference_needs_the_same_items(
    sides: tuple[list[list[bool]], list[list[bool]]],
) -> None:
    """Nothing compared is an error, not zero."""
    with pytest.raises(UsageError):
        mean_difference(*sides)
