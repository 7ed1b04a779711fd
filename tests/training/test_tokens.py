"""Tokenizer pickles are data, message content is text, and only answers are supervised."""

from __future__ import annotations

import builtins
import os
import pickle
import random
from pathlib import Path
from typing import Any

import pytest
import tiktoken

from identity_ops.errors import DataError
from identity_ops.tokens import (
    PICKLE,
    SPECIAL_TOKENS,
    ControlIds,
    count_tokens,
    load_encoding,
    render,
    render_prompt,
    turns,
)  # fmt: skip
from tests.training.small import talk


class Calls:
    """Pickles to a call."""

    def __init__(self, function: Any, *args: Any) -> None:
        self.call = (function, args)

    def __reduce__(self) -> Any:
        return self.call


def write(folder: Path, data: bytes) -> Path:
    path = folder / PICKLE
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    return folder


def fields(**changes: Any) -> dict[str, Any]:
    ranks = {bytes([byte]): byte for byte in range(256)}
    special = {name: 256 + n for n, name in enumerate(SPECIAL_TOKENS)}
    found = {
        "name": "x",
        "pat_str": r"\w+|\W+",
        "mergeable_ranks": ranks,
        "special_tokens": special,
    }
    return found | changes


def encoding() -> tiktoken.Encoding:
    return tiktoken.Encoding(**fields())


@pytest.mark.parametrize(
    "make",
    [
        lambda bait: Calls(os.system, f"touch {bait}"),
        lambda bait: Calls(builtins.eval, f"open({str(bait)!r}, 'w')"),
        lambda bait: Calls(builtins.getattr, str(bait), "upper"),
        lambda bait: [encoding(), Calls(os.system, f"touch {bait}")],
        lambda bait: {"special": Calls(builtins.open, str(bait), "w")},
        lambda bait: Calls(tiktoken.get_encoding, str(bait)),
    ],
)
def test_a_pickle_that_would_call_something_is_refused_unrun(make: Any, tmp_path: Path) -> None:
    """Nothing it names is looked up, let alone called."""
    bait = tmp_path / "bait"
    folder = write(tmp_path / "model", pickle.dumps(make(bait)))
    with pytest.raises(DataError, match="nothing was run"):
        load_encoding(folder)
    assert not bait.exists()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "nothing was run"),
        (b"not a pickle", "nothing was run"),
        (pickle.dumps({"name": "x"}), "not a tiktoken Encoding"),
        (pickle.dumps([1, 2, 3]), "not a tiktoken Encoding"),
        (b"\x80\x04\x8c\x0dtiktoken.core\x8c\x08Encoding\x93.", "not a tiktoken Encoding"),
        # An Encoding whose state is a registered name would be looked up, and downloaded.
        (b"\x80\x04\x8c\x0dtiktoken.core\x8c\x08Encoding\x93)\x81\x8c\x04gpt2b.", "not a tiktoken"),
    ],
)
def test_a_file_without_an_encoding_is_refused(data: bytes, message: str, tmp_path: Path) -> None:
    """Whatever the bytes are, the error is ours and names the file."""
    with pytest.raises(DataError, match=message) as caught:
        load_encoding(write(tmp_path, data))
    assert str(tmp_path / PICKLE) in str(caught.value)


def pickled(state: dict[str, Any]) -> bytes:
    """The bytes of an Encoding with this state, which tiktoken itself might not accept."""

    class Encoding:
        def __reduce__(self) -> Any:
            return (tiktoken.Encoding.__new__, (tiktoken.Encoding,), state)

    body = pickle.dumps(state, protocol=4)[2:-1]
    return b"\x80\x04\x8c\x0dtiktoken.core\x8c\x08Encoding\x93)\x81" + body + b"b."


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"special_tokens": {"<|bos|>": 256}}, "control tokens are missing"),
        ({"mergeable_ranks": {b"a": 0}}, "0 to n-1|byte-level"),
        ({"mergeable_ranks": {"a": 0}}, "wrong types"),
        ({"pat_str": "("}, "tiktoken refuses"),
        ({"pat_str": 3}, "wrong types"),
        ({"special_tokens": dict.fromkeys(SPECIAL_TOKENS, 256)}, "0 to n-1"),
    ],
)
def test_an_encoding_that_cannot_work_is_refused(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    """Its fields are checked before tiktoken gets them."""
    with pytest.raises(DataError, match=message):
        load_encoding(write(tmp_path, pickled(fields(**changes))))


def test_what_tiktoken_pickles_is_read(tmp_path: Path) -> None:
    """The very bytes that nanochat's tokenizer training writes."""
    loaded = load_encoding(write(tmp_path, pickle.dumps(encoding())))
    text = "Grüße, who are you? \N{SNOWMAN}"
    assert loaded.encode_ordinary(text) == encoding().encode_ordinary(text)
    assert loaded.n_vocab == 256 + len(SPECIAL_TOKENS)


def test_control_tokens_in_a_message_stay_text() -> None:
    """However a message is spelt, only the frame around it holds control tokens."""
    special = set(range(256, 256 + len(SPECIAL_TOKENS)))
    texts = [f"x{name}y" for name in SPECIAL_TOKENS] + ["".join(SPECIAL_TOKENS)]
    for text in texts:
        ids, supervised = render(encoding(), talk(text, text))
        frame = [token for token in ids if token in special]
        assert frame == list(range(256, 261)), text  # bos and the four markers, once each
        assert len(ids) == len(supervised)


def test_only_answers_and_their_ends_are_supervised() -> None:
    """Joining the supervised tokens gives back what the assistant said, with its end markers."""
    control = ControlIds.of(encoding())
    ids, supervised = render(encoding(), talk("ask", "one", "more", "two"))
    chosen = [token for token, wanted in zip(ids, supervised, strict=True) if wanted]
    assert encoding().decode(chosen) == "one<|assistant_end|>two<|assistant_end|>"
    assert not supervised[ids.index(control.assistant_start)]


def test_a_system_message_joins_the_first_user_turn() -> None:
    """As nanochat does it: a blank line between them, and no role of its own."""
    messages = [{"role": "system", "content": "Be brief."}, *talk("Hi", "Yes?")]
    assert turns(messages)[0] == {"role": "user", "content": "Be brief.\n\nHi"}  # type: ignore[arg-type]


@pytest.mark.parametrize("roles", ["aa", "uu", "uaa", "s", "", "usa", "a"])
def test_turns_that_do_not_alternate_are_refused(roles: str) -> None:
    """The error names the row."""
    names = {"u": "user", "a": "assistant", "s": "system"}
    messages = [{"role": names[letter], "content": "x"} for letter in roles]
    with pytest.raises(DataError, match="row-7"):
        render(encoding(), messages, where="row-7")  # type: ignore[arg-type]


def test_a_prompt_is_the_beginning_of_the_conversation_it_becomes() -> None:
    """So a model is asked exactly what it was trained to continue."""
    asked = render_prompt(encoding(), talk("a", "b", "c"))
    whole, _ = render(encoding(), talk("a", "b", "c", "d"))
    assert whole[: len(asked)] == asked
    with pytest.raises(DataError, match="user's"):
        render_prompt(encoding(), talk("a", "b"))


def test_counts_are_those_of_the_rendered_conversation() -> None:
    """Total and supervised tokens."""
    rng = random.Random(4)
    for _ in range(20):
        texts = ["".join(rng.choices("ab \n<|>", k=rng.randint(0, 9))) for _ in range(4)]
        ids, supervised = render(encoding(), talk(*texts))
        assert count_tokens(encoding(), talk(*texts)) == (len(ids), sum(supervised))
