"""How fast our fine-tuning of Hugging Face models is beside TRL's: `python -m benchmarks sft_trl`.

The same Llama-shaped model with random weights, the same conversations as tokens with the same
supervised positions, the same rows a step: our loop (training.sft with DeepSpeed) and TRL's
SFTTrainer with best-fit packing, both with fp32 weights, bf16 activations where our measurement
finds them faster (TRL's default), and fused AdamW. TRL runs as it comes, which recomputes
activations, and in its fastest settings found here: activations kept, one row at a time, since it
flattens the rows of a batch into one and attention on a CPU pays for its square. Every training
has a process and one thread; they take turns.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from benchmarks.sft_turns import Shape, Turn, settings, show, take_turn, talks, write_mixture
from identity_ops.hf_format import TemplateFormat
from identity_ops.records import Message
from identity_ops.store.stage import Outcome, run_stage
from training import hf_base

STEPS, ROUNDS = 24, 3
OURS = "ours"
PAD, END = "<|endoftext|>", "<|im_end|>"
TRL: dict[str, list[str]] = {  # SFTConfig's values; rows_at_once is per_device_train_batch_size
    "TRL, as it comes": [],
    "TRL, activations kept": ["gradient_checkpointing=false"],
    "TRL, kept, a row at a time": ["gradient_checkpointing=false", "rows_at_once=1"],
}
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

SHAPES = {
    "small": Shape(8, 256, 4, 8192, 512, 8),
    "vocabulary": Shape(4, 256, 4, 49152, 512, 8),
}


def write_model(folder: Path, shape: Shape, found: list[list[Message]]) -> Path:
    """A model of the shape with random weights, its tokenizer and template."""
    folder.mkdir(parents=True)
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=min(shape.vocabulary, 4096), show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=[PAD, "<|im_start|>", END],
    )  # fmt: skip
    made.train_from_iterator((m["content"] for messages in found for m in messages), trainer)
    tokenizer: Any = PreTrainedTokenizerFast
    tokenizer = tokenizer(tokenizer_object=made, eos_token=END, pad_token=PAD)
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(str(folder))
    torch.manual_seed(1)
    LlamaForCausalLM(LlamaConfig(
        vocab_size=shape.vocabulary, hidden_size=shape.width,
        intermediate_size=shape.width * 11 // 4, num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads, num_key_value_heads=max(1, shape.heads // 2),
        max_position_embeddings=shape.row_tokens, tie_word_embeddings=True,
        eos_token_id=made.token_to_id(END), bos_token_id=None,
    )).save_pretrained(folder)  # fmt: skip
    return folder


def commit_base(source: Path, folder: Path) -> Path:
    """The model as our base stage commits it."""

    def work(out: Path) -> Outcome:
        figures = hf_base.adopt(source, out)
        return Outcome(files=figures.pop("files"), figures=figures)

    run_stage("base", folder, {"spec": "benchmark"}, {}, work)
    return folder


def as_tokens(source: Path, found: list[list[Message]]) -> Iterator[str]:
    """Lines for TRL: the tokens and the positions that our loop supervises."""
    chat = TemplateFormat.load(source)
    for number, messages in enumerate(found):
        ids, supervised = chat.render(messages, str(number))
        yield json.dumps({"input_ids": ids, "assistant_masks": [int(on) for on in supervised]})


def measure(
    shape: Shape, rounds: int, steps: int, ways: Mapping[str, list[str]]
) -> list[dict[str, Turn]]:
    """Rounds of turns: ours, then TRL in each way."""
    with tempfile.TemporaryDirectory() as name:
        folder, found = Path(name), talks(steps * shape.row_tokens * shape.batch_rows // 16)
        source = write_model(folder / "source", shape, found)
        base, mixture = commit_base(source, folder / "base"), folder / "mixture"
        write_mixture(mixture, found)
        (folder / "tokens.jsonl").write_text("\n".join(as_tokens(source, found)))
        sizes = [steps, shape.row_tokens, shape.batch_rows]

        def ours(number: int) -> Turn:
            options = ["--recipe", "hf", *settings(shape.row_tokens, shape.batch_rows)]
            places = ["--mixture", mixture, "--base", base, "--out", folder / f"out-{number}"]
            return take_turn("sft_turn_ours", [steps, *places, *options])

        def peer(changes: list[str]) -> Turn:
            places = [source, folder / "tokens.jsonl", folder / "trl"]
            return take_turn("sft_turn_trl", [*places, *sizes, *changes])

        return [
            {OURS: ours(number)} | {way: peer(changes) for way, changes in ways.items()}
            for number in range(rounds)
        ]


def main() -> None:
    """Measure each shape and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    chosen = parser.parse_known_args()[0]
    if importlib.util.find_spec("trl") is None:
        print("sft_trl: left out, trl is not installed")
        return
    for name in chosen.shapes:
        shape = SHAPES[name]
        title = (
            f"{name}: Llama, {shape.layers} layers x {shape.width}, vocabulary "
            f"{shape.vocabulary}, {shape.batch_rows} rows of {shape.row_tokens}"
        )
        show(title, measure(shape, chosen.rounds, chosen.steps, TRL), OURS)


if __name__ == "__main__":
    main()
