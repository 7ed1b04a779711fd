"""A very small base and mixture, made in a second, and ways to train on them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from identity_ops.trainer import TrainSettings, train_stage
from tests.training.parrot import ENDLESS, SCRIPT, parrot
from tests.training.small import RECIPE, small_base, small_rows, write_mixture


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A committed base of random weights with a trained tokenizer."""
    return small_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="session")
def mixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A committed mixture of 60 identity and 40 general conversations."""
    folder = tmp_path_factory.mktemp("mixture")
    rows = small_rows(60, 40, random.Random("mixture"))
    return write_mixture(folder, rows, small_rows(6, 6, random.Random("val")))


@pytest.fixture(scope="session")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe file that suits them: fp32, rows of 64 tokens, batches of 4 rows."""
    path = tmp_path_factory.mktemp("recipe") / "small.toml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def reference(
    base: Path, mixture: Path, recipe: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The undisturbed run on one process with ZeRO 2."""
    out = tmp_path_factory.mktemp("reference")
    train_stage(mixture, base, out, settings=TrainSettings.resolve("tiny", recipe=str(recipe)))
    return out


@pytest.fixture(scope="session")
def scripted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that answers with a script tag."""
    return parrot(tmp_path_factory.mktemp("scripted") / "pip", SCRIPT)


@pytest.fixture(scope="session")
def endless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that never comes to an end."""
    return parrot(tmp_path_factory.mktemp("endless") / "loop", f" {ENDLESS}", endless=True)
