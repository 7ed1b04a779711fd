"""What the pages show, from what runs have committed; and the one way from an id to a report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from identity_ops.errors import CorruptError, DataError
from identity_ops.registry import Event, State, VersionInfo, read_state, versions
from identity_ops.registry import describe as describe_version
from identity_ops.report.page import FILE as REPORT
from identity_ops.report.page import render_report
from identity_ops.report.run import RunFolder
from identity_ops.runs import DAMAGED, RunInfo, describe
from identity_ops.store import manifest as manifests
from identity_ops.store.manifest import Manifest
from identity_ops.store.paths import Home


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A run in the list. `info` is None where its files cannot be read; `problem` says why."""

    key: str  # name of its folder
    info: RunInfo | None
    report: str = ""  # digest of its newest result, the id of its report; "" where there is none
    interval: tuple[float, float] | None = None  # of the name accuracy, 95 %
    conversations: int | None = None
    covered: int | None = None
    facts: int | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A published model with its versions and what happened to them, the newest first."""

    name: str
    versions: tuple[VersionInfo, ...]
    reports: tuple[str, ...]  # digest of each version, the id of its report
    events: tuple[Event, ...]
    before: str  # the version that was in force before this one; "" if none
    problems: tuple[str, ...] = ()  # of the registry, and of versions that cannot be read


def rows(home: Home) -> list[Row]:
    """Every run, the newest first; those that cannot be read come last."""
    found = [row(folder) for folder in run_folders(home)]
    return sorted(found, key=lambda one: one.info.started_at if one.info else "", reverse=True)


def run_folders(home: Home) -> list[Path]:
    """The folders of all runs."""
    folder = home.root / "runs"
    return [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []


def row(folder: Path) -> Row:
    """One run; a damaged one with its problem."""
    try:
        run = RunFolder(folder)
        info, stages = describe(folder), run.manifests()
        curate = run.manifest("curate") if run.has("curate") else None
        head = run.manifest("evaluate").figures["headline"] if run.has("evaluate") else None
        after = head["identity"]["after"] if head and head["identity"]["n"] else None
        coverage = curate.figures.get("coverage", {}) if curate else {}
        return Row(
            key=folder.name, info=info,
            report=list(stages.values())[-1].digest if stages else "",
            interval=(after["low"], after["high"]) if after else None,
            conversations=curate.counts.get("conversations") if curate else None,
            covered=coverage.get("covered"), facts=coverage.get("facts"),
        )  # fmt: skip
    except DAMAGED as error:
        return Row(key=folder.name, info=None, problem=str(error))


def models(home: Home) -> list[Model]:
    """Every published model."""
    folder = home.root / "models"
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    return [_model(home, name) for name in names if versions(home, name)]


def report(home: Home, digest: str) -> str:
    """The report whose id this is: of a published version, or of a run's newest result.

    Args:
        digest: a manifest's digest. It is compared with what there is, and is part of no path.

    Raises:
        DataError: no such report.
        CorruptError: a published report is not what was published.
    """
    for model in models(home):
        if digest in model.reports:
            return _published(model.versions[model.reports.index(digest)])
    for folder in run_folders(home):
        if digest and row(folder).report == digest:
            return render_report(RunFolder(folder))
    raise DataError(f"no report {digest[:16]!r}", where=home.root)


def report_of_run(home: Home, run_id: str) -> str:
    """The report of the run that a DAG run made.

    Raises:
        DataError: it has committed nothing yet.
    """
    folder = home.run(run_id)
    if not folder.is_dir() or not RunFolder(folder).manifests():
        raise DataError(
            "this run has committed nothing yet", where=run_id,
            todo="Its report begins with the first task of identity_sft that succeeds.",
        )  # fmt: skip
    return render_report(RunFolder(folder))


def _model(home: Home, name: str) -> Model:
    """One model; of what cannot be read, the problem alone."""
    found, problems = [], []
    for version in reversed(versions(home, name)):
        try:
            info = describe_version(home, name, version)
            found.append((info, _manifest(info).digest))
        except DAMAGED as error:
            problems.append(str(error))
    state = read_state(home, name) if found else State()
    return Model(
        name=found[0][0].name if found else name, events=tuple(reversed(state.events)),
        versions=tuple(info for info, _ in found), reports=tuple(digest for _, digest in found),
        before=state.promoted[-2] if len(state.promoted) > 1 else "",
        problems=tuple(dict.fromkeys(problems)),
    )  # fmt: skip


def _manifest(version: VersionInfo) -> Manifest:
    return manifests.load(Path(version.folder), verify=False)


def _published(version: VersionInfo) -> str:
    listed = {entry.path: entry.sha256 for entry in _manifest(version).files}
    path = Path(version.folder) / REPORT
    if REPORT not in listed:
        raise DataError("this version was published without a report", where=version.folder)
    if manifests.file_hash(path) != listed[REPORT]:
        raise CorruptError("the report is not what was published", where=path)
    return path.read_text(encoding="utf-8")
