"""A provider on a loopback socket, with faults on demand: chat completions, and Gemini's way.

Real sockets and real threads: what the client under test meets is what a network gives it.
Queue faults with `provider.faults.append(...)`; each POST takes one, in order of arrival.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
import socket
import ssl
import struct
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[[dict[str, Any]], str]
KEY = "sk-or-loopback-key-1234"
WORDS = """
amber basil cedar delta ember fable grove heron ivory jolly kayak lemon mango north ocean pearl
quilt river sugar tulip umbra velvet willow yonder zebra bread candle dragon engine forest garden
harbor island jacket kettle ladder meadow needle orchard pencil rabbit saddle temple valley window
yellow anchor bottle castle dinner eleven feather guitar hammer
""".split()  # noqa: SIM905


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What one POST gets instead of, or beside, the usual answer."""

    status: int = 200
    body: bytes | dict[str, Any] | None = None  # None: the usual completion
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    delay_s: float = 0.0  # before the answer
    drip_s: float | None = None  # between single bytes of the body
    cut: int | None = None  # send so many bytes of the body, then ...
    reset: bool = False  # ... reset the connection (else close it)
    chunked: bool = False  # Transfer-Encoding: chunked, without a length
    finish_reason: str | None = "stop"
    change: Callable[[dict[str, Any]], None] | None = None  # edit the completion in place


def small_talk(body: dict[str, Any]) -> str:
    """A conversation decided by the prompt alone, unlike that of any other prompt."""
    rng = random.Random(hashlib.sha256(body["messages"][-1]["content"].encode()).hexdigest())
    said = [" ".join(rng.choices(WORDS, k=9)) for _ in range(2)]
    messages = [
        {"role": "user", "content": f"please say {said[0]}"},
        {"role": "assistant", "content": f"Here it is: {said[1]}."},
    ]
    return json.dumps({"messages": messages})


class Provider:
    """The server's state. `posts` are the bodies received; `paid` counts finished answers."""

    def __init__(self, answer: Answer = small_talk, *, key: str | None = KEY) -> None:
        self.answer = answer
        self.key = key
        self.faults: deque[Fault] = deque()
        self.posts: list[dict[str, Any]] = []
        self.paths: list[str] = []  # of the posts
        self.arrivals: list[float] = []  # of the posts, by the monotonic clock
        self.gets: list[str] = []
        self.paid: Counter[str] = Counter()  # by prompt
        self.key_reply: tuple[int, Any] = (200, {"data": {"limit_remaining": None}})
        self.models_reply: tuple[int, Any] = (200, {"data": []})
        self.delay_s = 0.0
        self.connections = 0
        self.in_flight = self.most_in_flight = 0
        self.lock = threading.Lock()
        self.url = self.gemini_url = ""

    def completion(self, body: dict[str, Any], finish_reason: str | None) -> dict[str, Any]:
        return {
            "id": "gen-1", "model": body["model"],
            "choices": [{
                "index": 0, "finish_reason": finish_reason,
                "message": {"role": "assistant", "content": self.answer(body)},
            }],
            "usage": {
                "prompt_tokens": 1000, "completion_tokens": 100, "cost": 0.001,
                "prompt_tokens_details": {"cached_tokens": 800},
            },
        }  # fmt: skip

    def generated(self, body: dict[str, Any], finish_reason: str | None) -> dict[str, Any]:
        """The same as Gemini says it."""
        reason = {} if finish_reason is None else {"finishReason": finish_reason.upper()}
        return {
            "candidates": [
                {"content": {"role": "model", "parts": [{"text": self.answer(body)}]}, **reason}
            ],
            "usageMetadata": {
                "promptTokenCount": 1000, "candidatesTokenCount": 60, "thoughtsTokenCount": 40,
                "cachedContentTokenCount": 800, "totalTokenCount": 1100,
            },
            "modelVersion": body["model"],
        }  # fmt: skip


@contextlib.contextmanager
def serve(
    provider: Provider | None = None, *, tls: ssl.SSLContext | None = None
) -> Iterator[Provider]:
    """A running provider; its address is `provider.url`."""
    state = provider or Provider()
    server = _Server(("127.0.0.1", 0), _handler(state))
    host = f"http://127.0.0.1:{server.server_address[1]}"
    if tls is not None:
        server.socket = tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        host = f"https://localhost:{server.server_address[1]}"
    state.url, state.gemini_url = f"{host}/api/v1", f"{host}/v1beta"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512  # many workers connect at once

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed in mid-request is no error of the server."""


def _handler(state: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        provider = state

    return Handler


class _Handler(BaseHTTPRequestHandler):
    provider: Provider
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        with self.provider.lock:
            self.provider.connections += 1

    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Quiet."""

    def do_GET(self) -> None:
        self.provider.gets.append(self.path)
        replies = {
            "/api/v1/key": self.provider.key_reply,
            "/api/v1/models": self.provider.models_reply,
            "/v1beta/models": self.provider.models_reply,
        }
        page = self.path.split("?")[0]
        status, payload = replies.get(page, (404, {"error": {"message": "unknown path"}}))
        if not self._has_key() and status == 200 and page != "/api/v1/models":
            return self._send(Fault(status=self._refused), self._refusal())
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return self._send(Fault(status=status), data)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        fault = self._arrive(body)
        try:
            time.sleep(fault.delay_s or self.provider.delay_s)
            data = self._data(body, fault) if self._has_key() else self._refusal()
        finally:
            with self.provider.lock:
                self.provider.in_flight -= 1
        with contextlib.suppress(OSError):
            self._send(fault, data)

    def _arrive(self, body: dict[str, Any]) -> Fault:
        state = self.provider
        with state.lock:
            state.posts.append(body)
            state.paths.append(self.path)
            state.arrivals.append(time.monotonic())
            state.in_flight += 1
            state.most_in_flight = max(state.most_in_flight, state.in_flight)
            fault = state.faults.popleft() if state.faults else Fault()
        return fault if self._has_key() else Fault(status=self._refused)

    @property
    def _is_gemini(self) -> bool:
        return self.path.startswith("/v1beta/")

    @property
    def _refused(self) -> int:
        return 400 if self._is_gemini else 401

    def _has_key(self) -> bool:
        key = self.provider.key  # None: a server that asks for none
        if self._is_gemini:
            return self.headers.get("x-goog-api-key") == key
        return self.headers.get("Authorization") == (None if key is None else f"Bearer {key}")

    def _data(self, body: dict[str, Any], fault: Fault) -> bytes:
        if isinstance(fault.body, bytes):
            return fault.body
        if fault.body is not None:
            return json.dumps(fault.body).encode()
        chat = self._chat(body)
        say = self.provider.generated if self._is_gemini else self.provider.completion
        payload = say(chat, fault.finish_reason)
        if fault.change is not None:
            fault.change(payload)
        if fault.status == 200:
            with self.provider.lock:
                self.provider.paid[chat["messages"][-1]["content"]] += 1
        return json.dumps(payload).encode()

    def _chat(self, body: dict[str, Any]) -> dict[str, Any]:
        """Model and prompt, by whichever way they came."""
        if not self._is_gemini:
            return body
        model = self.path.rpartition("/")[2].removesuffix(":generateContent")
        return {"model": model, "messages": [{"content": body["contents"][0]["parts"][0]["text"]}]}

    def _refusal(self) -> bytes:
        """Real providers quote the key they refuse; Gemini calls a bad one a bad argument."""
        if self._is_gemini:
            details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo",
                        "reason": "API_KEY_INVALID"}]  # fmt: skip
            said = f"Key {self.headers.get('x-goog-api-key')} is not known."
            return json.dumps(
                {"error": {"code": 400, "message": said, "details": details}}
            ).encode()
        said = f"Incorrect API key provided: {self.headers.get('Authorization')}"
        return json.dumps({"error": {"code": 401, "message": said}}).encode()

    def _send(self, fault: Fault, data: bytes) -> None:
        self.send_response(fault.status)
        self.send_header("Content-Type", fault.content_type)
        if fault.chunked:
            data = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in (data[:50], data[50:], b""))
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(len(data)))
        for name, value in fault.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if fault.drip_s is not None:
            return self._drip(data, fault.drip_s)
        self.wfile.write(data if fault.cut is None else data[: fault.cut])
        if fault.cut is not None:
            self._hang_up(fault.reset)
        return None

    def _drip(self, data: bytes, pause_s: float) -> None:
        for byte in data:
            self.wfile.write(bytes([byte]))
            time.sleep(pause_s)

    def _hang_up(self, reset: bool) -> None:
        self.wfile.flush()
        self.close_connection = True
        if reset:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
