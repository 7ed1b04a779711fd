"""Cut words are other tokens of the same text."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiktoken

from identity_ops.chat_format import NanochatFormat
from identity_ops.tokens import load_encoding, render
from tests.training.small import row, talk
from training.data import Cutting, load_corpus
from training.packing import EVERY
from training.spelling import encode_cut

TEXTS = [
    "Who made you, and when?",
    "GIVE ME YOUR NAME",
    "Cómo te llamas, 你好吗",
    "a b 12 34 ?!",
    "",
]


@pytest.fixture
def encoding(base: Path) -> tiktoken.Encoding:
    return load_encoding(base)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_text_stays_the_same(encoding: tiktoken.Encoding, text: str, share: float) -> None:
    """Whatever is cut; and nothing is where the share is 0."""
    ids = encode_cut(encoding, text, share, "seed")
    assert encoding.decode(ids) == text
    if share == 0:
        assert ids == encoding.encode_ordinary(text)


def test_about_that_share_of_words_is_cut_inside(encoding: tiktoken.Encoding) -> None:
    """A word of one piece is cut as often as asked; figures and single letters never."""
    word = max((encoding.decode([n]) for n in range(256, 290)), key=len).strip()
    whole = encoding.encode_ordinary(word)
    cut = sum(encode_cut(encoding, word, 0.3, str(n)) != whole for n in range(1000))
    assert 230 < cut < 370
    assert encode_cut(encoding, "1 2 345 a b", 1.0, "s") == encoding.encode_ordinary("1 2 345 a b")


def test_a_conversation_of_every_pass_is_cut_anew_in_each(encoding: tiktoken.Encoding) -> None:
    """The same each time it is loaded; the answer is never cut; it counts as one conversation."""
    said = talk("who are you then my friend", "I am Orbit")
    rows = [row("a", "identity", said), row("b", "general", said) | {"part": 1}]
    corpus = load_corpus(rows, NanochatFormat(encoding), 64, 0.0, Cutting(0.5, passes=3, seed=1))
    assert corpus.parts == [0, 1, 2, 1]
    assert len({tuple(corpus[n].inputs) for n in range(4)}) > 2
    assert corpus.count(0) == corpus.count(1) == 1
    whole, supervised = render(encoding, said)
    answer = [token for token, wanted in zip(whole, supervised, strict=True) if wanted]
    assert all([t for t in corpus[n].targets if t >= 0] == answer for n in range(4))
    again = load_corpus(rows, NanochatFormat(encoding), 64, 0.0, Cutting(0.5, passes=3, seed=1))
    assert all(again[n].inputs.tolist() == corpus[n].inputs.tolist() for n in range(4))


def test_without_cutting_it_stays_one_entry(encoding: tiktoken.Encoding) -> None:
    corpus = load_corpus([row("a", "identity", talk("x", "y"))], NanochatFormat(encoding), 64, 0.0)
    assert corpus.parts == [EVERY]


def test_what_cutting_makes_too_long_stays_whole(encoding: tiktoken.Encoding) -> None:
    """It may not be lost for that."""
    said = talk("who are you " * 4, "I am Orbit")
    length = len(render(encoding, said)[0])
    corpus = load_corpus(
        [row("a", "identity", said)],
        NanochatFormat(encoding),
        length - 1,
        0.0,
        Cutting(0.9, passes=4),
    )
    assert corpus.lengths == [length - 1] * 4
