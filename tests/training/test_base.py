"""Bases: made here and cached, or the user's own and checked."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from identity_ops import trainer
from identity_ops.chat_format import NanochatFormat
from identity_ops.errors import ConfigError, IdentityError
from identity_ops.recipes import FOLDER, Pretrain, override, read
from identity_ops.store.paths import Home
from identity_ops.tokens import SPECIAL_TOKENS, load_encoding
from tests.training.small import busy_model, small_config
from training import base as making
from training import checkpoint, tokenizer
from training.data import load_corpus


@pytest.fixture
def quick(tmp_path: Path) -> Path:
    """The tiny recipe, cut to a few steps of a narrower model."""
    text = (FOLDER / "tiny.toml").read_text()
    cuts = {
        "steps": 3,
        "conversations": 1500,
        "copied_terms": 300,
        "about_itself": 300,
        "width": 32,
        "layers": 2,
        "vocabulary": 600,
    }
    lines = []
    for line in text.splitlines():
        name = line.partition(" ")[0]
        lines.append(f"{name} = {cuts[name]}" if name in cuts else line)
    path = tmp_path / "quick.toml"
    path.write_text("\n".join(lines))
    return path


def test_the_tiny_base_is_nanochat_shaped(quick: Path, tmp_path: Path) -> None:
    """A loadable model and tokenizer of the recipe's sizes, with figures for each skill."""
    figures = making.make_tiny(str(quick), tmp_path / "out")
    model = checkpoint.load(tmp_path / "out")
    encoding = load_encoding(tmp_path / "out")
    assert encoding.n_vocab == model.config.vocab_size == 600
    assert encoding.special_tokens_set == set(SPECIAL_TOKENS)
    assert figures["parameters"] == sum(weight.numel() for weight in model.parameters())
    assert all(0 <= share <= 1 for share in figures["skills"].values())
    assert all((tmp_path / "out" / name).is_file() for name in figures["files"])


@pytest.mark.long
def test_the_same_recipe_gives_the_same_bytes(quick: Path, tmp_path: Path) -> None:
    """On one machine: the cache may be thrown away at any time."""
    for name in ("one", "two"):
        making.make_tiny(str(quick), tmp_path / name)
    models = [checkpoint.find(tmp_path / name).model.read_bytes() for name in ("one", "two")]
    assert models[0] == models[1]


def test_the_base_has_not_seen_what_its_skills_are_tested_on() -> None:
    """No question of the ability probes is in its pretraining text."""
    from identity_ops.general import builtin

    settings = read("tiny").pretrain
    assert settings is not None
    small = settings.model_copy(update={"conversations": 4000, "copied_terms": 500})
    asked = {turn["content"] for chat in making.conversations(small) for turn in chat}
    assert not [probe for probe in builtin.ability_probes(300, seed=1) if probe.question in asked]


def test_all_of_the_base_s_conversations_fit_its_context() -> None:
    """Those left out would be paid for in time and teach nothing."""
    settings = read("tiny").pretrain
    assert settings is not None
    chats = list(making.conversations(settings.model_copy(update={"conversations": 3000})))
    encoding = tokenizer.train((turn["content"] for chat in chats for turn in chat), 1024)
    rows = (
        {"id": str(n), "source": "general", "part": 0, "messages": chat}
        for n, chat in enumerate(chats)
    )
    corpus = load_corpus(rows, NanochatFormat(encoding), settings.sequence_len, 0.05)
    assert corpus.left_out == {"too long": [], "no answer": []}


def nanochat_home(root: Path, base: Path) -> Path:
    """A folder as nanochat leaves it."""
    model = busy_model(small_config())
    meta = {"model_config": making.config_table(model.config)}
    checkpoint.save(root, checkpoint.BASE, "d2", 10, model.state_dict(), meta)
    checkpoint.save(root, checkpoint.BASE, "d2", 20, busy_model(seed=4).state_dict(), meta)
    shutil.copytree(base / "tokenizer", root / "tokenizer")
    return root


@pytest.mark.parametrize("place", ["", "base_checkpoints", "base_checkpoints/d2"])
def test_a_nanochat_base_is_found_from_any_of_its_folders(
    place: str, base: Path, tmp_path: Path
) -> None:
    """Its home, its checkpoints, or the model's own folder; the tokenizer is found from there."""
    home = nanochat_home(tmp_path / "home", base)
    figures = making.adopt("nanochat", str(home / place), tmp_path / "out")
    assert checkpoint.find(tmp_path / "out").step == 20
    assert figures["tag"] == "d2"


def test_a_step_of_a_nanochat_base_can_be_named(base: Path, tmp_path: Path) -> None:
    """And another one than the newest is then what is copied."""
    home = nanochat_home(tmp_path / "home", base)
    making.adopt("nanochat", f"{home}@10", tmp_path / "out")
    copied = checkpoint.find(tmp_path / "out").model
    assert copied.read_bytes() == checkpoint.find(home, 10).model.read_bytes()
    with pytest.raises(IdentityError, match="no model of step 11"):
        making.adopt("nanochat", f"{home}@11", tmp_path / "other")


def test_a_tokenizer_of_another_model_is_refused(base: Path, tmp_path: Path) -> None:
    """It would train on the wrong tokens without a word."""
    home = nanochat_home(tmp_path / "home", base)
    tokenizer.save(tokenizer.train(["who are you what is this"] * 9, 275), home)
    with pytest.raises(ConfigError, match="differ"):
        making.adopt("nanochat", str(home), tmp_path / "out")


def test_a_nanochat_base_becomes_a_committed_stage(base: Path, tmp_path: Path) -> None:
    """Through the trainer, in a process of its own, and reused the second time."""
    home = nanochat_home(tmp_path / "home", base)
    spec, state = f"nanochat:{home}@20", Home(tmp_path / "state")
    folder = trainer.base_folder(spec, state)
    before = (folder / "manifest.json").stat().st_mtime_ns
    assert trainer.base_folder(spec, state) == folder
    assert (folder / "manifest.json").stat().st_mtime_ns == before
    assert trainer.base_folder(str(folder), state) == folder


def test_a_base_is_named_after_what_decides_it(base: Path, tmp_path: Path) -> None:
    """Another step or a changed file is another base; a moved folder is the same."""
    home = nanochat_home(tmp_path / "home", base)
    keys = [trainer.base_key(f"nanochat:{home}@{step}") for step in (10, 20)]
    assert keys[0] != keys[1]
    moved = home.rename(tmp_path / "moved")
    assert trainer.base_key(f"nanochat:{moved}@10") == keys[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [("epochs", "NAME=VALUE"), ("epoch = 3", "epoch"), ("epochs = 'x'", "epochs"),
     ("betas = [0.9, 1.5]", "betas"), ("identity_share = 0", "identity_share")],
)  # fmt: skip
def test_wrong_recipe_values_are_named(change: str, message: str) -> None:
    """All of them at once, before anything is trained."""
    with pytest.raises(ConfigError, match=message):
        override(read("tiny"), [change])


def test_every_recipe_that_ships_is_valid_and_explains_each_value() -> None:
    """A comment at every setting."""
    for path in FOLDER.glob("*.toml"):
        read(path.stem)
        for line in path.read_text().splitlines():
            assert "=" not in line or "#" in line or line.startswith(("seed", "betas")), line
    with pytest.raises(ConfigError, match="tiny"):
        read("no-such-recipe")


def test_figures_are_plain_json(quick: Path, tmp_path: Path) -> None:
    """They go into the manifest and from there into the report."""
    figures = making.make_tiny(str(quick), tmp_path / "out")
    assert json.loads(json.dumps(figures)) == figures
    assert isinstance(Pretrain.model_validate(read("tiny").pretrain.model_dump()), Pretrain)  # type: ignore[union-attr]
