"""Requests and responses as the OpenAI API words them.

What would change the answer and is not there is refused by name; what would not is read past.
Fields: platform.openai.com/docs/api-reference/chat; top_k as vLLM and llama.cpp have it,
truncation as OpenAI's Responses API has it.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from identity_ops.records import Message
from training.engine import Sampling

# Accepted and without effect here: they say who asks, or how to bill or store it.
NEUTRAL = frozenset({
    "user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key",
    "prompt_cache_retention", "parallel_tool_calls",
})  # fmt: skip
# Accepted at the value that means "not used".
UNUSED: Mapping[str, tuple[object, ...]] = {
    "n": (1,),
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "logit_bias": ({},),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "response_format": ({"type": "text"},),
    "modalities": (["text"],),
}


class ApiError(Exception):
    """An answer with an error in OpenAI's shape.

    Args:
        status: the HTTP status.
        code: a word for programs.
        param: the request's field that is wrong.
        retry_after: seconds after which trying again makes sense.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.param = status, message, code, param
        self.retry_after = retry_after

    @property
    def body(self) -> dict[str, Any]:
        kinds = {429: "rate_limit_error", 401: "authentication_error"}
        kind = "server_error" if self.status >= 500 else "invalid_request_error"
        return {
            "error": {
                "message": self.message, "type": kinds.get(self.status, kind),
                "param": self.param, "code": self.code,
            }
        }  # fmt: skip


class Part(BaseModel):
    """One part of a message's content."""

    model_config = ConfigDict(extra="ignore")
    type: str
    text: str | None = None


class Turn(BaseModel):
    """One message. A content of one string is read as one part."""

    model_config = ConfigDict(extra="ignore")
    role: Literal["system", "developer", "user", "assistant"]
    content: list[Part]

    @field_validator("content", mode="before")
    @classmethod
    def _parts(cls, content: object) -> object:
        return [{"type": "text", "text": content}] if isinstance(content, str) else content

    def text(self, where: str) -> str:
        """Its content as one string.

        Raises:
            ApiError: a part that is no text.
        """
        for number, part in enumerate(self.content):
            if part.type != "text" or part.text is None:
                raise ApiError(
                    400, f"This model reads text only, not parts of type {part.type!r:.60}.",
                    code="unsupported_content", param=f"{where}.content[{number}]",
                )  # fmt: skip
        return "".join(part.text or "" for part in self.content)


class StreamOptions(BaseModel):
    """What a stream carries besides text."""

    model_config = ConfigDict(extra="ignore")
    include_usage: bool = False


class ChatRequest(BaseModel):
    """The body of POST /v1/chat/completions. None: the server's default."""

    model_config = ConfigDict(extra="allow", strict=True)
    model: str
    messages: Annotated[list[Turn], Field(min_length=1)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=-1)] | None = None
    seed: int | None = None
    truncation: Literal["auto", "disabled"] | None = None  # auto: old turns make room
    stop: Annotated[list[str], Field(max_length=4)] | None = None

    @field_validator("stop", mode="before")
    @classmethod
    def _listed(cls, stop: object) -> object:
        return [stop] if isinstance(stop, str) else stop

    def conversation(self) -> list[Message]:
        """The messages as the chat format takes them: leading system messages are one.

        Raises:
            ApiError: a part that is no text.
        """
        said = [
            Message(
                role="system" if turn.role == "developer" else turn.role,
                content=turn.text(f"messages[{number}]"),
            )
            for number, turn in enumerate(self.messages)
        ]
        first = next((n for n, turn in enumerate(said) if turn["role"] != "system"), len(said))
        if first < 2:
            return said
        system = "\n\n".join(turn["content"] for turn in said[:first])
        return [Message(role="system", content=system), *said[first:]]

    @property
    def most_tokens(self) -> int | None:
        """The limit of the answer's length, where it names one."""
        return self.max_completion_tokens or self.max_tokens

    def sampling(self, *, max_tokens: int, temperature: float) -> Sampling:
        """How to draw: the request's values, else this temperature; so many tokens."""
        return Sampling(
            max_tokens=max_tokens,
            temperature=temperature if self.temperature is None else self.temperature,
            seed=random.getrandbits(32) if self.seed is None else self.seed,
            top_p=self.top_p or 1.0,
            top_k=max(self.top_k or 0, 0),
        )

    @property
    def stops(self) -> list[str]:
        """The strings that end the answer; empty ones end nothing."""
        return [stop for stop in self.stop or [] if stop]


def read_request(body: bytes, most_messages: int) -> ChatRequest:
    """The request in a body.

    Raises:
        ApiError: 400, with the field that is wrong.
    """
    try:
        request = ChatRequest.model_validate_json(body)
    except ValidationError as error:
        raise _explain(error) from None
    if len(request.messages) > most_messages:
        raise ApiError(
            400, f"At most {most_messages} messages, not {len(request.messages)}.",
            code="too_many_messages", param="messages",
        )  # fmt: skip
    _refuse_unknown(request.model_extra or {})
    return request


def _explain(error: ValidationError) -> ApiError:
    first = error.errors(include_url=False, include_input=False)[0]
    where = "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]
    ).lstrip(".")
    if first["type"] == "json_invalid":
        return ApiError(400, f"{first['msg']}.", code="invalid_json")
    text = f"{where}: {first['msg']}." if where else f"{first['msg']}."
    return ApiError(400, text, code="invalid_value", param=where or None)


def _refuse_unknown(extra: Mapping[str, Any]) -> None:
    for name, value in extra.items():
        if name in NEUTRAL or value is None or value in UNUSED.get(name, ()):
            continue
        known = f"{name} = {value!r:.60} is not available here." if name in UNUSED else None
        raise ApiError(
            400, known or f"Unrecognized request argument: {name:.60}",
            code="unsupported_parameter", param=name[:60],
        )  # fmt: skip


def model_card(name: str, created: int) -> dict[str, Any]:
    """One entry of /v1/models."""
    return {"id": name, "object": "model", "created": created, "owned_by": "identity-ops"}


def usage(prompt: int, completion: int) -> dict[str, int]:
    """Token counts."""
    return {
        "prompt_tokens": prompt, "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }  # fmt: skip


def completion(head: Mapping[str, Any], text: str, reason: str) -> dict[str, Any]:
    """A whole answer. `head`: id, created, model, system_fingerprint."""
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reason}
    return {**head, "object": "chat.completion", "choices": [choice]}


def chunk(
    head: Mapping[str, Any], delta: Mapping[str, str], reason: str | None = None
) -> dict[str, Any]:
    """One event of a streamed answer."""
    choice = {"index": 0, "delta": dict(delta), "logprobs": None, "finish_reason": reason}
    return {**head, "object": "chat.completion.chunk", "choices": [choice]}
