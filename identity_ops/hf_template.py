"""A model's own chat template: what stands around each turn, and where it changes the turns.

Covers running the Jinja template in a sandbox, the frame it puts around the turns, and showing
that frame plus content is what the template really writes. A template may trim content, add a
default system message or an empty thinking block: all of that is frame. One that drops, moves or
rewrites a turn is refused by name.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import jinja2
import jinja2.ext
from jinja2.nodes import Node
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from identity_ops.errors import DataError
from identity_ops.records import Message

TODAY: Final = date(2024, 7, 26)  # for templates that write the date: data must not change daily
_MARK: Final = "\ue000{}\ue001"  # stands for a turn's content; private use, so no text holds it
_MARKED: Final = re.compile("\ue000(\\d+)\ue001")
_TODO: Final = "Give another template with --chat-template FILE."


class _Generation(jinja2.ext.Extension):
    """Accepts {% generation %} blocks, which mark answers for trainers; the mask is found here."""

    tags = {"generation"}  # noqa: RUF012 (as the class declares it)

    def parse(self, parser: Parser) -> list[Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def _refuse(message: str) -> None:
    raise jinja2.TemplateError(message)


def _environment() -> ImmutableSandboxedEnvironment:
    """As transformers sets it up, with a fixed date."""
    env = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, jinja2.ext.loopcontrols]
    )
    env.filters["tojson"] = lambda value, **how: json.dumps(value, ensure_ascii=False, **how)
    env.globals |= {"raise_exception": _refuse, "strftime_now": TODAY.strftime}
    return env


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a rendered conversation. turn: index of the message it is, -1 for frame."""

    text: str
    turn: int = -1


class ChatTemplate:
    """A compiled template.

    Args:
        source: Jinja, as in chat_template.jinja or tokenizer_config.json.
        tokens: special tokens by name (bos_token, eos_token, ...), which templates write out.

    Raises:
        DataError: not a template.
    """

    def __init__(self, source: str, tokens: dict[str, str], where: object = None) -> None:
        self.source, self.where = source, where
        # The switches that known templates look at: no thinking, no clock.
        self._given: dict[str, Any] = tokens | {
            "tools": None, "documents": None, "enable_thinking": False,
            "date_string": TODAY.strftime("%d %b %Y"),
        }  # fmt: skip
        try:
            self._compiled = _environment().from_string(source)
        except jinja2.TemplateError as error:
            raise DataError(f"not a chat template: {error}", where=where, todo=_TODO) from error
        self.frame = functools.lru_cache(maxsize=256)(self._frame)

    def text(self, messages: Sequence[Message], *, prompt: bool = False) -> str:
        """What the template writes; with `prompt`, up to where the assistant speaks next.

        Raises:
            DataError: the template refuses the conversation; says in which words.
        """
        turns = [dict(message) for message in messages]
        try:
            return self._compiled.render(self._given, messages=turns, add_generation_prompt=prompt)
        except Exception as error:  # a template can raise anything
            raise DataError(f"the chat template refuses it: {error}", where=self.where) from error

    def _frame(self, roles: tuple[str, ...], prompt: bool) -> tuple[str, ...]:
        """The n + 1 texts around n turns of these roles.

        Raises:
            DataError: a turn is dropped, repeated or moved.
        """
        marked = [Message(role=role, content=_MARK.format(n)) for n, role in enumerate(roles)]
        parts = _MARKED.split(self.text(marked, prompt=prompt))
        if parts[1::2] != [str(n) for n in range(len(roles))]:
            raise DataError(
                "the chat template drops, repeats or moves a turn", where=self.where,
                expected=f"turns 0 to {len(roles) - 1}", got=", ".join(parts[1::2]) or "none",
                todo=_TODO,
            )  # fmt: skip
        return tuple(parts[::2])

    def pieces(
        self, messages: Sequence[Message], where: object = None, *, prompt: bool = False
    ) -> list[Piece]:
        """The rendered conversation as frame and content in turn, frame first and last.

        Raises:
            DataError: the template writes something else than its frame around the contents, as
                they are or without blanks at their ends; `where` names the row.
        """
        frame = self.frame(tuple(message["role"] for message in messages), prompt)
        written = self.text(messages, prompt=prompt)
        pieces, at = [Piece(frame[0])], len(frame[0])
        for turn, (message, after) in enumerate(zip(messages, frame[1:], strict=True)):
            said = _as_written(message["content"], written, at, after)
            if said is None:
                break
            pieces += [Piece(said, turn), Piece(after)]
            at += len(said) + len(after)
        if "".join(piece.text for piece in pieces) == written:
            return pieces
        raise DataError(
            "the chat template changes what is said in it", where=where,
            todo="Leave the conversation out; thinking blocks and tool calls are not implemented.",
        )  # fmt: skip

    def takes_system(self) -> bool:
        """Whether a system message may lead."""
        try:
            self.frame(("system", "user", "assistant"), False)
        except DataError:
            return False
        return True

    def thinks(self) -> bool:
        """Whether the prompt is another where nobody says enable_thinking=False, as here."""
        asked = [Message(role="user", content="?")]
        given = self._given | {"enable_thinking": True}
        asks = self._compiled.render(given, messages=asked, add_generation_prompt=True)
        return asks != self.text(asked, prompt=True)

    def default_system(self) -> str:
        """What the template says to the model where no system message is given, "" for nothing."""
        alone = self.frame(("user",), False)[0]
        if not self.takes_system():
            return ""
        led = self.frame(("system", "user"), False)
        before, after = led[0], led[1]
        inside = alone.startswith(before) and alone.endswith(after)
        return alone[len(before) : len(alone) - len(after)].strip() if inside else ""


def _as_written(content: str, written: str, at: int, after: str) -> str | None:
    """The content as it stands at `at` before the frame `after`; None where it does not."""
    trimmed = (
        content, content.strip(), content.strip("\n"), content.lstrip(), content.rstrip(),
        content.lstrip("\n"), content.rstrip("\n"),
    )  # fmt: skip
    return next((said for said in trimmed if written.startswith(said + after, at)), None)
