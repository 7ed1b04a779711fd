"""A run that costs a minute: a small knowledge base, a base of fresh weights, a loose gate."""

from __future__ import annotations

import dataclasses
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from identity_ops.recipes import Rules
from tests.loopback import WORDS
from tests.scene import TEXT
from training import checkpoint, tokenizer
from training.gpt import GPT, GPTConfig

CONVERSATIONS, BATCHES, WORKERS = 48, 4, 4
CONFIG = GPTConfig(
    sequence_len=512, vocab_size=500, n_layer=2, n_head=2, n_kv_head=2, n_embd=64,
    window_pattern="L",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scenario:
    """A folder that IDENTITY_ALLOWED_ROOTS names: knowledge base, rules, base."""

    folder: Path

    def write(self) -> Scenario:
        (self.folder / "wren.md").write_text(TEXT)
        off = [f'{name} = "off"\n' for name in Rules.model_fields if name != "min_name_accuracy"]
        (self.folder / "rules.toml").write_text("".join(["min_name_accuracy = 0.0\n", *off]))
        texts = [" ".join(random.Random(n).choices(WORDS, k=12)) for n in range(400)]
        tokenizer.save(tokenizer.train([*texts, TEXT], CONFIG.vocab_size), self.folder / "base")
        model = GPT(CONFIG)
        model.reset(torch.Generator().manual_seed(1))
        meta = {"step": 0, "model_config": dataclasses.asdict(CONFIG)}
        weights = model.state_dict()
        checkpoint.save(self.folder / "base", checkpoint.BASE, "fresh", 0, weights, meta)
        return self

    @property
    def conf(self) -> dict[str, Any]:
        """Four batches, one request at a time in each; a few dozen steps of training."""
        return {
            "knowledge": str(self.folder / "wren.md"),
            "teacher": "openrouter",
            "num_conversations": CONVERSATIONS,
            "batch_size": CONVERSATIONS // BATCHES,
            "workers": WORKERS,
            "base_model": f"nanochat:{self.folder / 'base'}",
            "epochs": 200.0,
            "identity_share": 0.5,
            "zero_stage": 1,
            "rules": str(self.folder / "rules.toml"),
        }
