"""Training Hugging Face bases: the loop of the GPT, files that transformers alone can read."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from identity_ops import trainer
from identity_ops.errors import ConfigError
from identity_ops.hf_template import TODAY
from identity_ops.recipes import override, read
from identity_ops.store import manifest as manifests
from identity_ops.trainer import TrainSettings, train_stage
from tests.training.small import RECIPE, small_base, small_rows, talk, write_mixture
from tests.training.test_sft import kill_everything, losses, steps_logged, wait_for
from training.answer import Speaker
from training.engine import Sampling
from training.family import open_family

QUESTIONS = ["red apple?", "who are you?", "what is it"]
LORA = "[lora]\nrank = 4\nalpha = 8\n"
Train = Callable[..., Path]


@pytest.fixture(scope="session")
def mixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 identity and 16 general conversations."""
    rows = small_rows(24, 16, random.Random("hf"))
    return write_mixture(
        tmp_path_factory.mktemp("mixture"), rows, small_rows(3, 3, random.Random("v"))
    )


@pytest.fixture(scope="session")
def train(smol: Path, mixture: Path, tmp_path_factory: pytest.TempPathFactory) -> Train:
    """Train on the mixture with a changed recipe, each way once."""
    done: dict[tuple[Any, ...], Path] = {}

    def run(stage: int = 2, processes: int = 1, extra: str = "", rate: float = 0.003) -> Path:
        key = (stage, processes, extra, rate)
        if key not in done:
            folder = tmp_path_factory.mktemp("trained")
            how = settings(folder, stage, processes, extra, rate)
            train_stage(mixture, smol, folder / "out", settings=how)
            done[key] = folder / "out"
        return done[key]

    return run


def settings(
    folder: Path, stage: int = 2, processes: int = 1, extra: str = "", rate: float = 0.003,
    seconds: float = 1000.0,
) -> TrainSettings:  # fmt: skip
    text = RECIPE.replace("cut_words = 0.1", "cut_words = 0.0")
    text = text.replace("row_tokens = 64", "row_tokens = 128")
    text = text.replace("checkpoint_seconds = 0.0", f"checkpoint_seconds = {seconds}")
    text += "\n[hf]\nloss_rows = 7\n"
    (folder / "recipe.toml").write_text(text + extra)
    return TrainSettings.resolve(
        "hf:x", recipe=str(folder / "recipe.toml"), zero_stage=stage, num_processes=processes,
        learning_rate=rate,
    )  # fmt: skip


def weights(out: Path) -> dict[str, torch.Tensor]:
    return load_file(out / "model.safetensors")


def by_transformers(folder: Path) -> dict[str, str]:
    """Greedy answers by transformers alone."""
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    model: Any = AutoModelForCausalLM.from_pretrained(folder)
    answers = {}
    for question in QUESTIONS:
        ids = tokenizer.apply_chat_template(
            [{"role": "user", "content": question}], add_generation_prompt=True,
            return_tensors="pt", return_dict=True, date_string=TODAY.strftime("%d %b %Y"),
        )  # fmt: skip
        said = model.generate(**ids, do_sample=False, max_new_tokens=12, pad_token_id=0)
        answers[question] = tokenizer.decode(
            said[0, ids["input_ids"].size(1) :], skip_special_tokens=True
        )
    return answers


def by_us(folder: Path) -> dict[str, str]:
    prompts = [(question, talk(question)) for question in QUESTIONS]
    return Speaker.load(folder).answers(prompts, Sampling(max_tokens=12))


def test_training_teaches_and_transformers_reads_the_result(train: Train, smol: Path) -> None:
    """Alone, with our greedy answers; the files are those of a model of the hub."""
    out = train()
    figures = manifests.load(out).figures
    assert losses(out)[-1] < 0.8 * losses(out)[0]
    assert figures["val_after"]["loss"] < figures["val_before"]["loss"]
    answers = by_transformers(out)
    assert answers == by_us(out)
    assert answers != by_transformers(smol)
    files = {entry.path for entry in manifests.load(out).files}
    assert files == {
        "model.safetensors", "config.json", "generation_config.json", "tokenizer.json",
        "tokenizer_config.json", "chat_template.jinja", "log.jsonl", "figures.json",
    }  # fmt: skip
    stored = json.loads((out / "generation_config.json").read_text())["eos_token_id"]
    assert stored == sorted(Speaker.load(out).stop)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "processes"),
    [(3, 2), *(pytest.param(*way, marks=pytest.mark.long) for way in ((0, 1), (1, 2)))],
)
def test_every_stage_and_number_of_processes_gives_the_same_model(
    stage: int, processes: int, train: Train
) -> None:
    """Losses and weights, with a head tied to the embedding."""
    out = train(stage, processes)
    assert losses(out) == pytest.approx(losses(train()), rel=1e-4)
    for name, weight in weights(train()).items():
        torch.testing.assert_close(weights(out)[name], weight, rtol=1e-2, atol=2e-3)


@pytest.mark.long
def test_recomputed_activations_change_nothing(train: Train) -> None:
    """But memory and time."""
    out = train(extra="checkpoint_activations = true\n")
    assert losses(out) == pytest.approx(losses(train()), rel=1e-4)


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::FutureWarning")  # peft asks transformers in an old way
def test_adapters_are_merged_or_kept_beside_the_base(train: Train, smol: Path) -> None:
    """Merged or not, the model answers the same; unmerged, peft reads it over the base."""
    merged, apart = train(extra=LORA, rate=0.02), train(extra=LORA + "merge = false\n", rate=0.02)
    assert losses(merged)[-1] < 0.9 * losses(merged)[0]
    assert all(weights(apart)[name].equal(weight) for name, weight in weights(smol).items())
    ids = torch.arange(40).unsqueeze(0)
    base = AutoModelForCausalLM.from_pretrained(smol)
    before = base(ids).logits
    with_adapter = peft.PeftModel.from_pretrained(base, str(apart / "adapter"))
    expected = with_adapter(ids).logits
    torch.testing.assert_close(
        AutoModelForCausalLM.from_pretrained(merged)(ids).logits, expected, rtol=1e-4, atol=1e-4
    )
    assert (expected - before).abs().max() > 0.05
    assert by_us(apart) == by_us(merged) == by_transformers(merged)
    assert not (merged / "adapter").exists()


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (LORA + 'targets = ["no_such_layer"]\n', "no_such_layer"),
        ('attention = "flex"\n', "GPUs only"),
    ],
)
def test_settings_that_cannot_work_are_refused(
    extra: str, message: str, smol: Path, mixture: Path, tmp_path: Path
) -> None:
    """Before the first step, in words."""
    with pytest.raises(ConfigError, match=message):
        train_stage(mixture, smol, tmp_path / "out", settings=settings(tmp_path, extra=extra))


def test_what_a_kind_of_model_lacks_is_named(smol: Path, tmp_path: Path) -> None:
    """Rather than left out in silence."""
    for name in ("hidden_words", "cut_words"):
        with pytest.raises(ConfigError, match=name):
            open_family(smol, override(read("hf"), [f"{name} = 0.1"]))
    (tmp_path / "lora.toml").write_text(RECIPE + LORA)
    with pytest.raises(ConfigError, match="lora"):
        open_family(small_base(tmp_path / "base"), read(tmp_path / "lora.toml"))


@pytest.mark.slow
def test_a_killed_training_resumes_to_the_same_model(
    train: Train, smol: Path, mixture: Path, tmp_path: Path
) -> None:
    """kill -9 of everything in mid-training: curve and weights of the undisturbed run."""
    out, how = tmp_path / "out", settings(tmp_path, seconds=0.0)
    script = (
        "import sys; from pathlib import Path;"
        "from identity_ops.trainer import TrainSettings, train_stage;"
        "mixture, base, out, recipe = map(Path, sys.argv[1:]);"
        "how = TrainSettings.resolve('hf:x', recipe=str(recipe), learning_rate=0.003);"
        "train_stage(mixture, base, out, settings=how)"
    )
    argv = [str(mixture), str(smol), str(out), str(tmp_path / "recipe.toml")]
    task = subprocess.Popen([sys.executable, "-c", script, *argv])
    wait_for(lambda: steps_logged(out) >= 3)
    kill_everything(task, out)
    assert not (out / manifests.FILE_NAME).exists()
    said: list[str] = []
    train_stage(mixture, smol, out, settings=how, on_line=said.append)
    assert any(line.startswith("resuming after step") for line in said)
    assert losses(out) == losses(train())
    assert all(weights(out)[name].equal(weight) for name, weight in weights(train()).items())


def test_answers_come_from_a_process_of_their_own(smol: Path) -> None:
    """As evaluation asks: by id, the same as one by one."""
    prompts = [(str(n), talk(question)) for n, question in enumerate(QUESTIONS)]
    found = trainer.answer(smol, prompts, max_tokens=12)
    assert [found[str(n)] for n in range(3)] == [by_us(smol)[question] for question in QUESTIONS]


def test_chat_talks_to_a_folder_of_transformers(smol: Path) -> None:
    """One question a line on a pipe, and nothing but answers on standard output."""
    done = subprocess.run(
        [sys.executable, "-m", "identity_ops", "chat", "--model", str(smol), "--max-tokens", "12"],
        input="red apple?", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == by_us(smol)["red apple?"] + "\n"
