"""Run one stage: reuse a committed result, or make it under a lock and commit it.

The only place that knows fingerprints, locks and manifests; a stage itself is a function that
writes files into a folder and says what it made.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import identity_ops
from identity_ops.errors import ConfigError
from identity_ops.store import manifest as manifests
from identity_ops.store.lock import hold
from identity_ops.store.manifest import Manifest

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a stage made. `files` are relative to its folder."""

    files: list[str]
    counts: dict[str, int] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)
    cost_usd: float = 0.0


def fingerprint(stage: str, config: Mapping[str, Any], inputs: Mapping[str, str]) -> str:
    """Hash of all that decides a stage's result: no times, no run id, no path."""
    return manifests.canonical_hash([stage, manifests.SCHEMA_VERSION, dict(config), dict(inputs)])


def run_stage(
    stage: str,
    folder: Path,
    config: Mapping[str, Any],
    inputs: Mapping[str, str],
    work: Callable[[Path], Outcome],
    *,
    force: bool = False,
    wait_s: float = 3600.0,
) -> Manifest:
    """The manifest of `stage` in `folder`, made now or found there.

    Args:
        config: JSON-able settings that decide the result (and nothing that does not).
        inputs: name -> digest of each input.
        work: gets `folder`, may find its own unfinished files there and go on from them.
        force: make it again although it is committed.
        wait_s: how long to wait for another process that is making the same.

    Raises:
        ConfigError: the folder holds a result of another configuration.
        BusyError: another process is still at it after `wait_s`.
    """
    key = fingerprint(stage, config, inputs)
    with hold(folder / ".lock", wait_s=wait_s):
        if (folder / manifests.FILE_NAME).exists():
            found = manifests.load(folder, verify=not force)
            if found.fingerprint != key:
                raise ConfigError(
                    f"the folder holds another {found.stage} result",
                    where=folder,
                    expected=f"fingerprint {key[:12]}",
                    got=found.fingerprint[:12],
                    todo="Choose another folder, or delete this one.",
                )
            if not force:
                log.info("%s: reusing %s", stage, folder)
                return found
            set_aside(folder)
        return _make(stage, folder, key, config, inputs, work)


def set_aside(folder: Path) -> None:
    """Move a result out of the way: what was paid for or trained is never deleted."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
    aside = folder / f".replaced-{stamp}"
    aside.mkdir()
    (folder / manifests.FILE_NAME).rename(aside / manifests.FILE_NAME)  # first: no half result
    for entry in folder.iterdir():
        if not entry.name.startswith("."):
            entry.rename(aside / entry.name)


def _make(
    stage: str,
    folder: Path,
    key: str,
    config: Mapping[str, Any],
    inputs: Mapping[str, str],
    work: Callable[[Path], Outcome],
) -> Manifest:
    started, clock = datetime.now(UTC), time.monotonic()
    outcome = work(folder)
    manifest = Manifest(
        stage=stage,
        fingerprint=key,
        config=dict(config),
        inputs=dict(inputs),
        files=manifests.describe_files(folder, outcome.files),
        counts=outcome.counts,
        figures=outcome.figures,
        cost_usd=outcome.cost_usd,
        started_at=started.isoformat(timespec="seconds"),
        seconds=round(time.monotonic() - clock, 3),
        code_version=identity_ops.__version__,
    )
    manifests.save(folder, manifest)
    log.info("%s: committed %s in %.1f s", stage, folder, manifest.seconds)
    return manifest
