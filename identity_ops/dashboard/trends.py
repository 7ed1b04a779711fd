"""How well it took, over time: a small chart for each figure, a line for each model's name."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup, escape

from identity_ops.dashboard.data import Row
from identity_ops.evaluate.table import percent

WIDTH, HEIGHT, LEFT, BOTTOM = 470, 190, 46, 158
COLOURS = 6  # classes c0 to c5 of the style sheet
STEP = 0.1  # an axis of shares ends at a multiple
INTERVAL, COST = "name_accuracy", "cost_usd"  # the figure with an interval; the one that is money
FIGURES = {  # column -> title
    "name_accuracy": "Name and creator",
    "fact_recall": "Facts recalled",
    "over_identity": "Talks about itself unasked (lower is better)",
    "ability": "Ordinary ability",
    "cost_usd": "Cost, US dollars",
}


def frame(rows: Sequence[Row]) -> pd.DataFrame:
    """The evaluated runs, the oldest first, a column for each figure; `low`, `high`: interval."""
    found = [
        {"run": row.info.run_id, "name": row.info.name, "started_at": row.info.started_at,
         "low": row.interval[0], "high": row.interval[1],
         **{figure: getattr(row.info, figure) for figure in FIGURES}}
        for row in rows if row.info and row.interval
    ]  # fmt: skip
    columns = ["run", "name", "started_at", "low", "high", *FIGURES]
    table = pd.DataFrame(found, columns=columns).sort_values(["started_at", "run"])
    return table.reset_index(drop=True)


def names(table: pd.DataFrame) -> list[str]:
    """The models' names in the order of their colours."""
    return list(dict.fromkeys(table["name"]))


def charts(table: pd.DataFrame) -> dict[str, Markup]:
    """Title -> chart; none where fewer than two runs were evaluated, for then nothing has moved.

    A run that cost nothing is no news: without any cost there is no chart of it.
    """
    if len(table) < 2:
        return {}
    shown = {figure: title for figure, title in FIGURES.items() if table[figure].notna().any()}
    if not table[COST].any():
        shown.pop(COST)
    return {title: Chart(table, figure).svg(title) for figure, title in shown.items()}


class Chart:
    """One figure over the runs; the axis reaches from a little below what there is to above it."""

    def __init__(self, table: pd.DataFrame, figure: str) -> None:
        self.table, self.figure = table, figure
        values = table[["low", "high"] if figure == INTERVAL else [figure]]
        least, most = float(values.min().min()), float(values.max().max())
        if figure == COST:
            self.bottom, self.top = 0.0, most
        else:
            self.bottom = max(0.0, math.floor((least - STEP / 2) / STEP) * STEP)
            self.top = min(1.0, math.ceil((most + STEP / 2) / STEP) * STEP)

    def svg(self, title: str) -> Markup:
        """The drawing. Its texts are escaped here."""
        parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">']
        for share in (0.0, 0.5, 1.0):
            parts.append(self._grid(self.bottom + share * (self.top - self.bottom)))
        for number, name in enumerate(names(self.table)):
            runs = self.table[self.table["name"] == name].dropna(subset=[self.figure])
            parts += self._line(runs, f"c{number % COLOURS}")
        first, last = (_when(self.table, at) for at in (0, -1))
        for x, anchor, text in ((LEFT, "start", first), (WIDTH - 8, "end", last)):
            parts.append(f'<text class="tick" x="{x}" y="{HEIGHT - 10}" text-anchor="{anchor}">'
                         f"{escape(text)}</text>")  # fmt: skip
        return Markup("".join([*parts, "</svg>"]))  # noqa: S704 - every text in it is escaped

    def _grid(self, value: float) -> str:
        y = self._y(value)
        label = f"{value:.2f}" if self.figure == COST else f"{100 * value:g} %"
        return (f'<line class="grid" x1="{LEFT}" x2="{WIDTH - 8}" y1="{y:.1f}" y2="{y:.1f}"/>'
                f'<text class="tick" x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">'
                f"{label}</text>")  # fmt: skip

    def _line(self, runs: pd.DataFrame, colour: str) -> list[str]:
        points = [(self._x(at), self._y(value)) for at, value in runs[self.figure].items()]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts = [f'<polyline class="line {colour}" points="{path}"/>']
        for (x, y), (_, run) in zip(points, runs.iterrows(), strict=True):
            if self.figure == INTERVAL:
                low, high = self._y(run["low"]), self._y(run["high"])
                parts.append(f'<line class="whisker {colour}" x1="{x:.1f}" x2="{x:.1f}" '
                             f'y1="{low:.1f}" y2="{high:.1f}"/>')  # fmt: skip
            parts.append(f'<circle class="{colour}" cx="{x:.1f}" cy="{y:.1f}" r="4"><title>'
                         f"{escape(self._words(run))}</title></circle>")  # fmt: skip
        return parts

    def _words(self, run: Any) -> str:
        value = run[self.figure]
        text = f"{value:.2f} USD" if self.figure == COST else percent(value)
        return f"{run['name']}: {text}, run {run['run']}"

    def _x(self, at: Any) -> float:
        return LEFT + 14 + (WIDTH - LEFT - 36) * int(at) / (len(self.table) - 1)

    def _y(self, value: float) -> float:
        share = (value - self.bottom) / max(self.top - self.bottom, 1e-9)
        return BOTTOM - (BOTTOM - 12) * share


def _when(table: pd.DataFrame, at: int) -> str:
    """The day of a run; the time too where all ran on one day."""
    days = table["started_at"].str[:10]
    text = str(table["started_at"].iloc[at])[: 10 if days.nunique() > 1 else 16]
    return text.replace("T", " ")
