"""No name and no path leaves the folders it may use."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity_ops.errors import PathError
from identity_ops.store.paths import Home, inside, safe_component


@given(st.text())
def test_any_name_becomes_one_harmless_component(name: str) -> None:
    """No separator, no dot-dot, no NUL, never empty, never hidden."""
    component = safe_component(name)
    assert component
    assert not component.startswith(".")
    assert Path(component).name == component
    assert "\0" not in component


def test_names_that_differ_only_in_forbidden_characters_stay_apart() -> None:
    """Two runs never share a folder."""
    assert safe_component("a:b") != safe_component("a/b") != safe_component("a-b")


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x", "link/x", "nul\0"])
def test_a_path_outside_is_refused(tmp_path: Path, path: str) -> None:
    """Dot-dot, absolute, symlink and NUL all fail."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(tmp_path)
    with pytest.raises(PathError):
        inside(path, [root])


def test_a_path_in_a_second_root_is_allowed(tmp_path: Path) -> None:
    """Absolute paths are fine inside any allowed root."""
    first, second = tmp_path / "a", tmp_path / "b"
    first.mkdir()
    second.mkdir()
    assert inside(second / "x", [first, second]) == second / "x"


def test_run_ids_with_colons_and_pluses_are_safe(tmp_path: Path) -> None:
    """Airflow's own run ids become one folder below runs/."""
    home = Home(tmp_path)
    folder = home.run("manual__2026-01-02T03:04:05+00:00", "train")
    assert folder.parent.parent == tmp_path / "runs"


@pytest.mark.parametrize("path", ["x" * 300, "a/" * 1000, "é" * 200])
def test_a_path_that_no_file_system_takes_is_refused(tmp_path: Path, path: str) -> None:
    """With a message, not with what the operating system says when it is opened."""
    with pytest.raises(PathError, match="knowledge is too long"):
        inside(path, [tmp_path], "knowledge")
