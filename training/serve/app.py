"""The routes: a web page, and an OpenAI-compatible API for the models behind it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import math
import time
import uuid
from collections.abc import AsyncIterator, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from identity_ops.errors import BusyError, DataError
from training.serve import schema
from training.serve.engine import Engine, Ticket
from training.serve.guard import Guard, Hosts, read_body
from training.serve.lane import Done, Failed, Piece
from training.serve.page import Page
from training.serve.schema import ApiError, ChatRequest

log = logging.getLogger(__name__)
RETRY_S = 2  # what a turned-away client is told to wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one request may ask for, and what it gets where it asks for nothing."""

    seconds: float = 120.0  # from acceptance to the last token, waiting included
    body_bytes: int = 1 << 20
    messages: int = 200
    max_tokens: int = 256  # where the request names none
    temperature: float = 0.0  # where the request names none


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was accepted, and where its answer comes from."""

    request: ChatRequest
    prompt: list[int]
    left_out: int  # turns that made room
    ticket: Ticket
    head: Mapping[str, Any]
    since: float

    def log(self, tokens: int, outcome: str) -> None:
        """One line: no word of what was said."""
        log.info(
            "%s: %d + %d tokens, %.2f s, %s", self.request.model, len(self.prompt), tokens,
            time.monotonic() - self.since, outcome,
        )  # fmt: skip


class EventStream(StreamingResponse):
    """Server-sent events of one answer, which is cancelled when the client leaves."""

    def __init__(self, asked: Asked, seconds: float) -> None:
        super().__init__(_stream(asked, seconds), media_type="text/event-stream")
        self.headers["x-turns-left-out"] = str(asked.left_out)
        self._ticket = asked.ticket

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._ticket.cancel()


class Service:
    """The API over an engine.

    Args:
        fingerprints: model name -> a short digest of its weights.
    """

    def __init__(
        self, engine: Engine, limits: Limits, fingerprints: Mapping[str, str | None]
    ) -> None:
        self.engine, self.limits, self.fingerprints = engine, limits, fingerprints
        self.started = int(time.time())

    async def models(self, _: Request) -> Response:
        """GET /v1/models."""
        cards = [schema.model_card(name, self.started) for name in self.engine.lanes]
        return JSONResponse({"object": "list", "data": cards})

    async def model(self, request: Request) -> Response:
        """GET /v1/models/NAME."""
        name = request.path_params["name"]
        self._require(name)
        return JSONResponse(schema.model_card(name, self.started))

    async def health(self, _: Request) -> Response:
        """GET /health: who writes and who waits."""
        lanes = self.engine.lanes.items()
        state = {n: {"writing": len(at.writing), "waiting": len(at.waiting)} for n, at in lanes}
        return JSONResponse({"status": "ok", "models": state})

    async def chat(self, request: Request) -> Response:
        """POST /v1/chat/completions."""
        asked = await self._accept(await read_body(request, self.limits.body_bytes))
        if asked.request.stream:
            return EventStream(asked, self.limits.seconds)
        try:
            return await _unless_gone(request, _whole(asked, self.limits.seconds))
        finally:
            asked.ticket.cancel()

    async def _accept(self, body: bytes) -> Asked:
        request = schema.read_request(body, self.limits.messages)
        self._require(request.model)
        wanted = request.most_tokens or self.limits.max_tokens
        prompt, left_out = await run_in_threadpool(self._prompt, request, wanted)
        room = self.context(request.model) - len(prompt)
        how = request.sampling(
            max_tokens=min(wanted, room), temperature=self.limits.temperature
        )  # fmt: skip
        head = {
            "id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(time.time()),
            "model": request.model, "system_fingerprint": self.fingerprints[request.model],
        }  # fmt: skip
        try:
            ticket = self.engine.submit(request.model, prompt, how, request.stops)
        except BusyError:
            raise ApiError(
                429, "Too many requests are waiting. Try again in a moment.",
                code="rate_limit_exceeded", retry_after=RETRY_S,
            ) from None  # fmt: skip
        return Asked(request, prompt, left_out, ticket, head, time.monotonic())

    def _require(self, model: str) -> None:
        if model not in self.engine.lanes:
            names = ", ".join(self.engine.lanes)
            raise ApiError(
                404, f"There is no model {model[:100]!r} here. There is: {names}.",
                code="model_not_found", param="model",
            )  # fmt: skip

    def context(self, model: str) -> int:
        """Tokens of prompt and answer together."""
        return self.engine.lanes[model].speaker.context

    def _prompt(self, request: ChatRequest, wanted: int) -> tuple[list[int], int]:
        """Its tokens, which leave room for one more at least; how many turns were left out."""
        speaker = self.engine.lanes[request.model].speaker
        answer = min(wanted, speaker.context // 2) if request.truncation == "auto" else 1
        try:
            messages = request.conversation()
            if request.truncation == "auto":
                prompt, left_out = speaker.fit(messages, answer)
            else:
                prompt, left_out = speaker.prompt(messages, "messages"), 0
        except DataError as error:
            raise ApiError(400, str(error), code="invalid_messages", param="messages") from None
        most = speaker.context - 1
        if len(prompt) > most:
            raise ApiError(
                400, f"The messages are {len(prompt):,} tokens long; this model reads {most:,}.",
                code="context_length_exceeded", param="messages",
            )  # fmt: skip
        return prompt, left_out


async def _unless_gone(request: Request, work: Coroutine[Any, Any, Response]) -> Response:
    """What `work` gives, unless the client leaves before."""

    async def gone() -> Response:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        return Response(status_code=499)  # nobody reads it

    tasks = [asyncio.ensure_future(work), asyncio.ensure_future(gone())]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return next(task for task in tasks if task in done).result()
    finally:
        for task in tasks:
            task.cancel()


async def _whole(asked: Asked, seconds: float) -> Response:
    """The answer in one piece."""
    text: list[str] = []
    done = Done("stop", 0)
    async for event in _events(asked, seconds):
        if isinstance(event, Piece):
            text.append(event.text)
        else:
            done = event
    body = schema.completion(asked.head, "".join(text), done.reason)
    return JSONResponse(body | {"usage": schema.usage(len(asked.prompt), done.tokens)})


async def _stream(asked: Asked, seconds: float) -> AsyncIterator[str]:
    """The answer as server-sent events; an error is the last of them."""
    options = asked.request.stream_options
    counted = {"usage": None} if options and options.include_usage else {}
    yield _event(schema.chunk(asked.head, {"role": "assistant", "content": ""}) | counted)
    try:
        async for event in _events(asked, seconds):
            if isinstance(event, Piece):
                yield _event(schema.chunk(asked.head, {"content": event.text}) | counted)
                continue
            yield _event(schema.chunk(asked.head, {}, event.reason) | counted)
            if counted:
                usage = schema.usage(len(asked.prompt), event.tokens)
                yield _event(schema.chunk(asked.head, {}) | {"choices": [], "usage": usage})
    except ApiError as error:
        yield _event(error.body)
        return
    yield "data: [DONE]\n\n"


async def _events(asked: Asked, seconds: float) -> AsyncIterator[Piece | Done]:
    """The answer's events, its failures as errors of the API."""
    outcome, tokens = "left by the client", 0
    try:
        async for event in asked.ticket.events(seconds):
            if isinstance(event, Failed):
                outcome = "failed"
                raise ApiError(500, f"{event.what[:1].upper()}{event.what[1:]}.", code="failed")
            if isinstance(event, Done):
                outcome, tokens = event.reason, event.tokens
            yield event
    except TimeoutError:
        outcome = "too slow"
        raise ApiError(
            503, f"The answer took longer than {seconds:g} s.", code="timeout", retry_after=RETRY_S
        ) from None
    finally:
        asked.log(tokens or asked.ticket.answer.tokens, outcome)


def _event(data: Mapping[str, Any]) -> str:
    return f"data: {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}\n\n"


def _on_error(request: Request, error: Exception) -> Response:
    """Any error in OpenAI's shape."""
    if isinstance(error, HTTPException):
        path = request.url.path[:100]
        error = ApiError(error.status_code, f"{request.method} {path}: {error.detail}.")
    elif isinstance(error, ClientDisconnect):
        return Response(status_code=499)
    elif not isinstance(error, ApiError):
        error = ApiError(500, "The server failed; its log says more.")
    headers = {"retry-after": str(math.ceil(error.retry_after))} if error.retry_after else None
    return JSONResponse(error.body, error.status, headers)


def build(service: Service, page: Page, hosts: Hosts) -> Starlette:
    """The application; the engine runs while it does."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        service.engine.start()
        yield
        service.engine.stop()

    async def show(_: Request) -> Response:
        return HTMLResponse(page.html, headers={"content-security-policy": page.policy})

    return Starlette(
        routes=[
            Route("/", show),
            Route("/health", service.health),
            Route("/v1/models", service.models),
            Route("/v1/models/{name:path}", service.model),
            Route("/v1/chat/completions", service.chat, methods=["POST"]),
        ],
        middleware=[Middleware(Guard, hosts=hosts)],
        exception_handlers=dict.fromkeys(
            (ApiError, HTTPException, ClientDisconnect, Exception), _on_error
        ),
        lifespan=lifespan,
    )
