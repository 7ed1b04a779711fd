"""A teacher behind an address: send, retry, keep the books. What is sent and how an answer reads
is the provider's; see `chat.py` (OpenAI-style) and `gemini.py`.
"""

from __future__ import annotations

import json
import logging
import math
import random
import time
from functools import cached_property
from typing import Any, ClassVar

from pydantic import SecretStr

from identity_ops.errors import AuthError, CreditError, IdentityError, ProviderError, RequestError
from identity_ops.knowledge import Knowledge
from identity_ops.records import Cell, Response
from identity_ops.store.manifest import canonical_hash
from identity_ops.teachers import faults, keys
from identity_ops.teachers.base import TeacherConfig
from identity_ops.teachers.faults import OverloadError
from identity_ops.teachers.http import Client, Reply, UnsentError
from identity_ops.teachers.prices import listed
from identity_ops.teachers.prompt import Prompt
from identity_ops.teachers.reply import Answer, Usage, error_of, listed_rows, parse
from identity_ops.teachers.spend import UNKNOWN, Account, Estimate, Price, Purse, Send
from identity_ops.teachers.throttle import Throttle

log = logging.getLogger(__name__)
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


class RemoteTeacher:
    """What all providers share.

    Subclasses set the class attributes and say what goes over the wire: `request`, `_path`,
    `_auth`, `_answer`, `_usage` and, where the provider has errors of its own, `_refuse`.
    """

    provider: ClassVar[str]
    free = False
    default_url: ClassVar[str]
    default_model: ClassVar[str | None] = None
    url_variable: ClassVar[str]
    day_zone: ClassVar[str] = "UTC"  # whose midnight renews a daily quota
    key_page: ClassVar[str]  # a small page that only a good key may read
    models_page: ClassVar[str] = "models"

    def __init__(
        self, config: TeacherConfig, knowledge: Knowledge, *, key: SecretStr | None = None
    ) -> None:
        self.config = config
        self.model = self._model()
        self._prompt = Prompt.load(
            knowledge, config.prompt_file,
            personality=config.personality, ascii_policy=config.ascii,
        )  # fmt: skip
        self._key = keys.checked_key(key, "the connection") if key is not None else None
        self._has_looked = key is not None  # a server that asks for no key has None for good
        url = config.base_url or keys.setting(self.url_variable) or self.default_url
        self.base_url = keys.checked_url(url, "base_url" if config.base_url else self.url_variable)
        self._client = Client(
            self.base_url, pool=config.workers, timeout_s=config.timeout_s, auth=self._auth
        )
        self._known_price = config.price or listed(self.provider, self.model)
        self._throttle = Throttle(config.workers, max_wait_s=config.max_wait_s)

    def identity(self) -> dict[str, Any]:
        return {
            "teacher": self.provider, "base_url": self.base_url, "model": self.model,
            "temperature": self.config.temperature, "max_tokens": self.config.max_tokens,
            "prompt": self._prompt.digest,
        }  # fmt: skip

    def preflight(self) -> bool:
        """Ask for the page that needs the key. Only a refused key or spent credit stops here:
        what else a server answers (404: no such page) says nothing about the key."""
        try:
            page = self._reach(self.key_page)
            self._check_key(page)
            return isinstance(page, dict)
        except (AuthError, CreditError, UnsentError):
            raise
        except (ProviderError, RequestError) as error:
            log.warning("the key could not be checked beforehand: %s", error)
            return False

    def offered(self) -> list[str]:
        """Names of the provider's models; empty where it does not list them."""
        rows = listed_rows(self._models)
        return [str(row.get("id") or row.get("name")).removeprefix("models/") for row in rows]

    def purse(self) -> Purse:
        secret = self._secret()
        key = secret.get_secret_value() if secret else ""
        return Purse(f"{self.provider}-{canonical_hash([self.base_url, key])[:16]}", self.day_zone)

    def price(self, *, ask: bool = True) -> Price | None:  # noqa: ARG002 - the interface's
        return self._known_price

    def forecast(self, cell: Cell) -> Estimate:
        """About four bytes a token; some sixty tokens a turn beside the JSON."""
        size = len(self._payload(self.request(cell)))
        return Estimate(size // 4, 70 * cell.turns, self._worst_case(size))

    def key(self, cell: Cell, attempt: int) -> str:
        return self._request_key(self.request(cell), cell, attempt)

    def complete(self, cell: Cell, attempt: int, account: Account) -> Response:
        body = self.request(cell)
        key = self._request_key(body, cell, attempt)
        payload = self._payload(body)
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
            return self._client.send("POST", self._path, secret, payload)
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
        payload = parse(reply.body)
        usage = self._usage(payload)
        try:
            if reply.status != 200:
                raise self._refuse(reply.status, error_of(payload), reply.headers)
            answer = self._answer(reply, payload)
        except IdentityError as error:
            refused = reply.status != 200 or bool(error_of(payload))
            cost = 0.0 if refused and usage.cost is None else self._cost(usage)
            send.done(worst if cost is None else cost, UNKNOWN if cost is None else _name(error))
            raise
        cost = self._cost(usage, blank=not answer.text)
        paid = worst if cost is None else cost
        send.done(paid, answer.finish_reason)
        return Response(
            id=cell.id, key=key, attempt=attempt, text=answer.text,
            finish_reason=answer.finish_reason, provider=self.provider,
            model=answer.model or self.model, prompt_tokens=usage.prompt,
            cached_tokens=usage.cached, completion_tokens=usage.completion, cost_usd=paid,
            latency_s=round(time.monotonic() - started, 3),
        )  # fmt: skip

    def _cost(self, usage: Usage, *, blank: bool = False) -> float | None:
        """What the provider says; else by the price; None where tokens are missing."""
        if usage.cost is not None:
            return usage.cost
        if not usage.completion and not (blank and usage.prompt):
            return None
        price = self._known_price
        return price.of(usage.prompt, usage.completion, usage.cached) if price else 0.0

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

    def _payload(self, body: dict[str, Any]) -> bytes:
        return json.dumps(body, ensure_ascii=False).encode()

    def _request_key(self, body: dict[str, Any], cell: Cell, attempt: int) -> str:
        return canonical_hash([self.provider, self.base_url, body, cell.id, attempt])

    def _refuse(self, status: int, error: dict[str, Any], headers: dict[str, str]) -> IdentityError:
        text = keys.clean(error.get("message") or "", self._key)
        return faults.classify(status, error, headers, where=self.base_url, text=text)

    def _get(self, path: str, *, needs_key: bool = True) -> Any:
        """The JSON of a small GET; None where the server does not know the path, or sends none."""
        reply = self._client.send("GET", path, self._secret() if needs_key else self._key)
        payload = parse(reply.body)
        if reply.status in (404, 405):
            return None
        if reply.status != 200:
            raise self._refuse(reply.status, error_of(payload), reply.headers)
        return payload

    def _reach(self, path: str) -> Any:
        """`_get`, asked again only while no connection can be made."""
        for number in range(1, self.config.attempts):
            try:
                return self._get(path)
            except UnsentError as error:
                time.sleep(self._backoff(path, number, error.retry_after))
        return self._get(path)

    @cached_property
    def _models(self) -> Any:
        """The page of models, asked for once; None where it cannot be had."""
        try:
            return self._get(self.models_page, needs_key=False)
        except IdentityError:  # only a clear answer says that a model is not there
            return None

    def _secret(self) -> SecretStr | None:
        if not self._has_looked:
            self._key, self._has_looked = self._find_key(), True
        return self._key

    def _find_key(self) -> SecretStr | None:
        return keys.find_key(self.provider)

    def _check_key(self, page: Any) -> None:
        """Raise where the key's page says that nothing is left to spend."""

    def _model(self) -> str:
        return self.config.model or self.default_model or ""

    @property
    def _path(self) -> str:
        raise NotImplementedError

    def request(self, cell: Cell) -> dict[str, Any]:
        """The JSON body: all that is fixed comes first in the prompt, the cell last."""
        raise NotImplementedError

    def _auth(self, key: SecretStr) -> dict[str, str]:
        """The headers that carry the key."""
        raise NotImplementedError

    def _answer(self, reply: Reply, payload: Any) -> Answer:
        """The completion in a reply of status 200; raises as `completion.read`."""
        raise NotImplementedError

    def _usage(self, payload: Any) -> Usage:
        raise NotImplementedError


def _name(error: Exception) -> str:
    return type(error).__name__
