"""The printed table: category, count, before, after, interval; plain text, under 90 columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

HEADER = ("category", "n", "before", "after", "95 % interval", "change")
WIDTHS = (32, 5, 8, 8, 18, 8)


def render_table(rows: Iterable[Mapping[str, Any]]) -> str:
    """The rows of `scores` as aligned text; a mark tells where lower is better."""
    lines = [_line(HEADER), "-" * sum(WIDTHS)]
    lines += [_line(_cells(row)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)


def percent(share: float) -> str:
    """A share as people read it: one decimal, and none where it is exactly 0 or 100."""
    return f"{100 * share:.0f} %" if share in {0.0, 1.0} else f"{100 * share:.1f} %"


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    before, after = row["before"], row["after"]
    label = "  " * row["depth"] + row["label"] + (" (lower is better)" if _lower(row) else "")
    return (
        label[: WIDTHS[0] - 1],
        str(row["n"]),
        percent(before["value"]) if before else "-",
        percent(after["value"]),
        f"{100 * after['low']:.1f} - {100 * after['high']:.1f} %",
        f"{100 * row['gain']['value']:+.1f}" if before else "-",
    )


def _lower(row: Mapping[str, Any]) -> bool:
    return bool(row["lower_is_better"])


def _line(cells: tuple[str, ...]) -> str:
    first, *rest = cells
    return first.ljust(WIDTHS[0]) + "".join(
        cell.rjust(width) for cell, width in zip(rest, WIDTHS[1:], strict=True)
    )
