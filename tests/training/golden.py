"""Golden numbers of nanochat's own GPT, for tests on machines without a copy of it.

    NANOCHAT_DIR=/path/to/nanochat python -m tests.training.golden

Made at nanochat commit 92d63d4e8bb4df75c3b71618f31ddde2378b2bcd. Weights come from a formula, not
from a random generator, so that they are the same on every machine and version.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

COMMIT = "92d63d4e8bb4df75c3b71618f31ddde2378b2bcd"
FILE = Path(__file__).with_name("golden_nanochat.json")
SHAPES: dict[str, dict[str, Any]] = {
    "windows": {
        "sequence_len": 300, "vocab_size": 130, "n_layer": 3, "n_head": 4, "n_kv_head": 2,
        "n_embd": 48, "window_pattern": "SSL",
    },
    "even": {
        "sequence_len": 64, "vocab_size": 128, "n_layer": 4, "n_head": 2, "n_kv_head": 2,
        "n_embd": 32, "window_pattern": "L",
    },
}  # fmt: skip
LENGTH = {"windows": 260, "even": 40}
DECODED = 12


def fill(model: torch.nn.Module) -> None:
    """Weights that are nowhere zero: sines of a running index, another frequency for each name."""
    with torch.no_grad():
        for number, (name, weight) in enumerate(sorted(model.named_parameters())):
            index = torch.arange(weight.numel(), dtype=torch.float64)
            wave = torch.sin(index * (1.7 + 0.13 * number) + number)
            scale = 0.6 if "lambda" in name or "gate" in name else 1.5 / weight.shape[-1] ** 0.5
            weight.copy_((wave * scale).view_as(weight).to(weight.dtype))


def tokens(name: str) -> torch.Tensor:
    """(2, T) token ids."""
    count = 2 * LENGTH[name]
    vocabulary = int(SHAPES[name]["vocab_size"])
    mixed = (torch.arange(count) * 7919 + (torch.arange(count) // 5) * 31) % vocabulary
    return mixed.view(2, -1)


def numbers(model: torch.nn.Module, name: str) -> dict[str, Any]:
    """Logits at some places, the loss, and the norm of each parameter's gradient."""
    ids = tokens(name)
    logits = model(ids[:, :-1])
    loss = F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())
    loss.backward()  # type: ignore[no-untyped-call]
    norms = {
        key: weight.grad.norm().item()
        for key, weight in model.named_parameters()
        if weight.grad is not None
    }
    places = logits.detach()[:, [0, 1, 17, -1], ::9]
    return {"logits": places.tolist(), "loss": loss.item(), "gradients": norms}


def load_nanochat(shape: dict[str, Any]) -> Any:
    """nanochat's GPT of a shape, from NANOCHAT_DIR, in fp32."""
    os.environ["NANOCHAT_DTYPE"] = "float32"
    sys.path.insert(0, os.environ["NANOCHAT_DIR"])
    from nanochat.gpt import GPT, GPTConfig  # type: ignore[import-not-found]

    model = GPT(GPTConfig(**shape))
    model.init_weights()
    fill(model)
    return model


def main() -> None:
    """Write the golden file."""
    golden = {}
    for name, shape in SHAPES.items():
        model = load_nanochat(shape)
        golden[name] = numbers(model, name)
        prompt = tokens(name)[0, : LENGTH[name] // 2].tolist()
        golden[name]["decoded"] = list(model.generate(prompt, DECODED, temperature=0.0))
    FILE.write_text(json.dumps({"commit": COMMIT, "shapes": golden}) + "\n")


if __name__ == "__main__":
    main()
