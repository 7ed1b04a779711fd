"""Targets are the next token of the same conversation; what cannot be trained on is named."""

from __future__ import annotations

import pickle
import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from identity_ops.chat_format import NanochatFormat
from identity_ops.errors import DataError
from identity_ops.tokens import load_encoding
from tests.training.small import row, small_rows, talk
from training.corpus import IGNORE, Chunk, Corpus
from training.data import Cutting, Encoder, collate, hide, load_corpus, load_mixture, read_mixture


@pytest.fixture
def chat(base: Path) -> NanochatFormat:
    return NanochatFormat(load_encoding(base))


def test_targets_are_the_supervised_next_tokens(chat: NanochatFormat) -> None:
    """Read back from a packed batch, they are what render marks, conversation by conversation."""
    talks = [talk("who", "I am Orbit"), talk("red", "green", "blue", "pear"), talk("x", "y")]
    rows = [row(str(n), "identity", said) for n, said in enumerate(talks)]
    corpus = load_corpus(rows, chat, 64, 0.0)
    batch = collate(corpus, [[1, 0], [2]], 64)
    expected = []
    for said in (talks[1], talks[0], talks[2]):
        ids, supervised = chat.render(said)
        expected += [token for token, wanted in zip(ids, supervised, strict=True) if wanted]
    assert batch.targets.tolist() == expected
    inputs = batch.ids.flatten()[batch.select]
    assert all(
        int(token) != chat.encoding.encode_single_token("<|assistant_end|>") for token in inputs
    )
    assert batch.tokens == sum(corpus.lengths)


def test_padding_belongs_to_no_conversation_and_has_no_target(chat: NanochatFormat) -> None:
    """Or it would be trained on."""
    corpus = load_corpus([row("a", "general", talk("x", "y"))], chat, 64, 0.0)
    batch = collate(corpus, [[0]], 64)
    used = corpus.lengths[0]
    assert batch.documents[0, :used].eq(0).all()
    assert batch.documents[0, used:].eq(-1).all()
    assert int(batch.select.max()) < used


def test_a_row_takes_a_conversation_of_exactly_its_length(chat: NanochatFormat) -> None:
    """One token longer is too long: the bound is not off by one either way."""
    said = talk("who", "I am Orbit")
    length = len(chat.render(said)[0])
    assert len(load_corpus([row("a", "identity", said)], chat, length - 1, 0.0).names) == 1
    with pytest.raises(DataError, match="a-long-one"):
        load_corpus([row("a-long-one", "identity", said)], chat, length - 2, 0.0)


def test_a_few_unusable_conversations_are_left_out_and_counted(chat: NanochatFormat) -> None:
    """Under the recipe's share; above it, they are an error that says how many."""
    rows = [row(str(n), "general", talk("x", "y")) for n in range(300)]
    rows += [row("long", "general", talk("x " * 200, "y")), row("mute", "general", talk("x"))]
    corpus = load_corpus(rows, chat, 64, 0.01)
    assert corpus.left_out == {"too long": ["long"], "no answer": ["mute"]}
    assert len(corpus.names) == 300
    with pytest.raises(DataError, match=r"1 of 301 .*too long"):
        load_corpus(rows, chat, 64, 0.001)


def test_a_table_without_our_columns_is_refused(tmp_path: Path) -> None:
    """By name, not by a KeyError."""
    pq.write_table(pa.table({"id": ["a"], "messages": [[]]}), tmp_path / "t.parquet")
    with pytest.raises(DataError, match="source"):
        list(read_mixture(tmp_path / "t.parquet"))
    (tmp_path / "u.parquet").write_bytes(b"PAR1 no table PAR1")
    with pytest.raises(DataError, match=r"u\.parquet"):
        list(read_mixture(tmp_path / "u.parquet"))


def test_only_words_that_merely_ask_are_ever_hidden(chat: NanochatFormat) -> None:
    """No answer, no control token, nothing an answer repeats, and nothing of general chat."""
    talks = [talk("who made red you", "red house"), talk("who made red you", "apple")]
    rows = [row("a", "identity", talks[0]), row("b", "general", talks[1])]
    corpus = load_corpus(rows, chat, 64, 0.0)
    batch = collate(corpus, [[0, 1]], 64)
    mark = chat.encoding.encode_single_token("<|output_end|>")
    hidden = hide(batch, torch.ones(1, 64, dtype=torch.bool), mark)
    text = chat.decode([token for token in hidden.ids[0].tolist() if token != mark])
    assert "<|user_start|>" in text
    assert text.count("red") == 3
    assert text.count("who") == 1
    assert text.count("<|user_end|><|assistant_start|>") == 2
    assert torch.equal(hidden.targets, batch.targets)
    untouched = hide(batch, torch.zeros(1, 64, dtype=torch.bool), mark)
    assert torch.equal(untouched.ids, batch.ids)


def same(one: Corpus, other: Corpus) -> bool:
    """All of both, tokens and index."""
    columns = ("lengths", "supervised", "sources", "parts", "names", "too_long", "no_answer")
    return all(getattr(one, name) == getattr(other, name) for name in columns) and all(
        np.array_equal(getattr(one[n], part), getattr(other[n], part))
        for n in range(len(one.names))
        for part in ("inputs", "targets", "hideable")
    )


def test_processes_change_nothing_of_the_result(chat: NanochatFormat, tmp_path: Path) -> None:
    """Not even the order, with chunks of very unlike cost; nor does reading rows from a list."""
    rows = small_rows(900, 600, random.Random(1))
    rows[10:20] = [row(f"long-{n}", "general", talk("x " * 500, "y")) for n in range(10)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "train.parquet")
    cutting = Cutting(0.3, passes=2, seed=4)
    encode = Encoder(chat, 64, cutting)
    one, three = (load_mixture(tmp_path / "train.parquet", encode, 0.01, n) for n in (1, 3))
    assert len(one.names) == 2 * 1500 - 20
    assert same(one, three)
    assert same(one, load_corpus(rows, chat, 64, 0.01, cutting))


def test_what_fails_in_a_process_fails_here(chat: NanochatFormat, tmp_path: Path) -> None:
    """With its own error, which names the row."""
    rows = [*small_rows(5, 5, random.Random(1)), row("odd", "general", talk("x", "y")[::-1])]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "train.parquet")
    with pytest.raises(DataError, match="odd"):
        load_mixture(tmp_path / "train.parquet", Encoder(chat, 64), 0.0, 2)


def test_a_corpus_passed_on_reads_the_same_file(chat: NanochatFormat, tmp_path: Path) -> None:
    """As rank 0 passes it to the others, who still read it when its name is gone."""
    pq.write_table(pa.Table.from_pylist(small_rows(9, 9, random.Random(2))), tmp_path / "t.parquet")
    corpus = load_mixture(tmp_path / "t.parquet", Encoder(chat, 64), 0.0, file=tmp_path / "tokens")
    other = pickle.loads(pickle.dumps(corpus))  # noqa: S301 (our own)
    (tmp_path / "tokens").unlink()
    assert same(corpus, other)


def test_ids_above_two_bytes_come_back_whole() -> None:
    """Vocabularies of 150,000 tokens are common."""
    corpus = Corpus(wide=True)
    chunk = Chunk(wide=True)
    chunk.add([151_643, 65_536, 7, 200_000], np.array([0, 1, 2, 3], dtype=np.uint8))
    corpus.extend(chunk)
    corpus.flush()
    assert corpus[0].inputs.tolist() == [151_643, 65_536, 7]
    assert corpus[0].targets.tolist() == [65_536, IGNORE, 200_000]
    assert corpus[0].hideable.tolist() == [False, False, True]
    assert corpus.supervised == [2]
