"""Plots: well-formed SVG whatever the numbers and names."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from xml.etree import ElementTree

import pytest

from identity_ops.evaluate.stats import wilson
from identity_ops.report.plots import bars, curves, dumbbells


def row(label: str, passed: int, n: int, before: int | None = None) -> dict[str, Any]:
    return {
        "key": label, "label": label, "depth": 0, "n": n, "lower_is_better": False,
        "after": asdict(wilson(passed, n)),
        "before": None if before is None else asdict(wilson(before, n)),
    }  # fmt: skip


def test_names_are_escaped() -> None:
    """Markup in a label stays text."""
    for svg in (dumbbells([row("<b>&", 1, 2)]), bars({"<b>&": 3}), curves(
        {"<b>&": [(0, 1), (1, 2)]}, unit="<i>", x="&")):  # fmt: skip
        ElementTree.fromstring(str(svg))  # noqa: S314 - made by us two lines above
        assert "<b>" not in svg


def test_dots_stand_where_the_shares_are() -> None:
    """A higher share is further right, and before stands left of after."""
    svg = ElementTree.fromstring(str(dumbbells([row("x", 9, 10, 1)])))  # noqa: S314 - ours
    dots = {dot.get("class"): float(dot.get("cx") or 0) for dot in svg.iter() if dot.get("cx")}
    assert dots["before"] < dots["after"]


def test_rows_without_probes_are_left_out() -> None:
    """Nothing asked, nothing drawn."""
    assert "nothing" not in dumbbells([row("nothing", 0, 0), row("x", 1, 2)])


@pytest.mark.parametrize("points", [[], [(1.0, 2.0)], [(0.0, float("nan")), (1.0, float("inf"))]])
def test_too_little_to_draw_draws_nothing(points: list[tuple[float, float]]) -> None:
    """No curve of fewer than two finite points."""
    assert curves({"loss": points}, unit="loss", x="step") == ""


def test_long_runs_stay_small() -> None:
    """A hundred thousand steps are thinned to a few hundred points."""
    points = [(float(n), 1.0) for n in range(100_000)]
    assert len(curves({"loss": points}, unit="loss", x="step")) < 20_000


def test_all_zero_is_a_flat_line() -> None:
    """No division by zero where every value is 0."""
    assert "polyline" in curves({"loss": [(0, 0), (1, 0)]}, unit="loss", x="step")
    assert "rect" in bars({"a": 0})


@pytest.mark.parametrize(
    ("top", "ticks"),
    [(0.002, ["0.002", "0.0015", "0.001", "0.0005"]), (16500.0, ["20k", "15k", "10k", "5000"]),
     (3.1, ["4", "3", "2", "1"]), (1.0, ["1", "0.75", "0.5", "0.25"])],
)  # fmt: skip
def test_the_axis_has_round_numbers(top: float, ticks: list[str]) -> None:
    """Above the highest point, evenly down to 0."""
    svg = curves({"x": [(1, top / 2), (2, top)]}, unit="", x="step")
    assert [tick for tick in ticks if f">{tick}</text>" not in svg] == []


def test_one_line_needs_no_name() -> None:
    """Its title tells; several are named."""
    one, two = {"rate": [(0.0, 1.0), (1.0, 2.0)]}, {"other": [(0.0, 1.0), (1.0, 2.0)]}
    assert ">rate<" not in curves(one, unit="", x="step")
    assert ">rate<" in curves(one | two, unit="", x="step")
