"""nanochat's GPT, as the training loop sees it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from identity_ops.chat_format import NanochatFormat
from identity_ops.errors import ConfigError
from identity_ops.recipes import Recipe
from identity_ops.tokens import load_encoding
from training import checkpoint, nanochat_optim, optim, tokenizer
from training.base import config_table
from training.data import Batch
from training.gpt import GPT
from training.zero import full_state


class GPTFamily:
    """A checkpoint in nanochat's layout; see training.family.

    Raises:
        ConfigError: the recipe asks for what this kind of model does not have.
    """

    def __init__(self, base: Path, recipe: Recipe) -> None:
        if recipe.lora is not None:
            raise ConfigError("[lora] is not implemented for nanochat's models", where=base)
        self.encoding = load_encoding(base)
        self.format = NanochatFormat(self.encoding)
        self.recipe = recipe
        self.found = checkpoint.find(base)
        self.config = checkpoint.read_config(self.found)
        self.context, self.width = self.config.sequence_len, self.config.n_embd
        self.weights = [self.found.model]

    def model(self, dtype: torch.dtype) -> GPT:
        return checkpoint.load(self.found.folder, step=self.found.step, dtype=dtype)

    def groups(self, model: GPT) -> list[dict[str, Any]]:
        if self.recipe.muon:
            rate = self.recipe.sft.learning_rate
            return nanochat_optim.groups_of(model, rate, self.recipe.muon)
        return optim.adam_groups(optim.split(model), **optim.rates(self.recipe.sft))

    def losses(self, engine: nn.Module, batch: Batch) -> Tensor:
        found: Tensor = engine(batch.ids, batch.documents, batch.select, batch.targets)
        return found

    def save(self, engine: Any, out: Path, step: int, about: dict[str, Any]) -> list[str]:
        state = full_state(engine.module, dist.get_rank())
        if dist.get_rank():
            return []
        meta = {"step": step, "model_config": config_table(self.config), **about}
        files = checkpoint.save(out, checkpoint.CHAT, self.found.folder.name, step, state, meta)
        return files + tokenizer.save(self.encoding, out)
