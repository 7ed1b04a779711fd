"""A sweep as one SVG file: a column for each factor that was varied, a row for each measure.

A dot is the mean over seeds with its 95 % interval; a dashed line is the control. Along a column
the other factors stay at the centre. Colours follow the reader's light or dark scheme.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from markupsafe import escape

from identity_ops.sweep import FACTORS, MEASURES, Setting

LEFT, TOP, WIDTH, HEIGHT, GAP, ROW = 64, 64, 250, 110, 34, 162
AXES: Final = {"identity_share": "identity share of tokens", "epochs": "epochs",
               "num_conversations": "conversations"}  # fmt: skip
TITLES: Final = {"name": "name and creator right", "facts": "facts right, mean",
                 "over_identity": "talks about itself unasked", "ability": "ordinary ability",
                 "gain": "ability against the control"}  # fmt: skip
REFERENCE: Final = ("over_identity", "ability")  # measures that are held against the control's
LEGEND: Final = "dots: mean with 95 % interval; ringed: the centre; dashed: the control"
STYLE: Final = """
text { font: 12px system-ui, sans-serif; fill: #22242a; }
.title { font-weight: 600; } .soft { fill: #6a6f7a; }
.grid { stroke: #e4e1da; } .mean { fill: none; stroke: #1f6f5c; stroke-width: 1.5; opacity: .6; }
.whisker { stroke: #1f6f5c; stroke-width: 3; stroke-linecap: round; opacity: .5; }
.value { fill: #6a6f7a; stroke: #fbfaf7; stroke-width: 3; paint-order: stroke; }
.dot { fill: #1f6f5c; } .centre { stroke: #22242a; stroke-width: 1.5; }
.control { stroke: #c2703d; stroke-width: 1.5; stroke-dasharray: 5 4; } .paper { fill: #fbfaf7; }
@media (prefers-color-scheme: dark) {
text { fill: #e8e6e1; } .soft { fill: #9a9fab; } .paper { fill: #17181b; }
.grid { stroke: #32353b; }
.mean, .whisker { stroke: #5cc2a5; } .dot { fill: #5cc2a5; } .centre { stroke: #e8e6e1; }
.control { stroke: #e0a06f; } .value { fill: #9a9fab; stroke: #17181b; } }
"""
Rows = Sequence[Mapping[str, Any]]


def plot(centre: Setting, rows: Rows) -> str:
    """The SVG; a factor with one value, or a measure that no row has, is left out.

    Args:
        rows: of `sweep.tabulate`.
    """
    lines = {name: _along(centre, name, rows) for name in FACTORS}
    factors = [name for name, line in lines.items() if len(line) > 1]
    measures = [name for name in MEASURES if any(name in row["measures"] for row in rows)]
    width = LEFT + max(1, len(factors)) * (WIDTH + GAP)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} '
             f'{TOP + len(measures) * ROW + 16}" role="img" '
             f'aria-label="What a sweep of the training gave"><style>{STYLE}</style>'
             '<rect class="paper" width="100%" height="100%"/>',
             _text(LEFT, 22, LEGEND, "soft")]  # fmt: skip
    for row, measure in enumerate(measures):
        scale = _Scale.of(measure, rows, TOP + row * ROW)
        parts.append(_text(LEFT, scale.top - 10, TITLES[measure], "title"))
        for column, name in enumerate(factors):
            left = LEFT + column * (WIDTH + GAP)
            parts += _control(left, scale, measure, rows)
            parts += _panel(left, scale, measure, name, centre, lines[name])
    for column, name in enumerate(factors):
        middle = LEFT + column * (WIDTH + GAP) + WIDTH / 2
        bottom = TOP + len(measures) * ROW
        parts.append(_text(middle, bottom, AXES[name], "title", "middle"))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _along(centre: Setting, name: str, rows: Rows) -> Rows:
    """The taught rows that differ from the centre in this factor alone, in its order."""
    fixed = {key: value for key, value in asdict(centre).items() if key != name}
    found = [row for row in rows if row["measures"]
             and all(row["setting"][key] == value for key, value in fixed.items())]  # fmt: skip
    return sorted(found, key=lambda row: row["setting"][name])


@dataclass(frozen=True, slots=True)
class _Scale:
    """The y axis of one row of panels, over all intervals of a measure."""

    top: float
    low: float
    high: float

    @classmethod
    def of(cls, measure: str, rows: Rows, top: float) -> _Scale:
        wanted = [row for row in rows if measure in REFERENCE or not _is_control(row)]
        found = [row["measures"][measure] for row in wanted if measure in row["measures"]]
        step = 0.05
        low = min(one["low"] for one in found) // step * step
        high = -(-max(one["high"] for one in found) // step) * step
        return cls(top, low, max(high, low + 2 * step))

    def y(self, value: float) -> float:
        return self.top + HEIGHT * (self.high - value) / (self.high - self.low)

    @property
    def ticks(self) -> list[float]:
        return [self.low + part * (self.high - self.low) / 2 for part in range(3)]


def _is_control(row: Mapping[str, Any]) -> bool:
    return bool(row["setting"]["control"])


def _panel(
    left: float, scale: _Scale, measure: str, name: str, centre: Setting, line: Rows
) -> list[str]:
    parts = []
    for tick in scale.ticks:
        y = scale.y(tick)
        parts.append(f'<line class="grid" x1="{left}" x2="{left + WIDTH}" y1="{y:.1f}" '
                     f'y2="{y:.1f}"/>')  # fmt: skip
        if left == LEFT:
            parts.append(_text(left - 6, y + 4, f"{100 * tick:.3g} %", "soft", "end"))
    xs = [left + WIDTH * (n + 0.5) / len(line) for n in range(len(line))]
    shown = [(x, row) for x, row in zip(xs, line, strict=True) if measure in row["measures"]]
    path = " ".join(f"{x:.1f},{scale.y(row['measures'][measure]['value']):.1f}" for x, row in shown)
    parts.append(f'<polyline class="mean" points="{path}"/>')
    for x, row in shown:
        is_centre = row["setting"] == asdict(centre)
        parts += _dot(x, scale, row["measures"][measure], is_centre=is_centre)
        parts.append(
            _text(x, scale.top + HEIGHT + 14, f"{row['setting'][name]:,g}", "soft", "middle")
        )
    return parts


def _dot(x: float, scale: _Scale, found: Mapping[str, float], *, is_centre: bool) -> list[str]:
    value, low, high = (scale.y(found[name]) for name in ("value", "low", "high"))
    return [
        f'<line class="whisker" x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}"/>',
        f'<circle class="dot{" centre" if is_centre else ""}" cx="{x:.1f}" cy="{value:.1f}" '
        'r="4.5"/>',
        _text(x + 7, value - 6, f"{100 * found['value']:.1f}", "value"),
    ]


def _control(left: float, scale: _Scale, measure: str, rows: Rows) -> list[str]:
    """A line where the control is; at zero where the measure is the difference from it."""
    controls = [row["measures"] for row in rows if _is_control(row) and row["measures"]]
    found = [one[measure]["value"] for one in controls if measure in REFERENCE]
    if measure == "gain" and scale.low <= 0 <= scale.high:
        found = [0.0]
    return [
        f'<line class="control" x1="{left}" x2="{left + WIDTH}" y1="{scale.y(value):.1f}" '
        f'y2="{scale.y(value):.1f}"><title>control {100 * value:.1f} %</title></line>'
        for value in found
    ]


def _text(x: float, y: float, text: str, kind: str, anchor: str = "start") -> str:
    return (
        f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
    )
