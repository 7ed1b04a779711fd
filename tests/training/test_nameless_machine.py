"""Training where the machine's own name cannot be looked up, as in some containers and offline."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from identity_ops.store import manifest as manifests

RENAMED = 'hostname nowhere.invalid && exec "$@"'


def _renamed(*argv: str) -> list[str]:
    """The command on a machine of that name, in a namespace of its own."""
    return ["unshare", "--uts", "sh", "-c", RENAMED, "sh", *argv]


@pytest.fixture
def may_rename() -> None:
    try:
        subprocess.run(_renamed("true"), check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("only root may rename the machine for a child")


@pytest.mark.slow
@pytest.mark.usefixtures("may_rename")
def test_two_processes_find_each_other(
    base: Path, mixture: Path, recipe: Path, tmp_path: Path
) -> None:
    """Over loopback, which needs no name."""
    told = ["--mixture", str(mixture), "--base", str(base), "--recipe", str(recipe)]
    argv = [sys.executable, "-m", "identity_ops", "train", *told, "--out", str(tmp_path / "out")]
    done = subprocess.run(
        _renamed(*argv, "--num-processes", "2"),
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert manifests.load(tmp_path / "out").figures["num_processes"] == 2
