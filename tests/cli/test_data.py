"""curate, export and mix as commands: what they print and with which code they end."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from identity_ops.records import Conversation, write_jsonl
from identity_ops.store.stage import Outcome, run_stage
from tests.curate.samples import conversation
from tests.curate.test_checker import KB
from tests.training.small import small_base

NAMES = ["Who are you", "What is your name", "Who am I speaking to", "Please introduce yourself"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A knowledge base and a finished generation of four conversations."""
    (tmp_path / "vela.md").write_text(KB)
    rows = [conversation(n, f"{text}?", f"I am Vela. {text}!") for n, text in enumerate(NAMES)]
    generation(tmp_path / "gen" / "refill", rows)
    return tmp_path


def generation(out: Path, rows: list[Conversation]) -> None:
    def work(to: Path) -> Outcome:
        write_jsonl(to / "accepted.jsonl", rows)
        write_jsonl(to / "rejections.jsonl", [])
        counts = {"accepted": len(rows), "wanted": 4}
        return Outcome(files=["accepted.jsonl", "rejections.jsonl"], counts=counts)

    run_stage("refill", out, {}, {}, work)


def run(folder: Path, *words: str, room: int = -1) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "identity_ops", *words],
        cwd=folder, capture_output=True, text=True, timeout=120, check=False,
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": "/usr/bin:/bin"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)),
    )  # fmt: skip


CURATE = ("curate", "gen", "--knowledge", "vela.md", "--out", "cur")
MIX = ("mix", "--identity", "cur", "--general", "builtin", "--out", "mix")


def test_from_a_generation_to_a_mixture(folder: Path) -> None:
    """The three commands in a row, with figures a person can read and a program can parse."""
    curated = run(folder, *CURATE)
    assert curated.returncode == 0, curated.stderr
    assert "4 conversations kept" in curated.stdout
    assert "not covered" in curated.stdout
    exported = run(folder, "export", "cur", "--format", "nanochat", "--out", "x.jsonl", "--json")
    assert json.loads(exported.stdout)["conversations"] == 4
    assert len((folder / "x.jsonl").read_text().splitlines()) == 4
    mixed = run(folder, *MIX, "--weights", "1:3", "--knowledge", "vela.md", "--json")
    assert mixed.returncode == 0, mixed.stderr
    assert json.loads(mixed.stdout)["figures"]["share"] == pytest.approx(0.25, abs=0.05)


def test_tokens_are_counted_by_the_base_that_train_is_told(folder: Path) -> None:
    """By the same words, before any training."""
    small_base(folder / "base")
    assert run(folder, *CURATE).returncode == 0
    mixed = run(folder, *MIX, "--base", "nanochat:base", "--json")
    assert mixed.returncode == 0, mixed.stderr
    figures = json.loads(mixed.stdout)["figures"]
    assert (figures["tokens_exact"], figures["context"]) == (True, 96)


def test_a_full_disk_is_said_in_words(folder: Path) -> None:
    """And leaves nothing that looks finished; with room the same words do."""
    assert run(folder, *CURATE).returncode == 0
    done = run(folder, *MIX, room=2000)
    assert done.returncode == 1
    assert "the disk refuses to take more" in done.stderr
    assert "Traceback" not in done.stderr
    assert run(folder, *MIX).returncode == 0


def test_a_shortfall_ends_with_one_and_keeps_the_result(folder: Path) -> None:
    """Too few conversations are a failure that loses nothing."""
    done = run(folder, *CURATE, "--num", "10")
    assert done.returncode == 1
    assert "expected at least 90% of 10, got 4" in done.stderr
    assert (folder / "cur" / "manifest.json").exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (
            ("curate", "nowhere", "--knowledge", "vela.md", "--out", "c"),
            1,
            "no finished generation",
        ),
        (("curate", "gen", "--knowledge", "no.md", "--out", "c"), 2, "no.md"),
        (("export", "gen", "--format", "hub", "--out", "x"), 1, "no manifest"),
        (("export", "gen", "--format", "csv", "--out", "x"), 2, "nanochat, messages, hub"),
        (("curate", "gen", "--knowledge", "vela.md", "--out", "vela.md"), 2, "vela.md"),
        ((*MIX, "--weights", "one:two"), 2, "IDENTITY:GENERAL"),
        ((*MIX, "--identity-share", "2"), 1, "identity share"),
        (MIX, 1, "no manifest"),
        ((*MIX, "--base", "gen"), 1, "nanochat:DIR[@step] or hf:NAME_OR_DIR"),
    ],
)
def test_wrong_words_are_told_apart_from_failures(
    folder: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    """Exit code 2 is the caller's mistake, 1 a failure; the message says what to do."""
    done = run(folder, *words)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
