"""Google's Gemini by its own generateContent.

Key: GEMINI_API_KEY, `.env`, or geminitoken.txt. Address: GEMINI_BASE_URL, ending in /v1beta.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from pydantic import SecretStr

from identity_ops.errors import CreditError, IdentityError
from identity_ops.records import Cell
from identity_ops.teachers import faults, keys
from identity_ops.teachers.http import Reply
from identity_ops.teachers.remote import RESPONSE_SCHEMA, RemoteTeacher
from identity_ops.teachers.reply import (
    Answer,
    Usage,
    broken,
    count,
    error_of,
    finish_code,
    require_object,
    storable,
)

_BAD_KEY = re.compile(r"API_KEY_INVALID|API_KEY_EXPIRED|API key (?:not valid|expired)")
_ENDS_NEVER = re.compile(r"per_?day|limit: 0\b", re.IGNORECASE)  # limit 0: no such quota at all
_DELAY = re.compile(r"(\d+(?:\.\d+)?)s")
_SAME = {"max_tokens": "length"}  # said alike for all providers


class GeminiTeacher(RemoteTeacher):
    """Conversations from the Gemini API. Its cost is known by a price alone."""

    provider = "gemini"
    default_url = "https://generativelanguage.googleapis.com/v1beta"
    default_model = "gemini-3-flash-preview"
    url_variable = "GEMINI_BASE_URL"
    day_zone = "America/Los_Angeles"
    key_page = "models?pageSize=1"
    models_page = "models?pageSize=1000"

    def request(self, cell: Cell) -> dict[str, Any]:
        return {
            "contents": [{"role": "user", "parts": [{"text": self._prompt.render(cell)}]}],
            "generationConfig": {
                "temperature": self.config.temperature,
                "maxOutputTokens": self.config.max_tokens,
                "responseMimeType": "application/json",
                "responseSchema": _as_gemini(RESPONSE_SCHEMA),
                **_thinking(self.model),
            },
        }

    @property
    def _path(self) -> str:
        return f"models/{quote(self.model, safe='')}:generateContent"

    def _request_key(self, body: dict[str, Any], cell: Cell, attempt: int) -> str:
        """The model stands in the address, not in the body."""
        return super()._request_key({"model": self.model, **body}, cell, attempt)

    def _auth(self, key: SecretStr) -> dict[str, str]:
        return {"x-goog-api-key": key.get_secret_value()}

    def _model(self) -> str:
        return super()._model().removeprefix("models/")

    def _answer(self, reply: Reply, payload: Any) -> Answer:
        found = require_object(reply, payload)
        if error := error_of(found):
            raise self._refuse(faults.inner_status(error.get("code")), error, reply.headers)
        version = found.get("modelVersion")
        model = storable(version)[:100] if isinstance(version, str) else ""
        feedback = found.get("promptFeedback")
        if isinstance(feedback, dict) and feedback.get("blockReason"):
            return Answer("", f"blocked_{finish_code(feedback['blockReason'])}", model)
        candidates = found.get("candidates")
        if not isinstance(candidates, list) or not candidates or not _is_dict(candidates[0]):
            raise broken("no candidates", "none")
        return _candidate(candidates[0], model)

    def _usage(self, payload: Any) -> Usage:
        """Thoughts are billed as output and are no part of candidatesTokenCount."""
        said = payload.get("usageMetadata") if isinstance(payload, dict) else None
        said = said if isinstance(said, dict) else {}
        prompt = count(said.get("promptTokenCount"))
        cached = min(count(said.get("cachedContentTokenCount")), prompt)
        written = count(said.get("candidatesTokenCount")) + count(said.get("thoughtsTokenCount"))
        return Usage(prompt, cached, written)

    def _refuse(self, status: int, error: dict[str, Any], headers: dict[str, str]) -> IdentityError:
        """A bad key comes as 400; a quota by the id of the limit that was reached."""
        details = [part for part in _list(error.get("details")) if _is_dict(part)]
        text = keys.clean(error.get("message") or "", self._key)
        if status == 400 and _BAD_KEY.search(f"{_reasons(details)} {error.get('message')}"):
            status = 401
        if status == 429:
            return _quota(details, headers, where=self.base_url, text=text)
        return faults.classify(status, error, headers, where=self.base_url, text=text)


def _thinking(model: str) -> dict[str, Any]:
    """As little as the model allows: thoughts are billed as output and count to its limit, and a
    short conversation needs few. Models of which nothing is known keep their default."""
    if model.startswith("gemini-3"):
        return {"thinkingConfig": {"thinkingLevel": "LOW"}}
    if model.startswith("gemini-2.5-flash"):
        return {"thinkingConfig": {"thinkingBudget": 0}}
    return {}


def _candidate(candidate: dict[str, Any], model: str) -> Answer:
    finish = finish_code(candidate.get("finishReason"))
    content = candidate.get("content")
    parts = _list(content.get("parts")) if isinstance(content, dict) else []
    said = [part.get("text") for part in parts if _is_dict(part) and not part.get("thought")]
    text = "".join(part for part in said if isinstance(part, str))
    if finish == "stop" and not text.strip():
        raise broken("no content", "no text parts")
    return Answer(storable(text), _SAME.get(finish, finish), model)


def _quota(
    details: list[dict[str, Any]], headers: dict[str, str], *, where: str, text: str
) -> IdentityError:
    """A quota for the day ends the run; another one asks for a pause."""
    reached = [row for part in details for row in _list(part.get("violations")) if _is_dict(row)]
    ids = ", ".join(keys.clean(row.get("quotaId"), None) for row in reached)
    zero = any(str(row.get("quotaValue")) == "0" for row in reached)
    if zero or _ENDS_NEVER.search(f"{ids} {text}"):
        return CreditError(
            f"a quota is used up that waiting a minute does not refill ({ids or text})",
            where=where,
            todo="Finished work is kept. Run the same again when the quota is new (daily quotas: "
            "midnight Pacific time), or switch billing on, or take another model.",
        )
    wait = next((_seconds(part["retryDelay"]) for part in details if "retryDelay" in part), None)
    if wait is None:
        wait = faults.retry_after(headers.get("retry-after"))
    said = f"the provider answered 429: {ids or text}"
    return faults.OverloadError(said, where=where, retry_after=wait, todo="Run again later.")


def _seconds(delay: object) -> float | None:
    """A protobuf duration, "47s" or "1.5s", in seconds."""
    match = _DELAY.fullmatch(delay) if isinstance(delay, str) else None
    return faults.retry_after(match[1]) if match else None


def _reasons(details: list[dict[str, Any]]) -> str:
    return " ".join(str(part.get("reason")) for part in details)


def _as_gemini(schema: dict[str, Any]) -> dict[str, Any]:
    """A JSON schema in Gemini's dialect: type names in capitals, no additionalProperties."""
    return {
        name: _as_gemini(value)
        if _is_dict(value)
        else value.upper() if name == "type" else value
        for name, value in schema.items()
        if name != "additionalProperties"
    }  # fmt: skip


def _is_dict(value: object) -> bool:
    return isinstance(value, dict)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
