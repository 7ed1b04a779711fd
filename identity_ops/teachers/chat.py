"""A teacher behind an OpenAI-style /chat/completions: send, retry, read the answer.

Providers differ in what they add to the request and in how they say what it cost; see
`openrouter.py` and `openai.py`.
"""

from __future__ import annotations

import json
import math
import random
import time
from typing import Any

from pydantic import SecretStr

from identity_ops.errors import IdentityError, ProviderError
from identity_ops.knowledge import Knowledge
from identity_ops.records import Cell, Response
from identity_ops.store.manifest import canonical_hash
from identity_ops.teachers import completion, faults
from identity_ops.teachers.base import TeacherConfig
from identity_ops.teachers.faults import OverloadError
from identity_ops.teachers.http import Client, Reply, UnsentError
from identity_ops.teachers.keys import checked_key, checked_url, clean, setting
from identity_ops.teachers.prompt import Prompt
from identity_ops.teachers.spend import UNKNOWN, Account, Price, Send
from identity_ops.teachers.throttle import Throttle

RESPONSE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "messages": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "role": {"type": "string", "enum": ["user", "assistant"]},
                    "content": {"type": "string"},
                },
                "required": ["role", "content"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["messages"],
    "additionalProperties": False,
}


class ChatTeacher:
    """What all chat-completion providers share.

    Subclasses set the class attributes and override `_extras`, `preflight`, `price`, `_find_key`.
    """

    provider = ""
    free = False
    default_url = ""
    default_model: str | None = None
    url_variable = ""

    def __init__(
        self, config: TeacherConfig, knowledge: Knowledge, *, key: SecretStr | None = None
    ) -> None:
        self.config = config
        self.model = self._model()
        self._prompt = Prompt.load(
            knowledge, config.prompt_file,
            personality=config.personality, ascii_policy=config.ascii,
        )  # fmt: skip
        self._key = checked_key(key, "the connection") if key is not None else None
        url = config.base_url or setting(self.url_variable) or self.default_url
        self.base_url = checked_url(url, "base_url" if config.base_url else self.url_variable)
        self._client = Client(self.base_url, pool=config.workers, timeout_s=config.timeout_s)
        self._known_price = config.price
        self._throttle = Throttle(config.workers, max_wait_s=config.max_wait_s)

    def identity(self) -> dict[str, Any]:
        return {
            "teacher": self.provider, "base_url": self.base_url, "model": self.model,
            "temperature": self.config.temperature, "max_tokens": self.config.max_tokens,
            "prompt": self._prompt.digest,
        }  # fmt: skip

    def price(self) -> Price | None:
        return self._known_price

    def forecast(self, cell: Cell) -> tuple[int, int]:
        """About four bytes a token; some sixty tokens a turn beside the JSON."""
        return len(self._prompt.render(cell).encode()) // 4, 70 * cell.turns

    def key(self, cell: Cell, attempt: int) -> str:
        return self._request_key(self.request(cell), cell, attempt)

    def request(self, cell: Cell) -> dict[str, Any]:
        """The JSON body: all that is fixed comes first in the prompt, the cell last."""
        return {
            "model": self.model,
            "messages": [{"role": "user", "content": self._prompt.render(cell)}],
            "temperature": self.config.temperature,
            "max_tokens": self.config.max_tokens,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "conversation", "strict": True, "schema": RESPONSE_SCHEMA},
            },
            **self._extras(),
        }

    def complete(self, cell: Cell, attempt: int, account: Account) -> Response:
        body = self.request(cell)
        key = self._request_key(body, cell, attempt)
        payload = json.dumps(body, ensure_ascii=False).encode()
        worst = self._worst_case(len(payload))
        for number in range(1, self.config.attempts + 1):
            try:
                return self._send(payload, worst, key, cell, attempt, account)
            except ProviderError as error:
                if number == self.config.attempts or account.halted.is_set():
                    raise
                account.retry(error)
                account.pause(self._backoff(key, number, error.retry_after))
        raise AssertionError("attempts is at least 1")

    def close(self) -> None:
        self._client.close()

    def _send(
        self, payload: bytes, worst: float, key: str, cell: Cell, attempt: int, account: Account
    ) -> Response:
        """One request and the books around it: what was reserved is settled on every way out."""
        secret = self._secret()
        started = self._throttle.enter(account)
        succeeded = False
        try:
            send = account.send(key, worst)
            reply = self._exchange(send, payload, secret, worst)
            response = self._read(reply, send, worst, key, cell, attempt, started)
            succeeded = True
            return response
        except ProviderError as error:
            if isinstance(error, OverloadError) or error.retry_after is not None:
                self._throttle.slow(started, error.retry_after)
            raise
        finally:
            self._throttle.leave(succeeded=succeeded)

    def _exchange(
        self, send: Send, payload: bytes, secret: SecretStr | None, worst: float
    ) -> Reply:
        try:
            return self._client.send("POST", "chat/completions", secret, payload)
        except UnsentError:
            send.done(0.0, "unsent")
            raise
        except BaseException:
            send.done(worst, UNKNOWN)  # it may have been paid for, so the cap counts it
            raise

    def _read(
        self, reply: Reply, send: Send, worst: float, key: str, cell: Cell, attempt: int,
        started: float,
    ) -> Response:  # fmt: skip
        usage = completion.read_usage(reply)
        try:
            answer = completion.read(reply, self._refuse)
        except IdentityError as error:
            refused = reply.status != 200 or bool(completion.error_of(reply))
            unknown = usage.cost is None and not refused
            status = UNKNOWN if unknown else type(error).__name__
            send.done(worst if unknown else usage.cost or 0.0, status)
            raise
        cost = self._cost(usage, worst)
        send.done(cost, answer.finish_reason)
        return Response(
            id=cell.id, key=key, attempt=attempt, text=answer.text,
            finish_reason=answer.finish_reason, provider=self.provider,
            model=answer.model or self.model, prompt_tokens=usage.prompt,
            cached_tokens=usage.cached, completion_tokens=usage.completion, cost_usd=cost,
            latency_s=round(time.monotonic() - started, 3),
        )  # fmt: skip

    def _cost(self, usage: completion.Usage, worst: float) -> float:
        """What the provider says; else by the price; else, where tokens are missing, the worst."""
        if usage.cost is not None:
            return usage.cost
        price = self._known_price
        if price is None:
            return 0.0
        return price.of(usage.prompt, usage.completion) if usage.completion else worst

    def _worst_case(self, prompt_bytes: int) -> float:
        """A token is at least one byte, so bytes bound the prompt; the output has its limit."""
        price = self._known_price
        return price.of(prompt_bytes, self.config.max_tokens) if price else 0.0

    def _backoff(self, key: str, number: int, asked: float | None) -> float:
        """Seconds before the next send: what the provider asked, or doubling; with jitter."""
        jitter = random.Random(f"{key}:{number}").uniform(0.5, 1.0)
        own = min(self.config.backoff_s * 2.0 ** (number - 1), self.config.max_wait_s) * jitter
        if asked is None or not math.isfinite(asked):
            return own
        return min(asked, self.config.max_wait_s) + own * 0.1

    def _request_key(self, body: dict[str, Any], cell: Cell, attempt: int) -> str:
        return canonical_hash([self.provider, self.base_url, body, cell.id, attempt])

    def _refuse(self, status: int, error: dict[str, Any], headers: dict[str, str]) -> IdentityError:
        text = clean(error.get("message") or "", self._key)
        return faults.classify(status, error, headers, where=self.base_url, text=text)

    def _get(self, path: str, *, needs_key: bool) -> Any:
        """The JSON of a small GET; None where the server does not know the path."""
        reply = self._client.send("GET", path, self._secret() if needs_key else self._key)
        if reply.status in (404, 405):
            return None
        if reply.status != 200:
            raise self._refuse(reply.status, completion.error_of(reply), reply.headers)
        return completion.loads(reply.body)

    def _get_patiently(self, path: str, *, needs_key: bool = True) -> Any:
        """`_get` with bounded attempts for passing faults."""
        for number in range(1, self.config.attempts + 1):
            try:
                return self._get(path, needs_key=needs_key)
            except ProviderError as error:
                if number == self.config.attempts:
                    raise
                time.sleep(self._backoff(path, number, error.retry_after))
        raise AssertionError("attempts is at least 1")

    def _secret(self) -> SecretStr | None:
        if self._key is None:
            self._key = self._find_key()
        return self._key

    def _find_key(self) -> SecretStr | None:
        raise NotImplementedError

    def _extras(self) -> dict[str, Any]:
        return {}

    def _model(self) -> str:
        raise NotImplementedError
