"""Keys, credit and prices, before and beside the first conversation."""

from __future__ import annotations

import logging
import threading
import traceback
from pathlib import Path

import pytest
from pydantic import SecretStr

from identity_ops.errors import (
    AuthError,
    CreditError,
    ProviderError,
    RequestError,
)
from identity_ops.records import encode
from identity_ops.teachers.access import Access
from identity_ops.teachers.check import check_access
from identity_ops.teachers.openrouter import OpenRouterTeacher
from tests.loopback import KEY, Fault, Provider, serve
from tests.scene import account, cell, knowledge, settings
from tests.teachers.conftest import made


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


@pytest.mark.parametrize(
    ("status", "body"),
    [(404, {"error": {"message": "not found"}}), (404, b"<html>"), (405, {}), (429, {}), (500, {}),
     (400, {"error": {"message": "unknown page"}}), (200, b"<html>hello"), (200, {"data": None}),
     (200, {"data": {"limit_remaining": "much"}}), (200, {"data": {"limit_remaining": None}}),
     (200, {"data": {"limit_remaining": True}}), (200, []), (200, 7)],
)  # fmt: skip
def test_only_a_clear_no_stops(
    provider: Provider, teacher: OpenRouterTeacher, status: int, body: object
) -> None:
    """One look at the key's page; whatever odd thing it says, the conversations can begin."""
    provider.key_reply = (status, body)
    assert teacher.preflight() == (status == 200 and isinstance(body, dict))
    assert provider.gets == ["/api/v1/key"]
    assert teacher.complete(cell(), 0, account()).finish_reason == "stop"


@pytest.mark.parametrize(
    ("status", "kind"), [(401, AuthError), (403, AuthError), (402, CreditError)]
)
def test_refused_key_and_spent_credit_stop(
    provider: Provider, teacher: OpenRouterTeacher, status: int, kind: type[Exception]
) -> None:
    """The three statuses that mean the same for every request to come."""
    provider.key_reply = (status, {"error": {"message": "no"}})
    with pytest.raises(kind):
        teacher.preflight()
    assert provider.gets == ["/api/v1/key"]


def test_test_button_claims_no_more_than_was_seen(provider: Provider) -> None:
    """A site that answers anything at all has not taken the key."""
    access = Access(base_url=provider.url, key=SecretStr(KEY))
    assert check_access("openrouter", access) == "The provider takes the key."
    replies: list[tuple[int, object]] = [(200, b"<html>hello"), (404, b""), (500, {})]
    for provider.key_reply in replies:
        assert "whole address" in check_access("openrouter", access)


def test_server_that_nobody_reaches_stops(tmp_path: Path) -> None:
    """Without any connection no request can succeed: bounded attempts, then a transient fault."""
    with serve() as gone:
        pass
    with made(gone, tmp_path) as teacher, pytest.raises(ProviderError, match="cannot connect"):
        teacher.preflight()


@pytest.mark.parametrize("left", [0, -0.5])
def test_preflight_finds_an_empty_account(
    provider: Provider, teacher: OpenRouterTeacher, left: float
) -> None:
    """A key whose limit is used up stops before the first conversation."""
    provider.key_reply = (200, {"data": {"limit_remaining": left}})
    with pytest.raises(CreditError, match="used up"):
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
