"""Read the body of a chat completion, as OpenAI, OpenRouter, vLLM, Ollama and llama.cpp send it."""

from __future__ import annotations

from typing import Any

from identity_ops.teachers.faults import inner_status
from identity_ops.teachers.http import Reply
from identity_ops.teachers.reply import (
    Answer,
    Refuse,
    Usage,
    broken,
    count,
    error_of,
    finish_code,
    money,
    require_object,
    storable,
)


def read(reply: Reply, payload: Any, refuse: Refuse) -> Answer:
    """The completion in a reply of status 200.

    Args:
        payload: the reply's JSON, None where it is none.
        refuse: makes the error for a status and an `error` object.

    Raises:
        IdentityError: as `refuse` classifies it.
        ProviderError: no JSON, HTML, no choices, no content.
    """
    found = require_object(reply, payload)
    _raise_inner(found, reply, refuse)
    choices = found.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise broken("no choices", "none")
    _raise_inner(choices[0], reply, refuse)
    model = found.get("model")
    return _choice(choices[0], storable(model)[:100] if isinstance(model, str) else "")


def _choice(choice: dict[str, Any], model: str) -> Answer:
    finish = finish_code(choice.get("finish_reason"))
    if finish == "error":
        raise broken("finish_reason is error", "no reason given")
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    content, refusal = message.get("content"), message.get("refusal")
    if not isinstance(content, str) and isinstance(refusal, str) and refusal:
        content, finish = refusal, "refusal"
    if finish == "stop" and (not isinstance(content, str) or not content.strip()):
        raise broken("no content", "null or blank")
    return Answer(storable(content) if isinstance(content, str) else "", finish, model)


def read_usage(payload: Any) -> Usage:
    """What the answer says it took; zeros and None where it says nothing usable."""
    usage = payload.get("usage") if isinstance(payload, dict) else None
    if not isinstance(usage, dict):
        return Usage()
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else 0
    prompt = count(usage.get("prompt_tokens"))
    return Usage(
        prompt, min(count(cached), prompt), count(usage.get("completion_tokens")),
        money(usage.get("cost")),
    )  # fmt: skip


def _raise_inner(part: dict[str, Any], reply: Reply, refuse: Refuse) -> None:
    """An error that came with status 200 is classified by its own code."""
    if error := error_of(part):
        status = inner_status(error.get("code") or error.get("type"))
        raise refuse(status, error, reply.headers)
