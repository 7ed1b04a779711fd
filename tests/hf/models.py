"""Tiny models of the three shapes with random weights, as transformers saves them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM, Qwen3Config, Qwen3ForCausalLM

from tests.hf.shapes import SHAPES, tokenizer, write_tokenizer

CONTEXT = 256


def model(name: str, **changes: Any) -> Any:
    """Two layers, 48 wide, fp32, every weight busy: small ones hide mistakes."""
    shape, known = SHAPES[name], tokenizer(name)
    sizes: dict[str, Any] = {
        "vocab_size": 384, "hidden_size": 48, "intermediate_size": 96, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": CONTEXT,
        "tie_word_embeddings": name != "llama3", "pad_token_id": None, "bos_token_id": None,
        "eos_token_id": known.token_to_id(shape.eos),
    } | changes  # fmt: skip
    torch.manual_seed(5)
    made: Any
    if name == "qwen3":
        made = Qwen3ForCausalLM(Qwen3Config(**({"head_dim": 16} | sizes)))
    else:
        made = LlamaForCausalLM(LlamaConfig(**sizes))
    draw = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for weight in made.parameters():
            weight.add_(torch.randn(weight.shape, generator=draw) * 0.08)
    return made.eval()


def write_model(name: str, folder: Path, **changes: Any) -> Path:
    """The whole folder: weights, configuration, tokenizer, template."""
    write_tokenizer(name, folder)
    model(name, **changes).save_pretrained(folder)
    return folder


def edit_json(path: Path, **changes: Any) -> None:
    """Replace values of a JSON file."""
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
