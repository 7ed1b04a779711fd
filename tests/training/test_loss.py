"""The chunked loss is the loss, in both families, and never holds a batch's logits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from identity_ops.recipes import HuggingFace
from tests.hf import models
from tests.training.small import busy_model, small_config
from training import gpt
from training.gpt import GPT
from training.hf_model import HfModel
from training.loss import chunked_losses

ROWS, LENGTH, VOCABULARY = 3, 64, 151_936  # Qwen3's
CHUNK = 16
Model = Callable[..., Tensor]


class Largest(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Numbers in the largest tensor that any operation gave, forward or backward."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.numel = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        sizes = [leaf.numel() for leaf in tree_leaves(out) if isinstance(leaf, Tensor)]
        self.numel = max(self.numel, *sizes, 0)
        return out


def batch(vocabulary: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Two conversations a row; three in four positions are supervised."""
    draw = torch.Generator().manual_seed(3)
    ids = torch.randint(vocabulary, (ROWS, LENGTH), generator=draw)
    documents = (torch.arange(LENGTH) >= LENGTH // 3).long().expand(ROWS, LENGTH)
    select = torch.arange(LENGTH // 4, ROWS * LENGTH)
    return ids, documents, select, torch.randint(vocabulary, (len(select),), generator=draw)


def nanochat(monkeypatch: pytest.MonkeyPatch, vocabulary: int) -> Model:
    monkeypatch.setattr(gpt, "LOGITS_AT_ONCE", CHUNK * vocabulary)
    return busy_model(small_config(vocab_size=vocabulary))


def hugging_face(monkeypatch: pytest.MonkeyPatch, vocabulary: int) -> Model:
    made = models.model("qwen3", vocab_size=vocabulary)
    return HfModel(made, torch.float32, HuggingFace(loss_rows=CHUNK))


FAMILIES = [nanochat, hugging_face]


@pytest.mark.parametrize("family", FAMILIES)
def test_no_table_of_logits_is_larger_than_a_chunk_s(
    family: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forward and backward at a large vocabulary; autograd keeps the last chunk's at most."""
    model = family(monkeypatch, VOCABULARY)
    table = CHUNK * VOCABULARY
    weights = max(weight.numel() for weight in model.parameters())
    kept: list[int] = []

    def keep(tensor: Tensor) -> Tensor:
        if tensor.numel() >= table and tensor.numel() % weights:  # the head's weight is no logits
            kept.append(tensor.numel())
        return tensor

    with Largest() as seen:
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            losses = model(*batch(VOCABULARY))
        assert len(kept) <= 4  # before and after the cap, and for the softmax: of one chunk
        losses.sum().backward()
    assert len(losses) > 8 * CHUNK
    assert seen.numel <= max(table, weights)


@pytest.mark.parametrize("family", FAMILIES)
def test_losses_and_gradients_of_a_model_are_the_plain_ones(
    family: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against logits of all positions and one cross-entropy."""
    model = family(monkeypatch, 384)
    ids, documents, select, targets = batch(384)
    found = model(ids, documents, select, targets)
    if isinstance(model, GPT):
        logits = model(ids, documents, select)
    else:
        logits = model.head(model.hidden(ids, documents).flatten(0, 1)[select])
    plain = F.cross_entropy(logits, targets, reduction="none")
    torch.testing.assert_close(found, plain)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    pairs = zip(
        torch.autograd.grad(found.mean(), weights), torch.autograd.grad(plain.mean(), weights),
        strict=True,
    )  # fmt: skip
    for got, wanted in pairs:
        torch.testing.assert_close(got, wanted)


@pytest.mark.parametrize("rows", [1, 5, 23, 100])
def test_the_chunked_loss_is_the_loss(rows: int) -> None:
    """Values and gradients, for hidden states and head, whatever the size of a chunk."""
    draw = torch.Generator().manual_seed(2)
    hidden = torch.randn(23, 16, generator=draw, requires_grad=True)
    head = torch.nn.Linear(16, 50, bias=False)
    targets = torch.randint(50, (23,), generator=draw)
    plain = F.cross_entropy(head(hidden), targets, reduction="none")
    expected = torch.autograd.grad(plain.sum(), [hidden, head.weight])
    found = chunked_losses(hidden, targets, head, rows)
    torch.testing.assert_close(found, plain)
    gradients = torch.autograd.grad(found.sum(), [hidden, head.weight])
    for got, wanted in zip(gradients, expected, strict=True):
        torch.testing.assert_close(got, wanted)
