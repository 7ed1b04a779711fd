"""What decides a free result: the files of code, and the tables they read."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from identity_ops.store.sources import source_digest


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / f"planted_{uuid.uuid4().hex}"  # an imported one would be remembered
    folder.mkdir()
    for name in ("__init__.py", "frames.py", "frames.yaml", "other.py", "other.txt"):
        (folder / name).write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    return folder


@pytest.mark.parametrize(
    ("changed", "module", "package_too"),
    [("frames.py", True, True), ("frames.yaml", True, True), ("other.txt", False, True)],
)
def test_a_changed_file_changes_the_digest(
    package: Path, changed: str, module: bool, package_too: bool
) -> None:
    """A module stands for itself and the table of its name; a package for all that it holds."""
    names = (f"{package.name}.frames", package.name)
    before = [source_digest(name) for name in names]
    (package / changed).write_text("# new")
    after = [source_digest(name) for name in names]
    assert [a != b for a, b in zip(before, after, strict=True)] == [module, package_too]


def test_an_unknown_module_is_an_error() -> None:
    with pytest.raises(ModuleNotFoundError, match="nowhere"):
        source_digest("nowhere")
