"""deploy/modal_app.py, without Modal: its configuration, the training step, and both transfers."""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import IO, Any

import modal
import pytest

from identity_ops.errors import CorruptError
from identity_ops.store import manifest as manifests
from tests.a_run import commit
from tests.training.small import RECIPE, small_base, small_rows, write_mixture

ROOT = Path(__file__).resolve().parents[2]
OPTIONS = ["--zero-stage", "1", "--num-processes", "1"]


@pytest.fixture(scope="module")
def deployed() -> ModuleType:
    """The module, loaded from its path as `modal run` does."""
    path = ROOT / "deploy" / "modal_app.py"
    spec = importlib.util.spec_from_file_location("modal_app", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True, slots=True)
class FolderVolume:
    """A volume on this disk; each call must fit the signature of Modal's own."""

    root: Path

    @contextlib.contextmanager
    def batch_upload(self, force: bool = False) -> Iterator[FolderVolume]:
        _fits(modal.Volume.batch_upload, force=force)
        yield self

    def put_file(self, local_file: str, remote_path: str) -> None:
        path = self.root / remote_path
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(local_file, path)

    def listdir(self, path: str) -> list[Any]:
        _fits(modal.Volume.listdir, path)
        if not (self.root / path).is_dir():
            raise modal.exception.NotFoundError(path)
        return [_Entry(str(entry.relative_to(self.root)))
                for entry in (self.root / path).iterdir()]  # fmt: skip

    def read_file(self, path: str) -> Iterator[bytes]:
        _fits(modal.Volume.read_file, path)
        yield (self.root / path).read_bytes()

    def read_file_into_fileobj(self, path: str, fileobj: IO[bytes]) -> int:
        _fits(modal.Volume.read_file_into_fileobj, path, fileobj)
        return fileobj.write((self.root / path).read_bytes())


@dataclass(frozen=True, slots=True)
class _Entry:
    path: str


def _fits(method: Any, *args: Any, **kwargs: Any) -> None:
    inspect.signature(method).bind(None, *args, **kwargs)


def test_modal_accepts_the_function_and_the_entry_point(deployed: ModuleType) -> None:
    """`modal run deploy/modal_app.py` needs no name where there is one entry point."""
    assert isinstance(deployed.train, modal.Function)
    points = [
        each for each in vars(deployed).values() if isinstance(each, modal.app.LocalEntrypoint)
    ]
    assert points == [deployed.main]
    assert list(inspect.signature(deployed.main.info.raw_f).parameters)[:3] == [
        "mixture", "base", "out",
    ]  # fmt: skip


def test_the_function_has_a_gpu_the_volume_and_no_secret(deployed: ModuleType) -> None:
    """No key leaves this machine; what is trained outlives the container."""
    spec = deployed.train._spec_
    assert spec.gpus == deployed.GPU == "H100"
    assert 1 <= deployed.HOURS <= 24  # what Modal allows
    assert {path: each.name for path, each in spec.volumes.items()} == {"/state": "identity-ops"}
    assert not spec.secrets


def test_the_image_brings_what_training_imports(deployed: ModuleType) -> None:
    """Every part that is copied exists, and nothing else of the checkout goes up."""
    assert all((ROOT / part).exists() for part in deployed.PARTS)
    assert not {"knowledge", "var", ".env", "tests"} & set(deployed.PARTS)


@pytest.mark.parametrize(("gpu", "count"), [("H100", 1), ("H100:2", 2), ("A100-80GB:8", 8)])
def test_one_process_for_each_gpu(deployed: ModuleType, gpu: str, count: int) -> None:
    assert deployed.gpu_count(gpu) == count


def test_the_same_inputs_and_options_are_the_same_job(deployed: ModuleType, tmp_path: Path) -> None:
    """So a command given twice resumes, and another one does not meet its checkpoints."""
    mix, base = tmp_path / "mix", tmp_path / "base"
    commit(mix, "mix", {"train.parquet": "rows"})
    commit(base, "base", {"model.pt": "weights"})
    assert deployed.job_of(mix, base, OPTIONS) == deployed.job_of(mix, base, OPTIONS)
    assert deployed.job_of(mix, base, OPTIONS) != deployed.job_of(mix, base, [])


def test_a_result_goes_up_and_comes_back_whole(deployed: ModuleType, tmp_path: Path) -> None:
    """Only what the manifest lists, folders included."""
    volume = FolderVolume(tmp_path / "volume")
    sent = commit(tmp_path / "out", "train", {"tokenizer/t.pkl": "tokens", "model.pt": "weights"})
    (tmp_path / "out" / ".train.log").write_text("not listed")
    deployed.upload(volume, tmp_path / "out", "job/out")
    assert not (volume.root / "job" / "out" / ".train.log").exists()
    deployed.download(volume, "job/out", tmp_path / "back")
    assert manifests.load(tmp_path / "back") == sent


def test_what_is_there_is_not_sent_again(deployed: ModuleType, tmp_path: Path) -> None:
    """A base is gigabytes."""
    volume = FolderVolume(tmp_path / "volume")
    commit(tmp_path / "base", "base", {"model.pt": "weights"})
    deployed.upload(volume, tmp_path / "base", "job/base")
    there = volume.root / "job" / "base" / "model.pt"
    there.write_text("untouched")
    deployed.upload(volume, tmp_path / "base", "job/base")
    assert there.read_text() == "untouched"


def test_a_damaged_file_is_no_model(deployed: ModuleType, tmp_path: Path) -> None:
    """Found on arrival, and without a manifest the folder is no result."""
    volume = FolderVolume(tmp_path / "volume")
    commit(tmp_path / "out", "train", {"model.pt": "weights"})
    deployed.upload(volume, tmp_path / "out", "job/out")
    (volume.root / "job" / "out" / "model.pt").write_text("weighty")
    with pytest.raises(CorruptError):
        deployed.download(volume, "job/out", tmp_path / "back")
    assert not (tmp_path / "back" / manifests.FILE_NAME).exists()


@pytest.mark.long
def test_the_remote_step_trains(
    deployed: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the rented machine runs, from an uploaded mixture and base and its part of the code."""
    monkeypatch.setenv("IDENTITY_HOME", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(_copied(deployed, tmp_path / "source")))
    monkeypatch.chdir(tmp_path)
    rng = random.Random("modal")
    small_base(tmp_path / "job" / "base")
    write_mixture(tmp_path / "job" / "mix", small_rows(60, 40, rng), small_rows(6, 6, rng))
    recipe = tmp_path / "small.toml"
    recipe.write_text(RECIPE)
    deployed.fine_tune(tmp_path / "job", [*OPTIONS, "--recipe", str(recipe), "--epochs", "1"])
    made = manifests.load(tmp_path / "job" / "out")
    assert made.stage == "train"
    assert made.figures["steps"] > 0


def _copied(deployed: ModuleType, to: Path) -> Path:
    """Of the checkout, what the image has."""
    to.mkdir()
    for part in deployed.PARTS:
        source = ROOT / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, to / part)
    return to
