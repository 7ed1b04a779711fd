"""The pages as HTML."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from identity_ops.dashboard import data, trends
from identity_ops.evaluate.table import percent
from identity_ops.report.page import dollars, duration, short, size
from identity_ops.store.paths import Home

SHOWN = 200  # runs in the list


def overview(home: Home, root: str) -> str:
    """What ran, and how it went over time.

    Args:
        root: path under which the pages are served, without a slash at its end.
    """
    rows = data.rows(home)
    table = trends.frame(rows)
    return _render(
        "runs.html", root, rows=rows[:SHOWN], left_out=len(rows[SHOWN:]),
        charts=trends.charts(table), names=trends.names(table), colours=trends.COLOURS,
    )  # fmt: skip


def models(home: Home, root: str, *, may_write: bool, problem: str = "") -> str:
    """The published models, with buttons for those who may use them."""
    found = data.models(home)
    return _render("models.html", root, models=found, may_write=may_write, problem=problem)


def message(root: str, title: str, text: str) -> str:
    """A page that says one thing."""
    return _render("message.html", root, title=title, text=text)


def style() -> str:
    """The style sheet."""
    return _environment().get_template("style.css").render()


def _render(template: str, root: str, **values: Any) -> str:
    return _environment().get_template(template).render(root=root, **values)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("identity_ops.dashboard", "templates"), autoescape=True,
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters.update(
        percent=percent, duration=duration, size=size, dollars=dollars, short=short
    )
    return environment
