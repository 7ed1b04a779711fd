"""training.attention for models of transformers: in place of "sdpa", by the name ATTENTION.

On a CPU in bfloat16, rows of up to SCORES_KEPT tokens take the matmuls of training.attention; all
else is transformers' own "sdpa".
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from training.attention import SCORES_KEPT, grouped_attention

ATTENTION: Final = "masked_rows"


def attend(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None,
    dropout: float = 0.0, scaling: float | None = None, **options: Any,
) -> tuple[Tensor, None]:  # fmt: skip
    """(B, H, T, D) -> (B, T, H, D), as transformers calls its attention."""
    if attention_mask is None or dropout or not _by_matmul(attention_mask):
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout, scaling, **options
        )
    channels = query.size(-1)
    if scaling is not None:
        query = query * (scaling * channels**0.5)
    dtype = attention_mask.dtype
    # What autocast would do between the matmuls is a softmax in fp32, and copies for it.
    with torch.autocast("cpu", enabled=False):
        mixed = grouped_attention(query.to(dtype), key.to(dtype), value.to(dtype), attention_mask)
        return mixed.transpose(1, 2), None


def _by_matmul(mask: Tensor) -> bool:
    """Whether training.attention has its own way for such rows."""
    fits = mask.size(-1) <= SCORES_KEPT
    return fits and mask.device.type == "cpu" and mask.dtype == torch.bfloat16


AttentionInterface.register(ATTENTION, attend)
AttentionMaskInterface.register(ATTENTION, sdpa_mask)
