"""A stage's result as numbers: for metrics over time, and for an asset's metadata."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from identity_ops.store import manifest as manifests
from identity_ops.store.manifest import Manifest

_FIGURES: Final = (  # name of the metric, its place in a manifest's figures
    ("tokens_per_s", ("tokens_per_s",)),
    ("facts", ("coverage", "facts")),
    ("facts_covered", ("coverage", "covered")),
    ("name_accuracy", ("headline", "identity", "after", "value")),
    ("fact_recall", ("headline", "fact_recall", "after", "mean", "value")),
    ("over_identity", ("headline", "over_identity", "after", "value")),
    ("ability", ("headline", "ability", "after", "value")),
    ("name_accuracy", ("name_accuracy",)),  # a published version's own
    ("fact_recall", ("fact_recall",)),
    ("over_identity", ("over_identity",)),
)


def measures(found: Manifest) -> dict[str, float]:
    """Rows by kind, cost in USD, seconds of work, tokens/s, shares in [0, 1]; what there is."""
    numbers = {"cost_usd": found.cost_usd, "seconds": found.seconds, **found.counts}
    for name, place in _FIGURES:
        value: object = found.figures
        for key in place:
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, int | float) and not isinstance(value, bool):
            numbers[name] = value
    return numbers


def measures_of(manifest_path: str) -> tuple[str, dict[str, float]]:
    """Stage and numbers of the result that a task handed on."""
    found = manifests.load(Path(manifest_path).parent, verify=False)
    return found.stage, measures(found)
