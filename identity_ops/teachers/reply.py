"""What the answers of all providers share: foreign JSON that may be anything at all."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from identity_ops.errors import IdentityError, ProviderError
from identity_ops.teachers.http import Reply

_MOST_TOKENS = 10**9  # of one request: beyond this, what is said is noise
_MOST_USD = 10**6
_KEEP_ALIVE = re.compile(rb"\A(?:\s*:[^\n]*\n)+")  # lines of comment before the body
Refuse = Callable[[int, dict[str, Any], dict[str, str]], IdentityError]


@dataclass(frozen=True, slots=True)
class Answer:
    """The text of one completion and how it ended."""

    text: str
    finish_reason: str
    model: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, and the cost in US dollars where the provider says it.

    `cached` is a part of `prompt`; `completion` counts all that is billed as output.
    """

    prompt: int = 0
    cached: int = 0
    completion: int = 0
    cost: float | None = None


def listed_rows(page: Any) -> list[dict[str, Any]]:
    """The models on a page that lists them: OpenAI's way (data) or Gemini's (models)."""
    found = page.get("data") or page.get("models") if isinstance(page, dict) else None
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def parse(body: bytes) -> Any:
    """The JSON in `body`, None where there is none.

    White space around it and the comments that keep a slow connection open are fine.
    """
    try:
        return json.loads(_KEEP_ALIVE.sub(b"", body).decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None


def require_object(reply: Reply, payload: Any) -> dict[str, Any]:
    """`payload` if the reply is a JSON object that says so.

    Raises:
        ProviderError: HTML, another content type, cut or broken JSON, no object.
    """
    kind = reply.headers.get("content-type", "application/json").lower()
    if "json" not in kind:
        raise broken("no JSON", kind[:60])
    if payload is None:
        raise broken("no JSON", _shape(reply.body))
    if not isinstance(payload, dict):
        raise broken("no object", type(payload).__name__)
    return payload


def error_of(payload: Any) -> dict[str, Any]:
    """The `error` object of a payload, {} where there is none."""
    error = payload.get("error") if isinstance(payload, dict) else None
    if isinstance(error, str) and error:
        return {"message": error}
    return error if isinstance(error, dict) else {}


def storable(text: str) -> str:
    """`text` as UTF-8 can hold it: a lone surrogate becomes its JSON escape."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def finish_code(reason: object) -> str:
    """The reason as a code that reports can count; never `stop` for what is not that word."""
    code = re.sub(r"[^a-z0-9]+", "_", reason.lower())[:40] if isinstance(reason, str) else ""
    return code.strip("_") or "missing"


def count(value: object) -> int:
    """A number of tokens; 0 for what is none."""
    if isinstance(value, bool) or not isinstance(value, int):
        return 0
    return value if 0 < value < _MOST_TOKENS else 0


def money(value: object) -> float | None:
    """US dollars; None for what is no amount."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < _MOST_USD else None


def broken(what: str, got: str) -> ProviderError:
    """The error for an answer that asking again may mend."""
    return ProviderError(
        f"unusable answer: {what}", expected="one finished completion", got=got,
        todo="Check the teacher's address, or run again later.",
    )  # fmt: skip


def _shape(body: bytes) -> str:
    """A body in a few words; its text may hold anything."""
    start = body.lstrip()[:15].lower()
    kind = "HTML" if start.startswith((b"<!doctype", b"<html")) else "broken or cut text"
    return f"{kind} of {len(body)} bytes"
