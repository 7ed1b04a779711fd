"""Gemini's own API: what is sent, how its answers end, and what its refusals mean."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from identity_ops.errors import (
    AuthError,
    CreditError,
    IdentityError,
    RequestError,
)
from identity_ops.generate.stage import generate_stage
from identity_ops.knowledge import read_knowledge
from identity_ops.teachers.base import make_teacher
from identity_ops.teachers.gemini import GeminiTeacher
from identity_ops.teachers.spend import Account, Budget
from tests.loopback import KEY, Fault, Provider
from tests.scene import (
    TEXT,
    Pages,
    account,
    cell,
    commit_lint,
    commit_plan,
    knowledge,
    settings,
)

QUOTA = "type.googleapis.com/google.rpc.QuotaFailure"
RETRY = "type.googleapis.com/google.rpc.RetryInfo"
PER_DAY = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"
PER_MINUTE = "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"


@contextlib.contextmanager
def made(provider: Provider, folder: Path, **changes: Any) -> Iterator[GeminiTeacher]:
    key = SecretStr(changes.pop("key", KEY))
    config = settings(provider, name="gemini", base_url=provider.gemini_url, **changes)
    built = make_teacher(config, knowledge(folder), key=key)
    assert isinstance(built, GeminiTeacher)
    try:
        yield built
    finally:
        built.close()


@pytest.fixture
def teacher(provider: Provider, tmp_path: Path) -> Iterator[GeminiTeacher]:
    with made(provider, tmp_path) as built:
        yield built


def refusal(code: int, message: str = "no", *details: object, status: str = "X") -> Fault:
    error = {"code": code, "message": message, "status": status, "details": list(details)}
    return Fault(status=code, body={"error": error})


def quota(*ids: str, delay: object = None, message: str = "exceeded") -> Fault:
    violations = {"@type": QUOTA, "violations": [{"quotaId": name} for name in ids]}
    wait = [] if delay is None else [{"@type": RETRY, "retryDelay": delay}]
    return refusal(429, message, violations, *wait, status="RESOURCE_EXHAUSTED")


def test_request_is_native_and_structured(provider: Provider, teacher: GeminiTeacher) -> None:
    """One user turn with the knowledge base, and a schema in Gemini's dialect."""
    teacher.complete(cell(1), 0, account())
    (body,) = provider.posts
    (content,) = body["contents"]
    assert content["role"] == "user"
    assert TEXT in content["parts"][0]["text"]
    settings = body["generationConfig"]
    assert settings["responseMimeType"] == "application/json"
    assert (settings["temperature"], settings["maxOutputTokens"]) == (1.0, 4096)
    schema = settings["responseSchema"]
    item = schema["properties"]["messages"]["items"]
    assert (schema["type"], item["type"]) == ("OBJECT", "OBJECT")
    assert item["properties"]["role"] == {"type": "STRING", "enum": ["user", "assistant"]}
    assert "additionalProperties" not in json.dumps(body)
    assert "tools" not in body


@pytest.mark.parametrize(
    ("model", "thinking"),
    [("gemini-3-flash-preview", {"thinkingLevel": "LOW"}),
     ("gemini-3-pro-preview", {"thinkingLevel": "LOW"}),
     ("gemini-2.5-flash-lite", {"thinkingBudget": 0}),
     ("gemini-2.5-pro", None), ("gemma-9-it", None)],
)  # fmt: skip
def test_little_thinking_is_asked_for_where_the_model_knows_how(
    provider: Provider, tmp_path: Path, model: str, thinking: dict[str, Any] | None
) -> None:
    """Thoughts are billed; a field that a model does not know would be refused."""
    with made(provider, tmp_path, model=model) as teacher:
        teacher.complete(cell(), 0, account())
    assert provider.posts[0]["generationConfig"].get("thinkingConfig") == thinking


def test_answer_counts_thoughts_and_cached_tokens(teacher: GeminiTeacher) -> None:
    """Thoughts are billed as output; what was cached is cheaper; the table has the price."""
    response = teacher.complete(cell(), 2, account())
    assert (response.prompt_tokens, response.cached_tokens, response.completion_tokens) == (
        1000, 800, 100,
    )  # fmt: skip
    assert response.cost_usd == pytest.approx((200 * 0.5 + 800 * 0.05 + 100 * 3.0) / 1e6)
    assert (response.finish_reason, response.provider) == ("stop", "gemini")
    assert response.model == teacher.model == "gemini-3-flash-preview"
    assert response.key == teacher.key(cell(), 2) != teacher.key(cell(), 1)


def test_another_model_is_another_request(provider: Provider, tmp_path: Path) -> None:
    """The model stands in the address alone, and still decides the key."""
    with made(provider, tmp_path, model="gemini-2.5-flash") as one:
        with made(provider, tmp_path, model="models/gemini-2.5-pro") as two:
            assert one.key(cell(), 0) != two.key(cell(), 0)
        assert one.complete(cell(), 0, account()).model == "gemini-2.5-flash"


@pytest.mark.parametrize(
    ("reason", "code"),
    [("MAX_TOKENS", "length"), ("SAFETY", "safety"), ("RECITATION", "recitation"),
     ("LANGUAGE", "language"), ("OTHER", "other"), ("BLOCKLIST", "blocklist"), ("SPII", "spii"),
     ("PROHIBITED_CONTENT", "prohibited_content"), ("IMAGE_SAFETY", "image_safety"),
     ("MALFORMED_FUNCTION_CALL", "malformed_function_call"),
     ("FINISH_REASON_UNSPECIFIED", "finish_reason_unspecified"),
     ("SOMETHING_NEW", "something_new"), (None, "missing")],
)  # fmt: skip
def test_every_reason_but_stop_is_paid_for_and_not_accepted(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: str, code: str
) -> None:
    """Also with a good text, also for reasons that do not exist yet: a spare takes its place."""
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    provider.faults.append(Fault(finish_reason=reason))
    lint = commit_lint(tmp_path)
    plan = commit_plan(tmp_path / "plan", mains=1, spares=2, batch_size=1)
    config = settings(provider, name="gemini", base_url=provider.gemini_url, workers=1)
    manifest = generate_stage(lint, plan, tmp_path / "out", batch=0, teacher=config)
    assert manifest.figures["rejections"] == {f"finish_{code}": 1}
    assert manifest.counts["accepted"] == 1
    assert manifest.figures["responses"] == len(provider.posts) == 2


def test_cut_answer_without_text_is_recorded(provider: Provider, teacher: GeminiTeacher) -> None:
    """All tokens went into thoughts: paid for, counted as length, not asked again."""

    def silence(payload: dict[str, Any]) -> None:
        payload["candidates"][0]["content"] = {"role": "model"}
        payload["usageMetadata"].pop("candidatesTokenCount")

    provider.faults.append(Fault(finish_reason="MAX_TOKENS", change=silence))
    response = teacher.complete(cell(), 0, account())
    assert (response.finish_reason, response.text) == ("length", "")
    assert response.completion_tokens == 40
    assert len(provider.posts) == 1


@pytest.mark.parametrize("reason", ["SAFETY", "PROHIBITED_CONTENT", "OTHER", "A_NEW_ONE"])
def test_blocked_prompt_is_an_answer_of_its_own_kind(
    provider: Provider, teacher: GeminiTeacher, reason: str
) -> None:
    """No candidate, but a reason: one request, its prompt paid for, and a code to count."""
    feedback = {"promptFeedback": {"blockReason": reason}, "usageMetadata": {"promptTokenCount": 9}}
    provider.faults.append(Fault(body=feedback))
    response = teacher.complete(cell(), 0, account())
    assert response.finish_reason == f"blocked_{reason.lower()}"
    assert response.text == ""
    assert response.cost_usd == pytest.approx(9 * 0.5 / 1e6)
    assert len(provider.posts) == 1


def test_thoughts_are_no_part_of_the_text(provider: Provider, teacher: GeminiTeacher) -> None:
    """Parts marked as thought are left out; the others are joined."""

    def think(payload: dict[str, Any]) -> None:
        content = payload["candidates"][0]["content"]
        text = content["parts"][0]["text"]
        content["parts"] = [
            {"text": "Let me see.", "thought": True}, {"text": text[:9]}, {"text": text[9:]},
        ]  # fmt: skip

    provider.faults.append(Fault(change=think))
    assert json.loads(teacher.complete(cell(), 0, account()).text)["messages"]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(body={}), Fault(body={"candidates": []}), Fault(body={"candidates": [None]}),
        Fault(body=b"[]"), Fault(body=b"<html>", content_type="text/html"), Fault(cut=30),
        Fault(change=lambda p: p["candidates"][0].pop("content")),
        Fault(change=lambda p: p["candidates"][0]["content"].update(parts=[{"text": " "}])),
        Fault(change=lambda p: p["candidates"][0]["content"].update(parts="x")),
        Fault(body={"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}),
        refusal(500), refusal(503), refusal(504), quota(PER_MINUTE), quota(PER_MINUTE, delay="9s"),
        quota(), quota("GenerateContentInputTokensPerModelPerMinute-FreeTier", delay="bad"),
        quota(PER_MINUTE, delay=7), quota(PER_MINUTE, delay="-4s"),
    ],
)  # fmt: skip
def test_passing_fault_is_tried_again(
    provider: Provider, teacher: GeminiTeacher, fault: Fault
) -> None:
    """Broken answers, overload and quotas of a minute: one more request, and then right."""
    provider.faults.append(fault)
    assert teacher.complete(cell(), 0, account()).finish_reason == "stop"
    assert len(provider.posts) == 2


@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        (quota(PER_DAY, delay="31s"), CreditError, PER_DAY),
        (quota(PER_MINUTE, PER_DAY), CreditError, "midnight Pacific"),
        (quota(message="Quota exceeded for metric: x, limit: 0, model: y"), CreditError, "limit"),
        (refusal(400, "no", {"reason": "API_KEY_INVALID"}), AuthError, "key"),
        (refusal(400, "API key not valid. Please pass a valid API key."), AuthError, "key"),
        (refusal(400, "API key expired. Renew it."), AuthError, "key"),
        (refusal(403, "denied", status="PERMISSION_DENIED"), AuthError, "denied"),
        (refusal(401), AuthError, "key"),
        (refusal(402), CreditError, "credit"),
        (refusal(400, "schema is odd", status="INVALID_ARGUMENT"), RequestError, "schema is odd"),
        (refusal(404, "model is not found"), RequestError, "not found"),
        (Fault(body={"error": {"code": 403, "message": "inner"}}), AuthError, "inner"),
        (Fault(status=302, headers={"Location": "http://169.254.169.254/"}), RequestError, "redir"),
    ],
)
def test_final_fault_costs_one_request(
    provider: Provider, teacher: GeminiTeacher, fault: Fault, kind: type[IdentityError], says: str
) -> None:
    """What waiting cannot mend is asked once, and the message says what to do."""
    provider.faults.append(fault)
    pages = Pages()
    with pytest.raises(kind, match=says):
        teacher.complete(cell(), 0, Account(Budget(None), pages, retries=9))
    assert len(provider.posts) == 1
    assert pages.closed == [(0.0, kind.__name__)]


@pytest.mark.parametrize(("delay", "least"), [("0.3s", 0.3), ("0.300s", 0.3), ("3600s", 0.5)])
def test_retry_delay_is_honoured_up_to_the_cap(
    provider: Provider, tmp_path: Path, delay: str, least: float
) -> None:
    """RetryInfo in the details is the least wait, as Retry-After is elsewhere."""
    provider.faults.append(quota(PER_MINUTE, delay=delay))
    with made(provider, tmp_path, max_wait_s=0.5) as teacher:
        response = teacher.complete(cell(), 0, account())
    assert response.finish_reason == "stop"
    assert provider.arrivals[1] - provider.arrivals[0] >= least


def test_preflight_finds_a_bad_key_with_one_request(provider: Provider, tmp_path: Path) -> None:
    """Gemini answers 400; it is an AuthError all the same, and the key is not in it."""
    wrong = "AIzaPlanted0123456789abcdefghij"
    with made(provider, tmp_path, key=wrong) as teacher, pytest.raises(AuthError) as caught:
        teacher.preflight()
    assert wrong not in f"{caught.value!r} {caught.value}"
    assert provider.gets == ["/v1beta/models?pageSize=1"]
    assert provider.posts == []


@pytest.mark.parametrize("reply", [(404, {}), (500, {}), (200, b"x"), (200, {"models": []})])
def test_preflight_forgives_everything_else(
    provider: Provider, teacher: GeminiTeacher, reply: tuple[int, object]
) -> None:
    """Only a refused key or spent credit stops before the first conversation."""
    provider.models_reply = reply
    teacher.preflight()
    assert provider.gets == ["/v1beta/models?pageSize=1"]
    assert teacher.complete(cell(), 0, account()).finish_reason == "stop"


def test_missing_key_names_where_one_may_stand(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is sent without a key; the file beside the work is found."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GEMINI_API_KEY", raising=False)
    monkeypatch.setenv("GEMINI_BASE_URL", provider.gemini_url)
    bare = GeminiTeacher(settings(provider, name="gemini", base_url=None), knowledge(tmp_path))
    with pytest.raises(AuthError, match=r"GEMINI_API_KEY.*geminitoken\.txt"):
        bare.preflight()
    assert provider.gets == []
    Path("geminitoken.txt").write_text(f"{KEY}\n")
    bare.preflight()
    bare.close()
    assert len(provider.gets) == 1


def test_model_cannot_change_the_address(provider: Provider, tmp_path: Path) -> None:
    """A model's name is one part of a path, whatever is in it."""
    with made(provider, tmp_path, model="../../evil?x=/y#z") as teacher:
        teacher.complete(cell(), 0, account())
    assert provider.paths == ["/v1beta/models/..%2F..%2Fevil%3Fx%3D%2Fy%23z:generateContent"]


def test_read_knowledge_is_what_the_prompt_carries(provider: Provider, tmp_path: Path) -> None:
    """The committed ledger's own text goes out verbatim, whichever provider it is."""
    lint = commit_lint(tmp_path)
    config = settings(provider, name="gemini", base_url=provider.gemini_url)
    teacher = make_teacher(config, read_knowledge(lint), key=SecretStr(KEY))
    teacher.complete(cell(), 0, account())
    teacher.close()
    assert TEXT in provider.posts[0]["contents"][0]["parts"][0]["text"]
