"""From a teacher's text to messages: JSON read strictly, then shape, roles and length.

Repaired: a code fence around the whole text, white space around a turn. Everything else that is
not `{"messages": [{"role", "content"}, ...]}` is rejected with a reason code:

    empty  oversized  nul  lone_surrogate  control_character  prose_around  truncated_json
    not_json  duplicate_key  not_finite  extra_keys  structure  bad_role  system_turn
    role_order  turn_count  empty_turn  turn_length
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from identity_ops.errors import RejectedError
from identity_ops.records import Message

_FENCE = re.compile(r"\A\s*```[\w-]*[ \t]*\n(.*?)\n?\s*```\s*\Z", re.DOTALL)
_CONTROL = re.compile(r"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How large a response and a conversation may be."""

    response_chars: int = 100_000
    messages: int = 6  # user and assistant together
    turn_chars: int = 4000
    conversation_chars: int = 12_000


def parse_messages(text: str, limits: Limits | None = None) -> tuple[Message, ...]:
    """The conversation in a response.

    Raises:
        RejectedError: with one of the reasons above.
    """
    limits = limits or Limits()
    if len(text) > limits.response_chars:
        raise RejectedError("oversized", f"{len(text)} characters")
    return _conversation(_load(_unfenced(text)), limits)


def _unfenced(text: str) -> str:
    fenced = _FENCE.match(text)
    body = (fenced.group(1) if fenced else text).strip().removeprefix("\ufeff")
    if not body:
        raise RejectedError("empty", "no text")
    if "\0" in body:
        raise RejectedError("nul", "a NUL character in the response")
    return body


def _load(body: str) -> Any:
    if not body.startswith(("{", "[")):
        reason = "prose_around" if re.search(r'"messages"\s*:', body) else "not_json"
        raise RejectedError(reason, f"begins with {body[:40]!r}")
    try:
        return json.loads(body, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise RejectedError(_json_reason(body, error), str(error)) from error
    except (RecursionError, ValueError) as error:  # nested too deep, a number of 5,000 digits
        raise RejectedError("not_json", str(error)) from error


def _json_reason(body: str, error: json.JSONDecodeError) -> str:
    if error.msg.startswith("Extra data"):
        return "prose_around"
    if error.pos >= len(body) or error.msg.startswith("Unterminated"):
        return "truncated_json"
    return "not_json"


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise RejectedError("duplicate_key", ", ".join(sorted(key for key, _ in pairs)))
    return found


def _no_constant(name: str) -> Any:
    raise RejectedError("not_finite", name)


def _conversation(data: Any, limits: Limits) -> tuple[Message, ...]:
    if not isinstance(data, dict) or not isinstance(data.get("messages"), list):
        raise RejectedError("structure", 'expected {"messages": [...]}')
    if len(data) > 1:
        raise RejectedError("extra_keys", ", ".join(sorted(map(str, data))))
    messages = tuple(_message(entry, limits) for entry in data["messages"])
    check_roles(messages)
    if not 2 <= len(messages) <= limits.messages:
        raise RejectedError("turn_count", f"{len(messages)} messages, 2 to {limits.messages}")
    if sum(len(message["content"]) for message in messages) > limits.conversation_chars:
        raise RejectedError("turn_length", "the conversation is too long")
    return messages


def _message(entry: Any, limits: Limits) -> Message:
    if not isinstance(entry, dict) or not {"role", "content"} <= set(entry):
        raise RejectedError("structure", f"a message is {str(entry)[:60]!r}")
    if len(entry) > 2:
        raise RejectedError("extra_keys", ", ".join(sorted(map(str, entry))))
    role, content = entry["role"], entry["content"]
    if not isinstance(role, str) or not isinstance(content, str):
        raise RejectedError("structure", "role and content must be strings")
    return Message(role=role, content=_content(content, limits))


def _content(content: str, limits: Limits) -> str:
    if "\0" in content:
        raise RejectedError("nul", "a NUL character in a turn")
    if _SURROGATE.search(content):
        raise RejectedError("lone_surrogate", "half a character in a turn")
    if _CONTROL.search(content):
        raise RejectedError("control_character", "a control character in a turn")
    content = content.strip()
    if not content:
        raise RejectedError("empty_turn", "a turn without text")
    if len(content) > limits.turn_chars:
        raise RejectedError("turn_length", f"{len(content)} characters in one turn")
    return content


def check_roles(messages: tuple[Message, ...]) -> None:
    """User first, strictly alternating, the assistant last.

    Raises:
        RejectedError: structure, bad_role, system_turn or role_order.
    """
    if not messages:
        raise RejectedError("structure", "no messages")
    for index, message in enumerate(messages):
        role = message["role"]
        if role == "system":
            raise RejectedError("system_turn", f"message {index}")
        if role not in ("user", "assistant"):
            raise RejectedError("bad_role", f"message {index} has role {role[:40]!r}")
        if role != ("user", "assistant")[index % 2]:
            raise RejectedError("role_order", f"message {index} is of {role}")
    if messages[-1]["role"] != "assistant":
        raise RejectedError("role_order", "the last turn is the user's")
