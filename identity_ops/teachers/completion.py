"""Read the body of a chat completion: foreign JSON that may be anything at all."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from identity_ops.errors import IdentityError, ProviderError
from identity_ops.teachers.faults import inner_status
from identity_ops.teachers.http import Reply

_MOST_TOKENS = 10**9  # of one request: beyond this, what is said is noise
_MOST_USD = 10**6
Refuse = Callable[[int, dict[str, Any], dict[str, str]], IdentityError]


@dataclass(frozen=True, slots=True)
class Answer:
    """The text of one completion and how it ended."""

    text: str
    finish_reason: str
    model: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, and the cost in US dollars where the provider says it."""

    prompt: int = 0
    cached: int = 0
    completion: int = 0
    cost: float | None = None


def loads(body: bytes) -> Any:
    """The JSON in `body` (white space around it is fine).

    Raises:
        ProviderError: it is none.
    """
    try:
        return json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise ProviderError(
            "the answer is no JSON", expected="one JSON object", got=_shape(body),
            todo="Run again later.",
        ) from None  # fmt: skip


def read(reply: Reply, refuse: Refuse) -> Answer:
    """The completion in `reply`.

    Args:
        refuse: makes the error for a status and an `error` object.

    Raises:
        IdentityError: as `refuse` classifies it.
        ProviderError: no JSON, HTML, no choices, no content.
    """
    if reply.status != 200:
        raise refuse(reply.status, error_of(reply), reply.headers)
    _check_type(reply)
    payload = loads(reply.body)
    if not isinstance(payload, dict):
        raise _broken("no object", type(payload).__name__)
    _raise_inner(payload, reply, refuse)
    choices = payload.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise _broken("no choices", "none")
    return _choice(choices[0], payload, reply, refuse)


def _choice(
    choice: dict[str, Any], payload: dict[str, Any], reply: Reply, refuse: Refuse
) -> Answer:
    _raise_inner(choice, reply, refuse)
    finish = _finish(choice.get("finish_reason"))
    if finish == "error":
        raise _broken("finish_reason is error", "no reason given")
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    content, refusal = message.get("content"), message.get("refusal")
    if not isinstance(content, str) and isinstance(refusal, str) and refusal:
        content, finish = refusal, "refusal"
    if finish == "stop" and (not isinstance(content, str) or not content.strip()):
        raise _broken("no content", "null or blank")
    model = payload.get("model")
    text = storable(content) if isinstance(content, str) else ""
    return Answer(text, finish, storable(model)[:100] if isinstance(model, str) else "")


def read_usage(reply: Reply) -> Usage:
    """What the answer says it took; zeros and None where it says nothing usable."""
    try:
        payload = json.loads(reply.body)
    except (ValueError, RecursionError):
        return Usage()
    usage = payload.get("usage") if isinstance(payload, dict) else None
    if not isinstance(usage, dict):
        return Usage()
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else 0
    prompt = _count(usage.get("prompt_tokens"))
    return Usage(
        prompt, min(_count(cached), prompt), _count(usage.get("completion_tokens")),
        _money(usage.get("cost")),
    )  # fmt: skip


def error_of(reply: Reply) -> dict[str, Any]:
    """The `error` object of a body, {} where there is none."""
    try:
        payload = json.loads(reply.body)
    except (ValueError, RecursionError):
        return {}
    return _error_in(payload) or {}


def storable(text: str) -> str:
    """`text` as UTF-8 can hold it: a lone surrogate becomes its JSON escape."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _error_in(payload: Any) -> dict[str, Any] | None:
    error = payload.get("error") if isinstance(payload, dict) else None
    if isinstance(error, str) and error:
        return {"message": error}
    return error if isinstance(error, dict) and error else None


def _raise_inner(part: dict[str, Any], reply: Reply, refuse: Refuse) -> None:
    """An error that came with status 200 is classified by its own code."""
    if error := _error_in(part):
        status = inner_status(error.get("code") or error.get("type"))
        raise refuse(status, error, reply.headers)


def _check_type(reply: Reply) -> None:
    kind = reply.headers.get("content-type", "application/json").lower()
    if "json" not in kind:
        raise ProviderError(
            "the answer is no JSON", expected="application/json", got=kind[:60],
            todo="Check the teacher's address, or run again later.",
        )  # fmt: skip


def _finish(reason: object) -> str:
    """The reason as a code that reports can count."""
    code = re.sub(r"[^a-z0-9]+", "_", reason.lower())[:40] if isinstance(reason, str) else ""
    return code.strip("_") or "missing"


def _shape(body: bytes) -> str:
    """A body in a few words; its text may hold anything."""
    start = body.lstrip()[:15].lower()
    kind = "HTML" if start.startswith((b"<!doctype", b"<html")) else "broken or cut text"
    return f"{kind} of {len(body)} bytes"


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        return 0
    return value if 0 < value < _MOST_TOKENS else 0


def _money(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < _MOST_USD else None


def _broken(what: str, got: str) -> ProviderError:
    return ProviderError(
        f"unusable answer: {what}", expected="one finished completion", got=got,
        todo="Run again later.",
    )  # fmt: skip
