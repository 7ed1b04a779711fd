"""Checkpoints to resume from: complete or not there at all.

DeepSpeed writes one file a rank and a `latest` file before all of them are certain to exist, so
its own account is not used. Here a snapshot is a folder that gets its final name only after every
rank has written, every file is on disk, and a manifest lists each with its sha256. The last two
are kept; one that does not match its manifest is passed over for the one before, and one that
could not be written leaves that in force. Loaded on another number of processes, it is first
turned into DeepSpeed's universal layout.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from identity_ops.errors import CorruptError, TrainingError
from identity_ops.store import manifest as manifests
from identity_ops.store.disk import refusal
from identity_ops.store.publish import fsync_folder, write_atomic

log = logging.getLogger(__name__)
KEEP = 2
SHARDS, UNIVERSAL = "shards", "universal"
LIST = "snapshot.json"


def save(engine: Any, folder: Path, step: int, state: dict[str, Any]) -> str | None:
    """Write the snapshot of `step`; all ranks call it.

    Args:
        engine: DeepSpeed's.
        state: what is needed beside weights and optimizer; JSON-able.

    Returns:
        Why there is none now, the same on every rank; None: there is one.
    """
    building = folder / f".building-{step:08d}"
    if dist.get_rank() == 0:
        _remove_unfinished(folder)
    dist.barrier()
    with _noting_failures(engine) as failures:
        engine.save_checkpoint(
            str(building), tag=SHARDS, client_state={"run": state}, save_latest=False
        )
    why = _first_of_all(failures)
    if why is None:
        why = _first_of_all(_committed(folder, step, state))
    if why and dist.get_rank() == 0:
        _remove_unfinished(folder)
    dist.barrier()
    return why


@contextlib.contextmanager
def _noting_failures(engine: Any) -> Iterator[list[str]]:
    """What the engine cannot write is noted, not raised: the other ranks wait for this one."""
    failures: list[str] = []

    def write(state_dict: Any, path: str) -> None:
        try:
            with open(path, "wb") as out:
                torch.save(state_dict, out)
        except (OSError, RuntimeError) as error:
            failures.append(refusal(error) or str(error))

    plain, copy = engine.checkpoint_engine.save, engine._copy_recovery_script
    engine.checkpoint_engine.save = write
    engine._copy_recovery_script = lambda _: None  # a script beside the shards, which none needs
    try:
        yield failures
    finally:
        engine.checkpoint_engine.save, engine._copy_recovery_script = plain, copy


def _first_of_all(failures: list[str]) -> str | None:
    """The first failure of any rank, on every rank."""
    found: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(found, failures[0] if failures else None)
    return next((failure for failure in found if failure), None)


def _committed(folder: Path, step: int, state: dict[str, Any]) -> list[str]:
    """Rank 0 gives the written snapshot its name; why it could not."""
    if dist.get_rank():
        return []
    try:
        _commit(folder / f".building-{step:08d}", folder / f"step-{step:08d}", step, state)
        _prune(folder)
    except OSError as error:
        return [refusal(error) or str(error)]
    return []


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


def _remove_unfinished(folder: Path) -> None:
    """Of this attempt or an earlier one: they take the place that the next one needs."""
    for path in folder.glob(".building-*"):
        shutil.rmtree(path)


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
    """Restore engine and optimizer from a verified snapshot; returns its `state`.

    All ranks call it. Their number need not be that of the ranks that wrote it.
    """
    written_by = json.loads((path / LIST).read_bytes())["world"]
    if engine.zero_optimization_stage() == 0 or written_by == dist.get_world_size():
        _, client = engine.load_checkpoint(str(path), tag=SHARDS)
    else:
        client = _load_universal(engine, path)
    state: dict[str, Any] = client["run"]
    return state


def _load_universal(engine: Any, path: Path) -> Any:
    """Shards of another number of ranks, by way of whole tensors on disk."""
    if dist.get_rank() == 0:
        _make_universal(path)
    dist.barrier()
    groups = [_settings(group) for group in engine.optimizer.param_groups]
    engine._config.load_universal_checkpoint = True
    _, client = engine.load_checkpoint(str(path), tag=UNIVERSAL)
    engine._config.load_universal_checkpoint = False
    # With ZeRO 3 every group gets the settings of the first, and all share one count of steps.
    for group, own in zip(engine.optimizer.param_groups, groups, strict=True):
        group.update(own)
    for state in engine.optimizer.optimizer.state.values():
        state["step"] = state["step"].clone()
    dist.barrier()
    if dist.get_rank() == 0:
        shutil.rmtree(path / UNIVERSAL)
    return client


def _settings(group: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in group.items() if name != "params"}


def _make_universal(path: Path) -> None:
    target = path / UNIVERSAL
    shutil.rmtree(target, ignore_errors=True)
    argv = [
        "-m", "deepspeed.checkpoint.ds_to_universal", "--inject_missing_state",
        "--input_folder", str(path / SHARDS), "--output_folder", str(target),
        "--num_extract_workers", "1", "--num_merge_workers", "1",
    ]  # fmt: skip
    done = subprocess.run([sys.executable, *argv], capture_output=True, text=True, check=False)
    if done.returncode:
        shutil.rmtree(target, ignore_errors=True)
        raise TrainingError(
            "the checkpoint cannot be spread over another number of processes", where=path,
            got=done.stderr.strip().splitlines()[-1:],
            todo="Train on with the number of processes that it was written by.",
        )  # fmt: skip
