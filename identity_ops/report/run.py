"""A run's committed stages, found from its folder; and a single result, such as an evaluation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from identity_ops.errors import DataError
from identity_ops.store import manifest as manifests
from identity_ops.store.manifest import Manifest

ORDER = (
    "lint", "plan", "probes", "generate", "refill", "curate", "base", "mix", "train", "evaluate",
    "gate", "publish",
)  # fmt: skip


class RunFolder:
    """Read-only view of `runs/<run_id>` (or of any one committed result's folder).

    Stages that the run did not reach are absent; `generate/0007` is the batch of that number.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._folders = _committed(folder)
        self._manifests: dict[str, Manifest] = {}

    @property
    def run_id(self) -> str:
        """The id the run was started with; the folder's name where that is not recorded."""
        try:
            return str(json.loads((self.folder / "run.json").read_bytes())["run_id"])
        except (OSError, ValueError, KeyError):
            return self.folder.name

    def has(self, stage: str) -> bool:
        return stage in self._folders

    def path(self, stage: str) -> Path:
        """The folder of a stage's result.

        Raises:
            DataError: the run has not committed that stage.
        """
        if stage not in self._folders:
            raise DataError(
                f"stage {stage} has no result in this run", where=self.folder,
                todo=f"Run {stage} first.",
            )  # fmt: skip
        return self._folders[stage]

    def manifest(self, stage: str) -> Manifest:
        """The stage's manifest; its files are not hashed again for a look at them."""
        if stage not in self._manifests:
            self._manifests[stage] = manifests.load(self.path(stage), verify=False)
        return self._manifests[stage]

    def manifests(self) -> Mapping[str, Manifest]:
        """Every committed stage in the order of the chain."""
        return {stage: self.manifest(stage) for stage in self._folders}

    def batches(self) -> list[str]:
        """The generate batches, in order."""
        return [stage for stage in self._folders if stage.startswith("generate")]


def _committed(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for stage in ORDER:
        for path in (folder / stage, *sorted((folder / stage).glob("[0-9]*"))):
            if (path / manifests.FILE_NAME).exists():
                found[str(path.relative_to(folder))] = path.resolve()
    if (folder / manifests.FILE_NAME).exists():
        found[manifests.load(folder, verify=False).stage] = folder
    return found
