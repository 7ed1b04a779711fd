"""Checkpoints to resume from: complete or not there at all.

DeepSpeed writes one file a rank and a `latest` file before all of them are certain to exist, so
its own account is not used. Here a snapshot is a folder that gets its final name only after every
rank has written, every file is on disk, and a manifest lists each with its sha256. The last two
are kept; one that does not match its manifest is passed over for the one before.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from pathlib import Path
from typing import Any

import torch.distributed as dist

from identity_ops.errors import CorruptError
from identity_ops.store import manifest as manifests
from identity_ops.store.publish import fsync_folder, write_atomic

log = logging.getLogger(__name__)
KEEP = 2
SHARDS = "shards"
LIST = "snapshot.json"


def save(engine: Any, folder: Path, step: int, state: dict[str, Any]) -> None:
    """Write the snapshot of `step`; all ranks call it.

    Args:
        engine: DeepSpeed's.
        state: what is needed beside weights and optimizer; JSON-able.
    """
    building = folder / f".building-{step:08d}"
    if dist.get_rank() == 0 and building.exists():
        shutil.rmtree(building)
    dist.barrier()
    engine.save_checkpoint(
        str(building), tag=SHARDS, client_state={"run": state}, save_latest=False
    )
    dist.barrier()
    if dist.get_rank() == 0:
        _commit(building, folder / f"step-{step:08d}", step, state)
        _prune(folder)
    dist.barrier()


def _commit(building: Path, final: Path, step: int, state: dict[str, Any]) -> None:
    entries = []
    for path in sorted(path for path in building.rglob("*") if path.is_file()):
        with path.open("rb") as handle:
            os.fsync(handle.fileno())
        entries.append([str(path.relative_to(building)), manifests.file_hash(path)])
    write_atomic(building / LIST, json.dumps({"step": step, "files": entries, **state}, indent=1))
    fsync_folder(building / SHARDS)
    if final.exists():
        shutil.rmtree(final)
    os.replace(building, final)
    fsync_folder(final.parent)


def _prune(folder: Path) -> None:
    for old in sorted(folder.glob("step-*"))[:-KEEP]:
        shutil.rmtree(old)


def newest(folder: Path) -> Path | None:
    """The newest snapshot whose bytes are what its manifest says, or None."""
    for path in sorted(folder.glob("step-*"), reverse=True):
        try:
            verify(path)
        except CorruptError as error:
            log.warning("passing over a damaged checkpoint: %s", error)
        else:
            return path
    return None


def verify(path: Path) -> dict[str, Any]:
    """What the snapshot's manifest says.

    Raises:
        CorruptError: no manifest, or a file missing or changed.
    """
    try:
        listed: dict[str, Any] = json.loads((path / LIST).read_bytes())
        wrong = [
            name for name, digest in listed["files"] if manifests.file_hash(path / name) != digest
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorruptError(f"incomplete checkpoint: {error}", where=path) from error
    if wrong:
        raise CorruptError("checkpoint differs from its manifest", where=path, got=wrong[0])
    return listed


def load(engine: Any, path: Path) -> dict[str, Any]:
    """Restore engine and optimizer from a verified snapshot; returns its `state`."""
    _, client = engine.load_checkpoint(str(path), tag=SHARDS)
    state: dict[str, Any] = client["run"]
    return state
