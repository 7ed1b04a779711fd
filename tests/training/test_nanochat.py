"""Our model is nanochat's: same logits, gradients, decoded tokens, files and chat format."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from identity_ops.tokens import load_encoding, render
from tests.training.golden import COMMIT, DECODED, FILE, LENGTH, SHAPES, fill, numbers, tokens
from tests.training.small import talk
from training import checkpoint
from training.engine import Sampling, generate
from training.gpt import GPT, GPTConfig

NANOCHAT = os.environ.get("NANOCHAT_DIR", "")
needs_nanochat = pytest.mark.skipif(not NANOCHAT, reason="NANOCHAT_DIR names no copy of nanochat")


def ours(name: str) -> GPT:
    model = GPT(GPTConfig(**SHAPES[name]))
    fill(model)
    return model


def compare(got: dict[str, Any], expected: dict[str, Any]) -> None:
    torch.testing.assert_close(
        torch.tensor(got["logits"]), torch.tensor(expected["logits"]), rtol=1e-4, atol=1e-4
    )
    assert got["loss"] == pytest.approx(expected["loss"], rel=1e-5)
    # A lambda's gradient sums over all positions and nearly cancels: 0.2 % between processors.
    assert got["gradients"] == pytest.approx(expected["gradients"], rel=4e-3, abs=1e-5)


@pytest.mark.parametrize("name", SHAPES)
def test_logits_loss_and_gradients_are_nanochat_s(name: str) -> None:
    """Against numbers that nanochat computed, with weights that are nowhere zero."""
    golden = json.loads(FILE.read_text())
    assert golden["commit"] == COMMIT
    compare(numbers(ours(name), name), golden["shapes"][name])


@pytest.mark.parametrize("name", SHAPES)
def test_decoding_gives_nanochat_s_tokens(name: str) -> None:
    """Prefill and cache against nanochat's own generation, past the short window."""
    golden = json.loads(FILE.read_text())["shapes"][name]["decoded"]
    prompt = tokens(name)[0, : LENGTH[name] // 2].tolist()
    how = Sampling(max_tokens=DECODED)
    assert generate(ours(name), [("x", prompt)], frozenset(), how)["x"] == golden


@needs_nanochat
@pytest.mark.slow
def test_the_golden_numbers_are_those_of_the_copy_at_hand(tmp_path: Path) -> None:
    """So that the golden file cannot drift from the code it stands for."""
    script = (
        "import sys; from pathlib import Path; import tests.training.golden as golden;"
        "golden.FILE = Path(sys.argv[1]); golden.main()"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "g.json")], check=True)
    fresh, stored = json.loads((tmp_path / "g.json").read_text()), json.loads(FILE.read_text())
    for name in SHAPES:
        compare(fresh["shapes"][name], stored["shapes"][name])
        assert fresh["shapes"][name]["decoded"] == stored["shapes"][name]["decoded"]


READER = """
import json, sys, torch
from nanochat.checkpoint_manager import load_model
from nanochat.engine import Engine
model, tokenizer, meta = load_model("base", torch.device("cpu"), "eval")
chat = {"messages": json.loads(sys.argv[1])}
ids, mask = tokenizer.render_conversation(chat)
asked = tokenizer.render_for_completion(chat)
answers, _ = Engine(model, tokenizer).generate_batch(asked, max_tokens=12, temperature=0.0)
logits = model(torch.tensor([ids]))[0, -1]
print("RESULT" + json.dumps([ids, mask, asked, answers[0][len(asked):], logits.tolist()]))
"""


@needs_nanochat
@pytest.mark.slow
def test_nanochat_reads_and_runs_what_we_write(base: Path) -> None:
    """Its own loader, tokenizer, chat rendering and engine, on our folder."""
    from training.answer import Speaker

    messages = [*talk("who <|bos|> you", "I am Orbit", "red?", "Apple pear.")]
    env = os.environ | {
        "NANOCHAT_BASE_DIR": str(base), "NANOCHAT_DTYPE": "float32", "PYTHONPATH": NANOCHAT,
    }  # fmt: skip
    argv = [sys.executable, "-c", READER, json.dumps(messages)]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=True)
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT"))
    ids, mask, asked, answer, logits = json.loads(line.removeprefix("RESULT"))
    speaker = Speaker.load(base)
    rendered, supervised = render(load_encoding(base), messages)
    assert rendered == ids
    assert [int(wanted) for wanted in supervised] == mask
    assert speaker.prompt(messages[:-1]) == asked
    found = generate(speaker.model, [("x", asked)], speaker.stop, Sampling(max_tokens=12))["x"]
    assert found == answer
    with torch.no_grad():
        own = checkpoint.load(base)(torch.tensor([ids]))[0, -1]
    torch.testing.assert_close(own, torch.tensor(logits), rtol=1e-4, atol=1e-4)
