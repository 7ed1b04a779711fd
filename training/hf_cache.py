"""Rows of different lengths decoded together by a transformers model, as training.engine asks.

The prompts share one right-padded causal prefill; then each row writes its keys and values at its
own position and reads no further, so no row ever sees padding or another row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers.cache_utils import Cache, CacheLayerMixin

from training import hf_windows
from training.attention import additive
from training.hf_head import logits_of


class _Layer(CacheLayerMixin):
    """Keys and values (B, H, width, D) of one layer. `at`: where the next tokens go."""

    is_sliding = False

    def __init__(self, room: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.room = room
        self.at: Tensor | None = None  # (B,) places, None: the prompt, from 0
        self.tables: list[Tensor] = []

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        self.tables = [F.pad(states, (0, 0, 0, self.room)) for states in (key_states, value_states)]
        self.is_initialized = True

    def update(
        self,
        key_states: Tensor,
        value_states: Tensor,
        *args: Any,  # noqa: ARG002
        **kwargs: Any,  # noqa: ARG002
    ) -> tuple[Tensor, Tensor]:
        if self.at is None:
            self.lazy_initialization(key_states, value_states)
            return key_states, value_states
        rows, width = torch.arange(len(self.at), device=self.at.device), int(self.at.max()) + 1
        for table, new in zip(self.tables, (key_states, value_states), strict=True):
            table[rows, :, self.at] = new[:, :, 0]
        return self.tables[0][:, :, :width], self.tables[1][:, :, :width]

    def get_seq_length(self) -> int:
        return 0 if self.at is None else int(self.at.max())

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.get_seq_length() + query_length, 0

    def get_max_length(self) -> int:
        return -1


class HfCache:
    """See training.engine.Rows.

    Args:
        model: transformers', in evaluation mode.
        prompts: token ids, one list a row, none empty.
        room: tokens that each row may still get.
    """

    def __init__(self, model: Any, prompts: Sequence[Sequence[int]], room: int) -> None:
        self.model = model
        weight = model.get_input_embeddings().weight
        self.dtype, device = weight.dtype, weight.device
        self.lengths = torch.tensor([len(prompt) for prompt in prompts], device=device)
        self.ids = torch.zeros(len(prompts), int(self.lengths.max()), dtype=torch.long)
        for row, prompt in enumerate(prompts):
            self.ids[row, : len(prompt)] = torch.tensor(prompt)
        self.ids = self.ids.to(device)
        self.layers = [_Layer(room) for _ in range(model.config.num_hidden_layers)]

    def prefill(self) -> Tensor:
        """Read the prompts; logits (B, vocab) of each row's next token."""
        place = torch.arange(self.ids.size(1), device=self.ids.device)
        hidden = self._read(self.ids, place.unsqueeze(0), (place[:, None] - place)[None])
        rows = torch.arange(len(self.lengths), device=self.ids.device)
        return logits_of(self.model, hidden[rows, self.lengths - 1])

    def extend(self, tokens: Tensor) -> Tensor:
        """Append one token to each row (B,); logits (B, vocab) of the one after it."""
        at = self.lengths
        for layer in self.layers:
            layer.at = at
        place = torch.arange(int(at.max()) + 1, device=at.device)
        hidden = self._read(tokens.unsqueeze(1), at.unsqueeze(1), (at[:, None] - place)[:, None])
        self.lengths = at + 1
        return logits_of(self.model, hidden[:, 0])

    def keep(self, rows: Tensor) -> None:
        """Drop every row but these."""
        self.lengths = self.lengths[rows]
        for layer in self.layers:
            layer.tables = [table[rows] for table in layer.tables]

    def join(self, other: HfCache) -> None:
        """Add the rows of another cache of the same model below these."""
        self.lengths = torch.cat((self.lengths, other.lengths))
        for mine, theirs in zip(self.layers, other.layers, strict=True):
            mine.tables = [_stack(*pair) for pair in zip(mine.tables, theirs.tables, strict=True)]

    def _read(self, ids: Tensor, places: Tensor, back: Tensor) -> Tensor:
        """(B, T, C) of new tokens at their places; back: (B or 1, T, width) to each key."""

        def mask(reach: int | None) -> Tensor:
            visible = additive(hf_windows.within(back, reach), self.dtype)
            return visible.unsqueeze(1).expand(len(ids), -1, -1, -1)

        out = self.model.base_model(
            input_ids=ids, position_ids=places.expand_as(ids),
            attention_mask=hf_windows.masks(self.model.config, mask),
            past_key_values=Cache(layers=list(self.layers)), use_cache=True,
        )  # fmt: skip
        hidden: Tensor = out.last_hidden_state
        return hidden


def _stack(first: Tensor, second: Tensor) -> Tensor:
    """Tables (B, H, T, D) of two caches as one, as wide as the wider."""
    width = max(first.size(2), second.size(2))
    return torch.cat([F.pad(table, (0, 0, 0, width - table.size(2))) for table in (first, second)])
