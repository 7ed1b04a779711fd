"""Models on disk, in nanochat's layout.

    tokenizer/tokenizer.pkl, tokenizer/token_bytes.pt
    base_checkpoints/<tag>/    model_NNNNNN.pt  meta_NNNNNN.json
    chatsft_checkpoints/<tag>/ model_NNNNNN.pt  meta_NNNNNN.json

Weights are read with `weights_only=True` and written in fp32, without rotary tables. A checkpoint
of a generation that we do not implement is refused by the names of its keys: constants such as
the rotary base are not stored, so guessing would run it wrongly in silence.
"""

from __future__ import annotations

import dataclasses
import json
import pickle
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from identity_ops.errors import CorruptError, DataError
from identity_ops.store.publish import atomic_file, write_atomic
from training.gpt import GPT, GPTConfig

BASE, CHAT = "base_checkpoints", "chatsft_checkpoints"
_MODEL = re.compile(r"model_(\d{6,})\.pt")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where one model lies."""

    folder: Path
    step: int

    @property
    def model(self) -> Path:
        return self.folder / f"model_{self.step:06d}.pt"

    @property
    def meta(self) -> Path:
        return self.folder / f"meta_{self.step:06d}.json"


def find(root: Path, step: int | None = None) -> Checkpoint:
    """The checkpoint in `root`: a folder of model files, or one that holds the layout above.

    A chat model wins over a base model, the biggest d<depth> tag over others, then the newest
    step unless `step` names one.

    Raises:
        DataError: nothing there, or not that step.
    """
    folders = [root, *_tags(root / CHAT), *_tags(root / BASE), *_tags(root)]
    for folder in folders:
        steps = _steps(folder)
        if steps and (step is None or step in steps):
            return Checkpoint(folder, max(steps) if step is None else step)
    raise DataError(
        "no model" if step is None else f"no model of step {step}",
        where=root,
        expected="model_NNNNNN.pt, or base_checkpoints/<tag>/model_NNNNNN.pt",
    )


def _tags(folder: Path) -> list[Path]:
    """Sub-folders, the deepest model first."""
    found = [path for path in sorted(folder.glob("*")) if path.is_dir()]
    depth = {path: re.match(r"d(\d+)", path.name) for path in found}
    return sorted(found, key=lambda path: -int(match[1]) if (match := depth[path]) else 0)


def _steps(folder: Path) -> list[int]:
    return [
        int(match[1])
        for path in folder.glob("model_*.pt")
        if (match := _MODEL.fullmatch(path.name))
    ]


def load(root: Path, *, step: int | None = None, dtype: torch.dtype = torch.float32) -> GPT:
    """The model in `root` with fp32 parameters, activations in `dtype`, on the CPU.

    Raises:
        DataError: unknown or missing keys (named), wrong shapes, unreadable files.
    """
    found = find(root, step)
    config = read_config(found)
    state = _read_state(found, config)
    model = GPT(config, dtype)
    expected = model.state_dict()
    _compare("keys", set(expected), set(state), found.model)
    wrong = [name for name in expected if expected[name].shape != state[name].shape]
    if wrong:
        raise DataError("weights of another shape", where=found.model, got=", ".join(sorted(wrong)))
    model.load_state_dict({name: value.float() for name, value in state.items()})
    return model


def read_config(found: Checkpoint) -> GPTConfig:
    """The shape a checkpoint's meta file states. A missing window pattern means full context.

    Raises:
        DataError: no meta file, or settings that we do not know.
    """
    try:
        settings = json.loads(found.meta.read_bytes())["model_config"]
        fields = {field.name for field in dataclasses.fields(GPTConfig)}
        _compare("settings", fields, {"window_pattern", *settings}, found.meta)
        return GPTConfig(**settings)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"unreadable model description: {error!r}", where=found.meta) from error


def _read_state(found: Checkpoint, config: GPTConfig) -> dict[str, Tensor]:
    try:
        state = torch.load(found.model, map_location="cpu", weights_only=True, mmap=True)
    except pickle.UnpicklingError as error:  # whose words tell to load it all the same
        raise CorruptError(
            "refused, nothing was run: it is torn, or holds more than weights", where=found.model,
            todo="Take it from whom you trust, as nanochat saved it.",
        ) from error  # fmt: skip
    except Exception as error:  # zip errors of many kinds
        text = str(error).splitlines()[0] if str(error) else repr(error)
        raise CorruptError(
            f"unreadable: {text}", where=found.model, todo="Copy the checkpoint again."
        ) from error
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise DataError("not a table of weights", where=found.model)
    state = {name.removeprefix("_orig_mod."): value for name, value in state.items()}
    for name, fill in (("resid_lambdas", 1.0), ("x0_lambdas", 0.0)):
        state.setdefault(name, torch.full((config.n_layer,), fill))  # as nanochat reads them
    return state


def _compare(what: str, expected: set[str], got: set[str], where: Path) -> None:
    unknown, missing = sorted(got - expected), sorted(expected - got)
    if unknown or missing:
        parts = [f"unknown: {', '.join(unknown)}"] * bool(unknown)
        parts += [f"missing: {', '.join(missing)}"] * bool(missing)
        raise DataError(
            f"{what} of a nanochat generation that is not implemented",
            where=where,
            got="; ".join(parts),
            todo="Use a checkpoint made by nanochat since 14 March 2026.",
        )


def save(
    root: Path, kind: str, tag: str, step: int, state: Mapping[str, Tensor], meta: dict[str, Any]
) -> list[str]:
    """Write model and meta atomically; returns their paths relative to `root`.

    Args:
        kind: BASE or CHAT.
        meta: must hold `model_config`; nanochat ignores the rest.
    """
    out = Checkpoint(root / kind / tag, step)
    with atomic_file(out.model) as handle:
        torch.save({name: value.float().cpu() for name, value in state.items()}, handle)
    write_atomic(out.meta, json.dumps(meta, indent=2) + "\n")
    return [str(path.relative_to(root)) for path in (out.model, out.meta)]
