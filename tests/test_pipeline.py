"""A run's own choices, checked before anything is spent."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from identity_ops.errors import ConfigError, PathError, TerminalError
from identity_ops.pipeline import Run
from identity_ops.store.paths import Home
from tests.a_run import KNOWLEDGE


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "kb.md").write_text(KNOWLEDGE)
    return Home(tmp_path)


def run_of(home: Home, **conf: object) -> Run:
    return Run("r1", {"knowledge": str(home.root / "kb.md"), **conf}, home)


def test_a_wrong_rules_file_stops_lint(home: Home) -> None:
    """Rules that the gate could not read hours later are refused at the start, by name."""
    (home.root / "rules.toml").write_text("min_name = 0.9\n")
    with pytest.raises(ConfigError, match=r"rules\.toml: min_name"):
        run_of(home, rules=str(home.root / "rules.toml")).lint()
    with pytest.raises(ConfigError, match="no such file"):
        run_of(home, rules=str(home.root / "none.toml")).lint()
    with pytest.raises(PathError):
        run_of(home, rules="/etc/passwd").lint()
    assert not (home.run("r1") / "lint").exists()


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("knowledge", "gone.md", "knowledge: no such file"),
        ("knowledge", "../README.md", "leaves the folders"),
        ("knowledge", "examples", "knowledge: not a file"),
        ("probes", "gone.jsonl", "probes: no such file"),
        ("catalogue", "examples", "catalogue: not a file"),
        ("prompt_file", "gone.md", "prompt_file: no such file"),
        ("rules", "gone.toml", "rules: no such file"),
        ("chat_template", "gone.jinja", "chat_template: no such file"),
        ("base_model", "tinny", "base_model: unknown base"),
        ("base_model", "nanochat:", "base_model: unknown base"),
        ("base_model", "nanochat:gone", "base_model: no such file"),
        ("base_model", "nanochat:examples", "base_model: no model in this folder"),
        ("base_model", "hf:./gone", "base_model: no such file"),
        ("general", ["gone.parquet"], "general: no such file"),
        ("general", ["builtin", "../x.jsonl"], "general leaves the folders"),
        ("general", ["builtin=0"], "weight of a general source"),
        ("general", ["builtin", "builtin"], "each named once"),
        ("hostfile", "hosts", "hostfile: no such file"),
    ],
)
def test_lint_finds_what_no_schema_can_before_anything_is_spent(
    home: Home, field: str, value: object, says: str
) -> None:
    """A mixture's missing file used to be found only after the data was paid for."""
    with pytest.raises(TerminalError, match=re.escape(says)):
        Run("r", {field: value}, home).lint()
    assert not (home.root / "results").exists()


def test_a_path_with_an_equals_sign_may_carry_a_weight(tmp_path: Path) -> None:
    """Only what follows the last one is the weight."""
    home = Home(tmp_path)
    path = tmp_path / "a=b.jsonl"
    path.write_text('{"messages": []}\n')
    run = Run("r", {"general": [f"{path}=2"]}, home)
    assert run.files.general_specs() == [f"{path}=2"]
