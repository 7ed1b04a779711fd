"""A Hugging Face model, as the training loop sees it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from identity_ops import hf_format
from identity_ops.chat_format import context_of, read_json
from identity_ops.errors import ConfigError
from identity_ops.hf_source import CONFIG
from identity_ops.recipes import Recipe
from training import hf_files, hf_lora, hf_model, optim
from training.data import Batch
from training.hf_attention import ATTENTION
from training.hf_model import HfModel
from training.zero import full_state

_OURS = "model."  # where HfModel keeps transformers' model


class HfFamily:
    """A committed folder in transformers' layout; see training.family.

    Raises:
        ConfigError: the recipe asks for what is not implemented for these models.
    """

    def __init__(self, base: Path, recipe: Recipe) -> None:
        _check(recipe)
        self.base, self.recipe = base, recipe
        self.settings = recipe.hf or hf_model.PLAIN
        self.format = hf_format.TemplateFormat.load(base)
        config = read_json(base / CONFIG)
        self.width = int(config.get("hidden_size") or config["n_embd"])
        self.context = context_of(base) or recipe.sft.row_tokens
        self.weights = [base / name for name in hf_files.names(base)]

    def model(self, dtype: torch.dtype) -> HfModel:
        attention = "flex_attention" if self.settings.attention == "flex" else ATTENTION
        model = hf_model.load(self.base, attention=attention)
        if self.recipe.lora is not None:
            hf_lora.put_in(model, self.recipe.lora, self.recipe.sft.seed)
        return HfModel(model, dtype, self.settings)

    def groups(self, model: HfModel) -> list[dict[str, Any]]:
        """Embeddings (a head tied to them included), norms and biases, head, and the rest."""
        inner: Any = model.model
        embedding, head = inner.get_input_embeddings().weight, inner.get_output_embeddings().weight
        groups: dict[str, list[nn.Parameter]] = {
            "embeddings": [], "scalars": [], "head": [], "matrices": [],
        }  # fmt: skip
        for weight in inner.parameters():
            if weight is embedding:
                kind = "embeddings"
            elif weight is head:
                kind = "head"
            else:
                kind = "scalars" if weight.dim() < 2 else "matrices"
            if weight.requires_grad:
                groups[kind].append(weight)
        filled = {name: weights for name, weights in groups.items() if weights}
        return optim.adam_groups(filled, **optim.rates(self.recipe.sft))

    def losses(self, engine: nn.Module, batch: Batch) -> Tensor:
        found: Tensor = engine(batch.ids, batch.documents, batch.select, batch.targets)
        return found

    def save(self, engine: Any, out: Path, step: int, about: dict[str, Any]) -> list[str]:  # noqa: ARG002
        state = full_state(engine.module, dist.get_rank())
        if dist.get_rank():
            return []
        trained = {name.removeprefix(_OURS): weight for name, weight in state.items()}
        if self.recipe.lora is None:
            model = hf_model.load(self.base)
            model.load_state_dict(trained, strict=False)
        else:
            adapter = hf_lora.save(hf_model.load(self.base), self.recipe.lora, trained, out)
            if not self.recipe.lora.merge:
                return adapter + hf_files.link(self.base, out)
            model = hf_lora.merged(hf_model.load(self.base), out / hf_lora.FOLDER)
            shutil.rmtree(out / hf_lora.FOLDER)
        return hf_files.save(model, self.base, out, self.format.stop)


def _check(recipe: Recipe) -> None:
    if recipe.muon is not None:
        raise ConfigError(
            "[muon] is for nanochat's models", todo="Leave it out: these learn by AdamW."
        )
    for name in ("hidden_words", "cut_words"):
        if getattr(recipe.sft, name):
            raise ConfigError(
                f"{name} is not implemented for Hugging Face bases", expected=0,
                got=getattr(recipe.sft, name), todo="Set it to 0 in the recipe.",
            )  # fmt: skip
    if recipe.hf and recipe.hf.attention == "flex" and not torch.cuda.is_available():
        raise ConfigError('attention = "flex" trains on GPUs only', expected='"sdpa"', got='"flex"')


def load_decoder(folder: Path, device: torch.device) -> HfModel:
    """See training.family.load_model; an adapter that lies beside the weights is added to them."""
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    model = hf_model.load(folder, dtype=dtype)
    if (folder / hf_lora.FOLDER).is_dir():
        model = hf_lora.merged(model, folder / hf_lora.FOLDER)
    return HfModel(model, dtype).to(device).eval()
