"""Addresses, connections and deadlines: what a network does to a request."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from pathlib import Path

import pytest
from pydantic import SecretStr

from identity_ops.errors import (
    ConfigError,
    ProviderError,
    RequestError,
)
from identity_ops.teachers.openrouter import OpenRouterTeacher
from identity_ops.teachers.spend import UNKNOWN, Account, Budget
from tests.loopback import KEY, Fault, Provider, serve
from tests.scene import Pages, account, cell, knowledge, settings
from tests.teachers.conftest import made


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


def test_connection_that_nobody_accepts_times_out_and_costs_nothing(tmp_path: Path) -> None:
    """A host that lets packets fall: a connect time-out, and nothing was sent."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):  # fill the queue of connections that wait to be accepted
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        address, pages = Provider(), Pages()
        address.url = f"http://127.0.0.1:{server.getsockname()[1]}/api/v1"
        teacher = stack.enter_context(made(address, tmp_path, timeout_s=0.3, attempts=2))
        with pytest.raises(ProviderError, match="connect time-out"):
            teacher.complete(cell(), 0, Account(Budget(1.0), pages, retries=9))
    assert pages.closed == [(0.0, "unsent")] * 2


def test_connection_that_the_server_closed_is_not_used_again(
    provider: Provider, teacher: OpenRouterTeacher
) -> None:
    """Servers close idle connections without a word; that costs no request and no retry."""
    provider.faults.append(Fault(cut=10**6))  # the whole answer, then the end
    for number in range(3):
        teacher.complete(cell(number), 0, account())
        time.sleep(0.05)
    assert len(provider.posts) == 3


def test_connections_are_kept(provider: Provider, teacher: OpenRouterTeacher) -> None:
    """One worker needs one connection, however many requests it sends."""
    for number in range(5):
        teacher.complete(cell(number), 0, account())
    assert provider.connections == 1


def test_lost_answer_counts_at_its_worst(provider: Provider, tmp_path: Path) -> None:
    """Whether a reset answer was charged nobody knows, so the books take the dearest."""
    provider.faults.append(Fault(cut=40, reset=True))
    pages = Pages()
    with made(provider, tmp_path, price={"prompt": 0.0, "completion": 100.0}) as teacher:
        teacher.complete(cell(), 0, Account(Budget(None), pages, retries=9))
    assert pages.closed == [(pytest.approx(0.4096), UNKNOWN), (0.001, "stop")]


def test_endless_body_is_cut_off(
    provider: Provider, teacher: OpenRouterTeacher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A body beyond any answer's size ends as a fault, not as an empty memory."""
    monkeypatch.setattr("identity_ops.teachers.http.MAX_BODY", 10_000)
    provider.faults.append(Fault(body=b" " * 100_000))
    assert teacher.complete(cell(), 0, account()).finish_reason == "stop"
    assert len(provider.posts) == 2


def test_dripping_body_ends_at_the_deadline(provider: Provider, tmp_path: Path) -> None:
    """A body that comes byte by byte does not outlive the deadline of the exchange."""
    provider.faults.append(Fault(drip_s=0.05))
    with made(provider, tmp_path, timeout_s=0.4) as teacher:
        began = time.monotonic()
        assert teacher.complete(cell(), 0, account()).finish_reason == "stop"
        assert len(provider.posts) == 2
        assert time.monotonic() - began < 10  # the body would take a minute


@pytest.mark.parametrize("chunked", [False, True])
def test_drip_does_not_outlive_the_deadline_by_one_wait(
    provider: Provider, tmp_path: Path, chunked: bool
) -> None:
    """Bytes that keep coming give no more time: not in the body, not in its chunks."""
    provider.faults.append(Fault(drip_s=0.3, chunked=chunked))
    with (
        made(provider, tmp_path, timeout_s=0.5, attempts=1) as teacher,
        pytest.raises(ProviderError, match="time-out"),
    ):
        teacher.complete(cell(), 0, account())


def test_dripping_headers_end_at_the_deadline(tmp_path: Path) -> None:
    """A server that sends its headers byte by byte holds nobody longer than one that is silent."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        dripping = threading.Thread(target=drip_headers, args=(server,))
        dripping.start()
        address = Provider()
        address.url = f"http://127.0.0.1:{server.getsockname()[1]}/api/v1"
        began = time.monotonic()
        with (
            made(address, tmp_path, timeout_s=0.5, attempts=1) as teacher,
            pytest.raises(ProviderError, match="time-out"),
        ):
            teacher.complete(cell(), 0, account())
        took = time.monotonic() - began
        dripping.join()
    assert took < HEADER_DRIP_S / 2


HEADER_DRIP_S = 12.0


def drip_headers(server: socket.socket) -> None:
    """One byte of an endless header every tenth of a second, until nobody listens."""
    connection, _ = server.accept()
    connection.recv(65_536)
    until = time.monotonic() + HEADER_DRIP_S
    with connection, contextlib.suppress(OSError):
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while time.monotonic() < until:
            connection.sendall(b"x")
            time.sleep(0.1)


def test_silent_server_times_out(provider: Provider, tmp_path: Path) -> None:
    """No answer at all within the deadline is a transient fault that says what a slow server
    needs."""
    provider.faults.extend([Fault(delay_s=1.0)] * 2)
    with (
        made(provider, tmp_path, timeout_s=0.2, attempts=2) as teacher,
        pytest.raises(ProviderError, match=r"time-out.*--workers.*--timeout"),
    ):
        teacher.complete(cell(), 0, account())


def test_page_about_a_key_is_not_waited_for_like_an_answer(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A silent /key or /models holds no run up for the minutes that a conversation may take."""
    monkeypatch.setattr("identity_ops.teachers.http._PAGE_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with made(provider, tmp_path, base_url=url, timeout_s=20.0) as teacher:
            teacher.preflight()
            assert teacher.offered() == []


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
    "url",
    ["http://example.com/v1", "ftp://127.0.0.1/", "https://user:pass@example.com/", "nonsense", "",
     "https://169.254.169.254/latest", "https://example.com/?key=1", "http://127.0.0.1.example.com",
     "https://[::ffff:169.254.169.254]/", "https://metadata.google.internal/", "http://[::1",
     "https://example.com:notaport/", "https://2852039166/v1", "https://0xA9FEA9FE/",
     "https://169.254.43518/", "https://0251.0376.0251.0376/", "https://[fd00:ec2::254]/",
     "https://100.100.100.200/latest", "https://METADATA.google.internal./"],
)  # fmt: skip
def test_unsafe_address_is_refused(provider: Provider, tmp_path: Path, url: str) -> None:
    """A key goes over https, or stays on this machine; never to a cloud's metadata."""
    config = settings(provider).model_copy(update={"base_url": url or " "})
    with pytest.raises(ConfigError):
        OpenRouterTeacher(config, knowledge(tmp_path), key=SecretStr(KEY))
