"""Rows decoded together answer as they do alone."""

from __future__ import annotations

import pytest
import torch

from identity_ops.errors import DataError
from tests.training.small import busy_model, small_config
from training import batches
from training.engine import Cache, Draw, Sampling, choose, generate, stream

MODEL = busy_model(small_config(sequence_len=160), seed=3)
STOP = frozenset(range(40))  # of 300: rows end at different times


def prompts(count: int) -> list[tuple[str, list[int]]]:
    draw = torch.Generator().manual_seed(7)
    lengths = torch.randint(1, 150, (count,), generator=draw).tolist()
    return [
        (f"p{n}", torch.randint(300, (length,), generator=draw).tolist())
        for n, length in enumerate(lengths)
    ]


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_a_batch_answers_as_one_by_one(temperature: float) -> None:
    """Prompts of 1 to 150 tokens, answers that end at different steps, rows dropped."""
    how = Sampling(max_tokens=20, temperature=temperature, seed=5)
    together = generate(MODEL, prompts(40), STOP, how)
    alone = {
        name: ids
        for prompt in prompts(40)
        for name, ids in generate(MODEL, [prompt], STOP, how).items()
    }
    assert together == alone
    assert len({len(ids) for ids in together.values()}) > 5


def test_decoding_repeats_what_the_whole_forward_says() -> None:
    """The cache, its positions, windows and smear agree with a forward over the whole text."""
    for _, prompt in prompts(6):
        answer = generate(MODEL, [("x", prompt)], frozenset(), Sampling(max_tokens=12))["x"]
        with torch.no_grad():
            logits = MODEL(torch.tensor([prompt + answer]))[0]
        assert logits[len(prompt) - 1 : -1].argmax(-1).tolist() == answer


def test_batches_larger_than_the_limit_are_split(monkeypatch: pytest.MonkeyPatch) -> None:
    """Into parts that answer the same, in the order asked."""
    how = Sampling(max_tokens=8)
    whole = generate(MODEL, prompts(12), STOP, how)
    monkeypatch.setattr(batches, "CPU_ROWS", 5)
    parts = generate(MODEL, prompts(12), STOP, how)
    assert parts == whole
    assert list(parts) == [f"p{n}" for n in range(12)]


def test_a_stream_is_the_same_answer_in_pieces() -> None:
    """Greedy, up to the stop token."""
    name, prompt = prompts(3)[2]
    how = Sampling(max_tokens=15)
    assert (
        list(stream(MODEL, prompt, STOP, how)) == generate(MODEL, [(name, prompt)], STOP, how)[name]
    )


def test_sampling_follows_seed_and_name_and_nothing_else() -> None:
    """Another seed draws another answer; the same one repeats."""

    def drawn(seed: int) -> list[int]:
        how = Sampling(max_tokens=15, temperature=1.5, seed=seed)
        return generate(MODEL, prompts(1), frozenset(), how)["p0"]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_a_low_temperature_comes_close_to_the_likeliest() -> None:
    """So the temperature divides the logits and not something else."""
    how = Sampling(max_tokens=10, temperature=1e-4)
    assert generate(MODEL, prompts(8), STOP, how) == generate(
        MODEL, prompts(8), STOP, Sampling(max_tokens=10)
    )


@pytest.mark.parametrize("length", [0, 10 * 160])
def test_a_prompt_that_cannot_be_answered_is_named(length: int) -> None:
    """Empty, or beyond the position tables."""
    with pytest.raises(DataError, match="mine"):
        generate(MODEL, [("mine", [1] * length)], STOP, Sampling())


def test_rows_that_join_later_answer_as_alone() -> None:
    """Whatever their lengths: caches of 3 and of 5 rows become one of 8."""
    asked = prompts(8)
    alone = {
        name: list(stream(MODEL, ids, frozenset(), Sampling(max_tokens=9))) for name, ids in asked
    }
    with torch.inference_mode():
        first = Cache(MODEL, [ids for _, ids in asked[:3]], 9)
        tokens = [first.prefill().argmax(-1)]
        for _ in range(3):
            tokens.append(first.extend(tokens[-1]).argmax(-1))
        logits = first.extend(tokens[-1])
        second = Cache(MODEL, [ids for _, ids in asked[3:]], 9)
        late = second.prefill()
        first.join(second)
        joined = [torch.cat((logits, late)).argmax(-1)]
        for _ in range(4):
            joined.append(first.extend(joined[-1]).argmax(-1))
    early = torch.cat((torch.stack(tokens), torch.stack(joined)[:, :3]))
    for row, (name, _) in enumerate(asked):
        found = early[:, row] if row < 3 else torch.stack(joined)[:, row]
        assert found.tolist() == alone[name][: len(found)]


def draws(count: int, **how: float) -> list[Draw]:
    return [Draw(Sampling(seed=n, **how)) for n in range(count)]  # type: ignore[arg-type]


def test_each_row_is_drawn_in_its_own_way() -> None:
    """A cold row beside a hot one takes the likeliest, and the hot one does not notice."""
    logits = torch.randn(3, 300, generator=torch.Generator().manual_seed(2))
    hot = Sampling(temperature=1.9, seed=4)
    together = choose(logits, [Draw(Sampling()), Draw(hot), Draw(Sampling(temperature=1e-9))])
    assert together[1] == choose(logits[1:2], [Draw(hot)])[0]
    assert together[[0, 2]].tolist() == logits[[0, 2]].argmax(-1).tolist()


def test_top_k_leaves_so_many_tokens() -> None:
    """The three likeliest, each of them drawn now and then."""
    logits = torch.tensor([2.0, 0.0, 1.9, -1.0, 1.8]).repeat(200, 1)
    assert set(choose(logits, draws(200, temperature=1.0, top_k=3)).tolist()) == {0, 2, 4}


def test_top_p_leaves_that_share() -> None:
    """The likeliest tokens that make up the share, the one that crosses it included."""
    logits = torch.tensor([0.5, 0.1, 0.3, 0.1]).log().repeat(200, 1)
    assert set(choose(logits, draws(200, temperature=1.0, top_p=0.6)).tolist()) == {0, 2}
    assert set(choose(logits, draws(200, temperature=1.0, top_p=0.01)).tolist()) == {0}
