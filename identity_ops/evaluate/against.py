"""A model beside its matched control: what identity, and not fine-tuning as such, has cost.

The control (identity_ops/control.py) is asked what has nothing to do with who it is. Rows are
those of the table, with the control in the place of "before": gains carry the paired interval and
test. The loss on held-out general chat is what both trainings measured at their end.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from identity_ops.evaluate.samples import Sample
from identity_ops.evaluate.score import Answers, over_identity, pick_category
from identity_ops.records import Probe
from identity_ops.store import manifest as manifests

FILE: Final = "control.jsonl"
ASKED: Final = ("ability", "ordinary", "third_party")


def asked_of_control(probes: Iterable[Probe]) -> list[Probe]:
    """The built probes that a model without an identity can be asked."""
    return [probe for probe in probes if probe.category.split("/")[0] in ASKED]


def against_control(
    control: Iterable[Sample], after: Iterable[Sample], losses: dict[str, float]
) -> dict[str, Any]:
    """The figures: `rows`, and `losses` on general chat of "model" and "control"."""
    theirs = {sample.probe_id: replace(sample, model="before") for sample in control}
    ours = [s for s in after if s.probe_id in theirs and not s.own]
    both = Answers([*theirs.values(), *ours])
    rows = [both.row("ability", pick_category("ability"))]
    rows += [both.row(name, pick_category(name), depth=1) for name in both.named("ability/")]
    rows.append(both.row("ordinary", pick_category("ordinary"), over_identity))
    rows.append(both.row("third_party", pick_category("third_party")))
    return {"rows": [row for row in rows if row["n"]], "losses": losses}


def general_losses(model_dir: Path, control_dir: Path) -> dict[str, float]:
    """Losses on the held-out general chat of the mixture; {} where a training did not say."""
    model, control = _general_loss(model_dir), _general_loss(control_dir)
    return {} if model is None or control is None else {"model": model, "control": control}


def _general_loss(folder: Path) -> float | None:
    if not (folder / manifests.FILE_NAME).is_file():
        return None
    figures = manifests.load(folder, verify=False).figures
    loss = figures.get("val_after", {}).get("general_loss")
    return float(loss) if isinstance(loss, int | float) else None
