"""What a provider's error means: stop, try again, or give up on this one prompt.

| status or inner code | error |
| --- | --- |
| 401, 403 | AuthError |
| 403 with moderation reasons, or the code of a content filter | RejectedError: this prompt alone |
| 402, insufficient quota, a daily quota | CreditError |
| 408, 409, 425, 429, 5xx, unknown inner codes | ProviderError (transient) |
| any other 4xx, redirects | RequestError |
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from identity_ops.errors import (
    AuthError,
    CreditError,
    IdentityError,
    ProviderError,
    RejectedError,
    RequestError,
)

_TRANSIENT = frozenset({408, 409, 425, 429})
_OVERLOAD = frozenset({429, 503, 529})
_INNER_NAMES = {
    "invalid_api_key": 401, "authentication_error": 401, "permission_error": 403,
    "insufficient_quota": 402, "insufficient_credits": 402, "billing_error": 402,
    "rate_limit_exceeded": 429, "rate_limit_error": 429, "overloaded_error": 529,
    "server_error": 500, "api_error": 500, "timeout": 408, "invalid_request_error": 400,
    "model_not_found": 404, "context_length_exceeded": 400,
}  # fmt: skip
_FILTERED = frozenset({"content_filter", "content_policy_violation"})
_MINUTE = re.compile(r"per[-_ ]?(?:min|sec|hour)")
_DAILY = ("per-day", "per day", "perday", "per_day", "daily", "credit")


class OverloadError(ProviderError):
    """The provider asks for fewer requests: 429, 503, 529."""


def retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds that a Retry-After header asks for: a number or an HTTP date.

    None where it says nothing usable (missing, malformed, negative, in the past). Huge values
    are returned as they are; the caller has the cap.
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = _until(value, now or datetime.now(UTC))
    return seconds if math.isfinite(seconds) and seconds > 0 else None


def _until(value: str, now: datetime) -> float:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return math.nan
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - now).total_seconds()


def reset_after(value: object, now: datetime | None = None) -> float | None:
    """Seconds until a rate limit's reset: since 1970 in seconds or milliseconds, or from now.

    None where it says nothing usable, or a moment that is past.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    if number > 1e9:
        since = number / 1000 if number > 1e11 else number
        number = since - (now or datetime.now(UTC)).timestamp()
    return number if math.isfinite(number) and number > 0 else None


def inner_status(code: object) -> int:
    """The HTTP status that an `error.code` stands for; 500 for one nobody knows."""
    if isinstance(code, bool) or code is None:
        return 500
    if isinstance(code, str) and not code.strip().isdigit():
        return _INNER_NAMES.get(code.strip().lower(), 500)
    try:
        status = int(code)  # type: ignore[call-overload]
    except (TypeError, ValueError, OverflowError):
        return 500
    return status if 400 <= status <= 599 else 500


def classify(
    status: int, error: Mapping[str, Any], headers: Mapping[str, str], *, where: str, text: str
) -> IdentityError:
    """The error to raise for a failed request.

    Args:
        status: of HTTP, or the inner one where HTTP said 200.
        error: the `error` object of the body, {} where there is none.
        headers: names in lower case.
        where: the address.
        text: what the provider says, cleaned of secrets.
    """
    text = text.rstrip(". ")  # a full stop follows
    said = f"the provider answered {status}" + (f": {text}" if text else "")
    if _is_moderation(status, error):
        return RejectedError("moderation", said, where=where)
    if status in (401, 403):
        return AuthError(f"the key was refused; {said}", where=where, todo=_CHECK_KEY)
    if status == 402 or (status == 429 and _is_spent(error, text)):
        return CreditError(f"credit or quota is used up; {said}", where=where, todo=_TOP_UP)
    if status in _TRANSIENT or status >= 500:
        kind = OverloadError if status in _OVERLOAD else ProviderError
        wait = _wait(error, headers)
        return kind(said, where=where, retry_after=wait, todo="Run again later.")
    if 300 <= status < 400:
        return RequestError(f"{said}; redirects are not followed", where=where, todo=_CHECK_URL)
    is_page = bool(error) or status not in (404, 405)  # a bare 404: there is no such API
    todo = _CHECK_REQUEST if is_page else _CHECK_URL
    return RequestError(f"the request was refused; {said}", where=where, todo=todo)


_CHECK_KEY = (
    "Check the key (in the connection, the environment, .env or a key file) and what it may do."
)
_TOP_UP = "Finished work is kept. Add credit, or wait for the quota, and run the same again."
_CHECK_URL = "Set the whole address that the provider documents, such as https://host/api/v1."
_CHECK_REQUEST = "Check the model's name, and that it supports structured output."


def _is_moderation(status: int, error: Mapping[str, Any]) -> bool:
    metadata = error.get("metadata")
    if status == 403 and isinstance(metadata, dict):
        return bool(metadata.get("reasons") or metadata.get("flagged_input"))
    return not _FILTERED.isdisjoint(str(error.get(name)).lower() for name in ("code", "type"))


def _wait(error: Mapping[str, Any], headers: Mapping[str, str]) -> float | None:
    """What the provider asks for: Retry-After, or when its limit is new (OpenRouter quotes its
    upstream's headers and wait in the error)."""
    metadata = error.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    quoted = metadata.get("headers")
    quoted = quoted if isinstance(quoted, dict) else {}
    return (
        retry_after(headers.get("retry-after"))
        or retry_after(str(metadata.get("retry_after_seconds")))
        or retry_after(str(quoted.get("Retry-After")))
        or reset_after(headers.get("x-ratelimit-reset"))
        or reset_after(quoted.get("X-RateLimit-Reset"))
    )


def _is_spent(error: Mapping[str, Any], text: str) -> bool:
    """A 429 that no waiting of ours will end."""
    said = f"{error.get('code')} {error.get('type')} {text}".lower()
    if "insufficient_quota" in said:
        return True
    return any(mark in said for mark in _DAILY) and not _MINUTE.search(said)
