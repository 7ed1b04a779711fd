"""Muon with AdamW as nanochat groups them; optimizer state and weights kept in host memory."""

from __future__ import annotations

import copy
import re
from pathlib import Path

import pytest
import torch

from identity_ops import zero
from identity_ops.errors import ConfigError
from identity_ops.recipes import FOLDER, Recipe, read
from identity_ops.trainer import train_stage
from tests.training.small import busy_model, small_config
from tests.training.test_sft import losses, settings
from training import nanochat_optim
from training.zero import deepspeed_config, with_offload

ALIASES = {  # DeepSpeed's fields by other names
    "stage3_prefetch_bucket_size": "prefetch_bucket_size",
    "stage3_param_persistence_threshold": "param_persistence_threshold",
    "stage3_max_live_parameters": "max_live_parameters",
}
MUON = "\n[muon]\nembedding_rate = 0.01\nhead_rate = 0.002\nscalar_rate = 0.01\n"


@pytest.fixture
def upstream() -> Recipe:
    return read("nanochat-muon")


def test_every_parameter_is_in_one_group_with_upstream_s_rate(upstream: Recipe) -> None:
    """At 192 channels AdamW's rates double; Muon's does not depend on the width."""
    assert upstream.muon is not None
    model = busy_model(small_config(n_embd=192))
    groups = nanochat_optim.groups_of(model, upstream.sft.learning_rate, upstream.muon)
    rate_of = {id(weight): group["peak"] for group in groups for weight in group["params"]}
    assert sum(len(group["params"]) for group in groups) == len(list(model.parameters()))
    named = {name: rate_of[id(weight)] for name, weight in model.named_parameters()}
    assert named["transformer.wte.weight"] == pytest.approx(0.8 * 0.3 * 2)
    assert named["value_embeds.1.weight"] == pytest.approx(0.8 * 0.3)
    assert named["lm_head.weight"] == pytest.approx(0.8 * 0.004 * 2)
    assert named["resid_lambdas"] == pytest.approx(0.8 * 0.5 * 0.01)
    assert named["x0_lambdas"] == pytest.approx(0.8 * 0.5)
    assert named["smear_lambda"] == pytest.approx(0.8 * 0.2)
    muon = [group for group in groups if group["muon"]]
    assert [group["peak"] for group in muon] == [pytest.approx(0.8 * 0.02)]
    matrices = [name for name in named if name.startswith("transformer.h.")]
    assert len(muon[0]["params"]) == len(matrices)


def test_state_survives_saving(upstream: Recipe) -> None:
    """The next step of a loaded optimizer is that of the one that was saved."""
    assert upstream.muon is not None
    models = [busy_model(), busy_model()]
    makers = [
        nanochat_optim.MuonAdamW(nanochat_optim.groups_of(model, 0.02, upstream.muon))
        for model in models
    ]

    def step(number: int) -> None:
        for weight in models[number].parameters():
            weight.grad = torch.sin(weight.detach() * 7)
        makers[number].step()

    step(0)
    step(0)
    models[1].load_state_dict(models[0].state_dict())
    makers[1].load_state_dict(copy.deepcopy(makers[0].state_dict()))
    step(0)
    step(1)
    for (name, one), other in zip(
        models[0].named_parameters(), models[1].parameters(), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-8, msg=name)


def test_momentum_warms_up_as_upstream() -> None:
    """From 0.85 to 0.95 over 300 steps."""
    assert nanochat_optim.momentum_at(0) == 0.85
    assert nanochat_optim.momentum_at(150) == pytest.approx(0.90)
    assert nanochat_optim.momentum_at(1000) == 0.95


@pytest.mark.slow
def test_muon_trains_without_shards_and_is_refused_with(
    base: Path, mixture: Path, recipe: Path, tmp_path: Path
) -> None:
    """On one process; with ZeRO 2 the refusal says what to take instead."""
    (tmp_path / "muon.toml").write_text(recipe.read_text() + MUON)
    how = settings(tmp_path / "muon.toml", 0, learning_rate=0.005)
    train_stage(mixture, base, tmp_path / "out", settings=how)
    assert losses(tmp_path / "out")[-1] < 0.8 * losses(tmp_path / "out")[0]
    with pytest.raises(ConfigError, match=r"flat shards.*--zero-stage 0"):
        settings(tmp_path / "muon.toml", 2)


@pytest.mark.long
def test_muon_on_two_processes_gives_the_same_curve(
    base: Path, mixture: Path, recipe: Path, tmp_path: Path
) -> None:
    """Gradients are whole on every rank."""
    (tmp_path / "muon.toml").write_text(recipe.read_text() + MUON)
    for processes in (1, 2):
        how = settings(tmp_path / "muon.toml", 0, processes, learning_rate=0.005)
        train_stage(mixture, base, tmp_path / str(processes), settings=how)
    assert losses(tmp_path / "2") == pytest.approx(losses(tmp_path / "1"), rel=2e-3)


@pytest.mark.long
@pytest.mark.parametrize(
    ("offload", "stage", "processes"),
    [("optimizer", 2, 2), ("optimizer", 3, 1), ("parameters", 3, 2)],
)
def test_offloading_gives_the_same_curve(
    offload: str, stage: int, processes: int, reference: Path, base: Path, mixture: Path,
    recipe: Path, tmp_path: Path,
) -> None:  # fmt: skip
    """Where something lies changes nothing of what is computed."""
    how = settings(recipe, stage, processes, offload=offload)
    train_stage(mixture, base, tmp_path, settings=how)
    assert losses(tmp_path) == pytest.approx(losses(reference), rel=1e-4)


def test_offloading_what_is_not_split_is_refused(upstream: Recipe) -> None:
    """ZeRO 0 splits nothing, and only ZeRO 3 splits weights."""
    for offload, stage in (("optimizer", 0), ("parameters", 2)):
        with pytest.raises(ConfigError, match="zero_stage"):
            zero.check(upstream, stage, offload)


def test_what_the_recipe_says_wins_over_offload(upstream: Recipe) -> None:
    """As everywhere in its [deepspeed] part."""
    own = {"offload_optimizer": {"device": "nvme", "nvme_path": "/fast"}, "overlap_comm": True}
    recipe = upstream.model_copy(update={"deepspeed": {"zero_optimization": own}})
    told = with_offload(recipe, "parameters").deepspeed["zero_optimization"]
    assert told["offload_optimizer"]["device"] == "nvme"
    assert told["offload_param"]["device"] == "cpu"
    assert told["overlap_comm"] is True


@pytest.mark.parametrize("name", ["nanochat", "hf"])
def test_deepspeed_takes_every_example_of_a_recipe(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each line that is commented out in its [deepspeed] part, switched on."""
    monkeypatch.setenv("DS_ACCELERATOR", "cpu")
    from deepspeed.runtime.config import DeepSpeedConfig

    text = (FOLDER / f"{name}.toml").read_text()
    start = text.index("[deepspeed]")
    shown = re.sub("^# ", "", text[start:], flags=re.MULTILINE)
    (tmp_path / "all.toml").write_text(text[:start] + shown)
    config = deepspeed_config(read(tmp_path / "all.toml"), 3, 1, 1)
    taken = DeepSpeedConfig(config).zero_config
    assert taken.stage == 3
    for key, value in config["zero_optimization"].items():
        found = getattr(taken, ALIASES.get(key, key))
        assert (
            (found.model_dump().items() >= value.items())
            if isinstance(value, dict)
            else (found == value)
        ), key
