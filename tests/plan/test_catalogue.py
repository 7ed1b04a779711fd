"""The catalogue file: what it must hold, and how its mistakes are named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from identity_ops.catalogue import DEFAULT, read_catalogue
from identity_ops.errors import ConfigError


def _edited(folder: Path, **changes: Any) -> Path:
    data = yaml.safe_load(DEFAULT.read_text())
    data.update(changes)
    path = folder / "catalogue.yaml"
    path.write_text(yaml.safe_dump(data))
    return path


def test_unknown_key_is_refused_by_name(tmp_path: Path) -> None:
    """A misspelt section is named, not ignored."""
    with pytest.raises(ConfigError, match=r"catalogue\.yaml.*personnas"):
        read_catalogue(_edited(tmp_path, personnas=["a"]))


def test_place_of_a_wrong_entry_is_named(tmp_path: Path) -> None:
    """A dynamic with an odd number of messages is named with its place."""
    dynamics = [{"text": "fine", "turns": [2]}, {"text": "odd", "turns": [3]}]
    with pytest.raises(ConfigError, match=r"dynamics\.1\.turns.*got 3"):
        read_catalogue(_edited(tmp_path, dynamics=dynamics))


@pytest.mark.parametrize("opener", ["hi {bot}", "hi {name", "hi {}", "hi {0}"])
def test_wrong_slot_is_refused(tmp_path: Path, opener: str) -> None:
    """An opener with a slot that does not exist fails before any plan is drawn."""
    with pytest.raises(ConfigError, match="openers"):
        read_catalogue(_edited(tmp_path, openers=[{"group": "g", "openers": [opener]}]))


def test_missing_kind_is_named(tmp_path: Path) -> None:
    """A catalogue without ordinary requests would train over-identity; it is refused."""
    topics = [t for t in yaml.safe_load(DEFAULT.read_text())["topics"] if t["kind"] != "ordinary"]
    with pytest.raises(ConfigError, match="no topic group of kind ordinary"):
        read_catalogue(_edited(tmp_path, topics=topics))


@pytest.mark.parametrize(
    "content", [b"", b"topics: [", b"\xff\xfe", b"- a", b"just text", b"a: !!python/x 1"]
)
def test_broken_file_is_a_clear_error(tmp_path: Path, content: bytes) -> None:
    """Whatever stands in the file, the error names the file and is a ConfigError."""
    path = tmp_path / "catalogue.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"catalogue\.yaml"):
        read_catalogue(path)


def test_missing_file_is_a_clear_error(tmp_path: Path) -> None:
    """A path that is not there is named."""
    with pytest.raises(ConfigError, match="nowhere"):
        read_catalogue(tmp_path / "nowhere.yaml")


def test_shipped_catalogue_is_rich_enough() -> None:
    """At least 9 groups with 58 topics, 12 personas, 10 dynamics, 8 opener groups with 120."""
    found = read_catalogue()
    assert len(found.topics) >= 9
    assert sum(len(group.topics) for group in found.topics) >= 58
    assert len(found.personas) >= 12
    assert len(found.dynamics) >= 10
    assert len(found.openers) >= 8
    assert sum(len(group.openers) for group in found.openers) >= 120


def test_shipped_openers_are_ascii() -> None:
    """Foreign openers are romanised."""
    assert all(opener.isascii() for group in read_catalogue().openers for opener in group.openers)
