"""The head of a transformers model: a linear map, and what some families do to its logits.

Granite divides them, Cohere multiplies them, Gemma 2 caps them; `hf_model.prove` shows that nothing
else is done.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def logits_of(model: Any, hidden: Tensor) -> Tensor:
    """(N, C) -> logits (N, vocabulary) in fp32."""
    # Not by calling the layer: ranks call it for different numbers of chunks, and ZeRO 3 would
    # gather its weights in each call.
    head, config = model.get_output_embeddings(), model.config
    logits = F.linear(hidden, head.weight, getattr(head, "bias", None)).float()
    if factor := getattr(config, "logit_scale", None):
        logits = logits * factor
    if divisor := getattr(config, "logits_scaling", None):
        logits = logits / divisor
    if cap := getattr(config, "final_logit_softcapping", None):
        logits = torch.tanh(logits / cap) * cap
    return logits
