"""Choose the dtype of activations by measuring, not by the model of the processor."""

from __future__ import annotations

import time

import torch
from torch import Tensor

from identity_ops.recipes import Precision


def activation_dtype(precision: Precision, width: int = 128) -> torch.dtype:
    """The dtype a recipe asks for; "auto" takes bfloat16 where its matmuls are faster.

    Resuming needs the same choice, so a checkpoint stores it.
    """
    if precision != "auto":
        return torch.bfloat16 if precision == "bfloat16" else torch.float32
    if torch.cuda.is_available():
        return torch.bfloat16 if torch.cuda.is_bf16_supported(False) else torch.float32
    x, weight = torch.ones(2048, width), torch.ones(4 * width, width)
    half = _seconds(x.bfloat16(), weight.bfloat16())
    return torch.bfloat16 if 1.3 * half < _seconds(x, weight) else torch.float32


def _seconds(x: Tensor, weight: Tensor) -> float:
    """The best of several matmuls: noise only ever adds time."""
    times = []
    for _ in range(12):
        start = time.perf_counter()
        torch.nn.functional.linear(x, weight)
        times.append(time.perf_counter() - start)
    return min(times)
