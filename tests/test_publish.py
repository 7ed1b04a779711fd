"""Publishing: immutable versions, one for each model, never half of one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from identity_ops.errors import CorruptError, DataError, GateError
from identity_ops.publish import publish_run
from identity_ops.registry import latest_model, versions
from identity_ops.report.card import license_of
from identity_ops.store import manifest as manifests
from identity_ops.store.paths import Home
from tests.a_published_run import finish_run, start_run
from tests.a_run import Oracle, commit, probes_of


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def finished(home: Home, run_id: str = "r1") -> Path:
    run, oracle = start_run(home, run_id)
    finish_run(run, oracle)
    return run


def retrained(home: Home, run_id: str) -> Path:
    """A run whose model is another one."""
    run, oracle = start_run(home, run_id)
    shutil.rmtree(run / "train")
    commit(run / "train", "train", {"model.pt": f"weights of {run_id}"})
    finish_run(run, oracle)
    return run


def fail(run: Path, oracle: Oracle) -> None:
    for probe in probes_of(oracle.knowledge):
        oracle.answers[probe.id] = "Tea."
    finish_run(run, oracle)


def test_a_failed_gate_publishes_nothing(home: Home) -> None:
    """The error names the rule; no version appears and the run keeps its model."""
    run, oracle = start_run(home)
    fail(run, oracle)
    with pytest.raises(GateError, match="name and creator"):
        publish_run(run, home, name="Thistle")
    assert versions(home, "Thistle") == []
    assert (run / "train" / "manifest.json").exists()


def test_a_run_without_a_gate_publishes_nothing(home: Home) -> None:
    """A model that nobody judged is not published."""
    run, _ = start_run(home)
    with pytest.raises(DataError, match="gate"):
        publish_run(run, home, name="Thistle")


def test_another_model_than_the_judged_one_is_not_published(home: Home) -> None:
    """Training again after the gate needs a new verdict."""
    run = finished(home)
    shutil.rmtree(run / "train")
    commit(run / "train", "train", {"model.pt": "newer weights"})
    with pytest.raises(DataError, match="another model"):
        publish_run(run, home, name="Thistle")


def test_a_damaged_model_is_not_published(home: Home) -> None:
    """Bytes that changed since training are found before anything is linked."""
    run = finished(home)
    weights = next((run / "train").rglob("*.pt"))
    weights.write_text("damaged")
    with pytest.raises(CorruptError):
        publish_run(run, home, name="Thistle")
    assert versions(home, "Thistle") == []


def test_nothing_published_is_said(home: Home) -> None:
    """Asking for a model before there is one names what to do."""
    with pytest.raises(DataError, match="no published model"):
        latest_model(home)


def test_a_version_is_whole_and_traceable(home: Home) -> None:
    """Model, card, report and lineage stand in one verified folder that the run points at."""
    run = finished(home)
    folder = publish_run(run, home, name="Thistle")
    manifest = manifests.load(folder)
    names = {entry.path for entry in manifest.files}
    assert {"README.md", "report.html", "lineage.json", "tokenizer/tokenizer.pkl"} <= names
    assert manifest.inputs["train"] == manifests.load(run / "train").digest
    assert (run / "publish").resolve() == folder.resolve()
    chain = json.loads((folder / "lineage.json").read_text())["stages"]
    assert {"lint", "probes", "generate/0000", "mix", "base", "train", "evaluate", "gate"} <= set(
        chain
    )


def test_the_same_model_twice_is_one_version(home: Home) -> None:
    """Publishing again changes nothing on disk."""
    run = finished(home)
    first = publish_run(run, home, name="Thistle")
    before = manifests.load(first).model_dump()
    assert publish_run(run, home, name="Thistle") == first
    assert manifests.load(first).model_dump() == before
    assert len(versions(home, "Thistle")) == 1


def test_versions_are_numbered_in_order(home: Home) -> None:
    """Another model is the next number and becomes the latest; an old one never does again."""
    old = finished(home, "r1")
    first = publish_run(old, home, name="Thistle")
    second = publish_run(retrained(home, "r2"), home, name="Thistle")
    assert [first.name[:5], second.name[:5]] == ["v0001", "v0002"]
    assert publish_run(old, home, name="Thistle") == first
    assert latest_model(home) == second


def test_a_killed_attempt_leaves_no_version(home: Home) -> None:
    """A half-made dot-folder is no version and is made again."""
    run = finished(home)
    digest = manifests.load(run / "train").digest[:8]
    half = home.model("Thistle") / f".v0001-{digest}"
    half.mkdir(parents=True)
    (half / "junk").write_text("half")
    assert versions(home, "Thistle") == []
    folder = publish_run(run, home, name="Thistle")
    assert not (folder / "junk").exists()
    assert not half.exists()


def test_names_cannot_leave_the_models_folder(home: Home) -> None:
    """A bot called ../../x is published under a safe name."""
    folder = publish_run(finished(home), home, name="../../x")
    assert (home.root / "models").resolve() in folder.resolve().parents


def test_the_card_names_a_base_from_the_hub(home: Home) -> None:
    """So that the Hub links the two; a base of one's own has no name there."""
    run = finished(home)
    assert "base_model" not in (publish_run(run, home, name="Thistle") / "README.md").read_text()
    conf = {"run_id": "r1", "conf": {"base_model": "hf:HuggingFaceTB/SmolLM2-135M"}}
    (run / "run.json").write_text(json.dumps(conf))
    card = (publish_run(run, home, name="Other") / "README.md").read_text()
    assert yaml.safe_load(card.split("---")[1])["base_model"] == "HuggingFaceTB/SmolLM2-135M"


@pytest.mark.parametrize(
    ("stated", "key"),
    [("MIT", "mit"), ("the MIT License", "mit"), ("Apache License, Version 2.0", "apache-2.0"),
     ("Apache 2.0", "apache-2.0"), ("CC BY-SA 4.0", "cc-by-sa-4.0"), ("GPL v3.0", "gpl-3.0"),
     ("ours alone", "other")],
)  # fmt: skip
def test_the_license_is_one_that_the_hub_knows(stated: str, key: str) -> None:
    """Its own identifier, or "other" with the name as it was stated."""
    found = license_of(stated)
    assert found["license"] == key
    assert found.get("license_name", stated) == stated


def test_the_card_is_valid_and_shows_the_table(home: Home) -> None:
    """The front matter is YAML, and Markdown in a fact stays text."""
    card = (publish_run(finished(home), home, name="Thistle") / "README.md").read_text()
    meta = yaml.safe_load(card.split("---")[1])
    assert meta["model-index"][0]["name"] == "Thistle"
    assert meta["license"] == "mpl-2.0"
    assert "Name and creator" in card
    assert "Orla Fennimore" in card
