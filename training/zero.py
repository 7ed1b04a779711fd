"""What DeepSpeed is told, and how whole weights come back from it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from identity_ops.errors import ConfigError
from identity_ops.recipes import Recipe, Sft


def split_batch(sft: Sft, world: int) -> tuple[int, int]:
    """(rows of a micro-batch, accumulation) so that all processes together take batch_rows.

    Raises:
        ConfigError: the batch does not divide by the number of processes.
    """
    mine, rest = divmod(sft.batch_rows, world)
    if rest:
        raise ConfigError(
            "batch_rows does not divide by the number of processes",
            expected=f"a multiple of {world}", got=sft.batch_rows,
        )  # fmt: skip
    micro = max(size for size in range(1, min(mine, sft.micro_rows) + 1) if mine % size == 0)
    return micro, mine // micro


def deepspeed_config(recipe: Recipe, stage: int, micro: int, accumulation: int) -> dict[str, Any]:
    """DeepSpeed's configuration; what the recipe's [deepspeed] table says wins."""
    config: dict[str, Any] = {
        "train_micro_batch_size_per_gpu": micro,
        "gradient_accumulation_steps": accumulation,
        "gradient_clipping": recipe.sft.clip,
        "steps_per_print": 10**9,
        "wall_clock_breakdown": False,
        "zero_optimization": {"stage": stage},
        # torch's fused AdamW steps on CPUs too; DeepSpeed's own would have to be compiled first.
        "zero_force_ds_cpu_optimizer": False,
    }
    extra = dict(recipe.deepspeed)
    config["zero_optimization"] |= extra.pop("zero_optimization", {})
    return config | extra


def with_offload(recipe: Recipe, offload: str) -> Recipe:
    """The recipe with DeepSpeed told to keep a part in the host's memory.

    Args:
        offload: none; optimizer: its state, and its step is done by the CPU; parameters: these too.
    """
    if offload == "none":
        return recipe
    place = {"device": "cpu", "pin_memory": torch.cuda.is_available()}
    zero: dict[str, Any] = {"offload_optimizer": place}
    if offload == "parameters":
        zero["offload_param"] = place
    told = recipe.deepspeed | {
        "zero_optimization": zero | recipe.deepspeed.get("zero_optimization", {})
    }
    return recipe.model_copy(update={"deepspeed": told})


def full_state(model: torch.nn.Module, rank: int) -> dict[str, Tensor]:
    """What was trained, whole on rank 0; gathered one by one where ZeRO 3 has split it."""
    import deepspeed  # slow to import

    state = {}
    trained = ((name, weight) for name, weight in model.named_parameters() if weight.requires_grad)
    for name, parameter in trained:
        with deepspeed.zero.GatheredParameters([parameter], enabled=hasattr(parameter, "ds_id")):
            if rank == 0:
                state[name] = parameter.detach().cpu().float().clone()
    return state
