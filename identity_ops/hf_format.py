"""A Hugging Face tokenizer with its chat template, as a ChatFormat.

The template's text is cut at its control tokens; what is said between them is encoded as plain
text, so "<|im_end|>" inside a message is never a control token. Before and after each answer the
text is cut too: an answer is trained on as the very tokens that would follow the prompt.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from tokenizers import Tokenizer

from identity_ops.chat_format import Encode, read_json
from identity_ops.errors import ConfigError, DataError
from identity_ops.hf_template import ChatTemplate, Piece
from identity_ops.records import Message
from identity_ops.tokens import turns

TOKENIZER, SETTINGS = "tokenizer.json", "tokenizer_config.json"
TEMPLATE, GENERATION = "chat_template.jinja", "generation_config.json"
_PROBE: Final = (
    Message(role="user", content="Is it 12 o'clock?\n\nOr later: 7 p.m."),
    Message(role="assistant", content="It is noon (12:00), dear Zo\u00eb."),
    Message(role="user", content="thanks"),
    Message(role="assistant", content="You are welcome!\n- bye"),
)


@dataclass(frozen=True, slots=True)
class _Run:
    """Text to encode in one go, or one control token."""

    text: str
    control: int | None
    supervised: bool


class TemplateFormat:
    """Renders by the template.

    Args:
        tokenizer: the parsed tokenizer.json.
        ends: ids that end generation, by the model's own settings.

    Raises:
        DataError: a tokenizer or template with which the mask would not be exact.
    """

    blank = None

    def __init__(
        self, tokenizer: dict[str, Any], template: ChatTemplate, ends: frozenset[int],
        where: object = None,
    ) -> None:  # fmt: skip
        self.template, self.where = template, where
        added = tokenizer.get("added_tokens", [])
        control = [token for token in added if _is_control(token, template.source)]
        self._ids = {token["content"]: token["id"] for token in control}
        names = sorted(self._ids, key=len, reverse=True)
        self._control = re.compile("|".join(map(re.escape, names)) or r"(?!)")
        self._whole = _tokenizer(tokenizer, where)
        plain = [token for token in added if token not in control]
        self._plain = _tokenizer(tokenizer | {"added_tokens": plain, "post_processor": None}, where)
        self._takes_system = template.takes_system()
        self._check()
        self.stop = ends | {self._end_of_turn()}

    @classmethod
    def load(cls, folder: Path, template: str | None = None) -> Self:
        """From a model folder; `template` replaces its own."""
        settings = read_json(folder / SETTINGS)
        source = template if template is not None else find_template(folder, settings)
        tokens = _named_tokens(settings)
        if not (folder / TOKENIZER).is_file():
            raise DataError(
                "no tokenizer.json", where=folder,
                todo="Save the tokenizer with a recent transformers: a fast tokenizer is needed.",
            )  # fmt: skip
        tokenizer = read_json(folder / TOKENIZER)
        ends = _ends(folder, tokenizer, tokens)
        return cls(tokenizer, ChatTemplate(source, tokens, folder), ends, folder)

    @property
    def vocabulary(self) -> int:
        return max(self._whole.get_vocab(with_added_tokens=True).values()) + 1

    @property
    def controls(self) -> frozenset[int]:
        return frozenset(self._ids.values())

    def encode_ordinary(self, text: str) -> list[int]:
        ids: list[int] = self._plain.encode(text, add_special_tokens=False).ids
        if not self.controls.isdisjoint(ids):
            raise DataError("a control token came out of plain text", where=self.where, got=text)
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        text: str = self._whole.decode(list(ids), skip_special_tokens=False)
        return text

    def render(
        self, messages: Sequence[Message], where: object = None, encode_user: Encode | None = None
    ) -> tuple[list[int], list[bool]]:
        if encode_user is not None:
            raise ConfigError("cut_words is not implemented for Hugging Face bases", expected=0)
        said = self._turns(messages, where)
        ids: list[int] = []
        supervised: list[bool] = []
        for run in self._runs(self.template.pieces(said, where), said):
            new = [run.control] if run.control is not None else self.encode_ordinary(run.text)
            ids += new
            supervised += [run.supervised] * len(new)
        return ids, supervised

    def prompt(self, messages: Sequence[Message], where: object = None) -> list[int]:
        said = self._turns(messages, where)
        if said[-1]["role"] != "user":
            raise DataError("the last turn must be the user's", where=where)
        runs = self._runs(self.template.pieces(said, where, prompt=True), said)
        encoded = (
            [run.control] if run.control is not None else self.encode_ordinary(run.text)
            for run in runs
        )
        return [token for ids in encoded for token in ids]

    def _turns(self, messages: Sequence[Message], where: object) -> list[Message]:
        """Alternating turns; a system message stays apart where the template takes one."""
        alternating = turns(messages, where)
        leads = messages[0]["role"] == "system" and self._takes_system
        return list(messages) if leads else alternating

    def _runs(self, pieces: Sequence[Piece], said: Sequence[Message]) -> Iterator[_Run]:
        """Control tokens and the text between them; text joins over borders but an answer's."""
        text, ending = "", False  # ending: an answer has just been said
        for piece in pieces:
            if piece.turn >= 0 and said[piece.turn]["role"] == "assistant":
                yield from _texts(text, False)
                yield from _texts(piece.text, True)
                text, ending = "", True
            elif piece.turn >= 0:
                text += piece.text
            else:
                for before, control in self._split(piece.text):
                    text += before
                    if control is not None:
                        yield from _texts(text, ending)
                        yield _Run("", control, ending)
                        text, ending = "", False
        yield from _texts(text, False)

    def _split(self, frame: str) -> Iterator[tuple[str, int | None]]:
        """(text, the control token after it), last (text, None)."""
        at = 0
        for found in self._control.finditer(frame):
            yield frame[at : found.start()], self._ids[found[0]]
            at = found.end()
        yield frame[at:], None

    def _end_of_turn(self) -> int:
        ids, supervised = self.render(_PROBE[:2])
        return ids[len(supervised) - 1 - supervised[::-1].index(True)]

    def _check(self) -> None:
        """Show on a conversation that mask and prompt are exact.

        Raises:
            DataError: says what is not implemented.
        """
        ids, supervised = self.render(_PROBE, self.where)
        answers = [message["content"] for message in _PROBE[1::2]]
        marked = [token for token, wanted in zip(ids, supervised, strict=True) if wanted]
        text = self.template.text(_PROBE)
        reference = self._whole.encode(text, add_special_tokens=False).ids
        self._require(
            marked[-1:] != [] and marked[-1] in self.controls,
            "the chat template ends an answer without a control token",
        )
        self._require(
            ids == reference and self.decode(ids) == text,
            "a tokenizer that adds or removes blanks, or joins an answer with what is beside it",
        )
        end = self.decode(marked[-1:])
        self._require(
            self.decode(marked) == "".join(f"{answer}{end}" for answer in answers),
            "the supervised tokens are not the answers",
        )
        asked = self.prompt(_PROBE[:3])
        self._require(
            ids[: len(asked)] == asked and supervised[len(asked)],
            "the chat template puts something between the prompt and the answer",
        )

    def _require(self, holds: bool, what: str) -> None:
        if not holds:
            raise DataError(
                f"{what}: not implemented", where=self.where,
                todo="Give another template with --chat-template FILE, or take another base.",
            )  # fmt: skip


def _texts(text: str, supervised: bool) -> list[_Run]:
    return [_Run(text, None, supervised)] if text else []


def _is_control(token: dict[str, Any], template: str) -> bool:
    """Special, or one of the template's own markers, such as <think>."""
    text = token["content"]
    return bool(token["special"]) or (not text.isspace() and text in template)


def _tokenizer(table: dict[str, Any], where: object) -> Tokenizer:
    try:
        made = Tokenizer.from_str(json.dumps(table))
    except Exception as error:  # the package raises plain Exception
        raise DataError(f"not a usable tokenizer: {error}", where=where) from error
    made.no_truncation()
    made.no_padding()
    return made


def find_template(folder: Path, settings: dict[str, Any]) -> str:
    """The chat template of a model folder.

    Raises:
        DataError: it has none.
    """
    if (folder / TEMPLATE).is_file():
        return (folder / TEMPLATE).read_text(encoding="utf-8")
    found = settings.get("chat_template")
    if isinstance(found, list):  # several by name
        found = {entry["name"]: entry["template"] for entry in found}.get("default")
    if not isinstance(found, str):
        raise DataError(
            "the model has no chat template: it is no chat model yet", where=folder,
            expected=f"{TEMPLATE}, or chat_template in {SETTINGS}",
            todo="Give one with --chat-template FILE, or take the model's instruct version.",
        )  # fmt: skip
    return found


def _named_tokens(settings: dict[str, Any]) -> dict[str, str]:
    """bos_token, eos_token and the like, as text."""
    found = {name: value for name, value in settings.items() if name.endswith("_token")}
    texts = {
        name: value["content"] if isinstance(value, dict) else value
        for name, value in found.items()
    }
    return {name: text for name, text in texts.items() if isinstance(text, str)}


def _ends(folder: Path, tokenizer: dict[str, Any], tokens: dict[str, str]) -> frozenset[int]:
    """Ids at which the model's own settings end an answer."""
    path = folder / GENERATION
    stated = read_json(path).get("eos_token_id") if path.is_file() else None
    ends = stated if isinstance(stated, list) else [stated]
    named = [t["id"] for t in tokenizer.get("added_tokens", [])
             if t["content"] == tokens.get("eos_token")]  # fmt: skip
    return frozenset(token for token in [*ends, *named] if isinstance(token, int))
