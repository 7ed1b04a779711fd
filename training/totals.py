"""Sums of losses over the supervised tokens of a step or of a validation, by source."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from training.data import SOURCES


@dataclass(slots=True)
class Totals:
    """Sums over the supervised tokens of a step, by source: added up over ranks."""

    losses: Tensor  # (2,)
    counts: Tensor  # (2,)

    @classmethod
    def zeros(cls) -> Totals:
        return cls(torch.zeros(2, dtype=torch.float64), torch.zeros(2, dtype=torch.float64))

    def add(self, losses: Tensor, sources: Tensor) -> None:
        """Take in the losses (N,) of tokens of `sources` (N,)."""
        losses, sources = losses.detach().cpu().double(), sources.cpu()
        self.losses.index_add_(0, sources, losses)
        self.counts.index_add_(0, sources, torch.ones_like(losses))

    def means(self) -> dict[str, float | None]:
        """loss, identity_loss and general_loss; None where there was no such token."""
        total = self.counts.sum().item()
        found: dict[str, float | None] = {"loss": self.losses.sum().item() / total}
        for name, loss, count in zip(
            SOURCES, self.losses.tolist(), self.counts.tolist(), strict=True
        ):
            found[f"{name}_loss"] = loss / count if count else None
        return found
