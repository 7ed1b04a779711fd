"""Retry-After and inner error codes, in all the forms that providers find."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from identity_ops.errors import CreditError, IdentityError, ProviderError, RejectedError
from identity_ops.teachers.faults import classify, inner_status, reset_after, retry_after

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


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("1772366430000", 30.0), ("1772366430", 30.0), (1772366430000, 30.0), ("12", 12.0),
     ("1772366399", None), ("soon", None), ("", None), (None, None), ("nan", None), ("-3", None),
     (True, None), ([], None)],
)  # fmt: skip
def test_reset_moment_is_read_in_every_unit(value: object, seconds: float | None) -> None:
    """Milliseconds or seconds since 1970, or seconds from now; nonsense and the past are None."""
    assert reset_after(value, NOW) == seconds


def refused(message: str, headers: dict[str, str], **error: Any) -> IdentityError:
    return classify(429, {"message": message, **error}, headers, where="x", text=message)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Rate limit exceeded: free-models-per-day. Add 10 credits for more.", CreditError),
        ("Rate limit exceeded: free-models-per-min.", ProviderError),
        ("Limit of 20 requests per minute; add credits to raise it.", ProviderError),
        ("You exceeded your daily limit.", CreditError),
        ("Too many requests.", ProviderError),
    ],
)
def test_quota_of_a_minute_is_waited_for_and_that_of_a_day_is_not(
    message: str, kind: type[IdentityError]
) -> None:
    """Advice to buy credits does not make a minute's limit a day's."""
    assert isinstance(refused(message, {}), kind)


def test_wait_is_what_the_clearest_voice_asks() -> None:
    """Retry-After first, then the moment of reset: in a header, or quoted in the error."""
    quoted = {"metadata": {"headers": {"X-RateLimit-Reset": "20"}}}
    both = refused("slow", {"retry-after": "7", "x-ratelimit-reset": "9"})
    assert isinstance(both, ProviderError)
    assert both.retry_after == 7
    header = refused("slow", {"x-ratelimit-reset": "9"}, **quoted)
    assert isinstance(header, ProviderError)
    assert header.retry_after == 9
    inside = refused("slow", {"retry-after": "never"}, **quoted)
    assert isinstance(inside, ProviderError)
    assert inside.retry_after == 20
    odd = refused("slow", {}, metadata={"headers": ["x"]})
    assert isinstance(odd, ProviderError)
    assert odd.retry_after is None


@pytest.mark.parametrize(
    "metadata", [{"retry_after_seconds": 11}, {"headers": {"Retry-After": "11"}}]
)
def test_wait_that_the_upstream_asked_for_is_kept(metadata: dict[str, Any]) -> None:
    """OpenRouter passes its upstream's wait on in the error alone."""
    error = refused("Provider returned error", {}, metadata=metadata)
    assert isinstance(error, ProviderError)
    assert error.retry_after == 11


@pytest.mark.parametrize("status", [400, 403, 500])
def test_content_filter_costs_one_prompt_and_not_the_run(status: int) -> None:
    """Azure and OpenAI say so with the code of a bad request, and OpenRouter within a 200."""
    error = {"code": "content_filter", "message": "filtered"}
    found = classify(status, error, {}, where="x", text="filtered")
    assert isinstance(found, RejectedError)
    assert found.reason == "moderation"


def test_missing_page_is_told_apart_from_a_missing_model() -> None:
    """Without an API's own error the address is wrong, and not the model's name."""
    advice = [
        str(classify(404, error, {}, where="x", text="")) for error in ({}, {"message": "no model"})
    ]
    assert "address" in advice[0]
    assert "model's name" in advice[1]
