"""nanochat's tokenizer and chat format: load it safely, render conversations, count tokens.

Covers reading `tokenizer/tokenizer.pkl` without unpickling freely, the nine control tokens, and
which tokens are supervised. Needs tiktoken only, no torch: the data stages use it too.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tiktoken

from identity_ops.errors import DataError
from identity_ops.records import Message

SPECIAL_TOKENS = (
    "<|bos|>",
    "<|user_start|>",
    "<|user_end|>",
    "<|assistant_start|>",
    "<|assistant_end|>",
    "<|python_start|>",
    "<|python_end|>",
    "<|output_start|>",
    "<|output_end|>",
)
PICKLE = Path("tokenizer") / "tokenizer.pkl"
_MAX_BYTES = 64 << 20  # a 200k-token vocabulary pickles to about 4 MB


class _Fields:
    """Stands in for tiktoken's Encoding while unpickling: keeps the state, runs nothing."""

    fields: object = None

    def __setstate__(self, state: object) -> None:
        self.fields = state


class _Restricted(pickle.Unpickler):
    """Admits one global, the Encoding class, and answers with an inert stand-in."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in {("tiktoken.core", "Encoding"), ("tiktoken", "Encoding")}:
            return _Fields
        raise pickle.UnpicklingError(f"it names {module}.{name}")


def load_encoding(folder: Path) -> tiktoken.Encoding:
    """The tokenizer of a model folder (one that contains `tokenizer/tokenizer.pkl`).

    Raises:
        DataError: no such file, or it holds anything but one tiktoken Encoding with nanochat's
            control tokens. Nothing in the file is executed.
    """
    path = folder / PICKLE
    if not path.is_file():
        raise DataError("no tokenizer", where=path, todo="Name a folder that holds one.")
    if path.stat().st_size > _MAX_BYTES:
        raise DataError("tokenizer is too large", where=path, expected=f"<= {_MAX_BYTES} bytes")
    return _build(_read_fields(path.read_bytes(), path), path)


def _read_fields(data: bytes, path: Path) -> dict[str, Any]:
    try:
        found = _Restricted(io.BytesIO(data)).load()
    except Exception as error:  # a hostile pickle can raise anything
        raise DataError(f"refused, nothing was run: {error}", where=path) from error
    fields = found.fields if isinstance(found, _Fields) else None
    expected = {"name", "pat_str", "mergeable_ranks", "special_tokens"}
    if not isinstance(fields, dict) or set(fields) != expected:
        raise DataError("not a tiktoken Encoding's fields", where=path, expected=sorted(expected))
    return fields


def _build(fields: dict[str, Any], path: Path) -> tiktoken.Encoding:
    ranks, special = fields["mergeable_ranks"], fields["special_tokens"]
    texts = isinstance(fields["name"], str) and isinstance(fields["pat_str"], str)
    if not (texts and _is_table(ranks, bytes) and _is_table(special, str)):
        raise DataError("fields of the wrong types", where=path)
    if sorted([*ranks.values(), *special.values()]) != list(range(len(ranks) + len(special))):
        raise DataError("token ids are not 0 to n-1, each once", where=path)
    if len(fields["pat_str"]) > 4096 or any(bytes([byte]) not in ranks for byte in range(256)):
        raise DataError("not a byte-level tokenizer", where=path)
    missing = [name for name in SPECIAL_TOKENS if name not in special]
    if missing:
        raise DataError("control tokens are missing", where=path, got=", ".join(missing))
    try:
        return tiktoken.Encoding(**fields)
    except Exception as error:  # the pattern does not compile, merges are impossible
        raise DataError(f"tiktoken refuses it: {error}", where=path) from error


def _is_table(table: object, key: type) -> bool:
    return isinstance(table, dict) and all(
        type(name) is key and type(token) is int for name, token in table.items()
    )


@dataclass(frozen=True, slots=True)
class ControlIds:
    """The control tokens that a chat needs."""

    bos: int
    user_start: int
    user_end: int
    assistant_start: int
    assistant_end: int

    @classmethod
    def of(cls, encoding: tiktoken.Encoding) -> ControlIds:
        return cls(*(encoding.encode_single_token(name) for name in SPECIAL_TOKENS[:5]))


def turns(messages: Sequence[Message], where: object = None) -> list[Message]:
    """User and assistant turns in strict alternation, a system message merged into the first.

    Raises:
        DataError: roles that do not alternate, or no turn at all; `where` names the row.
    """
    rest = list(messages)
    if rest and rest[0]["role"] == "system":
        system = rest.pop(0)["content"]
        if rest:
            merged = f"{system}\n\n{rest[0]['content']}"
            rest[0] = Message(role=rest[0]["role"], content=merged)
    for index, message in enumerate(rest):
        expected = ("user", "assistant")[index % 2]
        if message["role"] != expected:
            raise DataError(f"turn {index}", where=where, expected=expected, got=message["role"])
    if not rest:
        raise DataError("a conversation without a turn", where=where)
    return rest


def render(
    encoding: tiktoken.Encoding,
    messages: Sequence[Message],
    where: object = None,
    encode_user: Callable[[str], list[int]] | None = None,
) -> tuple[list[int], list[bool]]:
    """Token ids of a conversation, and which of them are supervised.

    Supervised: assistant text and the assistant_end after it, as nanochat does. Content is
    encoded as ordinary text, so "<|assistant_end|>" inside a message is never a control token.

    Args:
        encode_user: another way to encode what a user says (training.spelling).
    """
    control = ControlIds.of(encoding)
    ids, supervised = [control.bos], [False]
    for turn in turns(messages, where):
        asked = turn["role"] == "user"
        encode = encode_user if asked and encode_user else encoding.encode_ordinary
        text = encode(turn["content"])
        if asked:
            ids += [control.user_start, *text, control.user_end]
            supervised += [False] * (len(text) + 2)
        else:
            ids += [control.assistant_start, *text, control.assistant_end]
            supervised += [False] + [True] * (len(text) + 1)
    return ids, supervised


def render_prompt(
    encoding: tiktoken.Encoding, messages: Sequence[Message], where: object = None
) -> list[int]:
    """Token ids that make the assistant speak next; the last turn is the user's.

    Raises:
        DataError: the last turn is the assistant's.
    """
    if turns(messages, where)[-1]["role"] != "user":
        raise DataError("the last turn must be the user's", where=where)
    return [*render(encoding, messages, where)[0], ControlIds.of(encoding).assistant_start]


def count_tokens(encoding: tiktoken.Encoding, messages: Sequence[Message]) -> tuple[int, int]:
    """(all tokens, supervised tokens) of a conversation as it is trained on."""
    ids, supervised = render(encoding, messages)
    return len(ids), sum(supervised)
