"""How much of what: shares and weights become tokens wanted of each general source.

The share is one of ALL tokens of one pass over the mixture (supervised or not), as counted by
the base's own tokenizer, for these are what a training step spends.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from identity_ops.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Wanted:
    """A general source and its weight among the general sources."""

    spec: str
    weight: float


def parse_general(specs: Sequence[str]) -> list[Wanted]:
    """`SPEC` or `SPEC=WEIGHT` each; a path may contain an equals sign itself.

    Raises:
        ConfigError: no source, a source twice, a weight that is not positive.
    """
    found = [_parse(spec) for spec in specs]
    names = [wanted.spec for wanted in found]
    if not found or len(set(names)) < len(names):
        raise ConfigError(
            "general sources",
            expected="at least one, each named once",
            got=", ".join(specs) or None,
        )
    return found


def _parse(spec: str) -> Wanted:
    source, equals, weight = spec.rpartition("=")
    try:
        value = float(weight) if equals else 1.0
    except ValueError:
        return Wanted(spec, 1.0)
    if not (math.isfinite(value) and value > 0):
        raise ConfigError("weight of a general source", where=spec, expected="> 0", got=weight)
    return Wanted(source if equals else spec, value)


def share_of(identity_share: float | None, weights: tuple[float, float] | None) -> float:
    """The identity share that a share or IDENTITY:GENERAL weights ask for.

    Raises:
        ConfigError: both or neither given, or a number out of range.
    """
    if (identity_share is None) == (weights is None):
        raise ConfigError("give an identity share or weights, one of the two")
    if weights is not None:
        identity, general = weights
        if not (identity > 0 and general >= 0 and math.isfinite(identity + general)):
            raise ConfigError("weights", expected="IDENTITY > 0, GENERAL >= 0", got=weights)
        return identity / (identity + general)
    share = identity_share or 0.0
    if not 0 < share <= 1:
        raise ConfigError("identity share", expected="above 0, up to 1", got=identity_share)
    return share


def tokens_wanted(identity_tokens: int, share: float, general: Sequence[Wanted]) -> list[int]:
    """Tokens of each general source, so that identity makes up `share` of all."""
    total = identity_tokens * (1 - share) / share
    weights = sum(wanted.weight for wanted in general)
    return [round(total * wanted.weight / weights) for wanted in general]
