"""Multiple choice by log-probability: right numbers in any batch, for both kinds of model."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from identity_ops import trainer
from identity_ops.errors import DataError
from tests.hf.conftest import commit_base
from tests.training.small import busy_model, small_config, talk
from training import batches
from training.answer import Prompt, Speaker
from training.engine import Decoder, Sampling, generate
from training.weigh import Said, weights

MODEL = busy_model(small_config(), seed=4)
CHOICES = ("red", "a green house", "pear")


def texts(count: int) -> dict[str, list[Said]]:
    """Questions of 1 to 40 tokens with three answers of 1 to 6."""
    draw = torch.Generator().manual_seed(5)

    def tokens(most: int) -> list[int]:
        length = int(torch.randint(1, most, (1,), generator=draw))
        return torch.randint(300, (length,), generator=draw).tolist()

    found = {}
    for number in range(count):
        asked = tokens(40)
        found[f"q{number}"] = [Said(asked + tokens(7), len(asked)) for _ in range(3)]
    return found


def by_hand(model: Decoder, said: Said) -> float:
    """One row alone, token by token."""
    with torch.no_grad():
        ids = torch.tensor([said.ids])
        logits = model.logits_at(ids, torch.arange(len(said.ids)))
    logs = logits.log_softmax(-1)
    found = [float(logs[at - 1, said.ids[at]]) for at in range(said.start, len(said.ids))]
    return sum(found) / len(found)


def test_a_weight_is_the_mean_log_probability_of_the_answer() -> None:
    """Of its tokens alone, not the prompt's, in a batch of rows of all lengths."""
    asked = texts(30)
    found = weights(MODEL, asked)
    assert list(found) == list(asked)
    for name, said in asked.items():
        assert found[name] == pytest.approx([by_hand(MODEL, one) for one in said], abs=1e-4)


def test_what_greedy_decoding_says_is_its_likeliest_answer() -> None:
    """Token by token it takes the likeliest, so its own answer outweighs ones of other tokens."""
    prompt = [5, 9, 200]
    spoken = generate(MODEL, [("x", prompt)], frozenset(), Sampling(max_tokens=1))["x"]
    others = [[token] for token in range(40) if [token] != spoken]
    said = [Said(prompt + answer, 3) for answer in [spoken, *others]]
    found = weights(MODEL, {"x": said})["x"]
    assert found[0] == max(found)


@pytest.mark.parametrize("family", ["nanochat", "smollm2", "qwen3", "llama3"])
def test_the_chat_format_s_answer_is_weighed(family: str, base: Path, tmp_path: Path) -> None:
    """By the model's own template, from the first token of the answer to the one that ends it."""
    folder = base if family == "nanochat" else commit_base(family, tmp_path)
    speaker = Speaker.load(folder)
    found = speaker.weights([Prompt("a", talk("who are you"), CHOICES)])["a"]
    for text, weight in zip(CHOICES, found, strict=True):
        ids, supervised = speaker.chat.render(talk("who are you", text), "a")
        marked = [place for place, wanted in enumerate(supervised) if wanted]
        assert ids[marked[-1]] in speaker.stop
        assert weight == pytest.approx(
            by_hand(speaker.model, Said(ids[: marked[-1] + 1], marked[0])), abs=1e-4
        )


def test_choices_are_answered_beside_spoken_prompts(base: Path) -> None:
    """One process does both: the answer is the heaviest choice, the others are generated."""
    prompts = [("spoken", talk("red?")), ("chosen", talk("who are you"))]
    got: dict[str, list[float]] = {}
    answers = trainer.answer(
        base, prompts, max_tokens=5, choices={"chosen": CHOICES}, on_weights=got.__setitem__
    )
    speaker = Speaker.load(base)
    expected = speaker.weights([Prompt("chosen", talk("who are you"), CHOICES)])["chosen"]
    assert got == {"chosen": pytest.approx(expected, abs=1e-4)}
    assert answers["chosen"] == CHOICES[expected.index(max(expected))]
    assert answers["spoken"] == speaker.answers(prompts[:1], Sampling(max_tokens=5))["spoken"]


@pytest.mark.parametrize("said", [Said([1], 1), Said([1, 2], 0), Said([1] * 961, 3)])
def test_a_choice_that_cannot_be_weighed_is_named(said: Said) -> None:
    """No answer, no prompt, or more than the position tables reach."""
    with pytest.raises(DataError, match="mine"):
        weights(MODEL, {"mine": [said]})


def test_batches_halve_where_memory_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same numbers and answers from a device that takes five rows at most."""
    asked = texts(12)
    prompts = [(name, said[0].ids) for name, said in asked.items()]
    whole = weights(MODEL, asked), generate(MODEL, prompts, frozenset(), Sampling(max_tokens=4))
    sizes = small_device(monkeypatch, 5)
    found = weights(MODEL, asked), generate(MODEL, prompts, frozenset(), Sampling(max_tokens=4))
    assert found[1] == whole[1]
    assert found[0] == {name: pytest.approx(one, abs=1e-5) for name, one in whole[0].items()}
    assert max(sizes) > 5  # it was asked for more
    assert sizes.count(max(sizes)) <= 2  # and did not try again what did not fit


def test_a_single_prompt_that_does_not_fit_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Said in words, not by torch's traceback; and an error of another kind passes through."""
    small_device(monkeypatch, 0)
    with pytest.raises(DataError, match="no memory for a single prompt"):
        weights(MODEL, texts(3))

    def broken(_: object) -> None:
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        list(batches.in_batches([1, 2], broken, 2))


def small_device(monkeypatch: pytest.MonkeyPatch, rows: int) -> list[int]:
    """Embedding more than `rows` rows at once fails as a GPU's allocator does; sizes asked for."""
    sizes: list[int] = []
    embed = type(MODEL).embed

    def limited(model: object, ids: torch.Tensor) -> torch.Tensor:
        sizes.append(len(ids))
        if len(ids) > rows:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return embed(model, ids)  # type: ignore[arg-type]

    monkeypatch.setattr(type(MODEL), "embed", limited)
    return sizes
