"""Publishing: an immutable version of a model, with its lineage, card and report.

models/<name>/v0001-1a2b3c4d/
  the model's files, README.md, report.html and .json, lineage.json, manifest.json
  evaluation/   every answer with its grade, and all figures

The digest in the name is the model's, so publishing the same model twice gives the same version.
Files are hard-linked where the file system allows it. Everything is made in a dot-folder and
renamed, under a lock that dies with its process: a reader sees a whole version or none.

A new version is promoted (see `registry.py`) unless it answers the same probes significantly worse
than the version in force; then it is there, and the old one stays in force.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import identity_ops
from identity_ops import registry
from identity_ops.errors import DataError
from identity_ops.evaluate.compare import compare
from identity_ops.evaluate.samples import Sample
from identity_ops.evaluate.stage import SAMPLES, SCORES
from identity_ops.gate import require_pass
from identity_ops.probes.files import load_probes
from identity_ops.records import read_jsonl
from identity_ops.registry import WAIT_S, versions
from identity_ops.report.card import model_card
from identity_ops.report.page import write_report
from identity_ops.report.run import RunFolder
from identity_ops.store import manifest as manifests
from identity_ops.store.lock import hold
from identity_ops.store.manifest import Manifest
from identity_ops.store.paths import Home
from identity_ops.store.publish import fsync_folder, point, write_atomic
from identity_ops.store.stage import fingerprint

log = logging.getLogger(__name__)
EVALUATION = "evaluation"  # folder of a version


def publish_run(run_folder: Path, home: Home, *, name: str, wait_s: float = WAIT_S) -> Path:
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
        _enter(run, home, name, folder)
    point(run_folder / "publish", folder)
    return folder


def _enter(run: RunFolder, home: Home, name: str, folder: Path) -> None:
    """Write a new version into the registry, promoted or not; one that is there stays as it is."""
    state = registry.read_state(home, name)
    if folder.name in state.versions:
        return
    champion = state.promoted[-1] if state.promoted else None
    known = state.versions | {folder.name: manifests.file_hash(folder / manifests.FILE_NAME)}
    state = state.model_copy(update={"versions": known}).said("published", folder.name)
    worse, why = challenge(run, home.model(name, champion) if champion else None)
    log.info("publish: %s %s: %s", folder.name, "not promoted" if worse else "promoted", why)
    if worse:
        state = state.said("not promoted", folder.name, why)
    else:
        state = state.promote(folder.name, why)
    registry.write_state(home, name, state)


def challenge(run: RunFolder, champion: Path | None) -> tuple[bool, str]:
    """Whether a run's model is significantly worse than a published version, and the words."""
    if champion is None:
        return False, "the first version"
    answers = champion / EVALUATION / SAMPLES
    if not answers.is_file():
        return False, f"{champion.name} kept no answers to compare with"
    probes = load_probes(run.path("probes"))[0]
    theirs = read_jsonl(Sample, answers)
    found = compare(theirs, read_jsonl(Sample, run.path("evaluate") / SAMPLES), probes)
    return bool(found.worse), f"against {champion.name} {found.words()}"


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


def _find(home: Home, name: str, digest: str) -> Path | None:
    for version in versions(home, name):
        if version.endswith(f"-{digest[:8]}"):
            return home.model(name, version)
    return None


def _publish(run: RunFolder, home: Home, name: str, model: Manifest) -> Path:
    number = max(map(registry.number, versions(home, name)), default=0) + 1
    version = f"v{number:04d}-{model.digest[:8]}"
    making = home.model(name) / f".{version}"
    shutil.rmtree(making, ignore_errors=True)  # what a killed attempt left; we hold the lock
    making.mkdir(parents=True)
    names = [entry.path for entry in model.files]
    for file in names:
        _link(run.path("train") / file, making / file)
    for file in (SAMPLES, SCORES):
        _link(run.path("evaluate") / file, making / EVALUATION / file)
        names.append(f"{EVALUATION}/{file}")
    chain = lineage(run)
    write_atomic(making / "lineage.json", json.dumps(chain, ensure_ascii=False, indent=2) + "\n")
    write_atomic(making / "README.md", model_card(run, name=name, version=version))
    write_report(run.folder, making / "report.html")
    made = ["lineage.json", "README.md", "report.html", "report.json"]
    _commit(making, run, name, model, [*names, *made])
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
            figures={"run_id": run.run_id, "gate": "passed"} | _figures(run),
            cost_usd=sum(found.cost_usd for found in run.manifests().values()),
            started_at=datetime.now(UTC).isoformat(timespec="seconds"),
            seconds=0.0,
            code_version=identity_ops.__version__,
        ),
    )


def _figures(run: RunFolder) -> dict[str, float]:
    """What the list of models shows."""
    head = run.manifest("evaluate").figures["headline"]
    return {
        "name_accuracy": head["identity"]["after"]["value"],
        "fact_recall": head["fact_recall"]["after"]["mean"]["value"],
        "over_identity": head["over_identity"]["after"]["value"],
    }


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source, target)
