"""How fast probes are answered: `NANOCHAT_DIR=... python -m benchmarks decoding`.

180 probes of the shipped knowledge base, 32 tokens of answer each, on a model of the tiny base's
shape and on a Llama of the same size, greedy, in fp32, in one process. Every way gets a thread for
each core, and the time on the wall counts; with `--threads 1` it is CPU time, which other work on
the machine lengthens little. In turns:

- ours, all probes decoded together (training.engine), on either model;
- nanochat's own Engine, one probe after the other, with the same weights;
- transformers' generate on all probes at once, padded on the left, with the same Llama.

Every answer is compared with the one decoded alone: ours, token by token. Weights are random, so
no answer ends early and all work is equal. Medians over the rounds, ratios within a round. Below
stands what the machine allows: the time to read weights and cache once a step at the memory's
measured speed, and that of the multiplications at their measured speed.

Without NANOCHAT_DIR, a folder with a copy of nanochat, its turn is left out.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from identity_ops.general import builtin
from identity_ops.knowledge import read_knowledge
from identity_ops.probes.build import build_probes
from identity_ops.recipes import read
from identity_ops.records import Message
from identity_ops.tokens import render_prompt
from training import tokenizer
from training.engine import Decoder, Sampling, generate
from training.gpt import GPT, GPTConfig
from training.hf_model import HfModel

KNOWLEDGE = Path(__file__).resolve().parents[1] / "knowledge" / "self_knowledge.md"
TOKENIZER_TALKS = 3000
NOBODY = frozenset[int]()  # ends an answer
OURS, ENGINE = "ours, together", "nanochat's Engine, one by one"
OURS_HF, PADDED = "ours, together, Llama", "transformers' padded batch, Llama"
Prompts = Sequence[tuple[str, Sequence[int]]]
Answers = dict[str, list[int]]
Way = Callable[[Prompts], Answers]
Model = TypeVar("Model", bound=torch.nn.Module)


@dataclass(frozen=True, slots=True)
class Size:
    """How much is decoded, and by what."""

    probes: int = 180
    tokens: int = 32
    rounds: int = 5
    layers: int = 4
    width: int = 128
    heads: int = 2
    vocabulary: int = 2048
    context: int = 256
    threads: int = 1

    def clock(self) -> float:
        """Seconds: of processor time, or on the wall where threads would add theirs up."""
        return time.process_time() if self.threads == 1 else time.perf_counter()


def tiny_size(**changes: int) -> Size:
    """The tiny base's shape, as its recipe says."""
    shape = read("tiny").pretrain
    assert shape is not None  # noqa: S101 (our own file)
    known = Size(layers=shape.layers, width=shape.width, heads=shape.heads,
                 vocabulary=shape.vocabulary, context=shape.sequence_len)  # fmt: skip
    return Size(**(asdict(known) | changes))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks decoding", description=__doc__)
    parser.add_argument("--probes", type=int, default=180)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    args, _ = parser.parse_known_args()
    print(report(tiny_size(probes=args.probes, rounds=args.rounds, threads=args.threads)))


def report(size: Size) -> str:
    """Measure all ways; raises AssertionError where answers differ."""
    threads = torch.get_num_threads()
    torch.set_num_threads(size.threads)
    try:
        asked, gpt, llama = prompts(size), our_model(size), llama_model(size)
        ways = ways_of(size, gpt, llama)
        answers, seconds = take_turns(ways, asked, size)
        check(answers, {OURS: gpt, OURS_HF: HfModel(llama, torch.float32)}, asked, size)
        return "\n".join([*_times(size, seconds), *_bounds(size, gpt, asked, seconds[OURS])])
    finally:
        torch.set_num_threads(threads)


def prompts(size: Size) -> Prompts:
    """Probes of the shipped knowledge base as tokens, evenly over all categories."""
    talks = builtin.conversations("train", TOKENIZER_TALKS, seed=1)
    texts = (message["content"] for talk in talks for message in talk.messages)
    encoding = tokenizer.train(texts, size.vocabulary)
    probes = [p for p in build_probes(read_knowledge(KNOWLEDGE)) if not p.history and not p.system]
    chosen = random.Random("decoding").sample(probes, size.probes)
    turn = ((p.id, [Message(role="user", content=p.question)]) for p in chosen)
    return [(name, render_prompt(encoding, messages)) for name, messages in turn]


def our_model(size: Size) -> GPT:
    """nanochat's architecture with random weights, none of them zero."""
    made = GPT(GPTConfig(
        sequence_len=size.context, vocab_size=size.vocabulary, n_layer=size.layers,
        n_head=size.heads, n_kv_head=size.heads, n_embd=size.width,
    ))  # fmt: skip
    return busy(made)


def llama_model(size: Size) -> Any:
    """A Llama with as many layers, channels, heads and, within a percent, matrix weights."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=size.vocabulary, hidden_size=size.width, num_hidden_layers=size.layers,
        intermediate_size=8 * (size.width // 3), num_attention_heads=size.heads,
        max_position_embeddings=4 * size.context, tie_word_embeddings=False,
        pad_token_id=None, bos_token_id=None, eos_token_id=None,
    )  # fmt: skip
    return busy(LlamaForCausalLM(config))


def busy(model: Model) -> Model:
    """Weights of one spread, so that answers are clear and differ from prompt to prompt."""
    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in model.parameters():
            weight.normal_(0.0, 2.0 / weight.shape[-1] ** 0.5, generator=draw)
    model.eval()
    return model


def ways_of(size: Size, gpt: GPT, llama: Any) -> dict[str, Way]:
    """Name -> how it answers all prompts; nanochat's where there is a copy of it."""
    how = Sampling(max_tokens=size.tokens)
    ways: dict[str, Way] = {OURS: partial(together, gpt, how=how)}
    if folder := os.environ.get("NANOCHAT_DIR"):
        ways[ENGINE] = partial(one_by_one, nanochat_engine(Path(folder), gpt), size.tokens)
    ways[OURS_HF] = partial(together, HfModel(llama, torch.float32), how=how)
    ways[PADDED] = partial(padded, llama, size.tokens)
    return ways


def together(model: Decoder, asked: Prompts, how: Sampling) -> Answers:
    """Our way."""
    return generate(model, asked, NOBODY, how)


def nanochat_engine(folder: Path, model: GPT) -> Any:
    """nanochat's Engine on its own GPT with the same weights, in fp32."""
    os.environ["NANOCHAT_DTYPE"] = "float32"
    sys.path.insert(0, str(folder))
    from nanochat.engine import Engine  # type: ignore[import-not-found]
    from nanochat.gpt import GPT as Theirs  # type: ignore[import-not-found]  # noqa: N811
    from nanochat.gpt import GPTConfig as TheirConfig

    fields = asdict(model.config)
    theirs = Theirs(TheirConfig(**fields))
    theirs.init_weights()
    theirs.load_state_dict(model.state_dict(), strict=True)
    # No text is made, and no token has a meaning of its own: -1 is never drawn.
    silent = SimpleNamespace(encode_special=lambda _: -1, get_bos_token_id=lambda: -1)
    return Engine(theirs.eval(), silent)


def one_by_one(engine: Any, tokens: int, asked: Prompts) -> Answers:
    """As nanochat's chat and evaluation ask: a prompt, its answer, the next prompt."""
    found = {}
    for name, ids in asked:
        rows, _ = engine.generate_batch(list(ids), max_tokens=tokens, temperature=0.0)
        found[name] = rows[0][len(ids) :]
    return found


@torch.inference_mode()
def padded(model: Any, tokens: int, asked: Prompts) -> Answers:
    """As transformers' documentation shows: one batch, padded on the left, with its mask."""
    width = max(len(ids) for _, ids in asked)
    rows = torch.tensor([[0] * (width - len(ids)) + list(ids) for _, ids in asked])
    mask = torch.tensor([[0] * (width - len(ids)) + [1] * len(ids) for _, ids in asked])
    made = model.generate(
        rows, attention_mask=mask, max_new_tokens=tokens, do_sample=False, pad_token_id=0
    )
    return {name: row for (name, _), row in zip(asked, made[:, width:].tolist(), strict=True)}


def take_turns(
    ways: Mapping[str, Way], asked: Prompts, size: Size
) -> tuple[dict[str, Answers], dict[str, list[float]]]:
    """Answers of each way, and its seconds in each round; one round before is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    answers = {name: way(asked) for name, way in ways.items()}
    for _ in range(size.rounds):
        for name, way in ways.items():
            started = size.clock()
            way(asked)
            seconds[name].append(size.clock() - started)
    return answers, seconds


def check(
    answers: Mapping[str, Answers], models: Mapping[str, Decoder], asked: Prompts, size: Size
) -> None:
    """Together as alone, for each of our ways; and as nanochat's Engine says.

    Raises:
        AssertionError: names the way and how many answers differ.
    """
    how = Sampling(max_tokens=size.tokens)
    for name, model in models.items():
        alone = {key: ids for one in asked for key, ids in together(model, [one], how).items()}
        _same(name, answers[name], alone)
    if ENGINE in answers:
        _same(ENGINE, answers[ENGINE], answers[OURS])


def _same(name: str, found: Answers, expected: Answers) -> None:
    differ = [key for key in expected if found[key] != expected[key]]
    if differ:
        raise AssertionError(f"{name}: {len(differ)} of {len(expected)} answers differ")


def _times(size: Size, seconds: Mapping[str, Sequence[float]]) -> list[str]:
    how = "1 thread, CPU time" if size.threads == 1 else f"{size.threads} threads, wall time"
    lines = [f"{size.probes} probes x {size.tokens} tokens, fp32, {how}, medians of {size.rounds} "
             "rounds in turns; all answers as decoded alone"]  # fmt: skip
    for name, ours in ((OURS, OURS), (ENGINE, OURS), (OURS_HF, OURS_HF), (PADDED, OURS_HF)):
        if name in seconds:
            took = statistics.median(seconds[name])
            ratios = [a / b for a, b in zip(seconds[name], seconds[ours], strict=True)]
            lines.append(
                f"{name:<36}{took:>8.2f} s{size.probes * size.tokens / took:>9.0f} tokens/s"
                f"{statistics.median(ratios):>8.2f} x the time of ours "
                f"({min(ratios):.2f} to {max(ratios):.2f})"
            )
    return lines


def _bounds(size: Size, model: GPT, asked: Prompts, seconds: Sequence[float]) -> list[str]:
    """What the memory and the arithmetic of one core allow for our decoding."""
    took = statistics.median(seconds)
    memory, arithmetic = memory_speed(), matmul_speed(size)
    moved, worked = bytes_read(size, model, asked), operations(size, model, asked)
    return [
        f"bound of memory bandwidth: weights and cache, {moved / 1e9:.2f} GB at "
        f"{memory / 1e9:.1f} GB/s, take {moved / memory:.2f} s: "
        f"{100 * moved / memory / took:.0f} % of our time",
        f"bound of arithmetic: {worked / 1e9:.1f} GFLOP at {arithmetic / 1e9:.0f} GFLOP/s take "
        f"{worked / arithmetic:.2f} s: {100 * worked / arithmetic / took:.0f} % of our time",
    ]


def matrices(model: GPT) -> int:
    """Weights that every token is multiplied by; tables of embeddings are looked up."""
    tables = ("transformer.wte", "value_embeds")
    return sum(w.numel() for name, w in model.named_parameters() if not name.startswith(tables))


def bytes_read(size: Size, model: GPT, asked: Prompts) -> int:
    """Weights once a step, prefill included; each row's keys and values up to its place."""
    places = sum(len(ids) * (size.tokens - 1) + size.tokens * (size.tokens - 1) // 2
                 for _, ids in asked)  # fmt: skip
    return 4 * (matrices(model) * size.tokens + 2 * size.layers * size.width * places)


def operations(size: Size, model: GPT, asked: Prompts) -> int:
    """Multiplications and additions of the matrices; attention comes on top."""
    head = size.width * size.vocabulary  # the prompt's last token alone has logits
    tokens = sum(len(ids) for _, ids in asked)
    decoded = len(asked) * size.tokens
    return 2 * ((matrices(model) - head) * (tokens + decoded - len(asked)) + head * decoded)


def memory_speed(megabytes: int = 256, times: int = 5) -> float:
    """Bytes a second that one core reads, of more than its caches hold."""
    block = torch.ones(megabytes * 250_000)
    return _best(block.sum, times, block.numel() * 4)


def matmul_speed(size: Size, rows: int = 128, times: int = 50) -> float:
    """Operations a second of the model's own largest multiplication, for a batch of rows."""
    left, right = torch.randn(rows, size.width), torch.randn(size.vocabulary, size.width)
    return _best(partial(torch.nn.functional.linear, left, right), times,
                 2 * rows * size.width * size.vocabulary)  # fmt: skip


def _best(work: Callable[[], object], times: int, amount: int) -> float:
    """`amount` over the shortest time of several."""
    found = []
    for _ in range(times):
        started = time.process_time()
        work()
        found.append(time.process_time() - started)
    return amount / min(found)


if __name__ == "__main__":
    main()
