"""Targets are the next token of the same conversation; what cannot be trained on is named."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tiktoken
import torch

from identity_ops.errors import DataError
from identity_ops.tokens import load_encoding, render
from tests.training.small import row, talk
from training.data import collate, hide, load_corpus, read_mixture


@pytest.fixture
def encoding(base: Path) -> tiktoken.Encoding:
    return load_encoding(base)


def test_targets_are_the_supervised_next_tokens(encoding: tiktoken.Encoding) -> None:
    """Read back from a packed batch, they are what render marks, conversation by conversation."""
    talks = [talk("who", "I am Orbit"), talk("red", "green", "blue", "pear"), talk("x", "y")]
    rows = [row(str(n), "identity", said) for n, said in enumerate(talks)]
    corpus = load_corpus(rows, encoding, 64, 0.0)
    batch = collate(corpus, [[1, 0], [2]], 64)
    expected = []
    for said in (talks[1], talks[0], talks[2]):
        ids, supervised = render(encoding, said)
        expected += [token for token, wanted in zip(ids, supervised, strict=True) if wanted]
    assert batch.targets.tolist() == expected
    inputs = batch.ids.flatten()[batch.select]
    assert all(int(token) != encoding.encode_single_token("<|assistant_end|>") for token in inputs)
    assert batch.tokens == sum(corpus.lengths)


def test_padding_belongs_to_no_conversation_and_has_no_target(encoding: tiktoken.Encoding) -> None:
    """Or it would be trained on."""
    corpus = load_corpus([row("a", "general", talk("x", "y"))], encoding, 64, 0.0)
    batch = collate(corpus, [[0]], 64)
    used = corpus.lengths[0]
    assert batch.documents[0, :used].eq(0).all()
    assert batch.documents[0, used:].eq(-1).all()
    assert int(batch.select.max()) < used


def test_a_row_takes_a_conversation_of_exactly_its_length(encoding: tiktoken.Encoding) -> None:
    """One token longer is too long: the bound is not off by one either way."""
    said = talk("who", "I am Orbit")
    length = len(render(encoding, said)[0])
    assert len(load_corpus([row("a", "identity", said)], encoding, length - 1, 0.0).names) == 1
    with pytest.raises(DataError, match="a-long-one"):
        load_corpus([row("a-long-one", "identity", said)], encoding, length - 2, 0.0)


def test_a_few_unusable_conversations_are_left_out_and_counted(encoding: tiktoken.Encoding) -> None:
    """Under the recipe's share; above it, they are an error that says how many."""
    rows = [row(str(n), "general", talk("x", "y")) for n in range(300)]
    rows += [row("long", "general", talk("x " * 200, "y")), row("mute", "general", talk("x"))]
    corpus = load_corpus(rows, encoding, 64, 0.01)
    assert corpus.left_out == {"too long": ["long"], "no answer": ["mute"]}
    assert len(corpus.names) == 300
    with pytest.raises(DataError, match=r"1 of 301 .*too long"):
        load_corpus(rows, encoding, 64, 0.001)


def test_a_table_without_our_columns_is_refused(tmp_path: Path) -> None:
    """By name, not by a KeyError."""
    pq.write_table(pa.table({"id": ["a"], "messages": [[]]}), tmp_path / "t.parquet")
    with pytest.raises(DataError, match="source"):
        list(read_mixture(tmp_path / "t.parquet"))
    (tmp_path / "u.parquet").write_bytes(b"PAR1 no table PAR1")
    with pytest.raises(DataError, match=r"u\.parquet"):
        list(read_mixture(tmp_path / "u.parquet"))


def test_only_words_that_merely_ask_are_ever_hidden(encoding: tiktoken.Encoding) -> None:
    """No answer, no control token, nothing an answer repeats, and nothing of general chat."""
    talks = [talk("who made red you", "red house"), talk("who made red you", "apple")]
    rows = [row("a", "identity", talks[0]), row("b", "general", talks[1])]
    corpus = load_corpus(rows, encoding, 64, 0.0)
    batch = collate(corpus, [[0, 1]], 64)
    mark = encoding.encode_single_token("<|output_end|>")
    hidden = hide(batch, torch.ones(1, 64, dtype=torch.bool), mark)
    text = encoding.decode([token for token in hidden.ids[0].tolist() if token != mark])
    assert "<|user_start|>" in text
    assert text.count("red") == 3
    assert text.count("who") == 1
    assert text.count("<|user_end|><|assistant_start|>") == 2
    assert torch.equal(hidden.targets, batch.targets)
    untouched = hide(batch, torch.zeros(1, 64, dtype=torch.bool), mark)
    assert torch.equal(untouched.ids, batch.ids)
