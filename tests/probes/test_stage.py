"""The probes stage: built and user probes committed apart, training's wordings dropped."""

from __future__ import annotations

from pathlib import Path

import pytest

from identity_ops.errors import ConfigError, DataError
from identity_ops.probes import stage
from identity_ops.probes.files import load_probes
from identity_ops.probes.frames import identity_frames
from identity_ops.probes.stage import VERSION, probes_stage
from tests.a_run import KNOWLEDGE, commit_lint, knowledge_of, write_probes

MINE = {"id": "mine", "category": "mine", "question": "What is your name?", "all_of": ["thistle"]}


@pytest.fixture
def lint_dir(tmp_path: Path) -> Path:
    return commit_lint(tmp_path, knowledge_of(tmp_path))


def test_a_wrong_probe_file_commits_nothing(lint_dir: Path, tmp_path: Path) -> None:
    """The error comes before anything is made."""
    wrong = write_probes(tmp_path / "p.jsonl", [MINE | {"all_of": ["("]}])
    with pytest.raises(DataError):
        probes_stage(lint_dir, tmp_path / "probes", extra=wrong)
    assert not (tmp_path / "probes" / "manifest.json").exists()


def test_user_probes_are_kept_apart(lint_dir: Path, tmp_path: Path) -> None:
    """They are asked, but not held out: `mix` reads the built ones alone."""
    extra = write_probes(tmp_path / "p.jsonl", [MINE])
    manifest = probes_stage(lint_dir, tmp_path / "probes", extra=extra)
    built, own = load_probes(tmp_path / "probes")
    assert [probe.id for probe in own] == ["mine"]
    assert manifest.counts["built"] == len(built) > 500
    assert "mine" not in {probe.id for probe in built}


def test_wordings_that_training_uses_are_dropped(
    lint_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A training frame that equals a probe's removes the probe and is counted."""
    monkeypatch.setattr(stage, "user_frames", lambda: ["got a NAME"])
    manifest = probes_stage(lint_dir, tmp_path / "probes")
    built, _ = load_probes(tmp_path / "probes")
    assert manifest.counts["dropped_wordings"] == 1
    assert "Got a name?" not in {probe.question for probe in built}


def test_too_few_wordings_left_is_an_error(
    lint_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Training on the probes' wordings leaves nothing to measure with, and that is said."""
    monkeypatch.setattr(stage, "user_frames", lambda: list(identity_frames()))
    with pytest.raises(ConfigError, match="too few"):
        probes_stage(lint_dir, tmp_path / "probes")


def test_same_inputs_same_bytes(lint_dir: Path, tmp_path: Path) -> None:
    """Two builds have the same digest."""
    one = probes_stage(lint_dir, tmp_path / "one", seed=2)
    two = probes_stage(lint_dir, tmp_path / "two", seed=2)
    assert one.digest == two.digest


def test_version_and_fingerprint_are_recorded(lint_dir: Path, tmp_path: Path) -> None:
    """Two knowledge bases' probes differ in the fingerprint, one's never do."""
    one = probes_stage(lint_dir, tmp_path / "one").figures
    two = probes_stage(lint_dir, tmp_path / "two").figures
    text = KNOWLEDGE.replace("Thistle", "Bramble")
    other = commit_lint(tmp_path / "b", knowledge_of(tmp_path / "b", text))
    assert one["fingerprint"] == two["fingerprint"]
    assert probes_stage(other, tmp_path / "three").figures["fingerprint"] != one["fingerprint"]
    assert one["version"] == VERSION
