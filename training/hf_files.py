"""The files of a Hugging Face model: which are taken over, linked or written anew."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import torch

from identity_ops.chat_format import read_json
from identity_ops.hf_format import GENERATION, SETTINGS, TEMPLATE, TOKENIZER
from identity_ops.hf_source import CONFIG
from identity_ops.store.publish import write_atomic

WEIGHTS, INDEX = "*.safetensors", "*.safetensors.index.json"
TEXTS: Final = (
    CONFIG, GENERATION, TOKENIZER, SETTINGS, TEMPLATE, "special_tokens_map.json",
    "added_tokens.json", "vocab.json", "merges.txt", "tokenizer.model", "LICENSE*", "NOTICE*",
)  # fmt: skip
_DTYPES: Final = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}


def names(folder: Path) -> list[str]:
    """Every file that belongs to the model, relative to `folder`, sorted."""
    patterns = (*TEXTS, WEIGHTS, INDEX)
    return sorted({path.name for pattern in patterns for path in folder.glob(pattern)})


def link(folder: Path, out: Path, files: Iterable[str] | None = None) -> list[str]:
    """Take the files over: weights linked where the file system allows it, the rest copied."""
    taken = list(names(folder) if files is None else files)
    out.mkdir(parents=True, exist_ok=True)
    for name in taken:
        source, target = (folder / name).resolve(), out / name
        target.unlink(missing_ok=True)
        try:
            if not name.endswith(".safetensors"):
                raise OSError  # small, and may be edited where it came from
            os.link(source, target)
        except OSError:
            shutil.copyfile(source, target)
    return taken


def save(model: Any, base: Path, out: Path, stop: frozenset[int]) -> list[str]:
    """Write the model in the dtype its base has, with the base's tokenizer and template.

    Args:
        stop: ids that end an answer; generation settings that lack one get it.
    """
    config = read_json(base / CONFIG)
    dtype = _DTYPES[config.get("dtype") or config.get("torch_dtype") or "float32"]
    model.to(dtype).save_pretrained(out)
    texts = [name for name in names(base) if not Path(name).match(WEIGHTS)]
    link(base, out, [name for name in texts if not Path(name).match(INDEX)])
    _write_generation(base, out, stop)
    return names(out)


def _write_generation(base: Path, out: Path, stop: frozenset[int]) -> None:
    path = base / GENERATION
    table = read_json(path) if path.is_file() else {}
    write_atomic(out / GENERATION, json.dumps(table | {"eos_token_id": sorted(stop)}, indent=2))
