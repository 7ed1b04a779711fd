"""How much of a GPU our training step uses: `python -m benchmarks.gpu [--shapes d12 ...]`.

For nanochat's d12 and d20 and a Llama of 0.5 billion parameters (Qwen2.5-0.5B's sizes), one
training step as training.sft takes it (DeepSpeed, fp32 weights, bf16 activations, fused AdamW,
clipping) on packed rows of 2,048 tokens, conversations of 512, every position supervised. Printed:
tokens a second, peak memory, and model FLOPs a second beside the two limits, the maker's figure for
the device and a bf16 matmul of 8,192 x 8,192 measured in the same run.

Model FLOPs are those of the maths alone: 6 a weight of each linear layer and token (the head's
too), and 12 a channel for each pair of positions that see each other; what is recomputed or masked
out does not count. Without a GPU the shape "toy" runs, to show that the script does.
"""

from __future__ import annotations

import argparse
import gc
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.sft_turns import ALONE
from identity_ops.recipes import override, read
from training import optim, ranks
from training.gpt import GPT, GPTConfig
from training.hf_model import HfModel
from training.zero import deepspeed_config

# Dense bf16 tensor FLOPs of NVIDIA's data sheets (half of those "with sparsity"); all words of a
# key must be in the device's name, the first match counts.
PEAK = {
    "gb200": 2.5e15, "b200": 2.25e15, "b100": 1.75e15,
    "h200 nvl": 835e12, "h200": 989e12, "h100 pcie": 756e12, "h100 nvl": 835e12, "h100": 989e12,
    "gh200": 989e12, "a100": 312e12, "a40": 149.7e12, "a30": 165e12, "a10g": 70e12, "a10": 125e12,
    "l40s": 362e12, "l4": 121e12, "rtx 4090": 165.2e12, "rtx 3090": 71e12,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shape:
    """A model, the rows it is trained on at once, and which positions see each other."""

    build: Callable[[torch.dtype], nn.Module]
    rows: int
    length: int
    channels: int  # of all heads together
    windows: tuple[int, ...]  # of each layer: tokens before its own that a position sees
    talk: int = 512  # tokens of a conversation


def nanochat(depth: int) -> Shape:
    """nanochat's shape of a depth: 64 channels a layer, heads of 128."""
    config = GPTConfig(
        sequence_len=2048, vocab_size=32768, n_layer=depth, n_head=depth // 2,
        n_kv_head=depth // 2, n_embd=64 * depth, window_pattern="SSSL",
    )  # fmt: skip

    def build(dtype: torch.dtype) -> GPT:
        model = GPT(config, dtype)
        model.reset(torch.Generator().manual_seed(0))
        return model

    return Shape(build, 32, 2048, config.n_embd, config.windows)


def llama(
    layers: int, width: int, heads: int, inside: int, vocabulary: int, rows: int, length: int
) -> Shape:
    """A Llama with a tied head and two heads of keys and values."""

    def build(dtype: torch.dtype) -> HfModel:
        from transformers import LlamaConfig, LlamaForCausalLM

        torch.manual_seed(0)
        config = LlamaConfig(
            vocab_size=vocabulary, hidden_size=width, intermediate_size=inside,
            num_hidden_layers=layers, num_attention_heads=heads, num_key_value_heads=2,
            max_position_embeddings=length, tie_word_embeddings=True,
        )  # fmt: skip
        return HfModel(LlamaForCausalLM(config), dtype)

    return Shape(build, rows, length, width, (length,) * layers)


SHAPES: dict[str, Callable[[], Shape]] = {
    "d12": lambda: nanochat(12),
    "d20": lambda: nanochat(20),
    "llama-0.5b": lambda: llama(24, 896, 14, 4864, 151_936, 16, 2048),
    "toy": lambda: llama(2, 32, 4, 64, 512, 2, 128),
}


@dataclass(slots=True)
class Batch:
    """(B, T) tokens and conversations; every position has a target."""

    ids: Tensor
    documents: Tensor
    select: Tensor = field(init=False)
    targets: Tensor = field(init=False)

    def __post_init__(self) -> None:
        self.select = torch.arange(self.ids.numel(), device=self.ids.device)
        self.targets = self.ids.roll(-1, dims=1).flatten()


def make_batch(shape: Shape, rows: int, device: torch.device) -> Batch:
    """Random tokens: their values do not change how long anything takes."""
    draw = torch.Generator().manual_seed(0)
    ids = torch.randint(500, (rows, shape.length), generator=draw).to(device)
    documents = (torch.arange(shape.length, device=device) // shape.talk).expand(rows, -1)
    return Batch(ids, documents.contiguous())


def flops(model: nn.Module, shape: Shape, rows: int) -> float:
    """Model FLOPs of a training step on so many rows."""
    linear = sum(part.weight.numel() for part in model.modules() if isinstance(part, nn.Linear))
    place = torch.arange(shape.length)
    back = place[:, None] - place[None, :]
    together = (back >= 0) & (place[:, None] // shape.talk == place[None, :] // shape.talk)
    pairs = sum(int((together & (back <= window)).sum()) for window in shape.windows)
    return rows * (6.0 * linear * shape.length + 12.0 * shape.channels * pairs)


def engine_for(model: nn.Module, stage: int) -> Any:
    """The model in DeepSpeed with the optimizer, as training.sft sets them up (for AdamW)."""
    import deepspeed  # slow to import

    recipe = override(read("nanochat"), ["micro_rows = 1", "batch_rows = 1"])
    parts = optim.split(model) if isinstance(model, GPT) else {"matrices": list(model.parameters())}
    groups = optim.adam_groups(parts, rate=1e-5, embedding_factor=1.0, scalar_factor=1.0)
    optimizer = torch.optim.AdamW(groups, betas=recipe.sft.betas, fused=True)
    config = deepspeed_config(recipe, stage, 1, 1)
    engine, *_ = deepspeed.initialize(model=model, optimizer=optimizer, config=config)
    return engine


def timed(work: Callable[[], object], device: torch.device, warm: int, times: int) -> float:
    """Median seconds of `work`, after `warm` rounds that do not count."""
    seconds = []
    for number in range(warm + times):
        synchronize(device)
        start = time.perf_counter()
        work()
        synchronize(device)
        if number >= warm:
            seconds.append(time.perf_counter() - start)
    return sorted(seconds)[len(seconds) // 2]


def synchronize(device: torch.device) -> None:
    """Wait for what was launched."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


@dataclass(frozen=True, slots=True)
class Figures:
    """What a shape's training step measured."""

    parameters: int
    rows: int
    tokens_per_s: float
    flops_per_s: float
    memory: int  # bytes at the peak, 0 where the device does not say


def measure(shape: Shape, device: torch.device, stage: int, *, compiled: bool) -> Figures:
    """Train a few steps on the most rows that fit: the shape's, or half as many, and so on."""
    model = shape.build(torch.bfloat16)
    engine = engine_for(model, stage)
    if compiled:
        engine.compile()
    rows = shape.rows
    while True:
        try:
            return _measure(engine, model, shape, rows, device)
        except torch.OutOfMemoryError:
            if rows == 1:
                raise
        engine.zero_grad()  # outside of the handler, whose traceback keeps activations alive
        gc.collect()
        torch.cuda.empty_cache()
        rows //= 2


def _measure(
    engine: Any, model: nn.Module, shape: Shape, rows: int, device: torch.device
) -> Figures:
    batch = make_batch(shape, rows, device)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)

    def step() -> None:
        losses = engine(batch.ids, batch.documents, batch.select, batch.targets)
        engine.backward(losses.mean())
        engine.step()

    seconds = timed(step, device, warm=4, times=10)
    return Figures(
        sum(weight.numel() for weight in model.parameters()), rows,
        rows * shape.length / seconds, flops(model, shape, rows) / seconds,
        torch.cuda.max_memory_allocated(device) if device.type == "cuda" else 0,
    )  # fmt: skip


def matmul_peak(device: torch.device) -> float:
    """FLOPs a second of one large bf16 matmul."""
    size = 8192 if device.type == "cuda" else 512
    left = torch.randn(size, size, device=device, dtype=torch.bfloat16)
    right, out = torch.randn_like(left), torch.empty_like(left)
    return 2 * size**3 / timed(lambda: torch.mm(left, right, out=out), device, warm=10, times=30)


def sheet_peak(name: str) -> float | None:
    """The maker's figure for a device, None where it is not in the table."""
    words = name.lower().replace("-", " ")
    return next((peak for key, peak in PEAK.items() if all(w in words for w in key.split())), None)


def show(name: str, figures: Figures, matmul: float, sheet: float | None) -> None:
    """One line of the table."""
    mfu = f"{figures.flops_per_s / sheet:.1%}" if sheet else "-"
    memory = f"{figures.memory / 2**30:.1f}" if figures.memory else "-"
    print(
        f"{name:<12}{figures.parameters / 1e6:>10,.1f}{figures.rows:>6}"
        f"{figures.tokens_per_s:>12,.0f}{figures.flops_per_s / 1e12:>10.2f}{mfu:>8}"
        f"{figures.flops_per_s / matmul:>11.1%}{memory:>10}"
    )


def main() -> None:
    """Measure each shape and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shapes", nargs="+", choices=SHAPES)
    parser.add_argument("--zero-stage", type=int, default=2, choices=range(4))
    parser.add_argument("--compile", action="store_true")
    chosen = parser.parse_known_args()[0]
    gpu = torch.cuda.is_available()
    os.environ.update(ALONE)
    ranks.join()
    device = torch.device("cuda", 0) if gpu else torch.device("cpu")
    name = torch.cuda.get_device_name(device) if gpu else "CPU"
    matmul, sheet = matmul_peak(device), sheet_peak(name) if gpu else None
    limit = f"{sheet / 1e12:,.1f}" if sheet else "not in the table"
    print(f"\n{name}: data sheet {limit}, measured matmul {matmul / 1e12:,.2f} TFLOP/s in bf16")
    print(
        f"{'':<12}{'M weights':>10}{'rows':>6}{'tokens/s':>12}{'TFLOP/s':>10}{'MFU':>8}"
        f"{'of matmul':>11}{'peak GB':>10}"
    )
    for shape in chosen.shapes or (["d12", "d20", "llama-0.5b"] if gpu else ["toy"]):
        figures = measure(SHAPES[shape](), device, chosen.zero_stage, compiled=chosen.compile)
        show(shape, figures, matmul, sheet)
        gc.collect()
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
