"""Each status and broken answer of an API, and what comes of it."""

from __future__ import annotations

import gzip
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from identity_ops.errors import (
    AuthError,
    CreditError,
    IdentityError,
    ProviderError,
    RejectedError,
    RequestError,
)
from identity_ops.teachers.openrouter import OpenRouterTeacher
from identity_ops.teachers.reply import parse
from tests.loopback import Fault, Provider
from tests.scene import account, cell
from tests.teachers.conftest import made


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


@pytest.mark.parametrize("before", [b" \n\n \n", b": PROCESSING\n\n", b"\n: wait\n\n\n: wait\n\n"])
def test_what_keeps_a_slow_connection_open_is_no_part_of_the_answer(before: bytes) -> None:
    """White space and comments come before the JSON while a model is at work."""
    assert parse(before + b'{"id": ": x\\n"}') == {"id": ": x\n"}
    assert parse(before + b"no") is None


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
    provider.delay_s = 0.4  # long against what a busy machine needs to start eight threads
    provider.faults.extend([Fault(status=429, body={"error": {}}, delay_s=0.4)] * 8)
    with made(provider, tmp_path, workers=8, attempts=6) as teacher:
        shared = account()
        ask = lambda number: teacher.complete(cell(number), 0, shared)  # noqa: E731
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(ask, range(8)))
            assert provider.most_in_flight == 8
            provider.most_in_flight = 0
            list(pool.map(ask, range(8, 24)))
        assert provider.most_in_flight in {5, 6}


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
