"""One pool of connections with a deadline over the whole exchange, headers and body included.

No proxy or netrc from the environment, no redirect, no cookie, no transport-level retry: every
fault comes up as an error of our own tree, and retrying is the caller's decision.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import certifi
import urllib3
from pydantic import SecretStr
from urllib3 import exceptions as transport
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.ssl_ import create_urllib3_context

from identity_ops.errors import ProviderError

MAX_BODY = 16 * 2**20  # bytes; /models of a big provider is about half a megabyte
_CONNECT_S = 10.0
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
        timeout_s: for one exchange from the first byte sent to the last received.
        auth: the headers that carry a key.
    """

    def __init__(self, base_url: str, *, pool: int, timeout_s: float, auth: Auth) -> None:
        self.base_url, self._auth, self._timeout_s = base_url, auth, timeout_s
        self._path = urlsplit(base_url).path
        self._pool = _pool(base_url, pool)

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
        timeout = urllib3.Timeout(connect=min(_CONNECT_S, self._timeout_s), total=self._timeout_s)
        try:
            response = self._pool.urlopen(
                method, f"{self._path}/{path}", payload, headers, retries=False, redirect=False,
                timeout=timeout, preload_content=False, assert_same_host=False,
            )  # fmt: skip
            return Reply(response.status, _lower(response.headers), self._read(response))
        except (transport.HTTPError, OSError, http.client.HTTPException) as error:
            # `from None`: an error of the library may carry the request, and so the key, with it.
            raise self._fault(_name(error), _is_unsent(error)) from None

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
        return kind(
            f"no whole answer: {what}", where=self.base_url,
            todo="Check the network and the provider's status page, then run again.",
        )  # fmt: skip

    def close(self) -> None:
        """Close the pooled connections."""
        self._pool.close()


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


def _pool(base_url: str, size: int) -> urllib3.HTTPConnectionPool:
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    if parts.scheme == "http":
        plain = urllib3.HTTPConnectionPool(host, parts.port, maxsize=size)
        plain.ConnectionCls = _Plain
        return plain
    context = create_urllib3_context()  # one for all connections: loading certificates is slow
    context.load_verify_locations(certifi.where())
    secure = urllib3.HTTPSConnectionPool(host, parts.port, maxsize=size, ssl_context=context)
    secure.ConnectionCls = _Secure
    return secure


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _is_unsent(error: Exception) -> bool:
    """True where not even a trusted connection was made."""
    cause = error.args[0] if error.args else None
    if isinstance(error, transport.SSLError):
        return isinstance(cause, ssl.SSLCertVerificationError)
    return isinstance(error, transport.ConnectTimeoutError)  # NewConnectionError is one, too


_NAMES: list[tuple[type[Exception] | tuple[type[Exception], ...], str]] = [
    (transport.NewConnectionError, "cannot connect"),
    (transport.ConnectTimeoutError, "connect time-out"),
    ((transport.TimeoutError, TimeoutError), "read time-out"),
    (transport.SSLError, "TLS failure"),
    (transport.DecodeError, "undecodable body"),
    (transport.ProtocolError, "the connection was reset, or the body was cut short"),
]


def _name(error: Exception) -> str:
    """The kind of fault; the text of library errors may quote what was sent."""
    return next((name for kind, name in _NAMES if isinstance(error, kind)), "connection broken")
