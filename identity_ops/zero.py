"""What DeepSpeed's ZeRO stages can and cannot be combined with, checked before anything starts."""

from __future__ import annotations

from typing import Final

from identity_ops.errors import ConfigError
from identity_ops.recipes import Recipe

# What is kept in host memory, and the least stage that splits it.
OFFLOAD: Final = {"none": 0, "optimizer": 1, "parameters": 3}


def check(recipe: Recipe, stage: int, offload: str) -> None:
    """Refuse what cannot work.

    Raises:
        ConfigError: says what to take instead.
    """
    least = OFFLOAD.get(offload)
    if least is None or not 0 <= stage <= 3:
        raise ConfigError(
            "unknown ZeRO stage or offload", expected=f"0 to 3, and one of {', '.join(OFFLOAD)}",
            got=f"{stage}, {offload}",
        )  # fmt: skip
    if stage < least:
        raise ConfigError(
            f"offload = {offload} needs a ZeRO stage that splits it", expected=f"{least} to 3",
            got=stage, todo=f"Take zero_stage {least} or above.",
        )  # fmt: skip
    if recipe.muon is not None and stage:
        raise ConfigError(
            "Muon works on whole matrices, ZeRO 1 to 3 hand the optimizer flat shards",
            where="[muon]", expected="zero_stage 0", got=stage,
            todo="Take --zero-stage 0, or leave [muon] out for AdamW.",
        )  # fmt: skip
