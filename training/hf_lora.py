"""Low-rank adapters by peft: put in, written out, and merged into the weights.

The adapter's files are peft's own, so other tools read them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import peft
import torch
from safetensors.torch import save as to_bytes
from torch import Tensor

from identity_ops.errors import ConfigError
from identity_ops.recipes import Lora
from identity_ops.store.publish import write_atomic

FOLDER = "adapter"
WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"
_SLOT = ".default"  # peft's name for the one adapter, within the names of weights


def put_in(model: Any, lora: Lora, seed: int) -> None:
    """Freeze the model's weights and put fresh adapters beside its linear layers, in place.

    Raises:
        ConfigError: no layer has one of the target names.
    """
    for weight in model.parameters():
        weight.requires_grad_(False)
    try:
        with torch.random.fork_rng():
            torch.manual_seed(seed)  # the same on every rank, and when it is run again
            peft.inject_adapter_in_model(_config(model, lora), model)
    except ValueError as error:
        text = str(error).splitlines()[0]
        raise ConfigError(f"lora: {text}", where="[lora] targets", got=lora.targets) from error


def _config(model: Any, lora: Lora) -> peft.LoraConfig:
    if lora.targets == "all-linear":
        head = model.get_output_embeddings()
        targets = sorted(
            {
                name.rpartition(".")[2]
                for name, module in model.named_modules()
                if type(module).__name__ == "Linear" and module is not head
            }
        )
    else:
        targets = list(lora.targets)
    return peft.LoraConfig(
        r=lora.rank, lora_alpha=lora.alpha, target_modules=targets, task_type="CAUSAL_LM"
    )


def save(model: Any, lora: Lora, state: Mapping[str, Tensor], out: Path) -> list[str]:
    """Write the adapter; returns the paths relative to `out`.

    Args:
        model: without adapters, to name their places.
        state: the trained weights by their names in the model.
    """
    folder = out / FOLDER
    named = {f"base_model.model.{name.replace(_SLOT, '')}": w for name, w in state.items()}
    write_atomic(folder / WEIGHTS, to_bytes({n: w.contiguous() for n, w in named.items()}))
    config = _config(model, lora)
    config.inference_mode = True
    config.save_pretrained(str(folder))
    return [f"{FOLDER}/{WEIGHTS}", f"{FOLDER}/{CONFIG}"]


def merged(model: Any, folder: Path) -> Any:
    """The model with the adapter in `folder` added into its weights."""
    with_adapter = peft.PeftModel.from_pretrained(model, str(folder), local_files_only=True)
    return with_adapter.merge_and_unload()
