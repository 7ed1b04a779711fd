"""How a model writes conversations as tokens: one interface over nanochat's and Hugging Face's.

Covers rendering with the supervised tokens marked, prompts, decoding, and finding out which of
the two a model folder is. Needs no torch: the data stages use it too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import tiktoken

from identity_ops import tokens
from identity_ops.errors import DataError
from identity_ops.hf_source import CONFIG
from identity_ops.records import Message

Encode = Callable[[str], list[int]]


class ChatFormat(Protocol):
    """A tokenizer with the way it frames turns."""

    @property
    def vocabulary(self) -> int:
        """Token ids are below it."""

    @property
    def controls(self) -> frozenset[int]:
        """Ids that no text becomes."""

    @property
    def stop(self) -> frozenset[int]:
        """Ids that end an answer."""

    @property
    def blank(self) -> int | None:
        """An id that stands for a hidden word in training; None: there is none."""

    def encode_ordinary(self, text: str) -> list[int]:
        """Ids of a text, in which control tokens are text too."""

    def render(
        self, messages: Sequence[Message], where: object = None, encode_user: Encode | None = None
    ) -> tuple[list[int], list[bool]]:
        """Ids of a conversation, and which of them are supervised: answers with their ends.

        Args:
            where: names the row in errors.
            encode_user: another way to encode what a user says (training.spelling).

        Raises:
            DataError: the format cannot write this conversation.
        """

    def prompt(self, messages: Sequence[Message], where: object = None) -> list[int]:
        """Ids after which the assistant speaks; the last turn is the user's."""

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids, control tokens by their names."""


@dataclass(frozen=True, slots=True)
class NanochatFormat:
    """nanochat's tokenizer and nine control tokens (identity_ops.tokens)."""

    encoding: tiktoken.Encoding

    @property
    def vocabulary(self) -> int:
        return self.encoding.n_vocab

    @property
    def controls(self) -> frozenset[int]:
        return frozenset(map(self.encoding.encode_single_token, tokens.SPECIAL_TOKENS))

    @property
    def stop(self) -> frozenset[int]:
        control = tokens.ControlIds.of(self.encoding)
        return frozenset({control.assistant_end, control.bos})

    @property
    def blank(self) -> int:
        """A control token that no conversation holds."""
        return self.encoding.encode_single_token("<|output_end|>")

    def encode_ordinary(self, text: str) -> list[int]:
        return self.encoding.encode_ordinary(text)

    def render(
        self, messages: Sequence[Message], where: object = None, encode_user: Encode | None = None
    ) -> tuple[list[int], list[bool]]:
        return tokens.render(self.encoding, messages, where, encode_user)

    def prompt(self, messages: Sequence[Message], where: object = None) -> list[int]:
        return tokens.render_prompt(self.encoding, messages, where)

    def decode(self, ids: Sequence[int]) -> str:
        return self.encoding.decode(list(ids))


def is_hugging_face(folder: Path) -> bool:
    """Whether a model folder is in transformers' layout rather than nanochat's."""
    return (folder / CONFIG).is_file()


def open_format(folder: Path) -> ChatFormat:
    """The format of a model folder.

    Raises:
        DataError: no tokenizer or chat template that can be used.
    """
    if is_hugging_face(folder):
        from identity_ops.hf_format import TemplateFormat

        return TemplateFormat.load(folder)
    return NanochatFormat(tokens.load_encoding(folder))


def context_of(folder: Path) -> int | None:
    """Tokens that a model folder's model reads at once; None: it does not say."""
    if is_hugging_face(folder):
        config = read_json(folder / CONFIG)
        length = config.get("max_position_embeddings", config.get("n_positions"))
        return length if isinstance(length, int) and length > 0 else None
    for path in sorted(folder.glob("base_checkpoints/*/meta_*.json")):
        length = read_json(path).get("model_config", {}).get("sequence_len")
        if isinstance(length, int) and length > 0:
            return length
    return None


def read_json(path: Path) -> dict[str, Any]:
    """The table in a JSON file.

    Raises:
        DataError: no such file, or no table.
    """
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DataError(f"unreadable: {error}", where=path) from error
    if not isinstance(found, dict):
        raise DataError("not a JSON object", where=path)
    return found
