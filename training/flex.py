"""Attention on GPUs that skips what is masked: FlexAttention with block-sparse masks.

Covers the masks of packed conversations with sliding windows, and a check at the first use: on the
device itself, result and gradient must be those of dense masks, or these stay in use. Not for
CPUs, where FlexAttention has no backward pass. Source: Dong et al. 2024, "Flex Attention: A
Programming Model for Generating Optimized Attention Kernels".
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention

log = logging.getLogger(__name__)
Attend = Callable[[Tensor, Tensor, Tensor, Any], Tensor]
TOLERANCE: Final = 0.05  # of values around 1 in bfloat16; a wrong mask is off by more than 0.3


def masks(documents: Tensor, windows: Sequence[int]) -> dict[int, BlockMask]:
    """Window -> mask: causal, within the document, at most `window` back.

    Args:
        documents: (B, T) number of the conversation of each position.
    """
    return {window: mask(documents, window) for window in sorted(set(windows))}


def mask(documents: Tensor, window: int) -> BlockMask:
    """Causal, within the document, at most `window` back."""

    def visible(row: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:  # noqa: ARG001
        near = (query >= key) & (query - key <= window)
        return near & (documents[row, query] == documents[row, key])

    rows, length = documents.shape
    return create_block_mask(visible, rows, None, length, length, device=documents.device)


def attend(q: Tensor, k: Tensor, v: Tensor, mask: BlockMask) -> Tensor:
    """Attention of (B, H, T, D) queries to fewer, shared keys and values."""
    kernel = _compiled() if q.is_cuda else flex_attention
    out: Tensor = kernel(q, k, v, block_mask=mask, enable_gqa=q.size(1) != k.size(1))
    return out


@lru_cache(maxsize=1)
def _compiled() -> Any:
    return torch.compile(flex_attention)


@lru_cache(maxsize=8)
def is_usable(device: torch.device, dtype: torch.dtype, head_dim: int) -> bool:
    """Whether a device computes it, and computes what dense masks give; tried once."""
    if device.type != "cuda" or dtype != torch.bfloat16:
        return False
    try:
        off = deviation(device, dtype, head_dim)
    except Exception as error:  # no compiler, an old GPU, too little shared memory: many classes
        log.warning("FlexAttention does not run here, dense masks do: %s", str(error)[:200])
        return False
    if off > TOLERANCE:
        log.warning("FlexAttention is off by %g here, dense masks are used", off)
    return off <= TOLERANCE


def deviation(device: torch.device, dtype: torch.dtype, head_dim: int) -> float:
    """The largest difference to dense masks, in result and gradients, of a small case."""
    from training.attention import grouped_attention
    from training.gpt import dense_masks

    draw = torch.Generator().manual_seed(0)
    documents = torch.tensor([[0] * 100 + [1] * 130 + [-1] * 26]).to(device)
    window = 64
    sizes = ((1, 4, 256, head_dim), (1, 2, 256, head_dim), (1, 2, 256, head_dim))
    qkv = [torch.randn(size, generator=draw).to(device, dtype) for size in sizes]
    mask = masks(documents, [window])[window]
    dense = dense_masks(documents, (window,), dtype)[window]
    ours, theirs = _run(attend, qkv, mask), _run(grouped_attention, qkv, dense)
    pairs = zip(ours, theirs, strict=True)
    return max(float((one.float() - other.float()).abs().max()) for one, other in pairs)


def _run(how: Attend, qkv: list[Tensor], mask: Any) -> list[Tensor]:
    """The result, and the gradients where there is a backward pass."""
    learnt = qkv[0].is_cuda
    q, k, v = leaves = [part.clone().requires_grad_(learnt) for part in qkv]
    out = how(q, k, v, mask)
    if not learnt:
        return [out]
    return [out, *torch.autograd.grad(out.float().square().mean() * 100, leaves)]
