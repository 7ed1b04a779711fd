"""Muon for matrices and AdamW for the rest, grouped and rated as nanochat fine-tunes.

Facts are those of nanochat/gpt.py (setup_optimizer) and scripts/chat_sft.py of July 2026: rates of
AdamW are for 768 channels and fall with the square root of the width; Muon's momentum warms up.
Covers one optimizer over both, as DeepSpeed wants it. Muon needs whole matrices, so not ZeRO 1 to
3, whose optimizers see flat shards.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload

import torch
from torch import nn

from identity_ops.recipes import Muon as Rates
from identity_ops.recipes import Recipe
from training.gpt import GPT
from training.muon import Muon

WIDTH = 768  # of the model that the rates are for
WARM_UP, START, MOMENTUM = 300, 0.85, 0.95


def groups_of(model: GPT, matrix_rate: float, rates: Rates) -> list[dict[str, Any]]:
    """Every parameter once: params, lr, peak, muon and what the optimizer of its kind takes."""
    scale = (model.config.n_embd / WIDTH) ** -0.5
    embedding, head = rates.embedding_rate * scale, rates.head_rate * scale
    smear: list[nn.Parameter] = [
        *model.smear_gate.parameters(), model.smear_lambda, model.backout_lambda,
    ]  # fmt: skip
    parts: list[tuple[list[nn.Parameter], float, tuple[float, float], float]] = [
        (list(model.lm_head.parameters()), head, (0.8, 0.96), 0.01),
        (list(model.transformer["wte"].parameters()), embedding, (0.8, 0.995), 0.001),
        (list(model.value_embeds.parameters()), embedding / 2, (0.8, 0.995), 0.01),
        ([model.resid_lambdas], rates.scalar_rate / 100, (0.8, 0.95), 0.05),
        ([model.x0_lambdas], rates.scalar_rate, (0.96, 0.95), 0.0),
        (smear, rates.scalar_rate * 0.4, (0.8, 0.95), 0.0),
    ]
    adam = [
        {"params": weights, "lr": rate, "peak": rate, "betas": betas, "eps": 1e-10,
         "weight_decay": decay, "muon": False}
        for weights, rate, betas, decay in parts
    ]  # fmt: skip
    matrices = list(model.transformer["h"].parameters())
    return [*adam, {"params": matrices, "lr": matrix_rate, "peak": matrix_rate, "muon": True}]


def optimizer_of(groups: list[dict[str, Any]], recipe: Recipe) -> torch.optim.Optimizer:
    """What a recipe trains with."""
    if recipe.muon is not None:
        return MuonAdamW(groups)
    return torch.optim.AdamW(groups, betas=recipe.sft.betas, fused=True)


def set_rates(groups: list[dict[str, Any]], factor: float, step: int) -> None:
    """The share `factor` of each group's peak rate; and Muon's momentum at `step` (from 0)."""
    for group in groups:
        group["lr"] = factor * group["peak"]
        if group.get("muon"):
            group["momentum"] = momentum_at(step)


def momentum_at(step: int) -> float:
    """Muon's momentum at `step` (from 0)."""
    share = min(step / WARM_UP, 1.0)
    return (1 - share) * START + share * MOMENTUM


class MuonAdamW(torch.optim.Optimizer):
    """Two optimizers as one; each group says which it belongs to.

    Args:
        groups: with "muon".
    """

    def __init__(self, groups: list[dict[str, Any]]) -> None:
        super().__init__(groups, {"lr": 0.0})
        kinds = [
            [group for group in self.param_groups if group["muon"] is kind]
            for kind in (True, False)
        ]
        self._parts = (Muon(kinds[0], lr=0.0), torch.optim.AdamW(kinds[1], lr=0.0, fused=True))
        self._share_state()

    def _share_state(self) -> None:
        for part, kind in zip(self._parts, (True, False), strict=True):
            part.state = self.state
            part.param_groups = [group for group in self.param_groups if group["muon"] is kind]

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], float]) -> float: ...
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """One update of everything."""
        loss = closure() if closure else None
        for part in self._parts:
            part.step()
        return loss

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """As of any optimizer."""
        super().load_state_dict(state_dict)
        self._share_state()
