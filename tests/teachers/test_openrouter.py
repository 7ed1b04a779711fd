"""The OpenRouter teacher against a provider on real sockets: each fault and what comes of it."""

from __future__ import annotations

import contextlib
import gzip
import json
import logging
import threading
import time
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from identity_ops.errors import (
    AuthError,
    ConfigError,
    CreditError,
    IdentityError,
    ProviderError,
    RejectedError,
    RequestError,
)
from identity_ops.records import Response, decode, encode
from identity_ops.teachers.openrouter import OpenRouterTeacher
from identity_ops.teachers.spend import Account, Budget
from tests.loopback import KEY, Fault, Provider, serve
from tests.scene import TEXT, Pages, account, cell, knowledge, settings


@pytest.fixture
def provider() -> Iterator[Provider]:
    with serve() as running:
        yield running


@pytest.fixture
def teacher(provider: Provider, tmp_path: Path) -> Iterator[OpenRouterTeacher]:
    with made(provider, tmp_path) as built:
        yield built


@contextlib.contextmanager
def made(provider: Provider, folder: Path, **changes: Any) -> Iterator[OpenRouterTeacher]:
    built = OpenRouterTeacher(
        settings(provider, **changes), knowledge(folder), key=SecretStr(changes.pop("key", KEY))
    )
    try:
        yield built
    finally:
        built.close()


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


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 529])
def test_passing_fault_is_tried_again(
    provider: Provider, teacher: OpenRouterTeacher, status: int
) -> None:
    """A transient status costs one more request, no more."""
    provider.faults.append(Fault(status=status, body={"error": {"code": status, "message": "x"}}))
    assert teacher.complete(cell(), 0, account()).finish_reason == "stop"
    assert len(provider.posts) == 2


@pytest.mark.parametrize(
    "fault",
    [
        Fault(cut=40, reset=True),
        Fault(cut=40),
        Fault(cut=0),
        Fault(chunked=True, cut=80),
        Fault(chunked=True, cut=80, reset=True),
        Fault(chunked=True, cut=3),
        Fault(body=b"not gzip", headers={"Content-Encoding": "gzip"}),
        Fault(body=gzip.compress(b"x" * 1000)[:30], headers={"Content-Encoding": "gzip"}),
        Fault(body=b'{"choices": [{"mess'),
        Fault(body=b""),
        Fault(body=b"\xff\xfe\x00"),
        Fault(body=b"[" * 100_000),
        Fault(body=b"<!DOCTYPE html><p>Bad gateway", content_type="text/html"),
        Fault(body=b"<html>maintenance</html>"),
        Fault(content_type="text/plain"),
        Fault(body={"choices": []}),
        Fault(body={"id": "x"}),
        Fault(body={"choices": [None]}),
        Fault(body=b"[]"),
        Fault(body=b"null"),
        Fault(change=lambda p: p["choices"][0]["message"].update(content=None)),
        Fault(change=lambda p: p["choices"][0]["message"].update(content=" \n")),
        Fault(change=lambda p: p["choices"][0].pop("message")),
        Fault(finish_reason="error"),
        Fault(body={"error": {"code": 429, "message": "slow down"}}),
        Fault(body={"error": {"code": "rate_limit_exceeded", "message": "slow down"}}),
        Fault(body={"error": {"code": 502, "message": "upstream"}}),
        Fault(body={"error": "something odd"}),
        Fault(body={"error": {"message": "no code at all"}}),
        Fault(change=lambda p: p["choices"][0].update(error={"code": 503, "message": "busy"})),
    ],
)
def test_broken_answer_is_transient(
    provider: Provider, teacher: OpenRouterTeacher, fault: Fault
) -> None:
    """A reset, half a body, HTML, no choices, no content: asked again, and then right."""
    provider.faults.append(fault)
    assert teacher.complete(cell(), 0, account()).finish_reason == "stop"
    assert len(provider.posts) == 2


@pytest.mark.parametrize("fault", [Fault(body=b"{"), Fault(status=503), Fault(cut=9, reset=True)])
def test_attempts_are_bounded(provider: Provider, teacher: OpenRouterTeacher, fault: Fault) -> None:
    """A fault that stays ends as a ProviderError after as many sends as allowed."""
    provider.faults.extend([fault] * 10)
    with pytest.raises(ProviderError):
        teacher.complete(cell(), 0, account())
    assert len(provider.posts) == 3


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault(status=400, body={"error": {"message": "bad"}}), RequestError),
        (Fault(status=404, body={"error": {"message": "no such model"}}), RequestError),
        (Fault(status=413, body=b"too large", content_type="text/plain"), RequestError),
        (Fault(status=422, body={"error": {"message": "schema"}}), RequestError),
        (Fault(status=402, body={"error": {"code": 402, "message": "credits"}}), CreditError),
        (Fault(status=403, body={"error": {"code": 403, "message": "no"}}), AuthError),
        (Fault(status=401, body={"error": {"code": 401, "message": "no"}}), AuthError),
        (Fault(status=302, headers={"Location": "http://169.254.169.254/"}), RequestError),
        (Fault(status=307, headers={"Location": "http://127.0.0.1:1/"}), RequestError),
        (Fault(body={"error": {"code": 402, "message": "credits"}}), CreditError),
        (Fault(body={"error": {"code": "402", "message": "credits"}}), CreditError),
        (Fault(body={"error": {"code": "insufficient_quota", "message": "x"}}), CreditError),
        (Fault(body={"error": {"code": 400, "message": "bad"}}), RequestError),
        (Fault(body={"error": {"code": 401, "message": "bad"}}), AuthError),
        (
            Fault(status=429, body={"error": {"message": "Rate limit: free-models-per-day"}}),
            CreditError,
        ),
        (Fault(status=429, body={"error": {"code": "insufficient_quota"}}), CreditError),
        (
            Fault(
                status=403,
                body={"error": {"code": 403, "metadata": {"reasons": ["violence"]}}},
            ),
            RejectedError,
        ),
    ],
)
def test_final_fault_costs_one_request(
    provider: Provider, teacher: OpenRouterTeacher, fault: Fault, kind: type[IdentityError]
) -> None:
    """What asking again cannot mend is not asked again, and says what to do."""
    provider.faults.append(fault)
    with pytest.raises(kind):
        teacher.complete(cell(), 0, account())
    assert len(provider.posts) == 1


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


def test_redirect_is_not_followed(provider: Provider, teacher: OpenRouterTeacher) -> None:
    """The key goes to the configured address and to no other."""
    with serve() as elsewhere:
        target = f"{elsewhere.url}/chat/completions"
        for status in (301, 302, 303, 307, 308):
            provider.faults.append(Fault(status=status, headers={"Location": target}))
            with pytest.raises(RequestError, match="redirects are not followed"):
                teacher.complete(cell(), 0, account())
        assert not elsewhere.posts
        assert not elsewhere.gets


def test_environment_sends_the_key_nowhere_else(
    provider: Provider, teacher: OpenRouterTeacher, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Proxies and netrc of the environment are not used."""
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert teacher.complete(cell(), 0, account()).finish_reason == "stop"


def test_unknown_host_is_transient(provider: Provider, tmp_path: Path) -> None:
    """A name that does not resolve is a passing fault that names the address."""
    url = "https://no-such-host.invalid/api/v1"
    with (
        made(provider, tmp_path, base_url=url, attempts=2) as teacher,
        pytest.raises(ProviderError, match=r"no-such-host\.invalid"),
    ):
        teacher.complete(cell(), 0, account())


def test_endless_body_is_cut_off(
    provider: Provider, teacher: OpenRouterTeacher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A body beyond any answer's size ends as a fault, not as an empty memory."""
    monkeypatch.setattr("identity_ops.teachers.http.MAX_BODY", 10_000)
    provider.faults.append(Fault(body=b" " * 100_000))
    assert teacher.complete(cell(), 0, account()).finish_reason == "stop"
    assert len(provider.posts) == 2


def test_lone_surrogate_can_be_stored(provider: Provider, teacher: OpenRouterTeacher) -> None:
    """A text that UTF-8 cannot hold becomes one that says the same in JSON."""
    provider.faults.append(
        Fault(change=lambda p: p["choices"][0]["message"].update(content='{"a": "\ud800"}'))
    )
    response = teacher.complete(cell(), 0, account())
    assert decode(Response, encode(response).encode().decode()) == response
    assert json.loads(response.text) == {"a": "\ud800"}


@pytest.mark.parametrize("cost", [-1, float("nan"), float("inf"), "0.5", True, None, [], 10**400])
def test_odd_cost_is_not_believed(
    provider: Provider, teacher: OpenRouterTeacher, cost: object
) -> None:
    """A cost that is no amount of money is no cost."""
    provider.faults.append(Fault(change=lambda p: p["usage"].update(cost=cost)))
    assert teacher.complete(cell(), 0, account()).cost_usd == 0.0


@pytest.mark.parametrize("usage", [None, [], "x", {"prompt_tokens": -4}, {"prompt_tokens": "9"}])
def test_odd_usage_counts_nothing(
    provider: Provider, teacher: OpenRouterTeacher, usage: object
) -> None:
    """Token counts that are none are zero, and the answer stays good."""
    provider.faults.append(Fault(change=lambda p: p.update(usage=usage)))
    assert teacher.complete(cell(), 0, account()).prompt_tokens == 0


def test_dripping_body_ends_at_the_deadline(provider: Provider, tmp_path: Path) -> None:
    """A body that comes byte by byte does not outlive the deadline of the exchange."""
    provider.faults.append(Fault(drip_s=0.05))
    with made(provider, tmp_path, timeout_s=0.4) as teacher:
        began = time.monotonic()
        assert teacher.complete(cell(), 0, account()).finish_reason == "stop"
        assert len(provider.posts) == 2
        assert time.monotonic() - began < 10  # the body would take a minute


def test_silent_server_times_out(provider: Provider, tmp_path: Path) -> None:
    """No answer at all within the deadline is a transient fault that names the address."""
    provider.faults.extend([Fault(delay_s=1.0)] * 2)
    with (
        made(provider, tmp_path, timeout_s=0.2, attempts=2) as teacher,
        pytest.raises(ProviderError, match="time-out"),
    ):
        teacher.complete(cell(), 0, account())


def test_nobody_listening_is_transient_and_costs_nothing(tmp_path: Path) -> None:
    """A refused connection is tried again, and nothing is booked for it."""
    with serve() as gone:
        pass
    pages = Pages()
    with made(gone, tmp_path, price={"prompt": 1, "completion": 1}) as teacher:
        with pytest.raises(ProviderError, match="cannot connect"):
            teacher.complete(cell(), 0, Account(Budget(1.0), pages, retries=9))
        assert pages.closed == [(0.0, "unsent")] * 3


@pytest.mark.parametrize(
    "value",
    ["0.02", "99999999", "-5", "nan", "inf", "1e400", "soon", "", "Wed, 99 Foo 2026 99:99:99 GMT",
     format_datetime(datetime.now(UTC) + timedelta(days=365), usegmt=True),
     format_datetime(datetime.now(UTC) - timedelta(days=365), usegmt=True)],
)  # fmt: skip
def test_any_retry_after_ends_in_a_bounded_wait(
    provider: Provider, teacher: OpenRouterTeacher, value: str
) -> None:
    """Seconds, dates, the past, the far future and nonsense: asked again within the cap."""
    provider.faults.append(Fault(status=429, headers={"Retry-After": value}, body={"error": {}}))
    began = time.monotonic()
    teacher.complete(cell(), 0, account())
    assert len(provider.posts) == 2
    assert time.monotonic() - began < 5


def test_retry_after_is_honoured(provider: Provider, tmp_path: Path) -> None:
    """Under the cap, the provider's wish is the least wait."""
    provider.faults.append(Fault(status=429, headers={"Retry-After": "0.3"}, body={"error": {}}))
    with made(provider, tmp_path, max_wait_s=5) as teacher:
        began = time.monotonic()
        teacher.complete(cell(), 0, account())
        assert time.monotonic() - began >= 0.3


def test_429_lowers_what_is_in_flight(provider: Provider, tmp_path: Path) -> None:
    """After a burst of 429 fewer requests fly at once, in all threads of the teacher."""
    provider.delay_s = 0.05
    provider.faults.extend([Fault(status=429, body={"error": {}}, delay_s=0.05)] * 8)
    with made(provider, tmp_path, workers=8, attempts=6) as teacher:
        shared = account()
        threads = [
            threading.Thread(target=teacher.complete, args=(cell(n), 0, shared)) for n in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert provider.most_in_flight == 8
        assert teacher._throttle.limit < 8


def test_retry_stock_of_the_batch_ends_an_outage(
    provider: Provider, teacher: OpenRouterTeacher
) -> None:
    """When the batch's retries are used up the provider counts as down, and that is said."""
    provider.faults.extend([Fault(status=500)] * 10)
    with pytest.raises(ProviderError, match="fails too often"):
        teacher.complete(cell(), 0, account(retries=1))
    assert len(provider.posts) == 2


def test_halted_batch_sends_nothing(provider: Provider, teacher: OpenRouterTeacher) -> None:
    """A request that waits when its batch stops is given up, unsent."""
    stopping = account()
    stopping.halted.set()
    with pytest.raises(ProviderError, match="stopping"):
        teacher.complete(cell(), 0, stopping)
    assert provider.posts == []


def test_preflight_finds_a_wrong_key_with_one_request(provider: Provider, tmp_path: Path) -> None:
    """A refused key is found before any conversation, and is not in what is said about it."""
    wrong = "sk-or-v1-planted0123456789abcdef"
    refused = OpenRouterTeacher(settings(provider), knowledge(tmp_path), key=SecretStr(wrong))
    with pytest.raises(AuthError) as caught:
        refused.preflight()
    refused.close()
    assert wrong not in f"{caught.value!r} {caught.value} {caught.value.__cause__!r}"
    assert provider.gets == ["/api/v1/key"]
    assert provider.posts == []


def test_preflight_forgives_a_server_without_that_page(
    provider: Provider, teacher: OpenRouterTeacher
) -> None:
    """404 on the key's page says nothing about the key."""
    provider.key_reply = (404, {"error": {"message": "not found"}})
    teacher.preflight()


@pytest.mark.parametrize("left", [0, -0.5])
def test_preflight_finds_an_empty_account(
    provider: Provider, teacher: OpenRouterTeacher, left: float
) -> None:
    """A key whose limit is used up stops before the first conversation."""
    provider.key_reply = (200, {"data": {"limit_remaining": left}})
    with pytest.raises(CreditError, match="used up"):
        teacher.preflight()


@pytest.mark.parametrize("reply", [{"data": None}, {"data": {"limit_remaining": "much"}}, [], 7])
def test_preflight_takes_odd_answers_as_yes(
    provider: Provider, teacher: OpenRouterTeacher, reply: object
) -> None:
    """Only a clear no stops."""
    provider.key_reply = (200, reply)
    teacher.preflight()


def test_no_key_is_found_without_a_request(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a key nothing is sent, and the message says where one may stand."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENROUTER_API_KEY", raising=False)
    keyless = OpenRouterTeacher(settings(provider), knowledge(tmp_path))
    with pytest.raises(AuthError, match="OPENROUTER_API_KEY"):
        keyless.preflight()
    keyless.close()
    assert provider.gets == []


def test_key_is_in_no_log_message_or_repr(
    provider: Provider, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever fails, however much is logged: the key stays in the header."""
    caplog.set_level(logging.DEBUG)
    secret = "oddly-shaped.key/of+a=provider"
    provider.key = secret
    echo = {"error": {"code": 500, "message": f"upstream refused Bearer {secret}"}}
    provider.faults.extend([Fault(status=500, body=echo), Fault(cut=5, reset=True), Fault()])
    teacher = OpenRouterTeacher(settings(provider), knowledge(tmp_path), key=SecretStr(secret))
    said = [repr(teacher), repr(vars(teacher)), str(teacher.identity())]
    response = teacher.complete(cell(), 0, account())
    provider.faults.append(Fault(status=400, body=echo))
    with pytest.raises(RequestError) as caught:
        teacher.complete(cell(), 0, account())
    teacher.close()
    said += [
        caplog.text,
        encode(response),
        repr(caught.value),
        *traceback.format_exception(caught.value),
    ]
    assert secret not in "\n".join(said)


def test_price_comes_from_the_models_page(provider: Provider, teacher: OpenRouterTeacher) -> None:
    """/models lists US dollars a token as strings; it is asked once."""
    pricing = {"prompt": "0.0000005", "completion": "0.000003"}
    provider.models_reply = (200, {"data": [{"id": teacher.model, "pricing": pricing}]})
    price = teacher.price()
    assert teacher.price() is price
    assert price is not None
    assert price.of(1_000_000, 1_000_000) == pytest.approx(3.5)
    assert provider.gets == ["/api/v1/models"]


@pytest.mark.parametrize(
    "pricing", [None, {}, {"prompt": "-1", "completion": "-1"}, {"prompt": "x", "completion": "1"}]
)
def test_varying_price_is_unknown(
    provider: Provider, teacher: OpenRouterTeacher, pricing: object
) -> None:
    """A price that is not a price is None, never zero."""
    provider.models_reply = (200, {"data": [{"id": teacher.model, "pricing": pricing}]})
    assert teacher.price() is None


def test_cap_holds_with_requests_in_flight(provider: Provider, tmp_path: Path) -> None:
    """Threads that share a cap never have more under way than it can pay."""
    price = {"prompt": 0.0, "completion": 100.0}  # 64 tokens: 0.0064 USD at worst
    with made(provider, tmp_path, price=price, max_tokens=64, workers=8) as teacher:
        provider.delay_s = 0.02
        shared, refused = account(cap_usd=0.0135), []

        def ask(number: int) -> None:
            try:
                teacher.complete(cell(number), 0, shared)
            except CreditError as error:
                refused.append(error)

        threads = [threading.Thread(target=ask, args=(n,)) for n in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert provider.most_in_flight <= 2
        assert len(provider.posts) == 8  # 7 x 0.001 + 0.0064 <= 0.0135 < 8 x 0.001 + 0.0064
        assert len(refused) == 12


@pytest.mark.parametrize(
    "url",
    ["http://example.com/v1", "ftp://127.0.0.1/", "https://user:pass@example.com/", "nonsense", "",
     "https://169.254.169.254/latest", "https://example.com/?key=1", "http://127.0.0.1.example.com",
     "https://[::ffff:169.254.169.254]/", "https://metadata.google.internal/", "http://[::1",
     "https://example.com:notaport/"],
)  # fmt: skip
def test_unsafe_address_is_refused(provider: Provider, tmp_path: Path, url: str) -> None:
    """A key goes over https, or stays on this machine; never to a cloud's metadata."""
    config = settings(provider).model_copy(update={"base_url": url or " "})
    with pytest.raises(ConfigError):
        OpenRouterTeacher(config, knowledge(tmp_path), key=SecretStr(KEY))
