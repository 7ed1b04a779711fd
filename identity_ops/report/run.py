"""A run's committed stages, found from its folder; and a single result, such as an evaluation."""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from identity_ops.errors import DataError
from identity_ops.store import manifest as manifests
from identity_ops.store.manifest import Manifest

ORDER = (
    "lint", "plan", "probes", "generate", "refill", "curate", "base", "mix", "train", "control_mix",
    "control", "evaluate", "judge", "gate", "publish",
)  # fmt: skip


UNDER_WAY = "training"  # link in a run's folder to the training that it has begun
MANY = 10**6  # more than there are rounds
OF_A_ROUND = ("curate", "mix", "train", "evaluate")  # each round has its own


class RunFolder:
    """Read-only view of `runs/<run_id>` (or of any one committed result's folder).

    Stages that the run did not reach are absent; `generate/0007` is the batch of that number.
    Where there were further rounds, `train`, `evaluate` and the others OF_A_ROUND are those of the
    last finished one; `round-1/train` is an earlier one's, `round-2/refill` a further one's.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._folders = _committed(folder)
        self._manifests: dict[str, Manifest] = {}

    @property
    def run_id(self) -> str:
        """The id the run was started with; the folder's name where that is not recorded."""
        return str(self._started.get("run_id", self.folder.name))

    @property
    def conf(self) -> dict[str, Any]:
        """The parameters the run was started with; empty where they are not recorded."""
        found: dict[str, Any] = self._started.get("conf", {})
        return found

    @functools.cached_property
    def _started(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads((self.folder / "run.json").read_bytes())
        except (OSError, ValueError):
            return {}
        return found

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
        """The generate batches of all rounds, in order."""
        return [stage for stage in self._folders if "generate" in stage]

    def refills(self) -> list[str]:
        """The final sets of conversations of all rounds, in order."""
        return [stage for stage in self._folders if stage.endswith("refill")]

    def evaluations(self) -> list[str]:
        """The evaluation of each round, in order."""
        return [*(s for s in self._folders if s.endswith("/evaluate")), "evaluate"]


def _committed(folder: Path) -> dict[str, Path]:
    rounds = [_stages(folder), *_further(folder)]
    found: dict[str, Path] = {}
    for number, stages in enumerate(rounds, start=1):
        for stage, path in stages.items():
            current = number == len(rounds) and stage in OF_A_ROUND
            is_plain = current or (number == 1 and (len(rounds) == 1 or stage not in OF_A_ROUND))
            found[stage if is_plain else f"round-{number}/{stage}"] = path
    if (folder / manifests.FILE_NAME).exists():
        found[manifests.load(folder, verify=False).stage] = folder
    return dict(sorted(found.items(), key=lambda item: _order(item[0])))


def _further(folder: Path) -> list[dict[str, Path]]:
    """The stages of each finished further round."""
    found: list[dict[str, Path]] = []
    for number in itertools.count(2):
        stages = _stages(folder / "rounds" / str(number))
        if "evaluate" not in stages:
            return found
        found.append(stages)
    return found


def _stages(folder: Path) -> dict[str, Path]:
    return {
        str(path.relative_to(folder)): path.resolve()
        for stage in ORDER
        for path in (folder / stage, *sorted((folder / stage).glob("[0-9]*")))
        if (path / manifests.FILE_NAME).exists()
    }


def _order(stage: str) -> tuple[int, int, str]:
    """In the order of the chain, and of the rounds in each stage; the last round's are plain."""
    head, _, rest = stage.partition("/")
    number, name = (int(head[6:]), rest) if head.startswith("round-") else (0, stage)
    kind = name.partition("/")[0]
    if number == 0 and kind in OF_A_ROUND:
        number = MANY
    return ORDER.index(kind) if kind in ORDER else len(ORDER), number, name
