"""Muon for matrices: momentum, orthogonalised, with a rate of its own for each neuron.

The update of nanochat's optimizer (nanochat/optim.py of July 2026) in plain PyTorch: Nesterov
momentum; rows brought to one norm (MuonEq, arXiv 2603.28254); five steps of Polar Express
towards the nearest orthogonal matrix (arXiv 2505.16932), its norm then made exact (Muon+, arXiv
2602.21545); a running second moment by neuron (NorMuon, arXiv 2510.05491); and weight decay only
where it agrees with the update. Matrices of one shape are updated together, as one stack: on a
CPU hundreds of small matmuls cost more than a few batched ones.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, Final, overload

import torch
from torch import Tensor

POLAR_EXPRESS: Final = (  # the paper's coefficients for 5 steps, safety factor 0.02
    (8.156554524902461, -22.48329292557795, 15.878769915207462),
    (4.042929935166739, -2.808917465908714, 0.5000178451051316),
    (3.8916678022926607, -2.772484153217685, 0.5060648178503393),
    (3.285753657755655, -2.3681294933425376, 0.46449024233003106),
    (2.3465413258596377, -1.7097828382687081, 0.42323551169305323),
)


class Muon(torch.optim.Optimizer):
    """Muon over 2-D parameters; its state is kept by parameter, so it saves like any other.

    Args:
        params: matrices, or groups of them.
        lr: rate; a matrix taller than wide learns at sqrt(rows / columns) times it.
        momentum: of the gradient's running mean.
        beta2: of the second moment by neuron.
        weight_decay: decoupled.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float,
        momentum: float = 0.95,
        beta2: float = 0.9,
        weight_decay: float = 0.0,
    ) -> None:
        defaults = {
            "lr": lr, "momentum": momentum, "beta2": beta2, "weight_decay": weight_decay,
        }  # fmt: skip
        super().__init__(params, defaults)

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], float]) -> float: ...
    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """One update of every parameter that has a gradient."""
        loss = closure() if closure else None
        for group in self.param_groups:
            stacks: dict[tuple[int, ...], list[Tensor]] = defaultdict(list)
            for weight in group["params"]:
                if weight.grad is not None:
                    stacks[tuple(weight.shape)].append(weight)
            for weights in stacks.values():
                self._update(weights, group)
        return loss

    def _update(self, weights: list[Tensor], group: dict[str, Any]) -> None:
        rows, columns = weights[0].shape
        by_neuron = -1 if rows >= columns else -2
        gradient = torch.stack(
            [weight.grad.float() for weight in weights if weight.grad is not None]
        )
        momentum = self._running(weights, "momentum", torch.zeros_like(gradient))
        momentum.lerp_(gradient, 1 - group["momentum"])
        update = orthogonal(gradient.lerp(momentum, group["momentum"]))
        square = update.square().mean(by_neuron, keepdim=True)
        second = self._running(weights, "second", torch.zeros_like(square))
        second.lerp_(square, 1 - group["beta2"])
        update = _evened(update, square, second)
        for name, values in (("momentum", momentum), ("second", second)):
            for weight, value in zip(weights, values, strict=True):
                self.state[weight][name] = value
        rate = group["lr"] * max(1.0, rows / columns) ** 0.5
        for weight, change in zip(weights, update, strict=True):
            if group["weight_decay"]:
                agrees = (change * weight) >= 0
                change = change + group["weight_decay"] * weight * agrees
            weight.sub_(change.to(weight.dtype), alpha=rate)

    def _running(self, weights: list[Tensor], name: str, start: Tensor) -> Tensor:
        """A running value of all the matrices of a stack."""
        if name not in self.state[weights[0]]:
            return start
        return torch.stack([self.state[weight][name] for weight in weights])


def orthogonal(stack: Tensor) -> Tensor:
    """(N, rows, columns) -> the nearest semi-orthogonal matrices, roughly; fp32.

    Worked out in bfloat16, as on a GPU: the iteration is stable in it.
    """
    rows, columns = stack.shape[-2:]
    whole = stack.norm(dim=(-2, -1), keepdim=True)
    even = stack * (whole / rows**0.5 / stack.norm(dim=-1, keepdim=True).clamp_min(1e-6))
    x = (even / (even.norm(dim=(-2, -1), keepdim=True) * 1.01 + 1e-6)).bfloat16()
    x = x.mT if rows > columns else x
    for a, b, c in POLAR_EXPRESS:
        gram = torch.bmm(x, x.mT)
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    x = (x.mT if rows > columns else x).float()
    norm = x.norm(dim=(-2, -1), keepdim=True).clamp_min(1e-6)
    scaled: Tensor = x * (math.sqrt(min(rows, columns)) / norm)
    return scaled


def _evened(update: Tensor, square: Tensor, second: Tensor) -> Tensor:
    """The update divided by each neuron's usual size, its norm as before."""
    scale = second.clamp_min(1e-10).rsqrt()
    before = square.sum(dim=(-2, -1), keepdim=True).sqrt()
    after = (square * scale.square()).sum(dim=(-2, -1), keepdim=True).sqrt()
    return update * (scale * before / after.clamp_min(1e-10))
