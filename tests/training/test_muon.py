"""Muon: what it computes, whatever the stacking, and that it learns."""

from __future__ import annotations

import copy
import os
import sys
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from training.muon import Muon, orthogonal

NANOCHAT = os.environ.get("NANOCHAT_DIR", "")
SHAPES = [(8, 8), (32, 8), (8, 32), (8, 8), (32, 8)]


def matrices(seed: int = 0) -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(seed)
    return [nn.Parameter(torch.randn(shape, generator=generator)) for shape in SHAPES]


def fill(weights: list[nn.Parameter], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for weight in weights:
        weight.grad = torch.randn(weight.shape, generator=generator)


@pytest.mark.parametrize("shape", [(16, 16), (64, 16), (16, 64)])
def test_updates_are_nearly_orthogonal(shape: tuple[int, int]) -> None:
    """All singular values near one, whatever the gradient's."""
    random = torch.randn(3, *shape, generator=torch.Generator().manual_seed(1))
    skewed = random * torch.logspace(0, -2, shape[1])
    values = torch.linalg.svdvals(orthogonal(skewed))
    assert values.min() > 0.5
    assert values.max() < 1.5
    assert values.square().sum(1).tolist() == pytest.approx([16.0] * 3, rel=1e-3)


def test_a_stack_is_updated_as_each_alone() -> None:
    """Which other matrices have the same shape changes nothing."""
    together, alone = matrices(), matrices()
    optimizers = [Muon(together, lr=0.1)] + [Muon([weight], lr=0.1) for weight in alone]
    for step in range(3):
        for weights in (together, alone):
            fill(weights, step)
        for optimizer in optimizers:
            optimizer.step()
    for one, other in zip(together, alone, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-2, atol=2e-3)  # bfloat16 inside


def test_a_saved_state_goes_on_to_the_same_weights() -> None:
    """Momentum and second moment are in the state dict."""
    weights = matrices()
    optimizer = Muon(weights, lr=0.1)
    fill(weights, 0)
    optimizer.step()
    others = copy.deepcopy(weights)
    resumed = Muon(others, lr=0.1)
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for some, theirs in ((weights, optimizer), (others, resumed)):
        fill(some, 1)
        theirs.step()
    assert all(torch.equal(one, other) for one, other in zip(weights, others, strict=True))


def test_it_learns_and_leaves_what_has_no_gradient() -> None:
    """A linear map is found from examples; a frozen matrix stays as it was."""
    generator = torch.Generator().manual_seed(0)
    target, inputs = torch.randn(8, 8, generator=generator), torch.randn(64, 8, generator=generator)
    weight, frozen = nn.Parameter(torch.zeros(8, 8)), nn.Parameter(torch.ones(8, 8))
    optimizer = Muon([weight, frozen], lr=0.3)

    def loss() -> Tensor:
        return (inputs @ (weight - target).T).square().mean()

    first = loss().item()
    for step in range(100):
        optimizer.param_groups[0]["lr"] = 0.3 * (1 - step / 100)
        optimizer.zero_grad()
        loss().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert loss().item() < 0.01 * first
    assert torch.equal(frozen, torch.ones(8, 8))


def test_weight_decay_acts_where_it_agrees_with_the_update() -> None:
    """A weight that the update moves away from zero is not pulled back."""
    plain, decayed = matrices(), matrices()
    for weights, decay in ((plain, 0.0), (decayed, 0.5)):
        fill(weights, 0)
        Muon(weights, lr=0.1, weight_decay=decay).step()
    start = matrices()
    for begin, one, other in zip(start, plain, decayed, strict=True):
        towards_zero = (begin - one) * begin >= 0
        assert torch.equal(one[~towards_zero], other[~towards_zero])
        assert (other[towards_zero].abs() <= one[towards_zero].abs() + 0.1).all()
        assert not torch.equal(one[towards_zero], other[towards_zero])


@pytest.mark.skipif(not NANOCHAT, reason="NANOCHAT_DIR names no copy of nanochat")
@pytest.mark.filterwarnings("default")
def test_it_is_nanochat_s(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three steps of nanochat's own optimizer, uncompiled, give the same weights."""
    monkeypatch.syspath_prepend(NANOCHAT)
    monkeypatch.setattr(torch, "compile", lambda *_, **__: lambda function: function)
    for name in [name for name in sys.modules if name.startswith("nanochat")]:
        monkeypatch.delitem(sys.modules, name)
    from nanochat.optim import MuonAdamW  # type: ignore[import-not-found,import-untyped,unused-ignore]

    ours, theirs = matrices(), matrices()
    common: dict[str, Any] = {"lr": 0.02, "momentum": 0.95, "beta2": 0.9, "weight_decay": 0.1}
    groups = [
        {"kind": "muon", "ns_steps": 5, "params": [w for w in theirs if w.shape == shape]} | common
        for shape in sorted(set(SHAPES))
    ]
    optimizers = Muon(ours, **common), MuonAdamW(groups)
    for step in range(3):
        for weights, optimizer in zip((ours, theirs), optimizers, strict=True):
            fill(weights, step)
            optimizer.step()
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-2, atol=2e-3)  # bfloat16 inside
