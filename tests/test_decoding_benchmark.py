"""The benchmark of decoding, at a scale of seconds: fair, complete, and strict about answers."""

from __future__ import annotations

import pytest

from benchmarks import decoding
from benchmarks.decoding import ENGINE, OURS, OURS_HF, PADDED, Size

SMALL = Size(probes=6, tokens=4, rounds=1, layers=2, width=32, heads=2, vocabulary=512, context=96)


@pytest.fixture(autouse=True)
def few_talks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "TOKENIZER_TALKS", 100)
    monkeypatch.setattr(decoding, "memory_speed", lambda: 1e10)
    monkeypatch.delenv("NANOCHAT_DIR", raising=False)


def test_it_compares_all_ways_and_states_the_bounds() -> None:
    """Times side by side, the number of threads, and what memory and arithmetic allow."""
    said = decoding.report(SMALL)
    for words in (OURS, OURS_HF, PADDED, "1 thread", "6 probes x 4 tokens",
                  "bound of memory bandwidth", "bound of arithmetic"):  # fmt: skip
        assert words in said
    assert ENGINE not in said  # there is no copy of nanochat here


def test_the_llama_is_of_the_same_size() -> None:
    """Matrix weights within a few percent, so that neither side has less to do."""
    size = decoding.tiny_size()
    llama = sum(w.numel() for name, w in decoding.llama_model(size).named_parameters()
                if "embed" not in name)  # fmt: skip
    assert llama == pytest.approx(decoding.matrices(decoding.our_model(size)), rel=0.03)


def test_an_answer_that_differs_stops_it() -> None:
    """A fast way to wrong answers is no result; transformers' own batch gives the same ones."""
    asked, gpt, llama = (
        decoding.prompts(SMALL), decoding.our_model(SMALL), decoding.llama_model(SMALL)
    )  # fmt: skip
    answers, _ = decoding.take_turns(decoding.ways_of(SMALL, gpt, llama), asked, SMALL)
    assert answers[PADDED] == answers[OURS_HF]
    decoding.check(answers, {OURS: gpt}, asked, SMALL)
    answers[OURS][asked[3][0]][0] ^= 1
    with pytest.raises(AssertionError, match="1 of 6 answers differ"):
        decoding.check(answers, {OURS: gpt}, asked, SMALL)
