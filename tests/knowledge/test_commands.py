"""`identity-ops lint` and `facts`: exit codes, JSON, and what is printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from identity_ops.cli import knowledge
from identity_ops.errors import KnowledgeError
from tests.knowledge.ledgers import FULL


@pytest.fixture
def kb(tmp_path: Path) -> Path:
    path = tmp_path / "kb.md"
    path.write_text(FULL)
    return path


def _run(*words: str) -> Result:
    app = typer.Typer()
    knowledge.register(app)
    return CliRunner().invoke(app, list(words))


def test_missing_file_is_an_error_of_ours() -> None:
    """The command line's handler gets an error it can print."""
    assert isinstance(_run("lint", "gone.md").exception, KnowledgeError)


def test_lint_without_a_file_is_wrong_usage() -> None:
    """Wrong words exit 2."""
    assert _run("lint").exit_code == 2


def test_clean_file_exits_0(kb: Path) -> None:
    """Nothing wrong, nothing to do."""
    result = _run("lint", str(kb), "--strict")
    assert result.exit_code == 0
    assert "0 errors, 0 warnings" in result.output


def test_warnings_exit_0_and_1_under_strict(kb: Path) -> None:
    """Warnings alone do not fail, unless asked to."""
    kb.write_text(FULL + "- Extent: lots\n")
    assert _run("lint", str(kb)).exit_code == 0
    assert _run("lint", str(kb), "--strict").exit_code == 1


def test_errors_exit_1_with_file_line_rule_and_fix(kb: Path) -> None:
    """Each finding says where, which rule, and how to mend it."""
    kb.write_text(FULL + "- Colour: TODO\n")
    result = _run("lint", str(kb))
    assert result.exit_code == 1
    assert f"{kb}:6: error [placeholder]" in result.output
    assert "Fill it in" in result.output


def test_lint_json_is_complete(kb: Path) -> None:
    """Machines get every field of every finding."""
    kb.write_text(FULL + "- Colour: TODO\n- Extent: lots\n")
    data = json.loads(_run("lint", str(kb), "--json").stdout)
    assert (data["ok"], data["errors"], data["warnings"]) == (False, 1, 1)
    assert set(data["findings"][0]) == {"rule", "severity", "file", "line", "message", "fix"}


def test_facts_are_printed_whatever_lint_says(kb: Path) -> None:
    """A file with errors still shows its ledger."""
    kb.write_text("- Colour: TODO\n- Pets: owl\n")
    result = _run("facts", str(kb))
    assert result.exit_code == 0
    assert "Pets: owl" in result.output


def test_facts_json_has_the_record_of_the_design(kb: Path) -> None:
    """id, section, attribute, value, aliases, polarity, file and line are there."""
    data = json.loads(_run("facts", str(kb), "--json").stdout)
    fact = data["facts"][-1]
    assert (fact["section"], fact["value"], fact["polarity"], fact["line"]) == (
        "Limitations",
        "Cannot scan images",
        False,
        5,
    )
    assert set(fact) >= {"id", "attribute", "aliases", "file"}
    assert data["name"] == "Nimbus"
