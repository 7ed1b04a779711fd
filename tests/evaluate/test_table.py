"""The printed table: aligned, narrow, and plain about what is missing."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from identity_ops.evaluate.stats import paired_difference, wilson
from identity_ops.evaluate.table import percent, render_table


def row(label: str, before: int | None, after: int, n: int = 200) -> dict[str, Any]:
    found: dict[str, Any] = {
        "key": "x", "label": label, "depth": 1, "n": n, "lower_is_better": label == "low",
        "before": None if before is None else asdict(wilson(before, n)),
        "after": asdict(wilson(after, n)),
    }  # fmt: skip
    if before is not None:
        sides = [[True] * k + [False] * (n - k) for k in (before, after)]
        found["gain"] = asdict(paired_difference(*sides))
    return found


def test_columns_line_up_whatever_the_label() -> None:
    """Long labels are cut, no line passes 90 columns, counts end in the same column."""
    lines = render_table([row("x" * 200, 0, 200), row("low", 3, 4), row("y", None, 1)]).split("\n")
    assert max(map(len, lines)) <= 90
    assert len({line.index(" 200 ") for line in lines[2:]}) == 1


def test_a_missing_baseline_is_a_dash() -> None:
    """No number is made up for a model that was not asked."""
    cells = render_table([row("y", None, 1)]).split("\n")[2].split()
    assert cells[2] == "-"
    assert cells[-1] == "-"


def test_percent_never_rounds_to_certainty() -> None:
    """Only 0 and 1 are shown without decimals."""
    assert [percent(share) for share in (0.0, 1.0, 0.999)] == ["0 %", "100 %", "99.9 %"]
    assert percent(0.9999) != "100 %"
