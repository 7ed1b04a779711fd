"""What the training loop asks of a kind of model: nanochat's GPT or a Hugging Face one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from identity_ops.chat_format import ChatFormat, is_hugging_face
from identity_ops.recipes import Recipe
from training.data import Batch
from training.engine import Decoder


class Family(Protocol):
    """One base of a kind, ready to be trained."""

    @property
    def format(self) -> ChatFormat:
        """Its tokenizer and the way it frames turns."""

    @property
    def context(self) -> int:
        """Tokens that the model reads at once."""

    @property
    def width(self) -> int:
        """Channels of its stream."""

    @property
    def weights(self) -> Sequence[Path]:
        """The files that decide what the model is."""

    def model(self, dtype: torch.dtype) -> nn.Module:
        """The model with fp32 parameters and activations in `dtype`, on the CPU."""

    def groups(self, model: Any) -> list[dict[str, Any]]:
        """Its parameters for AdamW: params, lr, peak and weight_decay of each group."""

    def losses(self, engine: nn.Module, batch: Batch) -> Tensor:
        """Losses (N,) of the supervised tokens, by the engine that wraps the model."""

    def save(self, engine: Any, out: Path, step: int, about: dict[str, Any]) -> list[str]:
        """Write model and tokenizer; every rank calls it, rank 0 gets the paths below `out`.

        Args:
            about: settings of the training, kept where the layout has a place for them.
        """


def open_family(base: Path, recipe: Recipe) -> Family:
    """The base in a committed folder.

    Raises:
        DataError, ConfigError: it cannot be trained in this way.
    """
    if is_hugging_face(base):
        from training.hf_family import HfFamily  # imports transformers, which takes seconds

        return HfFamily(base, recipe)
    from training.gpt_family import GPTFamily

    return GPTFamily(base, recipe)


def load_model(folder: Path, device: torch.device) -> Decoder:
    """The model of a folder, to answer with. In fp32 on CPUs, where decoding is faster so.

    Raises:
        DataError: no usable model in it.
    """
    if is_hugging_face(folder):
        from training.hf_family import load_decoder

        return load_decoder(folder, device)
    from training import checkpoint

    return checkpoint.load(folder).to(device).eval()
