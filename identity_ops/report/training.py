"""The training as the page shows it: curves from its log, losses apart by source, memory."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

from identity_ops.report.run import RunFolder

LOSSES = {"identity": "identity_loss", "general": "general_loss", "all": "loss"}
LOG = "log.jsonl"
Line = dict[str, Any]


def training_section(run: RunFolder) -> dict[str, Any] | None:
    """Curves (name -> (step, value) points) and totals; None before a training is committed."""
    if not run.has("train") or not (run.path("train") / LOG).exists():
        return None
    made = run.manifest("train")
    text = (run.path("train") / LOG).read_text(encoding="utf-8")
    steps = [_with_peak(json.loads(line)) for line in text.splitlines()]
    return {
        "curves": _curves(steps, LOSSES),
        "rate": _curves(steps, {"learning rate": "lr"}),
        "speed": _curves(steps, {"tokens/s": "tokens_per_s"}),
        "memory": _curves(steps, {"GB, largest process": "peak_gb"}),
        "steps": len(steps),
        "validation": _validation(made.figures),
        "memory_gb": made.figures.get("memory_gb", []),
        "memory_of": made.figures.get("memory_of", ""),
        "figures": {name: value for name, value in made.figures.items() if _plain(value)},
        "seconds": made.seconds,
        "config": made.config,
    }


def _with_peak(line: Line) -> Line:
    return line | {"peak_gb": max(line.get("memory_gb") or [math.nan])}


def _curves(steps: Iterable[Line], names: dict[str, str]) -> dict[str, list[tuple[float, float]]]:
    """Those that have a finite point; what the log lacks at a step is left out."""
    numbered = [(line.get("step", n), line) for n, line in enumerate(steps, start=1)]
    found = {
        name: [(float(step), float(line[key])) for step, line in numbered
               if line.get(key) is not None and math.isfinite(line[key])]
        for name, key in names.items()
    }  # fmt: skip
    return {name: points for name, points in found.items() if points}


def _validation(figures: dict[str, Any]) -> list[dict[str, Any]]:
    """Loss on held-out rows before and after, by source."""
    before, after = figures.get("val_before", {}), figures.get("val_after", {})
    return [
        {"name": name, "before": before[key], "after": after[key]}
        for name, key in LOSSES.items()
        if before.get(key) is not None and after.get(key) is not None
    ]


def _plain(value: Any) -> bool:
    return isinstance(value, (str, int, float)) and not isinstance(value, bool)
