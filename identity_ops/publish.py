"""Publishing: an immutable version of a model, with its lineage, card and report.

models/<name>/
  v0001-1a2b3c4d/   the model's files, README.md, report.html, lineage.json, manifest.json
  latest            a text file: the newest version's folder name

The digest in the name is the model's, so publishing the same model twice gives the same version.
Files are hard-linked where the file system allows it. Everything is made in a dot-folder and
renamed, under a lock that dies with its process: a reader sees a whole version or none.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import identity_ops
from identity_ops.errors import DataError
from identity_ops.gate import require_pass
from identity_ops.report.card import model_card
from identity_ops.report.page import write_report
from identity_ops.report.run import RunFolder
from identity_ops.store import manifest as manifests
from identity_ops.store.lock import hold
from identity_ops.store.manifest import Manifest
from identity_ops.store.paths import Home
from identity_ops.store.publish import fsync_folder, point, write_atomic
from identity_ops.store.stage import fingerprint

LATEST = "latest"
_VERSION = re.compile(r"v(\d{4,})-([0-9a-f]{8})")


def publish_run(run_folder: Path, home: Home, *, name: str, wait_s: float = 600.0) -> Path:
    """Publish the model of a run whose gate passed; returns the version's folder.

    Raises:
        GateError: the run's gate did not pass.
        DataError: the run has no committed model or gate, or the gate judged another model.
        CorruptError: the model's files changed since training.
        BusyError: another process has been publishing this model for `wait_s` seconds.
    """
    run = RunFolder(run_folder)
    require_pass(run.manifest("gate"))
    model = manifests.load(run.path("train"))
    _require_judged(run, model)
    with hold(home.model(name) / ".lock", wait_s=wait_s):
        folder = _find(home, name, model.digest) or _publish(run, home, name, model)
        write_atomic(home.model(name) / LATEST, versions(home, name)[-1] + "\n")
    point(run_folder / "publish", folder)
    return folder


def versions(home: Home, name: str) -> list[str]:
    """The published versions of a model, oldest first."""
    folder = home.model(name)
    found = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    return sorted(
        (n for n in found if _VERSION.fullmatch(n)), key=lambda n: int(n[1:].split("-")[0])
    )


def latest_model(home: Home, name: str | None = None) -> Path:
    """The folder of the newest version of a model, or of the model published last.

    Raises:
        DataError: nothing is published.
    """
    root = home.root / "models"
    pointers = [home.model(name) / LATEST] if name else sorted(root.glob(f"*/{LATEST}"))
    found = [path for path in pointers if path.is_file()]
    if not found:
        raise DataError(
            f"no published model{f' named {name}' if name else ''}", where=root,
            todo="Run `make run`, or train and publish one.",
        )  # fmt: skip
    newest = max(found, key=lambda path: (path.stat().st_mtime_ns, path.parent.name))
    return newest.parent / newest.read_text(encoding="utf-8").strip()


def lineage(run: RunFolder) -> dict[str, Any]:
    """Every stage that led to the model, by digest, back to the knowledge base."""
    stages: Mapping[str, Manifest] = run.manifests()
    return {
        "run_id": run.run_id,
        "code_version": identity_ops.__version__,
        "stages": {
            stage: {
                "digest": found.digest, "fingerprint": found.fingerprint, "inputs": found.inputs,
                "config": found.config, "counts": found.counts, "cost_usd": found.cost_usd,
                "started_at": found.started_at, "seconds": found.seconds,
                "code_version": found.code_version,
            }
            for stage, found in stages.items()
        },
    }  # fmt: skip


def _require_judged(run: RunFolder, model: Manifest) -> None:
    """The gate's verdict must be about this very model."""
    judged = run.manifest("evaluate")
    of_model = judged.inputs.get("model") == model.digest
    if not of_model or run.manifest("gate").inputs.get("evaluate") != judged.digest:
        raise DataError(
            "the gate judged another model than this run's", where=run.folder,
            todo="Run evaluate and gate again.",
        )  # fmt: skip


def _number(version: str) -> int:
    return int(version[1:].split("-")[0])


def _find(home: Home, name: str, digest: str) -> Path | None:
    for version in versions(home, name):
        if version.endswith(f"-{digest[:8]}"):
            return home.model(name, version)
    return None


def _publish(run: RunFolder, home: Home, name: str, model: Manifest) -> Path:
    number = max(map(_number, versions(home, name)), default=0) + 1
    version = f"v{number:04d}-{model.digest[:8]}"
    making = home.model(name) / f".{version}"
    shutil.rmtree(making, ignore_errors=True)  # what a killed attempt left; we hold the lock
    making.mkdir(parents=True)
    names = [entry.path for entry in model.files]
    for file in names:
        _link(run.path("train") / file, making / file)
    chain = lineage(run)
    write_atomic(making / "lineage.json", json.dumps(chain, ensure_ascii=False, indent=2) + "\n")
    write_atomic(making / "README.md", model_card(run, name=name, version=version))
    write_report(run.folder, making / "report.html")
    _commit(making, run, name, model, [*names, "lineage.json", "README.md", "report.html"])
    os.replace(making, home.model(name, version))
    fsync_folder(home.model(name))
    return home.model(name, version)


def _commit(folder: Path, run: RunFolder, name: str, model: Manifest, names: list[str]) -> None:
    config: dict[str, Any] = {"name": name}
    inputs = {stage: found.digest for stage, found in run.manifests().items()}
    manifests.save(
        folder,
        Manifest(
            stage="publish",
            fingerprint=fingerprint("publish", config, {"train": model.digest}),
            config=config,
            inputs=inputs,
            files=manifests.describe_files(folder, names),
            figures={"run_id": run.run_id},
            cost_usd=sum(found.cost_usd for found in run.manifests().values()),
            started_at=datetime.now(UTC).isoformat(timespec="seconds"),
            seconds=0.0,
            code_version=identity_ops.__version__,
        ),
    )


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source, target)
