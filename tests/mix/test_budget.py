"""Shares and weights."""

from __future__ import annotations

import pytest

from identity_ops.errors import ConfigError
from identity_ops.mix.budget import Wanted, parse_general, share_of, tokens_wanted


@pytest.mark.parametrize(
    ("share", "weights"),
    [
        (None, None), (0.5, (1, 1)), (0, None), (-0.1, None), (1.1, None), (float("nan"), None),
        (None, (0, 1)), (None, (-1, 2)), (None, (1, -1)), (None, (float("inf"), 1)),
    ],
)  # fmt: skip
def test_senseless_shares_are_refused(
    share: float | None, weights: tuple[float, float] | None
) -> None:
    """One of the two, and in range."""
    with pytest.raises(ConfigError):
        share_of(share, weights)


@pytest.mark.parametrize(
    "specs", [[], ["builtin", "builtin"], ["builtin=0"], ["builtin=-1"], ["builtin=nan"], ["b=inf"]]
)
def test_senseless_sources_are_refused(specs: list[str]) -> None:
    """None, one twice, or a weight that is not positive."""
    with pytest.raises(ConfigError):
        parse_general(specs)


def test_an_equals_sign_of_a_path_is_no_weight() -> None:
    """Only a number after the last equals sign is a weight."""
    found = parse_general(["a=b.jsonl", "x=y.jsonl=2.5", "builtin"])
    assert found == [Wanted("a=b.jsonl", 1), Wanted("x=y.jsonl", 2.5), Wanted("builtin", 1)]


def test_tokens_follow_share_and_weights() -> None:
    """300 identity tokens at 0.3 leave 700, split as the weights say."""
    assert share_of(None, (3, 7)) == pytest.approx(0.3)
    assert tokens_wanted(300, 0.3, [Wanted("a", 1), Wanted("b", 6)]) == [100, 600]
    assert tokens_wanted(300, 1.0, [Wanted("a", 1)]) == [0]
