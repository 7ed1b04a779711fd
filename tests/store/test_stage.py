"""A stage is made once, verified when reused, and never half done."""

from __future__ import annotations

from pathlib import Path

import pytest

from identity_ops.errors import ConfigError, CorruptError, DataError
from identity_ops.store import manifest as manifests
from identity_ops.store.stage import Outcome, run_stage


class Counter:
    """A stage that counts how often it was really made."""

    def __init__(self, text: str = "data") -> None:
        self.made, self.text = 0, text

    def __call__(self, folder: Path) -> Outcome:
        self.made += 1
        (folder / "out.txt").write_text(self.text)
        return Outcome(files=["out.txt"], counts={"rows": 1})


def test_the_same_inputs_reuse_the_result(tmp_path: Path) -> None:
    """The second call makes nothing and returns the same digest."""
    work = Counter()
    first = run_stage("demo", tmp_path, {"a": 1}, {"in": "x"}, work)
    again = run_stage("demo", tmp_path, {"a": 1}, {"in": "x"}, work)
    assert work.made == 1
    assert again == first


def test_other_settings_in_the_same_folder_are_refused(tmp_path: Path) -> None:
    """A result is never overwritten by another configuration."""
    run_stage("demo", tmp_path, {"a": 1}, {}, Counter())
    with pytest.raises(ConfigError, match="another demo result"):
        run_stage("demo", tmp_path, {"a": 2}, {}, Counter())
    assert (tmp_path / "out.txt").read_text() == "data"


def test_a_changed_byte_is_found_when_reusing(tmp_path: Path) -> None:
    """A flipped byte names the file instead of being used."""
    run_stage("demo", tmp_path, {}, {}, Counter())
    (tmp_path / "out.txt").write_text("dutu")
    with pytest.raises(CorruptError, match=r"out\.txt"):
        run_stage("demo", tmp_path, {}, {}, Counter())


def test_a_failed_stage_commits_nothing(tmp_path: Path) -> None:
    """Without a manifest the folder is no result, and the next try makes it."""

    def fail(folder: Path) -> Outcome:
        (folder / "out.txt").write_text("half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        run_stage("demo", tmp_path, {}, {}, fail)
    with pytest.raises(DataError, match="no manifest"):
        manifests.load(tmp_path)
    work = Counter()
    run_stage("demo", tmp_path, {}, {}, work)
    assert work.made == 1


def test_force_makes_again_and_keeps_the_old_files(tmp_path: Path) -> None:
    """Redoing a stage sets the old result aside; it is not deleted."""
    run_stage("demo", tmp_path, {}, {}, Counter("old"))
    run_stage("demo", tmp_path, {}, {}, Counter("new"), force=True)
    assert (tmp_path / "out.txt").read_text() == "new"
    assert [path.read_text() for path in tmp_path.glob(".replaced-*/out.txt")] == ["old"]


def test_the_digest_depends_on_bytes_not_on_time_or_place(tmp_path: Path) -> None:
    """Equal results in two folders are equal to every later stage."""
    one = run_stage("demo", tmp_path / "1", {}, {}, Counter())
    two = run_stage("demo", tmp_path / "2", {}, {}, Counter())
    other = run_stage("demo", tmp_path / "3", {}, {}, Counter("x"))
    assert one.digest == two.digest != other.digest


@pytest.mark.parametrize("damage", [b"", b"{", b'{"stage": "demo"}', b"\xff\xfe"])
def test_a_damaged_manifest_is_an_error_with_its_path(tmp_path: Path, damage: bytes) -> None:
    """Never a bare decode error."""
    run_stage("demo", tmp_path, {}, {}, Counter())
    (tmp_path / "manifest.json").write_bytes(damage)
    with pytest.raises(DataError, match=r"manifest\.json"):
        manifests.load(tmp_path)
