"""What ran: each run of the state folder with its status, cost and scores."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from identity_ops.errors import DataError, IdentityError
from identity_ops.report.run import ORDER, RunFolder
from identity_ops.store.paths import Home

# What reading a damaged file may raise: it is shown as such, and must not hide the others.
DAMAGED: Final = (IdentityError, OSError, LookupError, TypeError, ValueError, AttributeError)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """One line of the list of runs. Shares lie in [0, 1]; None where not measured yet."""

    run_id: str
    folder: str
    status: str  # published, passed, failed gate, "after STAGE", or damaged
    name: str
    started_at: str  # UTC, ISO 8601
    seconds: float  # of work, over all stages; reused results count as when they were made
    cost_usd: float
    name_accuracy: float | None
    fact_recall: float | None
    over_identity: float | None
    ability: float | None
    version: str  # of the published model, "" if none


def list_runs(home: Home) -> list[RunInfo]:
    """Every run, the newest first; those that cannot be read come last."""
    folder = home.root / "runs"
    paths = [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
    found = [_described(path) for path in paths]
    return sorted(found, key=lambda run: (run.started_at, run.run_id), reverse=True)


def _described(folder: Path) -> RunInfo:
    try:
        return describe(folder)
    except DAMAGED:  # `report` of it says why
        return RunInfo(
            run_id=folder.name, folder=str(folder), status="damaged", name="",
            started_at="", seconds=0.0, cost_usd=0.0, name_accuracy=None, fact_recall=None,
            over_identity=None, ability=None, version="",
        )  # fmt: skip


def find_run(home: Home, run_id: str) -> Path:
    """The folder of a run, by its id or by the folder's name; "latest" is the newest.

    Raises:
        DataError: no such run.
    """
    if run_id == "latest" and (runs := list_runs(home)):
        return Path(runs[0].folder)
    folder = home.run(run_id)
    if not folder.is_dir():
        raise DataError(
            f"no run {run_id!r}", where=home.root / "runs",
            todo="`identity-ops runs` lists what there is.",
        )  # fmt: skip
    return folder


def find_result(home: Home, where: str) -> Path:
    """A folder as it is named, else the folder of the run of that id.

    Raises:
        DataError: neither.
    """
    return Path(where) if Path(where).is_dir() else find_run(home, where)


def describe(folder: Path) -> RunInfo:
    """One run from what it has committed."""
    run = RunFolder(folder)
    found = run.manifests()
    head = run.manifest("evaluate").figures["headline"] if run.has("evaluate") else None
    version = run.path("publish").name if run.has("publish") else ""
    return RunInfo(
        run_id=run.run_id,
        folder=str(folder),
        status=_status(run),
        name=str(run.manifest("lint").figures.get("name", "")) if run.has("lint") else "",
        started_at=min((one.started_at for one in found.values()), default=""),
        seconds=round(sum(one.seconds for one in found.values()), 1),
        cost_usd=round(sum(one.cost_usd for name, one in found.items() if name != "publish"), 6),
        name_accuracy=_share(head, "identity"),
        fact_recall=head["fact_recall"]["after"]["mean"]["value"] if head else None,
        over_identity=_share(head, "over_identity"),
        ability=_share(head, "ability"),
        version=version,
    )


def _share(head: dict[str, Any] | None, key: str) -> float | None:
    return float(head[key]["after"]["value"]) if head and head[key]["n"] else None


def _status(run: RunFolder) -> str:
    if run.has("publish"):
        return "published"
    if run.has("gate"):
        return "passed" if run.manifest("gate").figures["passed"] else "failed gate"
    done = [stage for stage in ORDER if run.has(stage)]
    if run.batches():
        done.append("generate")
    return f"after {max(done, key=ORDER.index)}" if done else "nothing committed"
