"""Retry-After and inner error codes, in all the forms that providers find."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from identity_ops.teachers.faults import inner_status, retry_after

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0), ("0.5", 0.5), (" 3 ", 3.0), ("86400", 86400.0),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30.0),
        ("Sun, 01 Mar 2026 13:00:30 +0100", 30.0),
        ("Sun, 01 Mar 2026 12:00:30 -0000", 30.0),
    ],
)  # fmt: skip
def test_seconds_and_dates_are_read(value: str, seconds: float) -> None:
    """A number or an HTTP date becomes seconds from now; huge ones are the caller's to cap."""
    assert retry_after(value, NOW) == seconds


@pytest.mark.parametrize(
    "value",
    [None, "", "soon", "-1", "0", "nan", "inf", "1e999", "Sun, 01 Mar 2026 11:00:00 GMT",
     "Sun, 99 Mar 2026 12:00:30 GMT", "12:30", "\u0663\u0663\u0663\ud800"],
)  # fmt: skip
def test_what_says_nothing_usable_is_none(value: str | None) -> None:
    """Negative, past, infinite or malformed: the caller backs off as it would without."""
    found = retry_after(value, NOW)
    assert found is None or found == 333.0  # Arabic-Indic digits are digits, too


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (429, 429), ("429", 429), (" 402 ", 402), ("insufficient_quota", 402), (503.0, 503),
        ("Invalid_API_Key", 401), (None, 500), (True, 500), ("odd", 500), (200, 500), (7, 500),
        (10**30, 500), ([], 500), ({}, 500), (float("nan"), 500), (float("inf"), 500),
    ],
)  # fmt: skip
def test_inner_code_becomes_a_status(code: object, status: int) -> None:
    """Numbers, numerals and names; what nobody knows is a passing fault."""
    assert inner_status(code) == status
