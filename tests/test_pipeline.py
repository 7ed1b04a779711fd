"""A run's own choices, checked before anything is spent."""

from __future__ import annotations

from pathlib import Path

import pytest

from identity_ops.errors import ConfigError, PathError
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
