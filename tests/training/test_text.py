"""Text is shown as soon as it is certain, and no sooner."""

from __future__ import annotations

import random

import pytest

from training.text import HALF, Pieces

LETTERS = "aé漢🙂 xyz"
DATA = LETTERS.encode()


def decode(ids: list[int]) -> str:
    """A tokenizer of single bytes: most characters take several tokens."""
    return bytes(ids).decode(errors="replace")


def pieces_of(data: bytes, *stop: str) -> list[str]:
    pieces = Pieces(decode, stop)
    found = []
    for token in data:
        found.append(pieces.add(token))
        if pieces.stopped:
            return found
    return [*found, pieces.end()]


def test_half_a_character_waits_for_the_rest() -> None:
    """No piece ends in a broken character, and together they are the text."""
    found = pieces_of(DATA)
    assert "".join(found) == LETTERS
    assert not any(HALF in piece for piece in found)
    assert found[0] == "a"  # nothing waits without need


def test_bytes_that_are_no_text_come_out_as_the_decoder_shows_them() -> None:
    """A model may stop in the middle of a character, or write nonsense."""
    for seed in range(50):
        data = random.Random(seed).randbytes(30)
        assert "".join(pieces_of(data)) == decode(list(data))


@pytest.mark.parametrize(
    ("text", "stop", "shown"),
    [
        ("one two three", ["two"], "one "),
        ("one two three", ["three", "e t"], "on"),
        ("aab", ["ab"], "a"),
        ("one tw", ["two"], "one tw"),  # only the beginning of a stop string: it is text
        ("end\n\n", ["\n\n"], "end"),
        ("a🙂b", ["🙂"], "a"),
        ("x", ["x"], ""),
    ],
)
def test_a_stop_string_ends_the_answer_and_is_no_part_of_it(
    text: str, stop: list[str], shown: str
) -> None:
    """Not even its beginning is shown before it is known whether it is one."""
    assert "".join(pieces_of(text.encode(), *stop)) == shown
