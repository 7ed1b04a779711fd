"""The commands models and gate, on published versions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from identity_ops.cli import build
from identity_ops.errors import ConfigError, DataError
from identity_ops.evaluate.parity import parity
from identity_ops.store.paths import Home
from tests.a_published_run import start_run
from tests.test_registry import NAME, publish, tamper


def invoke(*words: object) -> Result:
    return CliRunner().invoke(build(), [str(word) for word in words])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("IDENTITY_HOME", str(tmp_path))
    return Home(tmp_path)


def test_nothing_published_is_said(home: Home) -> None:
    """An empty list, and errors that say what is missing."""
    assert "Nothing published" in invoke("models").stdout
    assert json.loads(invoke("models", "--json").stdout) == []
    assert isinstance(invoke("models", "promote", "Nobody", "1").exception, DataError)
    assert isinstance(invoke("models", "rollback", "Nobody").exception, DataError)
    assert not (home.root / "models").exists()


def test_list_promote_rollback(home: Home) -> None:
    """What a person does when the new model is no good."""
    publish(home, "r1")
    publish(home, "r2")
    listed = json.loads(invoke("models", "--json").stdout)
    assert [row["promoted"] for row in listed] == [True, False]
    assert "back to v0001" in invoke("models", "rollback", NAME).stdout
    assert "v0002" in invoke("models", "promote", NAME, "v0002").stdout
    assert json.loads(invoke("models", "--json").stdout)[0]["promoted"] is True


def test_verify_finds_a_changed_version(home: Home) -> None:
    """Exit code 1, and the version is marked."""
    folder = publish(home, "r1")
    assert invoke("models", "--verify").exit_code == 0
    tamper(folder, "changed")
    result = invoke("models", "--verify")
    assert result.exit_code == 1
    assert "CHANGED SINCE" in result.stdout


def test_parity_names_what_is_answered_otherwise(home: Home) -> None:
    """The published folder is asked every probe again; one other answer is found."""
    folder = publish(home, "r1")
    _, oracle = start_run(Home(home.root / "other"))
    (folder.parent / "train").symlink_to(folder)  # the oracle knows a trained model by its name
    asked, differ = parity(folder.parent / "train", answer=oracle)
    assert asked > 300
    assert differ == []
    changed = next(iter(oracle.answers))
    oracle.answers[changed] = "Something else."
    _, differ = parity(folder.parent / "train", answer=oracle)
    assert [d.published for d in differ] == ["Something else."]


def test_the_gate_follows_a_rules_file(home: Home, tmp_path: Path) -> None:
    """The same run passes or fails by the file alone; a wrong file is named."""
    publish(home, "r1", silent=16)
    rules = tmp_path / "rules.toml"
    rules.write_text('min_facts_at_80 = "off"\nmax_facts_at_zero = "off"\n')
    assert invoke("gate", "r1", "--rules", rules).exit_code == 0
    rules.write_text("min_facts_at_80 = 0.99\n")
    result = invoke("gate", "r1", "--rules", rules, "--json")
    assert result.exit_code == 1
    failed = [r["rule"] for r in json.loads(result.stdout)["rules"] if not r["passed"]]
    assert failed == ["min_facts_at_80"]
    rules.write_text("min_name = 0.9\n")
    assert isinstance(invoke("gate", "r1", "--rules", rules).exception, ConfigError)
