"""Block-sparse masks hide what dense ones hide; what runs on GPUs alone is tried there first."""

from __future__ import annotations

import pytest
import torch

from training import flex
from training.attention import grouped_attention
from training.gpt import dense_masks

CPU = torch.device("cpu")


@pytest.mark.filterwarnings("ignore")  # torch says that it is slow where it is not compiled
def test_the_result_is_that_of_dense_masks() -> None:
    """In fp32, with shared keys and values, packed conversations, padding and two windows."""
    documents = torch.tensor([[0] * 70 + [1] * 58, [0] * 5 + [1] * 100 + [-1] * 23])
    draw = torch.Generator().manual_seed(1)
    q = torch.randn(2, 4, 128, 16, generator=draw)
    k, v = (torch.randn(2, 2, 128, 16, generator=draw) for _ in range(2))
    windows = (32, 128)
    sparse, dense = flex.masks(documents, windows), dense_masks(documents, windows, torch.float32)
    for window in windows:
        found = flex.attend(q, k, v, sparse[window])
        torch.testing.assert_close(
            found, grouped_attention(q, k, v, dense[window]), rtol=1e-4, atol=1e-5
        )
    assert not torch.allclose(found, grouped_attention(q, k, v, dense[32]), atol=1e-2)


@pytest.mark.filterwarnings("ignore")
def test_the_check_at_the_first_use_sees_a_wrong_mask(monkeypatch: pytest.MonkeyPatch) -> None:
    """Conversations that see each other are far above the tolerance."""
    assert flex.deviation(CPU, torch.float32, 16) < 1e-4
    right = flex.masks
    monkeypatch.setattr(flex, "masks", lambda documents, windows: right(documents * 0, windows))
    assert flex.deviation(CPU, torch.float32, 16) > 3 * flex.TOLERANCE


def test_a_cpu_keeps_dense_masks() -> None:
    """There is no backward pass for it there."""
    assert not flex.is_usable(CPU, torch.bfloat16, 64)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_computes_result_and_gradient() -> None:
    """Compiled, in bfloat16."""
    assert flex.is_usable(torch.device("cuda"), torch.bfloat16, 64)
