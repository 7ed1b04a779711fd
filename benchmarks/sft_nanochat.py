"""How fast our fine-tuning is beside nanochat's.

    NANOCHAT_DIR=folder python -m benchmarks sft_nanochat

The same base, conversations, row length and rows a step for our loop (training.sft with DeepSpeed)
and for nanochat's own scripts/chat_sft.py, which is started as it is (see
benchmarks/sft_turn_nanochat.py for all that is replaced) in its default mode on a CPU, fp32, and in
its bf16 mode (NANOCHAT_DTYPE=bfloat16), both compiled as it compiles. Every training has a process
and one thread; they take turns. Figures are supervised tokens a second over the steps after the
first few; what those took longer, which is compiling, stands apart ("wait").

Ours trains all weights by AdamW, as its recipe says; nanochat trains matrices by Muon.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import tempfile
from pathlib import Path

import torch

from benchmarks.sft_turns import Shape, Turn, settings, show, take_turn, talks, write_mixture
from identity_ops.records import Message
from identity_ops.store.stage import Outcome, run_stage
from training import checkpoint, tokenizer
from training.gpt import GPT, GPTConfig

STEPS, ROUNDS = 44, 3
OURS = "ours"
MODES = {"nanochat, default (fp32)": "float32", "nanochat, bf16": "bfloat16"}

SHAPES = {
    "tiny": Shape(4, 128, 2, 2048, 256, 8),
    "small": Shape(6, 256, 4, 4096, 512, 8),
}


def write_base(folder: Path, shape: Shape, found: list[list[Message]]) -> Path:
    """Commit a base of fresh weights with a tokenizer made from the conversations."""

    def work(out: Path) -> Outcome:
        text = (message["content"] for messages in found for message in messages)
        encoding = tokenizer.train(text, shape.vocabulary)
        model = GPT(GPTConfig(
            sequence_len=shape.row_tokens, vocab_size=shape.vocabulary, n_layer=shape.layers,
            n_head=shape.heads, n_kv_head=shape.heads, n_embd=shape.width,
        ))  # fmt: skip
        model.reset(torch.Generator().manual_seed(1))
        meta = {"step": 0, "model_config": dataclasses.asdict(model.config)}
        state = model.state_dict()
        files = checkpoint.save(out, checkpoint.BASE, f"d{shape.layers}", 0, state, meta)
        return Outcome(files=files + tokenizer.save(encoding, out))

    run_stage("base", folder, {"spec": "benchmark"}, {}, work)
    return folder


def measure(shape: Shape, nanochat: Path | None, rounds: int, steps: int) -> list[dict[str, Turn]]:
    """Rounds of turns: ours and, where there is a copy, nanochat's in both modes."""
    with tempfile.TemporaryDirectory() as name:
        folder, found = Path(name), talks(steps * shape.row_tokens * shape.batch_rows // 16)
        base, mixture = write_base(folder / "base", shape, found), folder / "mixture"
        write_mixture(mixture, found)
        lines = "".join(json.dumps({"messages": messages}) + "\n" for messages in found)
        (folder / "talks.jsonl").write_text(lines)
        modes = MODES if nanochat else {}
        theirs = [folder / "talks.jsonl", steps, shape.row_tokens, shape.batch_rows]
        env = {
            "PYTHONPATH": str(nanochat), "NANOCHAT_BASE_DIR": str(base),
            "TORCHINDUCTOR_CACHE_DIR": str(folder / "compiled"),  # so the first round compiles
        }  # fmt: skip

        def ours(number: int) -> Turn:
            options = ["--recipe", "tiny", *settings(shape.row_tokens, shape.batch_rows)]
            places = ["--mixture", mixture, "--base", base, "--out", folder / f"out-{number}"]
            return take_turn("sft_turn_ours", [steps, *places, *options])

        def peer(dtype: str) -> Turn:
            return take_turn("sft_turn_nanochat", theirs, env | {"NANOCHAT_DTYPE": dtype})

        return [
            {OURS: ours(number)} | {mode: peer(dtype) for mode, dtype in modes.items()}
            for number in range(rounds)
        ]


def main() -> None:
    """Measure each shape and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    chosen = parser.parse_known_args()[0]
    folder = os.environ.get("NANOCHAT_DIR")
    if not folder:
        print("sft_nanochat: left out, NANOCHAT_DIR names no copy of nanochat")
        return
    for name in chosen.shapes:
        shape = SHAPES[name]
        found = measure(shape, Path(folder), chosen.rounds, chosen.steps)
        title = (
            f"{name}: {shape.layers} layers x {shape.width}, vocabulary {shape.vocabulary}, "
            f"{shape.batch_rows} rows of {shape.row_tokens}"
        )
        show(title, found, OURS)


if __name__ == "__main__":
    main()
