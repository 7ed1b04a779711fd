"""Committed bases of the three shapes."""

from __future__ import annotations

from pathlib import Path

import pytest

from identity_ops.store.stage import Outcome, run_stage
from tests.hf.models import write_model
from training import hf_base


def commit_base(name: str, folder: Path) -> Path:
    """A base as `base_stage` commits it, without a process of its own."""
    source = write_model(name, folder / "source")

    def work(out: Path) -> Outcome:
        figures = hf_base.adopt(source, out)
        return Outcome(files=figures.pop("files"), figures=figures)

    run_stage("base", folder / "base", {"spec": "hf"}, {}, work)
    return folder / "base"


@pytest.fixture(scope="session")
def smol(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SmolLM2-shaped base."""
    return commit_base("smollm2", tmp_path_factory.mktemp("smol"))
