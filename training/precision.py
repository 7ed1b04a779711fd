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
    return torch.bfloat16 if _bfloat16_is_faster(width) else torch.float32


def _bfloat16_is_faster(width: int) -> bool:
    """On one thread, in turns, best of many: a busy machine only ever adds time."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    x, weight = torch.ones(2048, width), torch.ones(4 * width, width)
    pairs = {"float32": (x, weight), "bfloat16": (x.bfloat16(), weight.bfloat16())}
    best = dict.fromkeys(pairs, float("inf"))
    for _ in range(30):
        for name, pair in pairs.items():
            best[name] = min(best[name], _seconds(*pair))
    torch.set_num_threads(threads)
    return 1.3 * best["bfloat16"] < best["float32"]


def _seconds(x: Tensor, weight: Tensor) -> float:
    start = time.perf_counter()
    torch.nn.functional.linear(x, weight)
    return time.perf_counter() - start
