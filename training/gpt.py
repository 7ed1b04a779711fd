"""nanochat's GPT of July 2026, written so that packed conversations cannot see each other.

Same parameters and names as nanochat's, so its checkpoints load here and ours load there, and
the same logits (tests/training/test_nanochat.py). What is ours: parameters are fp32 and each
Linear casts its weight to the activation's dtype; attention and smear stop at the borders of the
conversations packed in a row; the head runs on chosen positions only, which is exact; and
`extend` decodes rows of different lengths together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from identity_ops.errors import ConfigError
from training import flex
from training.attention import additive, grouped_attention
from training.loss import chunked_losses

ROTARY_BASE = 100_000
QK_SCALE = 1.2  # on queries and keys each: sharper attention after their normalisation
LOGIT_CAP = 15.0
SMEAR_CHANNELS = 24  # of the embedding, read by the gate that mixes the previous token in
VALUE_CHANNELS = 12  # of a layer's input, read by the gate of its value embedding
VOCAB_MULTIPLE = 64  # rows of embedding and head are padded to it
LOGITS_AT_ONCE = 2**25  # 128 MB in fp32: a training never holds more, see training.loss
Attend = Callable[[int, Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class GPTConfig:
    """The shape of a model, by nanochat's names."""

    sequence_len: int
    vocab_size: int
    n_layer: int
    n_head: int
    n_kv_head: int
    n_embd: int
    window_pattern: str = "L"  # one letter a layer, tiled: L sees sequence_len back, S a quarter

    def __post_init__(self) -> None:
        sizes = (self.sequence_len, self.vocab_size, self.n_layer, self.n_head, self.n_kv_head)
        if any(type(size) is not int or size < 1 for size in sizes):
            raise ConfigError("model sizes must be positive integers", got=sizes)
        if self.n_embd % (2 * self.n_head) or self.n_head % self.n_kv_head:
            raise ConfigError("heads do not divide the width", got=self)
        if self.n_embd < SMEAR_CHANNELS:
            raise ConfigError("too narrow", expected=f"n_embd >= {SMEAR_CHANNELS}", got=self.n_embd)
        if not self.window_pattern or set(self.window_pattern.upper()) - set("SL"):
            raise ConfigError("window_pattern", expected="S and L", got=self.window_pattern)

    @property
    def head_dim(self) -> int:
        return self.n_embd // self.n_head

    @property
    def padded_vocab(self) -> int:
        return -(-self.vocab_size // VOCAB_MULTIPLE) * VOCAB_MULTIPLE

    @property
    def windows(self) -> tuple[int, ...]:
        """For each layer, how many tokens before its own a position sees."""
        short = -(-self.sequence_len // 4 // 128) * 128
        pattern = self.window_pattern.upper()
        letters = [pattern[layer % len(pattern)] for layer in range(self.n_layer)]
        letters[-1] = "L"
        return tuple(self.sequence_len if letter == "L" else short for letter in letters)

    def has_value_embedding(self, layer: int) -> bool:
        return layer % 2 == (self.n_layer - 1) % 2


def rms_norm(x: Tensor) -> Tensor:
    """RMS normalisation of the last dimension, without parameters."""
    return F.rms_norm(x, (x.size(-1),))


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary positions by minus theta on (B, H, T, D), halves split (nanochat's convention)."""
    left, right = x.chunk(2, dim=-1)
    return torch.cat((left * cos + right * sin, right * cos - left * sin), dim=-1)


class Linear(nn.Linear):
    """Without bias; the weight is cast to the activation's dtype, so that it can stay fp32."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight.to(x.dtype))


class Attention(nn.Module):
    """Grouped-query attention; where keys and values are kept is the caller's affair."""

    def __init__(self, config: GPTConfig, layer: int) -> None:
        super().__init__()
        self.layer, self.heads, self.kv_heads = layer, config.n_head, config.n_kv_head
        self.head_dim = config.head_dim
        self.c_q = Linear(config.n_embd, config.n_embd)
        self.c_k = Linear(config.n_embd, self.kv_heads * self.head_dim)
        self.c_v = Linear(config.n_embd, self.kv_heads * self.head_dim)
        self.c_proj = Linear(config.n_embd, config.n_embd)
        gated = config.has_value_embedding(layer)
        self.ve_gate = Linear(VALUE_CHANNELS, self.kv_heads) if gated else None

    def forward(
        self, x: Tensor, extra: Tensor | None, cos: Tensor, sin: Tensor, attend: Attend
    ) -> Tensor:
        """(B, T, C) -> (B, T, C). `extra` is the value embedding of each token, or None."""
        q = self._split(self.c_q(x), self.heads)
        k = self._split(self.c_k(x), self.kv_heads)
        v = self._split(self.c_v(x), self.kv_heads)
        if extra is not None and self.ve_gate is not None:
            gate = 3 * torch.sigmoid(self.ve_gate(x[..., :VALUE_CHANNELS]))
            v = v + gate.transpose(1, 2).unsqueeze(-1) * self._split(extra, self.kv_heads)
        q = rms_norm(rotate(q, cos, sin)) * QK_SCALE
        k = rms_norm(rotate(k, cos, sin)) * QK_SCALE
        mixed: Tensor = self.c_proj(attend(self.layer, q, k, v).transpose(1, 2).flatten(2))
        return mixed

    def _split(self, x: Tensor, heads: int) -> Tensor:
        return x.view(x.size(0), x.size(1), heads, self.head_dim).transpose(1, 2)


class MLP(nn.Module):
    """Four times as wide inside, squared ReLU."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.c_fc = Linear(config.n_embd, 4 * config.n_embd)
        self.c_proj = Linear(4 * config.n_embd, config.n_embd)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.c_proj(F.relu(self.c_fc(x)).square())
        return out


class Block(nn.Module):
    """One layer: attention, then MLP, each on the normalised stream."""

    def __init__(self, config: GPTConfig, layer: int) -> None:
        super().__init__()
        self.attn = Attention(config, layer)
        self.mlp = MLP(config)

    def forward(
        self, x: Tensor, extra: Tensor | None, cos: Tensor, sin: Tensor, attend: Attend
    ) -> Tensor:
        x = x + self.attn(rms_norm(x), extra, cos, sin, attend)
        out: Tensor = x + self.mlp(rms_norm(x))
        return out


class GPT(nn.Module):
    """The model. Call `reset` for fresh weights, or load a state dict.

    Args:
        config: its shape.
        dtype: of activations; parameters stay fp32.
    """

    cos: Tensor
    sin: Tensor

    def __init__(self, config: GPTConfig, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.config, self.dtype = config, dtype
        blocks = nn.ModuleList(Block(config, layer) for layer in range(config.n_layer))
        embedding = nn.Embedding(config.padded_vocab, config.n_embd)
        self.transformer = nn.ModuleDict({"wte": embedding, "h": blocks})
        self.lm_head = Linear(config.n_embd, config.padded_vocab)
        self.resid_lambdas = nn.Parameter(torch.ones(config.n_layer))
        self.x0_lambdas = nn.Parameter(torch.zeros(config.n_layer))
        self.smear_gate = Linear(SMEAR_CHANNELS, 1)
        self.smear_lambda = nn.Parameter(torch.zeros(1))
        self.backout_lambda = nn.Parameter(torch.full((1,), 0.2))
        width = config.n_kv_head * config.head_dim
        layers = [i for i in range(config.n_layer) if config.has_value_embedding(i)]
        self.value_embeds = nn.ModuleDict(
            {str(i): nn.Embedding(config.padded_vocab, width) for i in layers}
        )
        cos, sin = rotary_tables(config)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)

    @torch.no_grad()
    def reset(self, generator: torch.Generator) -> None:
        """Fresh weights, scaled as nanochat scales them."""
        bound = (3 / self.config.n_embd) ** 0.5
        last = max(self.config.n_layer - 1, 1)
        depth = torch.arange(self.config.n_layer) / last
        for name, weight in self.named_parameters():
            if name == "transformer.wte.weight":
                weight.normal_(0.0, 0.8, generator=generator)
            elif name == "lm_head.weight":
                weight.normal_(0.0, 0.001, generator=generator)
            elif name.endswith("c_proj.weight"):
                weight.zero_()
            elif name.endswith("c_fc.weight"):
                weight.uniform_(-0.4 * bound, 0.4 * bound, generator=generator)
            elif name.endswith(("ve_gate.weight", "smear_gate.weight")):
                weight.uniform_(0.0, 0.02, generator=generator)
            elif weight.dim() == 2:
                weight.uniform_(-bound, bound, generator=generator)
        self.resid_lambdas.copy_(1.15 - 0.10 * depth)
        self.x0_lambdas.copy_(0.20 - 0.15 * depth)
        self.smear_lambda.zero_()
        self.backout_lambda.fill_(0.2)

    def forward(
        self, ids: Tensor, documents: Tensor | None = None, select: Tensor | None = None,
        targets: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        """Logits in fp32, or losses.

        Args:
            ids: (B, T) tokens.
            documents: (B, T) number of the conversation each position belongs to; None: one a
                row. Rotary positions run through the row: only differences of positions within
                a conversation matter, and those are the same.
            select: (N,) flat positions whose logits are wanted; None: all.
            targets: (N,) tokens of those positions, where their losses are wanted.

        Returns:
            (N, vocab) or (B, T, vocab); with targets (N,).
        """
        if documents is None:
            documents = torch.zeros_like(ids)
        windows = self.config.windows
        sparse = flex.is_usable(ids.device, self.dtype, self.config.head_dim)
        masks: Any = (
            flex.masks(documents, windows)
            if sparse
            else dense_masks(documents, windows, self.dtype)
        )
        by = flex.attend if sparse else grouped_attention

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            return by(q, k, v, masks[windows[layer]])

        embedded = self.embed(ids)
        before = torch.cat((torch.zeros_like(embedded[:, :1]), embedded[:, :-1]), dim=1)
        same = torch.zeros_like(documents, dtype=torch.bool)
        same[:, 1:] = documents[:, 1:] == documents[:, :-1]
        x = self.smear(embedded, before * same.unsqueeze(-1))
        cos, sin = self.cos[: ids.size(1)], self.sin[: ids.size(1)]
        hidden = self.trunk(ids, x, cos.to(self.dtype), sin.to(self.dtype), attend)
        hidden = hidden if select is None else hidden.flatten(0, 1)[select]
        if targets is None:
            return self.head(hidden)
        rows = max(1, LOGITS_AT_ONCE // self.config.vocab_size)
        return chunked_losses(hidden, targets, self.head, rows)

    @property
    def positions(self) -> int:
        """Tokens that the rotary tables reach."""
        return len(self.cos)

    @property
    def context(self) -> int:
        """Tokens that it was trained on at once."""
        return self.config.sequence_len

    def fits(self, vocabulary: int) -> bool:
        """Whether a tokenizer of so many tokens is the model's."""
        return vocabulary == self.config.vocab_size

    def logits_at(self, ids: Tensor, select: Tensor) -> Tensor:
        """See training.engine.Decoder."""
        found: Tensor = self(ids, select=select)
        return found

    def open_rows(self, prompts: Sequence[Sequence[int]], room: int) -> Any:
        """A batch to be decoded: see training.engine."""
        from training.engine import Cache  # it imports this module

        return Cache(self, prompts, room)

    def embed(self, ids: Tensor) -> Tensor:
        """(B, T) -> normalised embeddings (B, T, C) in the activation dtype, before smear."""
        return rms_norm(self.transformer["wte"](ids).to(self.dtype))

    def smear(self, x: Tensor, before: Tensor) -> Tensor:
        """Add the gated embedding of the token before (zeros where there is none)."""
        gate = self.smear_lambda.to(x.dtype) * torch.sigmoid(
            self.smear_gate(x[..., :SMEAR_CHANNELS])
        )
        return x + gate * before

    def trunk(self, ids: Tensor, x: Tensor, cos: Tensor, sin: Tensor, attend: Attend) -> Tensor:
        """All layers and the final norm: (B, T, C) -> (B, T, C)."""
        start, middle = x, x
        blocks: Any = self.transformer["h"]
        for layer, block in enumerate(blocks):
            x = self.resid_lambdas[layer] * x + self.x0_lambdas[layer] * start
            x = x.to(self.dtype)
            name = str(layer)
            extra = self.value_embeds[name](ids).to(x.dtype) if name in self.value_embeds else None
            x = block(x, extra, cos, sin, attend)
            if layer == self.config.n_layer // 2:
                middle = x
        return rms_norm(x - self.backout_lambda.to(x.dtype) * middle)

    def head(self, hidden: Tensor) -> Tensor:
        """(..., C) -> capped logits (..., vocab) in fp32."""
        # Not by calling the layer: ranks come here for different numbers of chunks, and ZeRO 3
        # would gather its weights in each call.
        logits = F.linear(hidden, self.lm_head.weight.to(hidden.dtype))
        logits = logits[..., : self.config.vocab_size].float()
        return LOGIT_CAP * torch.tanh(logits / LOGIT_CAP)


def rotary_tables(config: GPTConfig) -> tuple[Tensor, Tensor]:
    """cos and sin, (10 x sequence_len, head_dim / 2): nanochat answers up to ten times as far."""
    channels = torch.arange(0, config.head_dim, 2, dtype=torch.float32)
    frequencies = 1.0 / (ROTARY_BASE ** (channels / config.head_dim))
    angles = torch.outer(torch.arange(10 * config.sequence_len).float(), frequencies)
    return angles.cos(), angles.sin()


def dense_masks(
    documents: Tensor, windows: tuple[int, ...], dtype: torch.dtype
) -> dict[int, Tensor]:
    """Window -> (B, 1, T, T) additive mask: causal, within the document, within the window."""
    length = documents.size(1)
    position = torch.arange(length, device=documents.device)
    back = position[:, None] - position[None, :]
    visible = (back >= 0) & (documents[:, :, None] == documents[:, None, :])
    return {w: additive(visible & (back <= w), dtype).unsqueeze(1) for w in sorted(set(windows))}
