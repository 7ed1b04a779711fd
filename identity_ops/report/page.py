"""The page itself: data and plots into one HTML file without any outside asset, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from identity_ops.evaluate.score import LABELS, words_of
from identity_ops.evaluate.table import percent
from identity_ops.report import plots
from identity_ops.report.data import gather
from identity_ops.report.run import RunFolder
from identity_ops.store.publish import write_atomic

FILE = "report.html"
WORST = 10  # facts that are shown before the others
HEAT_ROWS = 60  # facts in the heat map
MIDDLE, SMALL = 480, 330  # widths of plots: on phones too, and of those that stand side by side
KINDS = (
    "fact/paraphrase", "fact/noun_only", "fact/choice", "choice", "fact/yes_no", "limit", "name",
    "creator", "rival", "robust",
)  # fmt: skip
HEADS = {"fact/choice": "of two", "choice": "of four"}  # of columns whose kind's name is too long


def render_report(run: RunFolder) -> str:
    """The report of a run as HTML, from its manifests and their files alone."""
    return _page(gather(run))


def write_report(folder: Path, out: Path | None = None) -> Path:
    """Write the report of the run (or single result) in `folder`; returns the page's path.

    The same data stand beside the page in a file of its name that ends in .json.

    Args:
        out: the file; default report.html in the folder.
    """
    path = out or folder / FILE
    data = gather(RunFolder(folder))
    text = json.dumps(data, ensure_ascii=False, indent=1, default=asdict)
    write_atomic(path.with_suffix(".json"), text + "\n")
    write_atomic(path, _page(data))
    return path


def _page(data: Mapping[str, Any]) -> str:
    facts = data["facts"]
    kinds = [kind for kind in KINDS if any(kind in fact["kinds"] for fact in facts)]
    more = {"labels": LABELS, "kinds_asked": kinds, "worst": WORST, "heat_rows": HEAT_ROWS}
    digests = {stage["digest"]: stage["name"] for stage in data["stages"]}
    more |= {"by_digest": digests}
    return _environment().get_template("page.html").render({**data, **_plots(data), **more})


def _plots(data: Mapping[str, Any]) -> dict[str, Any]:
    scores, training, stages = data["scores"], data["training"], data["data"]
    return {
        "dumbbells": plots.dumbbells(scores["rows"]) if scores else "",
        "losses": _losses(training) if training else "",
        "beside": _beside(training) if training else [],
        "reasons": plots.bars(stages["rejections"]) if stages else "",
        "kinds": plots.bars(stages["kinds"]) if stages else "",
        "skills": plots.dumbbells(scores["skills"]) if scores and scores["skills"] else "",
    }


def _losses(training: Mapping[str, Any]) -> str:
    return plots.curves(training["curves"], unit="loss", x="step", width=MIDDLE)


def _beside(training: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Title and small plot of what is shown beside the losses, where it was recorded."""
    of = f", peak of the {training['memory_of']}" if training["memory_of"] else ""
    shown = (("Learning rate", "rate"), ("Speed, tokens/s", "speed"), (f"Memory, GB{of}", "memory"))
    drawn = [(title, plots.curves(training[key], unit="", x="step", width=SMALL))
             for title, key in shown]  # fmt: skip
    return [(title, plot) for title, plot in drawn if plot]


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("identity_ops.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        percent=percent,
        duration=duration,
        size=size,
        dollars=dollars,
        heat=heat,
        short=short,
        words_of=lambda kind: HEADS.get(kind) or words_of(kind),
    )
    return environment


def duration(seconds: float) -> str:
    """Seconds as people read them."""
    if seconds < 90:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def size(count: float) -> str:
    """A count with a scale letter from ten thousand on."""
    if count >= 1e6:
        return f"{count / 1e6:.2f}M"
    return f"{count / 1e3:.1f}k" if count >= 1e4 else f"{count:,.0f}"


def dollars(amount: float) -> str:
    """US dollars; fractions of a cent keep their digits."""
    return "$0" if amount == 0 else f"${amount:.2f}" if amount >= 0.1 else f"${amount:.4f}"


def heat(share: float) -> str:
    """CSS class of a heat map cell, by tenths."""
    return f"h{min(10, max(0, int(share * 10)))}"


def short(value: object, length: int = 160) -> str:
    """A value cut to a length, as text."""
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text if len(text) <= length else text[: length - 3] + "..."
