"""Wrong values that training asks about: possible ones, and not those of the probes."""

from __future__ import annotations

import random
import re

import pytest

from identity_ops.language.altered import altered
from identity_ops.teachers.template.values import false_value

SEEDS = range(40)


@pytest.mark.parametrize("value", ["9:00 to 17:00", "Monday to Friday, 22:00 to 6:00", "17:45"])
def test_a_time_stays_within_the_day(value: str) -> None:
    made = {false_value(value, "opening hours", random.Random(seed)) for seed in SEEDS}
    assert value not in made
    assert len(made) > 1
    assert all(int(hour) < 24 for text in made for hour in re.findall(r"(\d+):", text))


@pytest.mark.parametrize("value", ["9:00", "May 2025", "12 May 2025", "3 hours a day", "8xH100"])
def test_a_bounded_value_is_not_the_one_that_probes_use(value: str) -> None:
    """Or a probe's false claim would be one that training denied word for word."""
    made = {false_value(value, "x", random.Random(seed)) for seed in SEEDS}
    assert made.isdisjoint({value, altered(value), ""})


def test_nothing_is_made_up_where_nothing_else_is_possible() -> None:
    assert {false_value("24 hours a day", "x", random.Random(seed)) for seed in SEEDS} == {""}
