"""The training as the page shows it: curves from its log, losses apart by source, memory."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from identity_ops.report.run import UNDER_WAY, RunFolder

LOSSES = {"identity": "identity_loss", "general": "general_loss", "all": "loss"}
PROGRESS = ("step", "steps", "seconds_left")
LOG = "log.jsonl"
Line = dict[str, Any]


def training_section(run: RunFolder) -> dict[str, Any] | None:
    """Curves (name -> (step, value) points) and totals; None before a training has begun.

    While it runs there is also `progress`: the last step, of how many, and seconds left.
    """
    done = run.has("train")
    steps = _steps((run.path("train") if done else run.folder / UNDER_WAY) / LOG)
    if not steps:
        return None
    made = run.manifest("train") if done else None
    figures = made.figures if made else {}
    return {
        "progress": None if done else {name: steps[-1].get(name) for name in PROGRESS},
        "curves": _curves(steps, LOSSES),
        "rate": _curves(steps, {"learning rate": "lr"}),
        "speed": _curves(steps, {"tokens/s": "tokens_per_s"}),
        "memory": _curves(steps, {"GB, largest process": "peak_gb"}),
        "steps": len(steps),
        "validation": _validation(figures),
        "memory_gb": steps[-1].get("memory_gb", []),
        "memory_of": figures.get("memory_of", ""),
        "figures": {name: value for name, value in figures.items() if _plain(value)},
        "seconds": made.seconds if made else steps[-1].get("seconds", 0.0),
        "config": made.config if made else {},
    }


def _steps(log: Path) -> list[Line]:
    """The lines of a log; without the last where it is just being written."""
    if not log.exists():
        return []
    *lines, _ = log.read_text(encoding="utf-8").split("\n")
    return [line | {"peak_gb": max(line.get("memory_gb") or [math.nan])}
            for line in map(json.loads, lines)]  # fmt: skip


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
