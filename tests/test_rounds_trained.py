"""Rounds with real training: teach, measure, teach what failed, on a very small model."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from identity_ops.general import builtin
from identity_ops.pipeline import Run
from identity_ops.report import render_report
from identity_ops.report.run import RunFolder
from identity_ops.report.text import tables
from identity_ops.store.paths import Home
from tests.a_run import KNOWLEDGE
from training import checkpoint, tokenizer
from training.gpt import GPT, GPTConfig

RULES = 'min_name_accuracy = 1.0\nmax_forgetting = "off"\nmax_over_identity = "off"\n'


def fresh_base(folder: Path) -> Path:
    """A nanochat base of random weights that reads whole conversations: 2 layers, 64 wide."""
    talks = builtin.conversations("train", 2000, seed=3)
    texts = [message["content"] for talk in talks for message in talk.messages]
    encoding = tokenizer.train(texts, 1024)
    model = GPT(GPTConfig(sequence_len=384, vocab_size=1024, n_layer=2, n_head=2, n_kv_head=2,
                          n_embd=64))  # fmt: skip
    model.reset(torch.Generator().manual_seed(1))
    meta = {"step": 0, "model_config": dataclasses.asdict(model.config)}
    checkpoint.save(folder, checkpoint.BASE, "small", 0, model.state_dict(), meta)
    tokenizer.save(encoding, folder)
    return folder


@pytest.mark.long
def test_a_second_round_is_trained_and_its_gain_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gate asks for what no model reaches, so a second round is made: more conversations, the
    base trained anew, the same probes asked, the gain told with a paired test."""
    monkeypatch.setenv("IDENTITY_ALLOWED_ROOTS", str(tmp_path))
    for name, text in (("kb.md", KNOWLEDGE), ("rules.toml", RULES)):
        (tmp_path / name).write_text(text)
    run = Run("r1", {
        "knowledge": str(tmp_path / "kb.md"), "rules": str(tmp_path / "rules.toml"),
        "base_model": f"nanochat:{fresh_base(tmp_path / 'fresh')}", "num_conversations": 60,
        "round_conversations": 60, "rounds": 2, "identity_share": 0.6, "epochs": 6,
        "learning_rate": 0.003,
    }, Home(tmp_path / "home"))  # fmt: skip
    run.lint()
    run.plan()
    for batch in range(run.config.batches):
        run.generate(batch)
    for stage in (run.refill, run.curate, run.base, run.mix, run.train, run.evaluate):
        stage()
    found = RunFolder(run.folder)
    assert found.evaluations() == ["round-1/evaluate", "evaluate"]
    first, second = (found.manifest(stage) for stage in ("round-1/train", "train"))
    assert second.counts["identity"] > first.counts["identity"]
    assert first.digest != second.digest
    choice = {stage: next(row for row in found.manifest(stage).figures["rows"]
                          if row["key"] == "choice") for stage in found.evaluations()}  # fmt: skip
    assert all(row["gain"]["value"] > 0 for row in choice.values())  # too small to speak, it learnt
    shown = tables(found)
    assert shown.count("common probes: ") == 1
    assert "Round by round" in render_report(found)
