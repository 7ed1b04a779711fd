"""The fine-tuning benchmarks measure what they say: every trainer, the same supervised tokens."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

from benchmarks import sft_nanochat, sft_trl
from benchmarks.sft_turns import WARM, Shape, Turn

NANOCHAT = os.environ.get("NANOCHAT_DIR", "")
STEPS = WARM + 3
ROW = 256, 4  # tokens, and rows a step


def check(turns: dict[str, Turn]) -> None:
    """Best-fit packing orders rows by chance, so steps differ, and totals a little."""
    totals = {name: sum(step[0] for step in turn.steps) for name, turn in turns.items()}
    for name, turn in turns.items():
        assert len(turn.steps) == STEPS, name
        assert all(0 < step[0] < ROW[0] * ROW[1] for step in turn.steps), name
        assert turn.rate > 0
        assert turn.cpu_rate > 0
        assert totals[name] == pytest.approx(totals["ours"], rel=0.2), name


@pytest.mark.long
def test_ours_and_nanochat_train_on_as_many_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    """nanochat's own script, where there is a copy of it; not compiled, which takes minutes."""
    monkeypatch.setenv("TORCHDYNAMO_DISABLE", "1")
    shape = Shape(2, 32, 2, 512, *ROW)
    (turns,) = sft_nanochat.measure(shape, Path(NANOCHAT) if NANOCHAT else None, 1, STEPS)
    assert len(turns) == (3 if NANOCHAT else 1)
    check(turns)


@pytest.mark.long
def test_ours_and_trl_train_on_as_many_tokens() -> None:
    """One way of TRL's stands for all: they differ in settings alone."""
    if importlib.util.find_spec("trl") is None:
        pytest.skip("trl is not installed")
    shape = Shape(1, 32, 2, 600, *ROW)
    name, settings = list(sft_trl.TRL.items())[-1]
    (turns,) = sft_trl.measure(shape, 1, STEPS, {name: settings})
    assert len(turns) == 2
    check(turns)
