"""A run of the whole chain on a Hugging Face base."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from identity_ops.chat_format import context_of, open_format
from identity_ops.errors import ConfigError, DataError, PathError
from identity_ops.hf_source import folder_of, is_hub_name
from identity_ops.mix.screen import Nobody, Screen
from identity_ops.mix.table import TRAIN
from identity_ops.pipeline import Run
from identity_ops.registry import latest_model
from identity_ops.store import manifest as manifests
from identity_ops.store.paths import Home
from identity_ops.trainer import base_key
from tests.hf.models import write_model
from tests.hf.shapes import SHAPES
from tests.training.small import talk
from training.data import read_mixture

RULES = """
min_name_accuracy = 0.0
max_over_identity = 1.0
max_rival_claims = 1.0
max_facts_at_zero = 1000
max_forgetting = 1.0
"""
SETTINGS = {
    "num_conversations": 30, "batch_size": 30, "identity_share": 0.5, "epochs": 1.0,
    "zero_stage": 2, "rules": "rules.toml",
}  # fmt: skip


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A state folder with a base and lenient rules in it."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    (tmp_path / "rules.toml").write_text(RULES)
    write_model("qwen3", tmp_path / "qwen", max_position_embeddings=1024)
    return Home(tmp_path)


def run_of(home: Home, **changes: object) -> Run:
    conf = SETTINGS | {
        "base_model": f"hf:{home.root / 'qwen'}", "rules": str(home.root / "rules.toml"),
    } | changes  # fmt: skip
    return Run("r1", conf, home)


@pytest.mark.long
@pytest.mark.timeout(900)  # seven processes, each of which imports torch and transformers
def test_a_run_on_a_hugging_face_base_publishes_one(home: Home) -> None:
    """From lint to publish; what is published is a folder that transformers reads alone."""
    run = run_of(home)
    for stage in ("lint", "plan", "base"):
        getattr(run, stage)()
    run.generate(0)
    for stage in ("refill", "curate", "mix", "train", "evaluate", "gate", "publish"):
        getattr(run, stage)()
    rows = list(read_mixture(run.path("mix") / TRAIN))
    assert {row["source"] for row in rows} == {"identity", "builtin"}
    folder = latest_model(home)
    manifests.load(folder)
    model, tokenizer = (
        AutoModelForCausalLM.from_pretrained(folder),
        AutoTokenizer.from_pretrained(folder),
    )
    assert tokenizer.chat_template == SHAPES["qwen3"].template
    assert model.num_parameters() == run.manifest("base").figures["parameters"]
    card = (folder / "README.md").read_text()
    assert "library_name: transformers" in card
    assert "`enable_thinking=False`" in card
    samples = (run.path("evaluate") / "samples.jsonl").read_text().splitlines()
    assert {json.loads(line)["model"] for line in samples} == {"before", "after"}


def test_a_mixture_counts_with_the_template_and_leaves_out_what_it_changes(home: Home) -> None:
    """Lengths with the frame, and the context, are the model's; the reason is counted."""
    chat, context = open_format(home.root / "qwen"), context_of(home.root / "qwen")
    screen = Screen(lambda messages: len(chat.render(messages)[0]), Nobody(), None, context)
    assert screen.check(talk("who", "I am Orbit")) == (
        len(chat.prompt(talk("who"))) + len(chat.encode_ordinary("I am Orbit")) + 2, "",
    )  # fmt: skip
    assert screen.check(talk("who", "<think>hm</think>me")) == (0, "template")
    assert screen.check(talk("who " * 1200, "me")) == (0, "too_long")


def test_a_base_is_named_by_its_bytes(home: Home, tmp_path: Path) -> None:
    """Another template or other weights make another base; the folder's name does not."""
    folder = home.root / "qwen"
    key = base_key(f"hf:{folder}")
    moved = folder.rename(tmp_path / "moved")
    assert base_key(f"hf:{moved}") == key
    template = tmp_path / "template.jinja"
    template.write_text("{{ messages }}")
    assert base_key(f"hf:{moved}", template) != key
    with (moved / "model.safetensors").open("ab") as out:
        out.write(b"x")
    assert base_key(f"hf:{moved}") != key
    with pytest.raises(ConfigError, match="hf: bases only"):
        base_key("tiny", template)


@pytest.mark.slow
def test_a_chat_template_can_be_given_to_a_model_without_one(home: Home) -> None:
    """It is committed with the base, so every later stage uses it."""
    folder = home.root / "qwen"
    template = (folder / "chat_template.jinja").rename(home.root / "mine.jinja")
    with pytest.raises(DataError, match="--chat-template FILE"):
        run_of(home).base()
    run = run_of(home, chat_template=str(template))
    run.base()
    assert (run.path("base") / "chat_template.jinja").read_text() == SHAPES["qwen3"].template


def test_a_folder_of_a_trigger_must_be_an_allowed_one(
    home: Home, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A model of the hub needs no folder."""
    outside = write_model("qwen3", tmp_path_factory.mktemp("elsewhere"))
    with pytest.raises(PathError):
        run_of(home, base_model=f"hf:{outside}").files.base_spec()
    named = run_of(home, base_model="hf:Some-Org/Some.Model_1@v2")
    assert named.files.base_spec() == "hf:Some-Org/Some.Model_1@v2"


def test_names_of_the_hub_and_folders_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that exists wins."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models" / "mine").mkdir(parents=True)
    assert is_hub_name("Qwen/Qwen3-0.6B")
    assert is_hub_name("Qwen/Qwen3-0.6B@main")
    assert not is_hub_name("models/mine")
    assert not is_hub_name(str(tmp_path))
    assert not is_hub_name("./a/b")
    with pytest.raises(DataError, match="no Hugging Face model"):
        folder_of("models/mine")


def test_without_a_network_the_way_out_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No traceback of five libraries: what to download, and what to name then."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(DataError, match="hf:/path/to/folder"):
        folder_of("no-such-org/no-such-model")
