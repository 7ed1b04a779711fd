"""What a server tells of a model comes from what was committed when it was made."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from identity_ops.cli.chat import chosen_model
from identity_ops.errors import DataError, UsageError
from identity_ops.evaluate.samples import Sample
from identity_ops.probes.files import load_probes
from identity_ops.publish import EVALUATION, publish_run
from identity_ops.records import read_jsonl
from identity_ops.registry import promote, versions
from identity_ops.serve import PLAIN, about, fingerprint
from identity_ops.store import manifest as manifests
from identity_ops.store.paths import Home
from tests.a_published_run import finish_run, start_run
from tests.a_run import commit


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def published(home: Home) -> Path:
    run, oracle = start_run(home)
    finish_run(run, oracle)
    return publish_run(run, home, name="Thistle")


def test_a_published_model_is_introduced_by_name_version_base_and_probes(
    home: Home, published: Path
) -> None:
    """The base is that of its run; each question is one it was asked before it was published."""
    found = about(published)
    assert (found.name, found.version) == ("Thistle", published.name)
    assert found.base is not None
    assert found.base.samefile(home.run("r1") / "base")
    asked = {s.question for s in read_jsonl(Sample, published / EVALUATION / "samples.jsonl")}
    assert {question.text for question in found.questions} <= asked
    labels = [question.label for question in found.questions]
    assert {"Name", "Maker", "Fact", "Limit"} <= set(labels)
    assert len(labels) == len({question.text for question in found.questions})


def test_a_published_model_whose_run_is_gone_keeps_its_questions(
    home: Home, published: Path
) -> None:
    """It was copied to another machine, or the run was deleted; only the base is unknown."""
    shutil.rmtree(home.run("r1"))
    found = about(published)
    assert found.base is None
    assert found.questions[0].label == "Name"
    assert found.questions != PLAIN


def test_the_run_of_another_model_tells_nothing(home: Home, published: Path) -> None:
    """A run that was trained again since has another base's name to give."""
    shutil.rmtree(home.run("r1") / "train")
    commit(home.run("r1") / "train", "train", {"model.pt": "newer"})
    assert about(published).base is None


def test_a_trained_model_that_nobody_published_is_known_by_its_run(home: Home) -> None:
    """Such as one whose gate failed: its probes and its base are there."""
    run, _ = start_run(home)
    found = about(run / "train")
    assert found.name == "Thistle"
    assert found.version == ""
    assert found.base is not None
    built, _ = load_probes(run / "probes")
    assert {question.text for question in found.questions} <= {probe.question for probe in built}
    shutil.rmtree(run / "probes")
    after_facts = [question.text for question in about(run / "train").questions]
    assert "What is your mascot?" in after_facts


def test_any_other_folder_gets_plain_questions(tmp_path: Path) -> None:
    """A model from elsewhere, of which nothing was committed."""
    found = about(tmp_path)
    assert (found.name, found.base, found.questions) == (tmp_path.name, None, PLAIN)
    assert fingerprint(tmp_path) is None


def test_probes_that_cannot_be_read_are_a_clear_error(published: Path) -> None:
    """A line that is no sample: the version was changed."""
    (published / EVALUATION / "samples.jsonl").write_text(json.dumps({"no": "sample"}) + "\n")
    with pytest.raises(DataError, match=r"samples\.jsonl:1"):
        about(published)


def test_a_model_is_named_by_folder_by_name_or_not_at_all(
    home: Home, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The promoted version, wherever one is not named; what is nowhere is said with what is."""
    monkeypatch.setenv("IDENTITY_HOME", str(home.root))
    promote(home, "Thistle", versions(home, "Thistle")[0])
    for named in (None, published, published.parent, Path("Thistle")):
        assert chosen_model(named) == published
    with pytest.raises(UsageError, match="Thistle"):
        chosen_model(Path("Nettle"))


def test_the_fingerprint_is_the_model_s(home: Home, published: Path) -> None:
    """The same bytes, the same mark."""
    digest = manifests.load(published).digest
    assert fingerprint(published) == f"fp_{digest[:10]}"
