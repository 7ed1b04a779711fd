"""The lint stage: errors stop it before anything is written; a result is found again."""

from __future__ import annotations

from pathlib import Path

import pytest

from identity_ops.errors import KnowledgeError
from identity_ops.knowledge import read_knowledge
from identity_ops.knowledge.stage import lint_stage
from identity_ops.records import Fact, read_jsonl
from tests.knowledge.ledgers import FULL


def _write(folder: Path, text: str) -> Path:
    path = folder / "mine.md"
    path.write_bytes(text.encode())
    return path


def test_errors_stop_the_stage_and_are_all_listed(tmp_path: Path) -> None:
    """The message lists every finding, warnings too, and no folder is made."""
    source = _write(tmp_path, "- Name: TODO\n- Extent: lots\n")
    with pytest.raises(KnowledgeError) as caught:
        lint_stage(source, tmp_path / "out")
    for rule in ("placeholder", "missing-creator", "missing-limitation", "vague"):
        assert f"[{rule}]" in str(caught.value)
    assert f"{source}:1" in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_warnings_stop_only_a_strict_stage(tmp_path: Path) -> None:
    """A warning is committed with the result; under strict it is an error."""
    source = _write(tmp_path, FULL + "- Extent: lots\n")
    assert lint_stage(source, tmp_path / "out").figures["warnings"] == 1
    with pytest.raises(KnowledgeError, match="vague"):
        lint_stage(source, tmp_path / "strict", strict=True)


def test_result_holds_the_very_bytes_and_the_ledger(tmp_path: Path) -> None:
    """The copy is verbatim, and reading the folder equals reading the file but for its name."""
    source = _write(tmp_path, "\ufeff" + FULL.replace("\n", "\r\n"))
    manifest = lint_stage(source, tmp_path / "out")
    assert (tmp_path / "out" / "knowledge.md").read_bytes() == source.read_bytes()
    committed, direct = read_knowledge(tmp_path / "out"), read_knowledge(source)
    assert committed.profile == direct.profile
    assert committed.fingerprint == direct.fingerprint
    assert [fact.id for fact in committed.facts] == [fact.id for fact in direct.facts]
    assert manifest.figures["name"] == "Nimbus"
    assert manifest.figures["facts"] == len(direct.facts)


def test_same_bytes_under_another_name_are_the_same_result(tmp_path: Path) -> None:
    """No path and no time goes into what the stage makes."""
    one, other = tmp_path / "one.md", tmp_path / "sub" / "other.md"
    other.parent.mkdir()
    for path in (one, other):
        path.write_text(FULL)
    digests = [lint_stage(path, tmp_path / path.stem).digest for path in (one, other)]
    assert digests[0] == digests[1]


def test_second_run_reuses_the_first(tmp_path: Path) -> None:
    """A committed result is not made again; another file in the same folder is refused."""
    source = _write(tmp_path, FULL)
    first = lint_stage(source, tmp_path / "out")
    assert lint_stage(source, tmp_path / "out").started_at == first.started_at
    facts = list(read_jsonl(Fact, tmp_path / "out" / "facts.jsonl"))
    assert [fact.attribute for fact in facts] == ["Name", "Creator", ""]
