"""Who may ask, how much at once, and what happens when somebody leaves."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import openai
import pytest
import requests

from tests.training.parrot import SCRIPT
from tests.training.serve.conftest import WAIT_S, Server, serving

pytestmark = pytest.mark.slow
ANYWHERE = "0.0.0.0"  # noqa: S104 (that it takes consent is tested)
ASK: Any = [{"role": "user", "content": "Who are you?"}]


def wait_until_idle(server: Server) -> None:
    """Until the server writes nothing and nobody waits."""
    deadline = time.monotonic() + WAIT_S
    while any(map(any, (at.values() for at in health(server).values()))):
        assert time.monotonic() < deadline, health(server)
        time.sleep(0.02)


def health(server: Server) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = requests.get(f"{server.url}/health", timeout=30).json()[
        "models"
    ]
    return found


def raw(server: Server, head: str, body: bytes = b"") -> tuple[int, bytes]:
    """Status and rest of the reply to a request written by hand."""
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as link:
        link.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)
        reply = b"".join(iter(lambda: link.recv(65536), b""))
    return int(reply.split()[1]), reply


@pytest.mark.parametrize(
    ("host", "status"),
    [("evil.example", 400), ("localhost.evil.example:8400", 400), ("127.0.0.1.nip.io", 400),
     ("10.0.0.1", 400), ("", 400), ("[", 400), ("localhost", 200), ("LOCALHOST:1", 200),
     ("127.0.0.1:99", 200), ("[::1]:8400", 200)],
)  # fmt: skip
def test_only_our_own_names_are_answered(server: Server, host: str, status: int) -> None:
    """A site whose name was made to resolve to this machine gets nothing (DNS rebinding)."""
    found, reply = raw(server, f"GET /v1/models HTTP/1.1\nHost: {host}\nConnection: close")
    assert found == status
    assert (b'"pip"' in reply) == (status == 200)


@pytest.mark.parametrize(
    ("origin", "status"),
    [("http://evil.example", 403), ("null", 403), ("https://{}", 200), ("http://{}", 200)],
)
def test_pages_of_other_sites_cannot_ask(server: Server, origin: str, status: int) -> None:
    """A browser says where a request comes from."""
    own = server.url.removeprefix("http://")
    headers = {"origin": origin.format(own)}
    body = {"model": "pip", "messages": ASK, "max_tokens": 1}
    url = f"{server.url}/v1/chat/completions"
    reply = requests.post(url, json=body, headers=headers, timeout=30)
    assert reply.status_code == status
    assert "access-control-allow-origin" not in reply.headers


def test_the_page_admits_nothing_from_outside(server: Server) -> None:
    """No frame around it, no script but its own, no request to elsewhere."""
    reply = requests.get(server.url, timeout=30)
    policy = reply.headers["content-security-policy"]
    for rule in ("default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'",
                 "require-trusted-types-for 'script'"):  # fmt: skip
        assert rule in policy
    assert "unsafe" not in policy
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert "http://" not in reply.text.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in reply.text


def test_too_many_are_sent_away_and_the_client_comes_back(endless: Path) -> None:
    """One writes, one waits, the third gets 429 and when to try again; then it is its turn."""
    with serving(endless, "--no-base", "--rows", "1", "--waiting", "1") as server:
        create = server.client().chat.completions.create
        first = create(model="loop", messages=ASK, max_tokens=4000, stream=True)
        next(iter(first))
        while health(server)["loop"] != {"writing": 1, "waiting": 0}:
            time.sleep(0.02)
        second = create(model="loop", messages=ASK, max_tokens=3, stream=True)
        with pytest.raises(openai.RateLimitError) as caught:
            create(model="loop", messages=ASK, max_tokens=3)
        assert int(caught.value.response.headers["retry-after"]) > 0
        patient = server.client(retries=5).chat.completions.create
        threading.Timer(1.0, first.close).start()
        done = patient(model="loop", messages=ASK, max_tokens=3)
        assert done.choices[0].finish_reason == "length"
        assert (
            "".join(chunk.choices[0].delta.content or "" for chunk in second) == " red green blue"
        )


def test_an_answer_that_takes_too_long_is_given_up(endless: Path) -> None:
    """With 503, or, where it already streams, an error as the last event."""
    with serving(endless, "--no-base", "--timeout", "1") as server:
        create = server.client().chat.completions.create
        with pytest.raises(openai.InternalServerError, match="longer than 1 s") as caught:
            create(model="loop", messages=ASK, max_tokens=4000)
        assert caught.value.status_code == 503
        assert "retry-after" in caught.value.response.headers
        stream = create(model="loop", messages=ASK, max_tokens=4000, stream=True)
        with pytest.raises(openai.APIError, match="longer than 1 s"):
            list(stream)
        wait_until_idle(server)


def test_nothing_is_written_for_a_client_that_left(server: Server) -> None:
    """In the middle of a stream, and while it waits for an answer in one piece."""
    stream = server.client().chat.completions.create(
        model="pip-base", messages=ASK, max_tokens=4000, stream=True
    )
    next(iter(stream))
    stream.close()
    wait_until_idle(server)
    server.wait_for(r"pip-base: \d+ \+ \d{1,3} tokens, .*left by the client")
    body = {"model": "pip-base", "messages": ASK, "max_tokens": 4000}
    with pytest.raises(requests.ReadTimeout):
        requests.post(f"{server.url}/v1/chat/completions", json=body, timeout=0.5)
    wait_until_idle(server)


def test_a_slow_body_does_not_stop_others(server: Server) -> None:
    """Nor does one that never comes."""
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as link:
        link.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
        )
        done = server.client().chat.completions.create(model="pip", messages=ASK)
        assert done.choices[0].message.content == SCRIPT


def test_on_sigterm_answers_are_finished_and_no_more_are_taken(endless: Path) -> None:
    """The process then ends with code 0."""
    with serving(endless, "--no-base") as server:
        stream = server.client().chat.completions.create(
            model="loop", messages=ASK, max_tokens=2000, stream=True
        )
        chunks = [next(iter(stream))]
        server.process.terminate()
        while server.process.poll() is None:
            try:
                requests.get(f"{server.url}/health", timeout=5)
            except requests.ConnectionError:
                break
            time.sleep(0.05)
        chunks += list(stream)
        assert chunks[-1].choices[0].finish_reason == "length"
        assert sum(bool(chunk.choices[0].delta.content) for chunk in chunks) == 2000
        assert server.end() == 0


def run(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "identity_ops", "serve", *argv],
        capture_output=True, text=True, check=False, timeout=WAIT_S,
    )  # fmt: skip


def test_a_taken_port_is_said_with_what_to_do(endless: Path) -> None:
    """Not a traceback."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run("--model", str(endless), "--port", str(port))
    assert done.returncode == 1
    assert f"127.0.0.1:{port}: cannot listen: Address already in use" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_other_machines_are_let_in_only_on_demand(endless: Path) -> None:
    """With a warning either way; names must be allowed, addresses need not."""
    refused = run("--model", str(endless), "--host", ANYWHERE)
    assert refused.returncode == 2
    assert "--allow-remote" in refused.stderr
    flags = ("--no-base", "--host", ANYWHERE, "--allow-remote", "--allow-host", "chat.example")
    with serving(endless, *flags) as server:
        assert "without a sign-in" in "".join(server.log)
        statuses = {
            host: raw(server, f"GET /health HTTP/1.1\nHost: {host}\nConnection: close")[0]
            for host in ("10.1.2.3:80", "chat.example", "evil.example")
        }
    assert statuses == {"10.1.2.3:80": 200, "chat.example": 200, "evil.example": 400}


@pytest.mark.parametrize(
    ("name", "code", "said"), [("nowhere", 2, "no published model"), (".", 1, "no model")]
)
def test_a_folder_without_a_model_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: int, said: str
) -> None:
    """Not there at all, or there without a model in it."""
    monkeypatch.chdir(tmp_path)
    done = run("--model", name, "--port", "0")
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_log_has_no_word_of_what_was_said(server: Server) -> None:
    """Counts and times only."""
    secret: Any = [{"role": "user", "content": "my-own-secret"}]
    server.client().chat.completions.create(model="pip", messages=secret)
    server.wait_for(r"pip: \d+ \+ \d+ tokens, [\d.]+ s, stop")
    log = "".join(server.log)
    assert "my-own-secret" not in log
    assert json.dumps(SCRIPT)[1:-1] not in log
