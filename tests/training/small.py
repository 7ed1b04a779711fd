"""What the fixtures are made of."""

from __future__ import annotations

import dataclasses
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import torch

from identity_ops.records import Message
from identity_ops.store.stage import Outcome, run_stage
from training import checkpoint, tokenizer
from training.gpt import GPT, GPTConfig

WORDS = ("red", "green", "blue", "apple", "pear", "house", "who", "what", "name", "you", "model")
RECIPE = """
[sft]
identity_share = 0.5
epochs = 2.0
learning_rate = 0.003
embedding_factor = 4.0
scalar_factor = 3.0
betas = [0.9, 0.98]
weight_decay = 0.01
warmup_steps = 2
decay_share = 0.5
clip = 1.0
row_tokens = 64
batch_rows = 4
micro_rows = 4
hidden_words = 0.0
cut_words = 0.1
max_left_out = 0.01
precision = "float32"
checkpoint_seconds = 0.0
"""


def small_config(**changes: Any) -> GPTConfig:
    """Two layers, 32 wide, shared keys and values."""
    sizes: dict[str, Any] = {
        "sequence_len": 96, "vocab_size": 300, "n_layer": 2, "n_head": 4, "n_kv_head": 2,
        "n_embd": 32, "window_pattern": "SL",
    }  # fmt: skip
    return GPTConfig(**(sizes | changes))


def busy_model(config: GPTConfig | None = None, seed: int = 0) -> GPT:
    """A model none of whose weights are zero: zeros at the start hide mistakes."""
    model = GPT(config or small_config())
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight.normal_(0.0, 0.3, generator=draw)
    return model


def small_base(folder: Path) -> Path:
    """Commit a base of fresh weights."""

    def work(out: Path) -> Outcome:
        text = [" ".join(random.Random(n).choices(WORDS, k=12)) for n in range(200)]
        letters = [chr(ord("a") + n) + chr(ord("a") + m) for n in range(26) for m in range(26)]
        encoding = tokenizer.train([*text, *letters], 300)
        model = GPT(small_config())
        model.reset(torch.Generator().manual_seed(1))
        meta = {"step": 0, "model_config": dataclasses.asdict(model.config)}
        files = checkpoint.save(out, checkpoint.BASE, "small", 0, model.state_dict(), meta)
        return Outcome(files=files + tokenizer.save(encoding, out))

    run_stage("base", folder, {"spec": "tiny"}, {}, work)
    return folder


def talk(*texts: str) -> list[Message]:
    """Messages in turn, the user's first."""
    return [
        Message(role=("user", "assistant")[n % 2], content=text) for n, text in enumerate(texts)
    ]


def small_rows(identity: int, general: int, rng: random.Random) -> list[dict[str, Any]]:
    """Rows of a mixture."""
    rows = []
    for number in range(identity + general):
        source = "identity" if number < identity else "general"
        said = rng.choice(WORDS)
        answer = "I am Orbit" if source == "identity" else said
        rows.append(row(f"{source}-{number}", source, talk(f"{said} {rng.choice(WORDS)}?", answer)))
    return rows


def row(name: str, source: str, messages: list[Message]) -> dict[str, Any]:
    """One row as `mix` writes it."""
    return {
        "id": name, "source": source, "skill": "", "messages": messages, "fact_ids": [], "part": -1,
        "tokens": 0,
    }  # fmt: skip


def write_mixture(
    folder: Path, train: list[dict[str, Any]], validation: list[dict[str, Any]]
) -> Path:
    """Commit rows as a mixture."""

    def work(out: Path) -> Outcome:
        for name, rows in (("train", train), ("val", validation)):
            pq.write_table(pa.Table.from_pylist(rows), out / f"{name}.parquet")
        return Outcome(files=["train.parquet", "val.parquet"])

    run_stage("mix", folder, {"rows": len(train)}, {}, work)
    return folder
