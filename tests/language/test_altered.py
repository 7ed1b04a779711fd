"""A changed value is another one of the same kind, and a possible one."""

from __future__ import annotations

import re
from datetime import date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity_ops.language.altered import altered
from identity_ops.probes.twins import false_value
from identity_ops.records import Fact

TIMES = st.times().map(lambda t: t.replace(second=0, microsecond=0))
DATES = st.dates(min_value=date(1930, 1, 1), max_value=date(2039, 12, 31))
SHARES = st.one_of(st.integers(0, 100), st.decimals(0, 100, places=1))
PARTS = st.lists(st.integers(0, 40), min_size=3, max_size=4)


def twin(value: str) -> str:
    """What a probe puts in the place of a true value."""
    fact = Fact(id="f", section="", attribute="a", role="", value=value, file="kb.md", line=1)
    found = false_value(fact, value, [fact])
    assert found is not None
    assert found != value
    return found


@given(TIMES, TIMES, st.sampled_from(["{} to {}", "{}-{}", "Monday to Friday, {} - {}"]))
def test_times_stay_times_of_day(start: time, end: time, form: str) -> None:
    """Hours under 24 and minutes under 60, in a range too."""
    found = twin(form.format(f"{start:%H:%M}", f"{end:%H:%M}"))
    read = [datetime.strptime(text, "%H:%M").time() for text in re.findall(r"\d+:\d+", found)]
    assert len(read) == 2
    assert [moment.minute for moment in read] == [start.minute, end.minute]


@given(TIMES, st.sampled_from(["%I:%M %p", "%I %p"]))
def test_half_days_stay_half_days(moment: time, form: str) -> None:
    """Hours from 1 to 12 before am and pm."""
    found = twin(moment.strftime(form).lower())
    assert datetime.strptime(found, form)


@given(DATES, st.sampled_from(["%Y-%m-%d", "%d.%m.%Y", "%d %B %Y", "%B %d, %Y", "%B %Y", "%Y"]))
def test_dates_stay_dates(day: date, form: str) -> None:
    """Each is written in the same form and is in the calendar, leap days included."""
    text = day.strftime(form)
    found = twin(text)
    assert datetime.strptime(found, form).date() != day


@given(st.dates(min_value=date(2023, 1, 1), max_value=date(2024, 12, 31)))
def test_days_without_a_year_are_in_the_calendar(day: date) -> None:
    """No 31 June and no 30 February."""
    found = altered(day.strftime("%d %B"))
    assert found is not None
    assert found != day.strftime("%d %B")
    assert datetime.strptime(f"{found} 2024", "%d %B %Y")


@given(SHARES, SHARES, st.sampled_from(["{}%", "about {} percent", "{}-{}%"]))
def test_shares_stay_within_the_whole(one: object, other: object, form: str) -> None:
    """Never more than 100 %, and a range keeps its order."""
    low, high = sorted((float(str(one)), float(str(other))))
    found = [float(n) for n in re.findall(r"\d+(?:\.\d+)?", twin(form.format(low, high)))]
    assert found == sorted(found)
    assert all(0 <= number <= 100 for number in found)


@given(PARTS)
def test_versions_stay_versions(parts: list[int]) -> None:
    """As many parts as before."""
    found = twin("v" + ".".join(map(str, parts)))
    assert re.fullmatch(r"v\d+(?:\.\d+)*", found)
    assert found.count(".") == len(parts) - 1


@given(st.text(max_size=80))
def test_any_text_is_changed_or_has_nothing_to_change(text: str) -> None:
    """No text makes it fail; what it gives differs."""
    assert altered(text) != text
    assert altered("1" * 5000) is None


@pytest.mark.parametrize(
    ("value", "other"),
    [
        ("512 tokens", "1024 tokens"), ("1,024 rows in 2020", "2,048 rows in 2017"),
        ("1,84 Millionen", "4,68 Millionen"), ("2:1", "1:1"), ("4 of 5 stars", "2 of 5 stars"),
        ("24/7", "12/7"), ("7 days a week", "3 days a week"), ("3rd floor", "6th floor"),
        ("20 to 22 Uhr", "23 to 01 Uhr"), ("17. Mai 2024", "17. Mai 2021"), ("1990s", "1970s"),
        ("29 February 2024", "29 February 2020"), ("2,048 in v1.2", "4,096 in v2.2"),
    ],
)  # fmt: skip
def test_kinds_in_words(value: str, other: str) -> None:
    """Units, separators, decimal marks and foreign dates are kept."""
    assert altered(value) == other
