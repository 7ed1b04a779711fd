"""What the form may offer is what is there, and nothing else is hindered by it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from identity_ops.choices import MOST, choices
from identity_ops.regenerate import knowledge_state
from identity_ops.store import manifest as manifests
from identity_ops.store.paths import Home
from tests.a_run import commit


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("IDENTITY_ALLOWED_ROOTS", str(tmp_path))
    return tmp_path


def _touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def _rename(folder: Path, name: str) -> None:
    """Give a committed version the name it was published under."""
    found = manifests.load(folder, verify=False)
    manifests.save(folder, found.model_copy(update={"config": {"name": name}}))


def test_knowledge_bases_are_named_as_a_parameter_names_them(root: Path) -> None:
    """Relative to knowledge/ there, in full elsewhere; a README is none."""
    _touch(root / "mine.md")
    _touch(root / "README.md")
    found = choices(Home(root / "home"))["knowledge"]
    assert {"self_knowledge.md", "examples/smarternano.md", str(root / "mine.md")} <= set(found)
    assert not [name for name in found if name.endswith("README.md")]


def test_bases_are_found_in_both_layouts(root: Path) -> None:
    """nanochat's with its parent, transformers' as saved; another folder is none."""
    _touch(root / "base_checkpoints" / "d12" / "model_000100.pt")
    _touch(root / "Smol" / "config.json")
    _touch(root / "Smol" / "model.safetensors")
    _touch(root / "notes" / "config.json")
    assert choices(Home(root / "home"))["base_model"] == [
        f"hf:{root / 'Smol'}", f"nanochat:{root / 'base_checkpoints' / 'd12'}",
    ]  # fmt: skip


def test_a_name_that_is_no_text_is_left_out(root: Path) -> None:
    """File systems take any bytes; one such file would make the DAG unreadable for everybody."""
    for name in (b"\xff.md", b"two\nlines.md", b"\xff/model_000100.pt"):
        _touch(root / os.fsdecode(name))
    assert not [
        name for names in choices(Home(root)).values() for name in names if root.name in name
    ]
    assert not [path for path in knowledge_state() if root.name in path]


def test_published_names_are_offered_and_the_list_ends_somewhere(root: Path) -> None:
    home = Home(root)
    for number in range(MOST + 5):
        folder = home.model(f"Model {number:03}", "v0001-0123abcd")
        commit(folder, "publish", {"model.pt": "weights"})
        _rename(folder, f"Model {number:03}")
    _touch(home.model("torn", "v0001-0123abcd") / "manifest.json")
    found = choices(home)["publish_as"]
    assert len(found) == MOST
    assert found[0] == "Model 000"


def test_nothing_there_is_no_error(root: Path) -> None:
    """A parse of the DAG must never fail for a missing folder."""
    found = choices(Home(root / "gone"))
    assert (found["base_model"], found["publish_as"]) == ([], [])
