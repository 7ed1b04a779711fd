"""One pooled HTTP session with a deadline over the whole exchange, body included.

No proxy or netrc from the environment, no redirect, no cookie, no transport-level retry: every
fault comes up as an error of our own tree, and retrying is the caller's decision.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
import urllib3
from pydantic import SecretStr
from requests.adapters import HTTPAdapter

from identity_ops.errors import ProviderError

MAX_BODY = 16 * 2**20  # bytes; /models of a big provider is about half a megabyte
_CONNECT_S = 10.0
_CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Reply:
    """One whole HTTP answer. Header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class UnsentError(ProviderError):
    """The request never left, so it cannot have cost anything."""


class Client:
    """A session for one address.

    Args:
        base_url: checked by `keys.checked_url`.
        pool: connections kept open, as many as there are workers.
        timeout_s: for one exchange from the first byte sent to the last received.
    """

    def __init__(self, base_url: str, *, pool: int, timeout_s: float) -> None:
        self.base_url, self._timeout_s = base_url, timeout_s
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = HTTPAdapter(pool_connections=1, pool_maxsize=pool, max_retries=0)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    def send(
        self, method: str, path: str, key: SecretStr | None, payload: bytes | None = None
    ) -> Reply:
        """One exchange.

        Raises:
            ProviderError: no connection, a reset, a body cut short or too slow or too big.
        """
        deadline = time.monotonic() + self._timeout_s
        try:
            with self._session.request(
                method,
                f"{self.base_url}/{path}",
                data=payload,
                headers=_headers(key, payload is not None),
                timeout=(min(_CONNECT_S, self._timeout_s), self._timeout_s),
                allow_redirects=False,
                stream=True,
            ) as response:
                body = self._read(response.raw, deadline)
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Reply(response.status_code, headers, body)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            # `from None`: a requests error carries the request, and so the key, with it.
            raise self._fault(_name(error), _never_sent(error)) from None

    def _read(self, raw: Any, deadline: float) -> bytes:
        """The body; `read1` gives what has arrived, so that a drip cannot outlive the deadline."""
        parts: list[bytes] = []
        size = 0
        while part := raw.read1(_CHUNK, decode_content=True):
            parts.append(part)
            size += len(part)
            if size > MAX_BODY:
                raise self._fault(f"a body of more than {MAX_BODY} bytes")
            if time.monotonic() > deadline:
                raise self._fault(f"still sending after {self._timeout_s:g} s")
        if raw.length_remaining:
            raise self._fault(f"body cut short by {raw.length_remaining} bytes")
        return b"".join(parts)

    def _fault(self, what: str, never_sent: bool = False) -> ProviderError:
        kind = UnsentError if never_sent else ProviderError
        return kind(
            f"no whole answer: {what}", where=self.base_url,
            todo="Check the network and the provider's status page, then run again.",
        )  # fmt: skip

    def close(self) -> None:
        """Close the pooled connections."""
        self._session.close()


def _headers(key: SecretStr | None, has_body: bool) -> dict[str, str]:
    headers = {
        "Accept": "application/json",
        "User-Agent": "identity-ops",
        "X-Title": "identity-ops",
    }
    if key is not None:
        headers["Authorization"] = f"Bearer {key.get_secret_value()}"
    if has_body:
        headers["Content-Type"] = "application/json"
    return headers


def _never_sent(error: Exception) -> bool:
    """True where not even a connection was made."""
    cause = getattr(error.args[0], "reason", None) if error.args else None
    kinds = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)
    return isinstance(error, requests.ConnectTimeout) or isinstance(cause, kinds)


def _name(error: Exception) -> str:
    """The kind of fault; the text of library errors may quote what was sent."""
    kinds: list[tuple[type[Exception] | tuple[type[Exception], ...], str]] = [
        ((requests.ConnectTimeout, urllib3.exceptions.ConnectTimeoutError), "connect time-out"),
        ((requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError), "read time-out"),
        ((requests.exceptions.SSLError, urllib3.exceptions.SSLError), "TLS failure"),
        ((requests.exceptions.ContentDecodingError, urllib3.exceptions.DecodeError),
         "undecodable body"),
        (requests.ConnectionError, "cannot connect, or the connection was reset"),
    ]  # fmt: skip
    for kind, name in kinds:
        if isinstance(error, kind):
            return name
    return "connection broken in mid-answer"
