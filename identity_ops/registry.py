"""The published versions of a model: which there are, which is promoted, how to go back.

models/<name>/
  v0001-1a2b3c4d/   an immutable version, see `publish.py`
  registry.json     hash of each version's manifest, the promoted version, what happened

The promoted version is the one that `chat` and `serve` take. All that changes lies in one file,
replaced in one step under the model's lock: a crash leaves the old state or the new one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from identity_ops.errors import CorruptError, DataError, UsageError
from identity_ops.store import manifest as manifests
from identity_ops.store.depot import depot_of
from identity_ops.store.lock import hold
from identity_ops.store.manifest import Manifest
from identity_ops.store.paths import Home
from identity_ops.store.publish import write_atomic

FILE = "registry.json"
WAIT_S = 600.0
_VERSION = re.compile(r"v(\d{4,})-([0-9a-f]{8})")


class Event(BaseModel):
    """Something that happened to a version."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    at: str  # UTC, ISO 8601
    what: str  # published, promoted, not promoted, rolled back
    version: str
    why: str = ""


class State(BaseModel):
    """The content of registry.json."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    versions: dict[str, str] = {}  # version -> sha256 of its manifest when it was published
    promoted: tuple[str, ...] = ()  # the last one is in force; rollback takes it away
    events: tuple[Event, ...] = ()

    def said(self, what: str, version: str, why: str = "") -> State:
        """This state with one more event."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        event = Event(at=now, what=what, version=version, why=why)
        return self.model_copy(update={"events": (*self.events, event)})

    def promote(self, version: str, why: str) -> State:
        """This state with another version in force."""
        if self.promoted[-1:] == (version,):
            return self
        changed = self.model_copy(update={"promoted": (*self.promoted, version)})
        return changed.said("promoted", version, why)


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionInfo:
    """One line of the list of models. Shares lie in [0, 1]; None where not recorded."""

    name: str
    version: str
    folder: str
    published_at: str  # UTC, ISO 8601
    run_id: str
    name_accuracy: float | None
    fact_recall: float | None
    over_identity: float | None
    gate: str  # passed, or "-" in versions that do not say
    promoted: bool
    intact: bool | None  # None: not checked


def versions(home: Home, name: str) -> list[str]:
    """The published versions of a model, oldest first."""
    folder = home.model(name)
    found = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    return sorted((n for n in found if _VERSION.fullmatch(n)), key=number)


def number(version: str) -> int:
    """The running number in a version's name."""
    return int(version[1:].split("-")[0])


def promoted(home: Home, name: str) -> str | None:
    """The version in force; the newest one where none was ever promoted. None: no version."""
    there = versions(home, name)
    in_force = [version for version in read_state(home, name).promoted if version in there]
    return next(reversed(in_force or there), None)


def latest_model(home: Home, name: str | None = None) -> Path:
    """The folder of the promoted version of a model; without a name, of the one changed last.

    Raises:
        DataError: nothing is published.
    """
    root = home.root / "models"
    folders = [home.model(name)] if name else sorted(root.glob("*"))
    found = [
        home.model(folder.name, version)
        for folder in folders
        if (version := promoted(home, folder.name)) is not None
    ]
    if not found:
        raise DataError(
            f"no published model{f' named {name}' if name else ''}", where=root,
            todo="Run `make run`, or train and publish one.",
        )  # fmt: skip
    return max(found, key=_changed)


def promote(home: Home, name: str, version: str, *, why: str = "by hand") -> str:
    """Put a version in force; returns its full name.

    Args:
        version: its name, its number ("v0002", "2") or its digest.

    Raises:
        UsageError: no such version, or more than one.
        CorruptError: its files are not what was published.
    """

    def change(state: State) -> State:
        chosen = resolve(home, name, version)
        verify(home, name, chosen)
        return state.promote(chosen, why)

    return update(home, name, change).promoted[-1]


def rollback(home: Home, name: str, *, why: str = "by hand") -> str:
    """Put the version in force again that was before this one; returns its name.

    Raises:
        DataError: there was none before.
        CorruptError: its files are not what was published.
    """

    def change(state: State) -> State:
        if len(state.promoted) < 2:
            raise DataError(
                "no version was promoted before this one", where=home.model(name),
                todo="`identity-ops models promote` takes any version.",
            )  # fmt: skip
        verify(home, name, state.promoted[-2])
        back = state.model_copy(update={"promoted": state.promoted[:-1]})
        return back.said("rolled back", state.promoted[-1], f"to {state.promoted[-2]}, {why}")

    return update(home, name, change).promoted[-1]


def resolve(home: Home, name: str, version: str) -> str:
    """The full name of a version.

    Raises:
        UsageError: none fits, or more than one.
    """
    there = versions(home, name)
    wanted = version.removeprefix("v")
    found = [
        full
        for full in there
        if version in {full, full.partition("-")[2]}
        or (wanted.isdigit() and number(full) == int(wanted))
    ]  # fmt: skip
    exact = [full for full in found if full == version] or found
    if len(exact) != 1:
        raise UsageError(
            "no such version" if not exact else "more than one version fits",
            where=home.model(name), expected=", ".join(there) or "a published model", got=version,
        )  # fmt: skip
    return exact[0]


def verify(home: Home, name: str, version: str) -> Manifest:
    """The manifest of a version whose bytes are all as they were published.

    Raises:
        CorruptError: a file was changed, taken away or added, or the manifest was.
    """
    folder = home.model(name, version)
    depot_of(home).complete(folder)
    recorded = read_state(home, name).versions.get(version)
    path = folder / manifests.FILE_NAME
    if recorded is not None and (not path.is_file() or manifests.file_hash(path) != recorded):
        raise _tampered("the manifest of a published version changed", path)
    manifest = manifests.load(folder)
    listed = {entry.path for entry in manifest.files} | {manifests.FILE_NAME}
    for found in sorted(folder.rglob("*")):
        if found.is_file() and str(found.relative_to(folder)) not in listed:
            raise _tampered("a file was added to a published version", found)
    return manifest


def list_models(home: Home, *, check: bool = False) -> list[VersionInfo]:
    """Every version of every model, the newest of each first.

    Args:
        check: hash all files again, and say which versions are intact.
    """
    folder = home.root / "models"
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    return [
        describe(home, name, version, check=check)
        for name in names
        for version in reversed(versions(home, name))
    ]


def describe(home: Home, name: str, version: str, *, check: bool = False) -> VersionInfo:
    """One version.

    Args:
        check: hash all files again.

    Raises:
        CorruptError, DataError: its manifest or the model's registry cannot be read.
    """
    folder = home.model(name, version)
    manifest = manifests.load(folder, verify=False)
    figures: dict[str, Any] = manifest.figures
    return VersionInfo(
        name=manifest.config.get("name", name), version=version, folder=str(folder),
        published_at=manifest.started_at, run_id=str(figures.get("run_id", "")),
        name_accuracy=figures.get("name_accuracy"), fact_recall=figures.get("fact_recall"),
        over_identity=figures.get("over_identity"), gate=figures.get("gate", "-"),
        promoted=promoted(home, name) == version,
        intact=_intact(home, name, version) if check else None,
    )  # fmt: skip


def read_state(home: Home, name: str) -> State:
    """The registry of a model; an empty one where there is none.

    Raises:
        CorruptError: the file is not a registry.
    """
    path = home.model(name) / FILE
    try:
        return State.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return State()
    except ValidationError as error:
        raise CorruptError(
            f"unreadable registry: {error.errors()[0]['msg']}", where=path,
            todo="Move it away; the versions stay, and the newest one is taken.",
        ) from error  # fmt: skip


def update(home: Home, name: str, change: Callable[[State], State]) -> State:
    """Change a model's registry in one step, under its lock.

    Raises:
        DataError: no such model.
    """
    if not versions(home, name):
        raise DataError(f"no published model named {name}", where=home.root / "models")
    depot = depot_of(home)
    depot.fetch_models(name)
    with hold(home.model(name) / ".lock", wait_s=WAIT_S):
        state = write_state(home, name, change(read_state(home, name)))
    depot.share(home.model(name) / FILE)
    return state


def write_state(home: Home, name: str, state: State) -> State:
    """Replace the registry; the caller holds the model's lock."""
    text = json.dumps(state.model_dump(), indent=2) + "\n"
    write_atomic(home.model(name) / FILE, text)
    return state


def _intact(home: Home, name: str, version: str) -> bool:
    try:
        verify(home, name, version)
    except CorruptError:
        return False
    return True


def _changed(folder: Path) -> tuple[int, str]:
    """When the model's registry last changed, or the version came where there is none."""
    path = folder.parent / FILE
    return (path if path.exists() else folder).stat().st_mtime_ns, folder.parent.name


def _tampered(what: str, where: Path) -> CorruptError:
    return CorruptError(
        what, where=where,
        todo="Published versions never change: promote another one, or publish the run again.",
    )  # fmt: skip
