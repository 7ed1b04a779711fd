"""Answer many prompts together, as if one by one.

Rows of different lengths share one right-padded causal prefill; then each row writes its keys
and values at its own position, so no row ever sees padding, and finished rows are dropped. A
sampled row draws from a generator of its own, so its answer does not depend on its neighbours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from identity_ops.errors import DataError
from training.attention import additive, grouped_attention
from training.batches import first_size, in_batches
from training.gpt import GPT

COLD = 1e-5  # temperatures below it divide by next to nothing; the likeliest is what they mean
PREFILL_ROWS = 16  # prompts read together: short ones are not padded to a batch's longest
DROP_SHARE = 0.25  # finished rows are dropped when they are this share of the batch


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How the next token is chosen. temperature 0 takes the likeliest."""

    max_tokens: int = 64
    temperature: float = 0.0
    seed: int = 0
    top_p: float = 1.0  # draw among the likeliest tokens that make up this share
    top_k: int = 0  # draw among so many of the likeliest, 0: all


class Draw:
    """How one row chooses, with a generator of its own: no row's answer depends on another's."""

    def __init__(self, how: Sampling, name: str = "prompt") -> None:
        mixed = int.from_bytes(hashlib.sha256(f"{how.seed}/{name}".encode()).digest()[:8])
        self.how = how
        self.generator = torch.Generator()
        self.generator.manual_seed(mixed & 0x7FFF_FFFF_FFFF_FFFF)

    def point(self) -> Tensor:
        """The next uniform number in [0, 1), (1,)."""
        return torch.rand(1, generator=self.generator, dtype=torch.float64)


class Rows(Protocol):
    """A batch of rows being decoded, whatever the model: see Cache."""

    def prefill(self) -> Tensor: ...

    def extend(self, tokens: Tensor) -> Tensor: ...

    def keep(self, rows: Tensor) -> None: ...

    def join(self, other: Any) -> None: ...


class Decoder(Protocol):
    """A model that can answer."""

    @property
    def positions(self) -> int:
        """Tokens of prompt and answer together that it can place."""

    @property
    def context(self) -> int:
        """Tokens that it was made for, `positions` at most."""

    def fits(self, vocabulary: int) -> bool:
        """Whether a tokenizer of so many tokens can be the model's."""

    def parameters(self) -> Iterator[torch.nn.Parameter]: ...

    def logits_at(self, ids: Tensor, select: Tensor) -> Tensor:
        """Logits (N, vocab) in fp32 at flat positions (N,) of right-padded rows (B, T)."""

    def open_rows(self, prompts: Sequence[Sequence[int]], room: int) -> Rows:
        """A batch with `room` tokens for each answer."""


class Cache:
    """Keys and values of a batch of rows, and where each row stands.

    Args:
        prompts: token ids, one list a row, none empty.
        room: tokens that each row may still get.
    """

    def __init__(self, model: GPT, prompts: Sequence[Sequence[int]], room: int) -> None:
        config = model.config
        device = model.lm_head.weight.device
        self.model = model
        self.lengths = torch.tensor([len(prompt) for prompt in prompts], device=device)
        longest = int(self.lengths.max())
        self.ids = torch.zeros(len(prompts), longest, dtype=torch.long, device=device)
        for row, prompt in enumerate(prompts):
            self.ids[row, : len(prompt)] = torch.tensor(prompt)
        # A row's places lie one after the other: a step writes and reads whole lines of memory.
        shape = (len(prompts), longest + room, config.n_kv_head, config.head_dim)
        self.keys = [torch.zeros(shape, dtype=model.dtype, device=device) for _ in config.windows]
        self.values = [torch.zeros_like(table) for table in self.keys]
        self.before = torch.empty(0)

    def prefill(self) -> Tensor:
        """Read the prompts; logits (B, vocab) of each row's next token."""
        parts = torch.split(torch.arange(len(self.ids), device=self.ids.device), PREFILL_ROWS)
        found = [self._read(part) for part in parts]
        self.before = torch.cat([before for before, _ in found])
        return torch.cat([logits for _, logits in found])

    def _read(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Some rows' prompts: the last tokens' embeddings (N, 1, C) and logits (N, vocab)."""
        model, ends = self.model, self.lengths[rows] - 1
        length = int(ends.max()) + 1
        ids, first, last = self.ids[rows, :length], int(rows[0]), int(rows[-1]) + 1
        position = torch.arange(length, device=ids.device)
        back = position[:, None] - position[None, :]
        masks = {
            window: additive((back >= 0) & (back <= window), model.dtype)[None, None]
            for window in set(model.config.windows)
        }

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            self.keys[layer][first:last, :length] = k.transpose(1, 2)
            self.values[layer][first:last, :length] = v.transpose(1, 2)
            return grouped_attention(q, k, v, masks[model.config.windows[layer]])

        embedded = model.embed(ids)
        before = torch.cat((torch.zeros_like(embedded[:, :1]), embedded[:, :-1]), dim=1)
        cos, sin = model.cos[:length].to(model.dtype), model.sin[:length].to(model.dtype)
        hidden = model.trunk(ids, model.smear(embedded, before), cos, sin, attend)
        return embedded[rows - first, ends].unsqueeze(1), model.head(hidden[rows - first, ends])

    def extend(self, tokens: Tensor) -> Tensor:
        """Append one token to each row (B,); logits (B, vocab) of the one after it."""
        model, ids, at = self.model, tokens.unsqueeze(1), self.lengths
        rows = torch.arange(len(at), device=at.device)
        width = int(at.max()) + 1
        back = at[:, None] - torch.arange(width, device=at.device)[None, :]
        masks = {
            window: additive((back >= 0) & (back <= window), model.dtype)[:, None, None]
            for window in set(model.config.windows)
        }

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            keys, values = self.keys[layer], self.values[layer]
            keys[rows, at], values[rows, at] = k[:, :, 0], v[:, :, 0]
            seen = keys[:, :width].transpose(1, 2), values[:, :width].transpose(1, 2)
            return grouped_attention(q, *seen, masks[model.config.windows[layer]])

        embedded = model.embed(ids)
        cos = model.cos[at].to(model.dtype)[:, None, None]
        sin = model.sin[at].to(model.dtype)[:, None, None]
        hidden = model.trunk(ids, model.smear(embedded, self.before), cos, sin, attend)
        self.before = embedded
        self.lengths = at + 1
        return model.head(hidden[:, 0])

    def keep(self, rows: Tensor) -> None:
        """Drop every row but these."""
        self.lengths, self.before = self.lengths[rows], self.before[rows]
        self.keys = [table[rows] for table in self.keys]
        self.values = [table[rows] for table in self.values]

    def join(self, other: Cache) -> None:
        """Add the rows of another cache of the same model below these."""
        self.lengths = torch.cat((self.lengths, other.lengths))
        self.before = torch.cat((self.before, other.before))
        self.keys = [
            _stack(mine, theirs) for mine, theirs in zip(self.keys, other.keys, strict=True)
        ]
        self.values = [
            _stack(mine, theirs) for mine, theirs in zip(self.values, other.values, strict=True)
        ]


def _stack(first: Tensor, second: Tensor) -> Tensor:
    """Tables (B, T, H, D) of two caches as one, as wide as the wider."""
    width = max(first.size(1), second.size(1))
    return torch.cat(
        [F.pad(table, (0, 0, 0, 0, 0, width - table.size(1))) for table in (first, second)]
    )


def generate(
    model: Decoder,
    prompts: Sequence[tuple[str, Sequence[int]]],
    stop: frozenset[int],
    how: Sampling,
) -> dict[str, list[int]]:
    """Name -> tokens of the answer, without the stop token.

    Args:
        prompts: (name, token ids); the name seeds the row's generator.

    Raises:
        DataError: a prompt leaves no room in the model's position tables; names it.
    """
    check_room(model, prompts, how.max_tokens)
    by_length = sorted(prompts, key=lambda prompt: len(prompt[1]))
    answers: dict[str, list[int]] = {}
    size = first_size(next(model.parameters()).device)
    for found in in_batches(by_length, lambda part: _batch(model, part, stop, how), size):
        answers |= found
    return {name: answers[name] for name, _ in prompts}


def check_room(model: Decoder, prompts: Sequence[tuple[str, Sequence[int]]], room: int) -> None:
    """Raise DataError for a prompt too long to answer with `room` tokens."""
    limit = model.positions - room
    for name, ids in prompts:
        if not 0 < len(ids) <= limit:
            raise DataError("prompt length", where=name, expected=f"1 to {limit}", got=len(ids))


@torch.inference_mode()
def _batch(
    model: Decoder,
    prompts: Sequence[tuple[str, Sequence[int]]],
    stop: frozenset[int],
    how: Sampling,
) -> dict[str, list[int]]:
    names = [name for name, _ in prompts]
    answers: dict[str, list[int]] = {name: [] for name in names}
    draws = [Draw(how, name) for name in names]
    cache = model.open_rows([ids for _, ids in prompts], how.max_tokens)
    logits = cache.prefill()
    alive = [True] * len(names)
    for _ in range(how.max_tokens):
        tokens = choose(logits, draws)
        for row, token in enumerate(tokens.tolist()):
            alive[row] = alive[row] and token not in stop
            if alive[row]:
                answers[names[row]].append(token)
        if not any(alive):
            break
        if alive.count(False) >= DROP_SHARE * len(alive):
            rows = [row for row, lives in enumerate(alive) if lives]
            cache.keep(torch.tensor(rows, device=tokens.device))
            tokens = tokens[torch.tensor(rows, device=tokens.device)]
            names, draws = [names[row] for row in rows], [draws[row] for row in rows]
            alive = [True] * len(rows)
        logits = cache.extend(tokens)
    return answers


@torch.inference_mode()
def stream(
    model: Decoder, prompt: Sequence[int], stop: frozenset[int], how: Sampling
) -> Iterator[int]:
    """The tokens of one answer as they come."""
    check_room(model, [("prompt", prompt)], how.max_tokens)
    draws = [Draw(how)]
    cache = model.open_rows([prompt], how.max_tokens)
    logits = cache.prefill()
    for _ in range(how.max_tokens):
        token = choose(logits, draws)
        if int(token) in stop:
            return
        yield int(token)
        logits = cache.extend(token)


def choose(logits: Tensor, draws: Sequence[Draw]) -> Tensor:
    """One token a row, (B,): the likeliest where it is cold, else drawn."""
    tokens = logits.argmax(dim=-1)
    warm = [row for row, draw in enumerate(draws) if draw.how.temperature >= COLD]
    if warm:
        tokens[warm] = _sample(logits[warm], [draws[row] for row in warm])
    return tokens


def _sample(logits: Tensor, draws: Sequence[Draw]) -> Tensor:
    def column(values: Sequence[float]) -> Tensor:
        return torch.tensor(values, dtype=torch.float64, device=logits.device).unsqueeze(1)

    shares = (logits.double() / column([draw.how.temperature for draw in draws])).softmax(dim=-1)
    for row, draw in enumerate(draws):
        if draw.how.top_k or draw.how.top_p < 1:
            shares[row] = _likeliest(shares[row], draw.how)
    sums = shares.cumsum(dim=-1)
    points = torch.stack([draw.point() for draw in draws]).to(sums.device) * sums[:, -1:]
    # right: a point of exactly 0 must not fall on a leading token whose share is 0
    return torch.searchsorted(sums, points, right=True).squeeze(1).clamp_max(logits.size(-1) - 1)


def _likeliest(shares: Tensor, how: Sampling) -> Tensor:
    """Shares (vocab,) with 0 for what top_k or top_p leaves out; the likeliest always stays."""
    ordered, tokens = shares.sort(descending=True, stable=True)
    keep = ordered.cumsum(dim=-1) - ordered < how.top_p
    if how.top_k:
        keep[how.top_k :] = False
    keep[0] = True
    return torch.zeros_like(shares).scatter(0, tokens, ordered * keep)
