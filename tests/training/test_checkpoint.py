"""Checkpoints of nanochat's layout: what we implement is read, the rest is refused by name."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch

from identity_ops.errors import CorruptError, DataError
from tests.training.small import busy_model
from training import checkpoint
from training.gpt import GPT


def written(root: Path, model: GPT, *, tag: str = "d2", step: int = 3, **meta: Any) -> Path:
    settings = dataclasses.asdict(model.config) | meta
    checkpoint.save(
        root, checkpoint.BASE, tag, step, model.state_dict(), {"model_config": settings}
    )
    return root / checkpoint.BASE / tag


def rewrite(folder: Path, change: Any, step: int = 3) -> None:
    path = folder / f"model_{step:06d}.pt"
    state = torch.load(path, weights_only=True)
    change(state)
    torch.save(state, path)


def test_what_is_saved_is_loaded_to_the_bit(tmp_path: Path) -> None:
    """Weights, shape and answers."""
    model = busy_model()
    written(tmp_path, model)
    loaded = checkpoint.load(tmp_path)
    assert loaded.config == model.config
    ids = torch.arange(20)[None]
    assert torch.equal(loaded(ids), model(ids))


def test_a_chat_model_wins_over_a_base_and_the_newest_step_over_older(tmp_path: Path) -> None:
    """And a step can be named."""
    model = busy_model()
    written(tmp_path, model, step=900)
    meta = {"model_config": dataclasses.asdict(model.config)}
    for step in (5, 20):
        checkpoint.save(tmp_path, checkpoint.CHAT, "d2", step, model.state_dict(), meta)
    assert checkpoint.find(tmp_path).model.name == "model_000020.pt"
    assert checkpoint.find(tmp_path).folder.parent.name == checkpoint.CHAT
    assert checkpoint.find(tmp_path, 900).folder.parent.name == checkpoint.BASE
    with pytest.raises(DataError, match="no model of step 7"):
        checkpoint.find(tmp_path, 7)


def test_the_deepest_tag_is_taken_by_number(tmp_path: Path) -> None:
    """d12 is deeper than d4, whatever the alphabet says."""
    for tag in ("d4", "d12", "notes"):
        written(tmp_path, busy_model(), tag=tag)
    assert checkpoint.find(tmp_path).folder.name == "d12"


def test_unknown_and_missing_keys_are_named(tmp_path: Path) -> None:
    """Those of an older nanochat generation, whose constants differ too."""
    folder = written(tmp_path, busy_model())

    def change(state: dict[str, torch.Tensor]) -> None:
        state.pop("smear_lambda")
        state["transformer.h.0.attn.bias"] = torch.ones(1)

    rewrite(folder, change)
    with pytest.raises(DataError, match=r"unknown: transformer\.h\.0\.attn\.bias; missing: sm"):
        checkpoint.load(tmp_path)


def test_what_nanochat_itself_patches_is_patched(tmp_path: Path) -> None:
    """No window pattern: full context. No layer scalars: one and zero."""
    folder = written(tmp_path, busy_model())
    rewrite(folder, lambda state: [state.pop(name) for name in ("resid_lambdas", "x0_lambdas")])
    meta = json.loads((folder / "meta_000003.json").read_text())
    del meta["model_config"]["window_pattern"]
    (folder / "meta_000003.json").write_text(json.dumps(meta))
    loaded = checkpoint.load(tmp_path)
    assert loaded.config.windows == (96, 96)
    assert loaded.resid_lambdas.eq(1).all()
    assert loaded.x0_lambdas.eq(0).all()


def test_settings_we_do_not_know_are_refused(tmp_path: Path) -> None:
    """They may change what the weights mean."""
    written(tmp_path, busy_model(), rope_base=10000)
    with pytest.raises(DataError, match="rope_base"):
        checkpoint.load(tmp_path)


def test_weights_of_another_shape_are_named(tmp_path: Path) -> None:
    """As are those of a meta file that belongs to another model."""
    written(tmp_path, busy_model(), vocab_size=500)
    with pytest.raises(DataError, match=r"lm_head\.weight"):
        checkpoint.load(tmp_path)


def test_prefixes_of_a_compiled_model_are_dropped(tmp_path: Path) -> None:
    """torch.compile adds them; nanochat's loader drops them too."""
    model = busy_model()
    folder = written(tmp_path, model)

    def change(state: dict[str, torch.Tensor]) -> None:
        for name in list(state):
            state[f"_orig_mod.{name}"] = state.pop(name)

    rewrite(folder, change)
    assert torch.equal(checkpoint.load(tmp_path).lm_head.weight, model.lm_head.weight)


class Calls:
    def __init__(self, bait: Path) -> None:
        self.bait = bait

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.bait}",)


def test_a_model_file_that_would_call_something_is_refused_unrun(tmp_path: Path) -> None:
    """Weights are read as weights only."""
    folder = written(tmp_path / "model", busy_model())
    torch.save({"lm_head.weight": Calls(tmp_path / "bait")}, folder / "model_000003.pt")
    with pytest.raises(CorruptError, match=r"model_000003.*nothing was run"):
        checkpoint.load(tmp_path / "model")
    assert not (tmp_path / "bait").exists()


@pytest.mark.parametrize("size", [0, 100, 5000])
def test_a_truncated_model_file_is_refused(size: int, tmp_path: Path) -> None:
    """With our error, naming it."""
    folder = written(tmp_path, busy_model())
    path = folder / "model_000003.pt"
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(CorruptError, match="model_000003"):
        checkpoint.load(tmp_path)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    """Saying what was looked for."""
    with pytest.raises(DataError, match="no model"):
        checkpoint.load(tmp_path)
