"""What is asked of OpenRouter, and what becomes of whole answers."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from identity_ops.records import Response, decode, encode
from identity_ops.teachers.openrouter import OpenRouterTeacher
from tests.loopback import Fault, Provider
from tests.scene import TEXT, account, cell
from tests.teachers.conftest import made


def test_request_is_structured_and_puts_the_cell_last(
    provider: Provider, teacher: OpenRouterTeacher
) -> None:
    """Structured output is required, and everything before the cell is the same bytes."""
    teacher.complete(cell(1), 0, account())
    teacher.complete(cell(2), 0, account())
    first, second = provider.posts
    assert first["provider"] == {"require_parameters": True}
    assert first["usage"] == {"include": True}
    assert first["response_format"]["json_schema"]["strict"] is True
    assert first["model"] == "google/gemini-3-flash-preview"
    (one,), (two,) = first["messages"], second["messages"]
    assert one["role"] == "user"
    assert TEXT in one["content"]
    assert one["content"].index("topic number 1") > one["content"].index(TEXT) + len(TEXT)
    prefix = one["content"][: one["content"].index("topic number 1")]
    assert two["content"].startswith(prefix)


def test_effort_is_asked_only_of_models_that_reason(provider: Provider, tmp_path: Path) -> None:
    """With require_parameters another model would find no provider at all."""
    for model in ("google/gemini-3-flash-preview", "mistralai/mistral-small"):
        with made(provider, tmp_path, model=model) as teacher:
            teacher.complete(cell(), 0, account())
    assert [body.get("reasoning") for body in provider.posts] == [{"effort": "low"}, None]


def test_answer_records_usage_cost_and_attempt(teacher: OpenRouterTeacher) -> None:
    """Tokens, cached tokens and cost are the provider's own figures."""
    response = teacher.complete(cell(), 2, account())
    assert (response.prompt_tokens, response.cached_tokens, response.completion_tokens) == (
        1000, 800, 100,
    )  # fmt: skip
    assert response.cost_usd == 0.001
    assert response.attempt == 2
    assert response.finish_reason == "stop"
    assert response.key == teacher.key(cell(), 2) != teacher.key(cell(), 1)


@pytest.mark.parametrize("reason", ["length", "content_filter", "tool_calls", "odd", None])
def test_other_finish_reasons_are_kept_as_they_are(
    provider: Provider, teacher: OpenRouterTeacher, reason: str | None
) -> None:
    """An answer that did not end by itself is paid for, recorded, and never called `stop`."""
    provider.faults.append(Fault(finish_reason=reason))
    response = teacher.complete(cell(), 0, account())
    assert response.finish_reason == (reason or "missing")
    assert response.cost_usd == 0.001
    assert len(provider.posts) == 1


def test_refusal_is_recorded(provider: Provider, teacher: OpenRouterTeacher) -> None:
    """A model's refusal is an answer of its own kind, not a fault to repeat."""

    def refuse(payload: dict[str, Any]) -> None:
        payload["choices"][0]["message"] = {"content": None, "refusal": "I will not."}

    provider.faults.append(Fault(change=refuse))
    response = teacher.complete(cell(), 0, account())
    assert (response.finish_reason, response.text) == ("refusal", "I will not.")


def test_leading_white_space_is_fine(provider: Provider, teacher: OpenRouterTeacher) -> None:
    """OpenRouter sends blanks to keep the line open; they are no fault."""
    payload = provider.completion({"model": "m", "messages": [{"content": "x"}]}, "stop")
    provider.faults.append(Fault(body=b"\n   \n" + json.dumps(payload).encode()))
    teacher.complete(cell(), 0, account())
    assert len(provider.posts) == 1


@pytest.mark.parametrize("how", ["chunked", "gzip", "both"])
def test_transport_encodings_are_read(
    provider: Provider, teacher: OpenRouterTeacher, how: str
) -> None:
    """Chunked and compressed answers are answers."""
    payload = provider.completion({"model": "m", "messages": [{"content": "x"}]}, "stop")
    data, headers = json.dumps(payload).encode(), {}
    if how != "chunked":
        data, headers = gzip.compress(data), {"Content-Encoding": "gzip"}
    provider.faults.append(Fault(body=data, headers=headers, chunked=how != "gzip"))
    assert teacher.complete(cell(), 0, account()).prompt_tokens == 1000
    assert len(provider.posts) == 1


def test_lone_surrogate_can_be_stored(provider: Provider, teacher: OpenRouterTeacher) -> None:
    """A text that UTF-8 cannot hold becomes one that says the same in JSON."""
    provider.faults.append(
        Fault(change=lambda p: p["choices"][0]["message"].update(content='{"a": "\ud800"}'))
    )
    response = teacher.complete(cell(), 0, account())
    assert decode(Response, encode(response).encode().decode()) == response
    assert json.loads(response.text) == {"a": "\ud800"}


@pytest.mark.parametrize("cost", [-1, float("nan"), float("inf"), "0.5", True, None, [], 10**400])
def test_odd_cost_is_not_believed(provider: Provider, tmp_path: Path, cost: object) -> None:
    """A cost that is no amount of money is reckoned from the tokens instead."""
    provider.faults.append(Fault(change=lambda p: p["usage"].update(cost=cost)))
    price = {"prompt": 1.0, "cached": 0.5, "completion": 10.0}
    with made(provider, tmp_path, price=price) as teacher:
        response = teacher.complete(cell(), 0, account())
    assert response.cost_usd == pytest.approx((200 * 1.0 + 800 * 0.5 + 100 * 10.0) / 1e6)


@pytest.mark.parametrize("usage", [None, [], "x", {"prompt_tokens": -4}, {"prompt_tokens": "9"}])
def test_odd_usage_counts_nothing(
    provider: Provider, teacher: OpenRouterTeacher, usage: object
) -> None:
    """Token counts that are none are zero, and the answer stays good."""
    provider.faults.append(Fault(change=lambda p: p.update(usage=usage)))
    assert teacher.complete(cell(), 0, account()).prompt_tokens == 0
