"""Plots as inline SVG: interval dumbbells, a heat map, curves and bars.

Colours come from CSS classes of the page, so that plots follow light and dark. Text is escaped
here; each function returns Markup that a template may insert as it is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

WIDTH = 600
LABEL = 165
ROW = 26


def dumbbells(rows: Sequence[Mapping[str, Any]]) -> Markup:
    """Before and after of each category on 0-100 %, with the interval of each."""
    rows = [row for row in rows if row["n"]]
    height = ROW * len(rows) + 34
    parts = [_open(WIDTH, height, "Share of probes passed before and after training")]
    parts += [_tick(share, height - 24) for share in (0, 0.25, 0.5, 0.75, 1)]
    for number, row in enumerate(rows):
        parts.append(_dumbbell(row, 12 + number * ROW))
    return _close(parts)


def curves(
    series: Mapping[str, Sequence[tuple[float, float]]], *, unit: str, x: str, width: int = WIDTH
) -> Markup:
    """Lines over a common x axis. `series`: name -> (x, y) points; not finite ones are left out."""
    clean = {
        name: [(a, b) for a, b in points if math.isfinite(a) and math.isfinite(b)]
        for name, points in series.items()
    }
    points = [point for line in clean.values() for point in line]
    if len(points) < 2:
        return Markup("")
    height, left, bottom = 240, 52, 206
    top = 4 * _step(max(b for _, b in points) / 4)
    last = max(a for a, _ in points) or 1.0

    def place(a: float, b: float) -> tuple[float, float]:
        return left + (width - left - 12) * a / last, bottom - (bottom - 12) * b / top

    parts = [_open(width, height, f"{unit} by {x}")]
    for share in (0, 0.25, 0.5, 0.75, 1):
        _, y = place(0, top * share)
        parts.append(
            f'<line class="grid" x1="{left}" x2="{width - 12}" y1="{y:.1f}" y2="{y:.1f}"/>'
        )
        parts.append(f'<text class="tick" x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">'
                     f"{_short(top * share)}</text>")  # fmt: skip
    for number, (name, line) in enumerate(clean.items()):
        path = " ".join("{:.1f},{:.1f}".format(*place(*point)) for point in _thin(line))
        parts.append(f'<polyline class="line c{number}" points="{path}"/>')
        if len(clean) > 1:
            parts.append(f'<text class="key c{number}" x="{width - 14}" y="{24 + 18 * number}" '
                         f'text-anchor="end">{escape(name)}</text>')  # fmt: skip
    parts.append(f'<text class="tick" x="{width - 12}" y="{height - 8}" text-anchor="end">'
                 f"{escape(x)} (last: {_short(last)})</text>")  # fmt: skip
    parts.append(f'<text class="tick" x="{left}" y="{height - 8}">{escape(unit)}</text>')
    return _close(parts)


def bars(counts: Mapping[str, float]) -> Markup:
    """Horizontal bars with their values, longest first."""
    rows = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    top = max((value for _, value in rows), default=0) or 1
    parts = [_open(WIDTH, ROW * len(rows) + 6, "Counts")]
    for number, (name, value) in enumerate(rows):
        y = 4 + number * ROW
        width = max(1.0, (WIDTH - LABEL - 70) * value / top)
        parts.append(f'<text class="label" x="{LABEL - 10}" y="{y + 15}" text-anchor="end">'
                     f"{escape(_cut(name))}</text>")  # fmt: skip
        parts.append(f'<rect class="bar" x="{LABEL}" y="{y + 2}" width="{width:.1f}" height="18" '
                     f'rx="3"/>')  # fmt: skip
        parts.append(f'<text class="tick" x="{LABEL + width + 6:.1f}" y="{y + 15}">'
                     f"{_short(value)}</text>")  # fmt: skip
    return _close(parts)


def _dumbbell(row: Mapping[str, Any], y: float) -> str:
    centre = y + ROW / 2 - 4
    kind = "label sub" if row["depth"] else "label"
    parts = [f'<text class="{kind}" x="{LABEL - 10}" y="{centre + 4:.1f}" text-anchor="end">'
             f"{escape(_cut(row['label']))}</text>"]  # fmt: skip
    before, after = row["before"], row["after"]
    if before:
        parts.append(_whisker(before, centre + 4, "before"))
    parts.append(_whisker(after, centre - 2 if before else centre, "after"))
    return "<g>" + _title(row) + "".join(parts) + "</g>"


def _whisker(share: Mapping[str, float], y: float, side: str) -> str:
    low, high, at = _x(share["low"]), _x(share["high"]), _x(share["value"])
    return (
        f'<line class="{side}" x1="{low:.1f}" x2="{high:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<circle class="{side}" cx="{at:.1f}" cy="{y:.1f}" r="4.5"/>'
    )


def _title(row: Mapping[str, Any]) -> str:
    after = row["after"]
    text = f"{row['label']}: {after['passed']} of {row['n']} after"
    if row["before"]:
        text += f", {row['before']['passed']} before"
    return f"<title>{escape(text)}</title>"


def _x(share: float) -> float:
    return LABEL + (WIDTH - LABEL - 26) * share


def _tick(share: float, bottom: float) -> str:
    x = _x(share)
    return (
        f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="6" y2="{bottom:.1f}"/>'
        f'<text class="tick" x="{x:.1f}" y="{bottom + 16:.1f}" text-anchor="middle">'
        f"{100 * share:.0f} %</text>"
    )


def _open(width: int, height: float, title: str) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height:.0f}" role="img" aria-label="{escape(title)}" '
        f'xmlns="http://www.w3.org/2000/svg">'
    )


def _close(parts: list[str]) -> Markup:
    return Markup("".join(parts) + "</svg>")  # noqa: S704 - every text in it went through escape


def _step(least: float) -> float:
    """The next of 1, 2, 2.5 and 5 times a power of ten; 0.25 where nothing is above 0."""
    if least <= 0:
        return 0.25
    power = 10.0 ** math.floor(math.log10(least))
    return next(f * power for f in (1, 2, 2.5, 5, 10) if f * power >= least * (1 - 1e-9))


def _thin(points: Sequence[tuple[float, float]], most: int = 400) -> Sequence[tuple[float, float]]:
    step = -(-len(points) // most)
    return points[::step] if step > 1 else points


def _cut(text: str, length: int = 24) -> str:
    return text if len(text) <= length else text[: length - 3] + "..."


def _short(value: float) -> str:
    if abs(value) >= 1e6:
        return f"{value / 1e6:.3g}M"
    if abs(value) >= 1e4:
        return f"{value / 1e3:.3g}k"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
