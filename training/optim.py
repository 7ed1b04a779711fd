"""Optimizer groups and the learning-rate schedule, shared by pretraining and fine-tuning."""

from __future__ import annotations

from typing import Any

from torch import nn

from identity_ops.recipes import Sft
from training.gpt import GPT


def split(model: GPT) -> dict[str, list[nn.Parameter]]:
    """The parameters as embeddings, scalars (gates too), head and matrices; each exactly once."""
    groups: dict[str, list[nn.Parameter]] = {
        "embeddings": [], "scalars": [], "head": [], "matrices": [],
    }  # fmt: skip
    for name, parameter in model.named_parameters():
        if name.startswith(("transformer.wte", "value_embeds")):
            groups["embeddings"].append(parameter)
        elif name.startswith("lm_head"):
            groups["head"].append(parameter)
        elif "gate" in name or "lambda" in name:
            groups["scalars"].append(parameter)
        else:
            groups["matrices"].append(parameter)
    return groups


def adam_groups(
    groups: dict[str, list[nn.Parameter]],
    *,
    rate: float,
    embedding_factor: float,
    scalar_factor: float,
    weight_decay: float = 0.0,
) -> list[dict[str, Any]]:
    """AdamW groups with a peak rate each; only matrices and head decay."""
    factors = {"embeddings": embedding_factor, "scalars": scalar_factor}
    return [
        {
            "params": parameters,
            "lr": rate * factors.get(name, 1.0),
            "peak": rate * factors.get(name, 1.0),
            "weight_decay": 0.0 if name in factors else weight_decay,
        }
        for name, parameters in groups.items()
    ]


def rates(sft: Sft) -> dict[str, float]:
    """What of a recipe `adam_groups` takes."""
    return {
        "rate": sft.learning_rate, "weight_decay": sft.weight_decay,
        "embedding_factor": sft.embedding_factor, "scalar_factor": sft.scalar_factor,
    }  # fmt: skip


def rate_factor(step: int, steps: int, warmup: int, decay_share: float) -> float:
    """The share of the peak rate at `step` (from 0): a ramp, a plateau, then a line down to 0."""
    ramp = (step + 1) / (warmup + 1)
    down = (steps - step) / max(1.0, steps * decay_share)
    return min(1.0, ramp, down)
