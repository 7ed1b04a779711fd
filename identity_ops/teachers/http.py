"""One pool of connections with a deadline over the whole exchange, headers and body included.

No proxy or netrc from the environment, no redirect, no cookie, no transport-level retry: every
fault comes up as an error of our own tree, and retrying is the caller's decision.
"""

from __future__ import annotations

import http.client
import io
import os
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests
import urllib3
from pydantic import SecretStr
from requests.adapters import HTTPAdapter
from urllib3 import exceptions as transport
from urllib3.connection import HTTPConnection, HTTPSConnection

from identity_ops.errors import ProviderError

MAX_BODY = 16 * 2**20  # bytes; /models of a big provider is about half a megabyte
_CONNECT_S = 10.0
_PAGE_S = 30.0  # for a page about keys or models, which nobody has to write first
CERTIFICATES = "REQUESTS_CA_BUNDLE"  # a file of other certificates to trust, as for requests
Auth = Callable[[SecretStr], dict[str, str]]


@dataclass(frozen=True, slots=True)
class Reply:
    """One whole HTTP answer. Header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class UnsentError(ProviderError):
    """The request never left, so it cannot have cost anything."""


class Client:
    """The connections to one address.

    Args:
        base_url: checked by `keys.checked_url`.
        pool: connections kept open, as many as there are workers.
        timeout_s: for one exchange from the first byte sent to the last received; a GET has
            half a minute at most.
        auth: the headers that carry a key.
    """

    def __init__(self, base_url: str, *, pool: int, timeout_s: float, auth: Auth) -> None:
        self.base_url, self._auth = base_url, auth
        self._timeout_s = timeout_s
        self._verify = os.environ.get(CERTIFICATES) or True
        self._adapter = _Adapter(pool_connections=1, pool_maxsize=pool, max_retries=0)
        self._session = requests.Session()
        self._session.mount(base_url, self._adapter)

    def send(
        self, method: str, path: str, key: SecretStr | None, payload: bytes | None = None
    ) -> Reply:
        """One exchange.

        Raises:
            ProviderError: no connection, a reset, a body cut short or too slow or too big.
        """
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip, deflate"}
        headers |= {"User-Agent": "identity-ops"}
        headers |= self._auth(key) if key is not None else {}
        headers |= {"Content-Type": "application/json"} if payload is not None else {}
        url = f"{self.base_url}/{path}"
        request = requests.Request(method, url, headers=headers, data=payload).prepare()
        total = self._timeout_s if payload is not None else min(_PAGE_S, self._timeout_s)
        timeout: Any = urllib3.Timeout(connect=min(_CONNECT_S, total), total=total)
        try:
            # The adapter itself: no proxy, netrc, cookie or redirect comes between.
            response = self._adapter.send(
                request, stream=True, timeout=timeout, verify=self._verify
            )
            return Reply(response.status_code, _lower(response.headers), self._read(response.raw))
        except (requests.RequestException, transport.HTTPError, OSError,
                http.client.HTTPException) as error:  # fmt: skip
            # `from None`: an error of requests carries the request, and so the key, with it.
            cause = _cause(error)
            raise self._fault(_name(cause), _is_unsent(cause)) from None

    def _read(self, response: urllib3.BaseHTTPResponse) -> bytes:
        try:
            body = response.read(MAX_BODY + 1, decode_content=True)
        finally:
            response.close()  # harmless to a connection that went back to the pool
        if len(body) > MAX_BODY:
            raise self._fault(f"a body of more than {MAX_BODY} bytes")
        return body

    def _fault(self, what: str, never_sent: bool = False) -> ProviderError:
        kind = UnsentError if never_sent else ProviderError
        todo = "Check the network and the provider's status page, then run again."
        if what == _TOO_SLOW:
            todo = "A slow server needs fewer --workers or a longer --timeout. " + todo
        return kind(f"no whole answer: {what}", where=self.base_url, todo=todo)

    def close(self) -> None:
        """Close the pooled connections."""
        self._session.close()


class _Within(io.RawIOBase):
    """Bytes from a socket, each wait no longer than what is left until the deadline.

    A socket's own time-out begins anew with every byte, so that a server that drips headers or
    a body could hold a worker for hours.
    """

    def __init__(self, raw: Any, sock: socket.socket) -> None:
        self._raw, self._sock = raw, sock
        left = sock.gettimeout()
        self._deadline = None if left is None else time.monotonic() + left

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._deadline is not None:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("deadline")
            self._sock.settimeout(left)
        found: int | None = self._raw.readinto(buffer)
        return found

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """Reads under a deadline: what is left of the exchange's time-out when it begins."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_Within(self.fp.detach(), sock), 65_536)


class _Plain(HTTPConnection):
    response_class = _Response


class _Secure(HTTPSConnection):
    response_class = _Response


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _Secure


class _Adapter(HTTPAdapter):
    """Connections that read under a deadline."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _cause(error: Exception) -> Exception:
    """The transport's error inside one of requests."""
    inner = error.args[0] if error.args else None
    if isinstance(inner, transport.MaxRetryError) and inner.reason is not None:
        return inner.reason
    return inner if isinstance(inner, transport.HTTPError) else error


def _is_unsent(error: Exception) -> bool:
    """True where not even a trusted connection was made."""
    cause = error.args[0] if error.args else None
    if isinstance(error, transport.SSLError):
        return isinstance(cause, ssl.SSLCertVerificationError)
    return isinstance(error, transport.ConnectTimeoutError)  # NewConnectionError is one, too


_TOO_SLOW = "read time-out"
_NAMES: list[tuple[type[Exception] | tuple[type[Exception], ...], str]] = [
    (transport.NewConnectionError, "cannot connect"),
    (transport.ConnectTimeoutError, "connect time-out"),
    ((transport.TimeoutError, TimeoutError), _TOO_SLOW),
    (transport.SSLError, "TLS failure"),
    (transport.DecodeError, "undecodable body"),
    (transport.ProtocolError, "the connection was reset, or the body was cut short"),
]


def _name(error: Exception) -> str:
    """The kind of fault; the text of library errors may quote what was sent."""
    return next((name for kind, name in _NAMES if isinstance(error, kind)), "connection broken")
