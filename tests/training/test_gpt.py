"""Packed conversations cannot see each other, windows end where they should."""

from __future__ import annotations

import pytest
import torch

from identity_ops.errors import ConfigError
from tests.training.small import busy_model, small_config
from training.gpt import GPT


def packed(model: GPT, *documents: list[int], pad: int = 0) -> torch.Tensor:
    """Logits of one row of packed conversations, and padding after them."""
    ids = torch.tensor([[token for document in documents for token in document] + [0] * pad])
    numbers = [n for n, document in enumerate(documents) for _ in document] + [-1] * pad
    with torch.no_grad():
        logits: torch.Tensor = model(ids, torch.tensor([numbers]))
    return logits[0]


def draw(length: int, seed: int) -> list[int]:
    return torch.randint(300, (length,), generator=torch.Generator().manual_seed(seed)).tolist()


def test_a_change_in_one_conversation_leaves_its_neighbours_logits() -> None:
    """To the bit: neither attention nor smear looks across the border, in either direction."""
    model = busy_model()
    a, b, other = draw(20, 1), draw(15, 2), draw(20, 3)
    same = packed(model, a, b)
    changed = packed(model, other, b)
    assert torch.equal(same[20:], changed[20:])
    assert not torch.allclose(same[:20], changed[:20])


@pytest.mark.parametrize("last", [0, 19])
def test_the_token_beside_the_border_is_not_smeared_over_it(last: int) -> None:
    """The last token of A is the one that smear would mix into the first of B."""
    model = busy_model()
    a, b = draw(20, 1), draw(10, 2)
    changed = list(a)
    changed[last] = (changed[last] + 1) % 300
    assert torch.equal(packed(model, a, b)[20:], packed(model, changed, b)[20:])


def test_a_packed_conversation_gets_the_logits_it_gets_alone() -> None:
    """Positions in the row differ; only their differences matter."""
    model = busy_model()
    a, b = draw(33, 1), draw(21, 2)
    torch.testing.assert_close(
        packed(model, a, b, pad=10)[33:54], packed(model, b), rtol=1e-4, atol=1e-4
    )


def test_no_token_sees_what_comes_after_it() -> None:
    """A change of the last token changes only the last logits."""
    model = busy_model()
    a = draw(30, 1)
    changed = [*a[:-1], (a[-1] + 1) % 300]
    assert torch.equal(packed(model, a)[:-1], packed(model, changed)[:-1])


def test_a_short_window_sees_exactly_that_many_tokens_back() -> None:
    """128 before its own, and not one more. The layer with the full window is silenced."""
    model = busy_model(small_config(sequence_len=300))
    with torch.no_grad():
        model.transformer["h"][1].attn.c_proj.weight.zero_()  # type: ignore[index]
        model.smear_lambda.zero_()
    a = draw(200, 1)
    reach = [_depends(model, a, at=150, on=on) for on in (150 - 129, 150 - 128)]
    assert model.config.windows == (128, 300)
    assert reach == [False, True]


def _depends(model: GPT, ids: list[int], *, at: int, on: int) -> bool:
    changed = list(ids)
    changed[on] = (changed[on] + 1) % 300
    return not torch.equal(packed(model, ids)[at], packed(model, changed)[at])


def test_chosen_positions_get_the_logits_of_the_whole() -> None:
    """The head on some positions is exact, and so are its gradients."""
    model = busy_model()
    ids, select = torch.tensor([draw(24, 1), draw(24, 2)]), torch.tensor([3, 17, 24, 47])
    part = model(ids, None, select)
    whole = model(ids).flatten(0, 1)[select]
    torch.testing.assert_close(part, whole)
    gradients = [
        torch.autograd.grad(out.square().sum(), model.transformer["wte"].weight)[0]  # type: ignore[arg-type]
        for out in (part, whole)
    ]
    torch.testing.assert_close(*gradients)


def test_bfloat16_activations_keep_fp32_weights_and_gradients() -> None:
    """And give nearly the same logits."""
    model = busy_model()
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(0.3)
    exact = packed(model, draw(20, 1))
    model.dtype = torch.bfloat16
    near = model(torch.tensor([draw(20, 1)]))
    near.sum().backward()
    assert near.dtype == torch.float32
    assert {weight.grad.dtype for weight in model.parameters() if weight.grad is not None} == {
        torch.float32
    }
    assert (near[0] - exact).abs().mean() < 0.1 * exact.abs().mean() + 0.02


@pytest.mark.parametrize(
    "changes",
    [{"n_head": 3}, {"n_kv_head": 3}, {"window_pattern": "LX"},
     {"n_embd": 8, "n_head": 1, "n_kv_head": 1}, {"vocab_size": 0},
     {"n_layer": True}, {"window_pattern": ""}],
)  # fmt: skip
def test_a_shape_that_cannot_work_is_refused(changes: dict[str, int]) -> None:
    """Before torch fails somewhere inside."""
    with pytest.raises(ConfigError):
        small_config(**changes)
