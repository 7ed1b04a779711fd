"""Who may ask: hosts, origins, headers, sizes.

A page of another site must not reach a model on this machine through the user's browser: its
host name could be made to resolve to 127.0.0.1 (DNS rebinding), so Host must be a name of ours;
and its requests carry an Origin that is not ours.
"""

from __future__ import annotations

import asyncio
import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from training.serve.schema import ApiError

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
BODY_S = 20.0  # seconds for a whole body to come in
HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Hosts:
    """The names under which the server may be asked.

    Args:
        names: lower case.
        addresses: any IP address is fine too: rebinding needs a name.
    """

    names: frozenset[str] = LOOPBACK
    addresses: bool = False

    def admits(self, host: str) -> bool:
        """Whether this Host header is one of ours, with any port."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name in self.names or (self.addresses and _is_address(name))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class Guard:
    """Turns away requests that are not for us; sets the headers of every response."""

    def __init__(self, app: ASGIApp, hosts: Hosts) -> None:
        self.app, self.hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refused = self._refuse(Headers(scope=scope))
        return await (refused or self.app)(scope, receive, guarded)

    def _refuse(self, headers: Headers) -> JSONResponse | None:
        host, origin = headers.get("host", ""), headers.get("origin")
        if not self.hosts.admits(host):
            message = f"This server does not answer to the name {host[:100]!r}. See --allow-host."
            return JSONResponse(ApiError(400, message, code="unknown_host").body, 400)
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            message = "Requests of other sites' pages are refused."
            return JSONResponse(ApiError(403, message, code="foreign_origin").body, 403)
        return None


async def read_body(request: Request, limit: int) -> bytes:
    """The request's JSON body.

    Raises:
        ApiError: 400 another content type, 413 longer than `limit` bytes, 408 too slow.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise ApiError(400, "Content-Type must be application/json.", code="content_type")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for piece in request.stream():
                body += piece
                if len(body) > limit:
                    break
    except TimeoutError:
        raise ApiError(408, f"The body did not come within {BODY_S:.0f} s.") from None
    if len(body) > limit:
        raise ApiError(413, f"The body is longer than {limit:,} bytes.", code="body_too_large")
    return bytes(body)
