"""Where the results of one run are: found, made or reused, and pointed at.

Results are shared by all runs of a state folder, each named after what decided it;
`runs/<run_id>/<stage>` points to the one that the run used.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, TypedDict

from identity_ops.errors import DataError
from identity_ops.store import manifest as manifests
from identity_ops.store.depot import depot_of
from identity_ops.store.manifest import Manifest
from identity_ops.store.paths import Home
from identity_ops.store.stage import fingerprint


class Ref(TypedDict):
    """What travels between tasks: where a result is, what it is, and how much. No data."""

    manifest: str
    digest: str
    counts: dict[str, int]


class RunResults:
    """The committed results of one run.

    Args:
        run_id: names its folder.
        home: the state folder.
        forced: stages that are made anew where this run has not made them yet.
    """

    def __init__(self, run_id: str, home: Home, forced: Collection[str] = ()) -> None:
        self.run_id, self.home, self.forced = run_id, home, forced
        self.depot = depot_of(home)

    @property
    def folder(self) -> Path:
        return self.home.run(self.run_id)

    def path(self, stage: str) -> Path:
        """The folder of a stage's committed result.

        Raises:
            DataError: the run has not committed that stage.
        """
        link = self.folder / stage
        self.depot.find(link)
        if not (link / manifests.FILE_NAME).exists():
            raise DataError(
                f"stage {stage} has no result in this run", where=self.folder,
                todo=f"Run {stage} first.",
            )  # fmt: skip
        return link.resolve()

    def manifest(self, stage: str) -> Manifest:
        """The manifest of a stage of this run."""
        return manifests.load(self.path(stage), verify=False)

    def _digest(self, stage: str) -> str:
        return self.manifest(stage).digest

    def _stage(
        self,
        stage: str,
        key: Mapping[str, Any],
        inputs: Mapping[str, str],
        make: Callable[[Path, bool], Manifest],
    ) -> Ref:
        """Make or reuse the result, and point the run at it."""
        out = self.home.result(stage.split("/")[0], fingerprint(stage, key, inputs))
        link = self.folder / stage
        redo = stage.split("/")[0] in self.forced and not link.is_symlink()
        with self.depot.making(out):
            make(out, redo)
        manifest = manifests.load(out, verify=False)
        self.depot.point(link, out)
        return {
            "manifest": str(out / manifests.FILE_NAME),
            "digest": manifest.digest,
            "counts": manifest.counts,
        }


def digest_of(folder: Path) -> str:
    """The digest of a committed result."""
    return manifests.load(folder, verify=False).digest
