"""Attention gives the same whichever means computes it."""

from __future__ import annotations

import pytest
import torch

from training import attention
from training.attention import additive, grouped_attention


@pytest.mark.parametrize("queries", [1, 24])
@pytest.mark.parametrize("kv_heads", [1, 2, 4])
def test_bfloat16_by_matmul_is_torch_s_kernel(queries: int, kv_heads: int) -> None:
    """Also with fewer keys' heads than queries', and when one token is decoded at a time."""
    generator = torch.Generator().manual_seed(kv_heads)

    def drawn(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator).bfloat16().requires_grad_()

    q, k, v = drawn(3, 4, queries, 16), drawn(3, kv_heads, 24, 16), drawn(3, kv_heads, 24, 16)
    visible = torch.rand(3, queries, 24, generator=generator) < 0.5
    visible[..., 0] = True  # a query that sees nothing has no attention at all
    mask = additive(visible, torch.bfloat16).unsqueeze(1)
    results = []
    for longest in (0, attention.SCORES_KEPT):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(attention, "SCORES_KEPT", longest)
            out = grouped_attention(q, k, v, mask)
        results.append([out, *torch.autograd.grad(out.float().square().sum(), (q, k, v))])
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=0.05, atol=0.05)
