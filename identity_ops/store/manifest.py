"""Manifests: what a stage made, from what, and how to tell that it is whole.

The manifest is written after every file it lists, so a folder with a manifest is complete and a
folder without one is not a result, whatever else lies in it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from identity_ops.errors import CorruptError, DataError
from identity_ops.store.publish import write_atomic

SCHEMA_VERSION = 1
FILE_NAME = "manifest.json"


class FileEntry(BaseModel):
    """One file of a result. `path` is relative to the manifest's folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    path: str
    sha256: str
    bytes: int


class Manifest(BaseModel):
    """The record of one committed stage."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    stage: str
    schema_version: int = SCHEMA_VERSION
    fingerprint: str  # of what went in: stage, schema version, config, input digests
    config: dict[str, Any]
    inputs: dict[str, str]  # name -> digest of that manifest (or of a plain file)
    files: tuple[FileEntry, ...]
    counts: dict[str, int] = {}
    figures: dict[str, Any] = {}  # whatever the report shows of this stage, as JSON
    cost_usd: float = 0.0
    started_at: str  # UTC, ISO 8601
    seconds: float
    code_version: str

    @property
    def digest(self) -> str:
        """Hash of what came out: the same bytes from the same inputs give the same digest."""
        return canonical_hash([self.fingerprint, [(f.path, f.sha256) for f in self.files]])


def canonical_hash(value: Any) -> str:
    """sha256 of the value's JSON with sorted keys."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def file_hash(path: Path) -> str:
    """sha256 of a file, read in pieces."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def describe_files(folder: Path, names: list[str]) -> tuple[FileEntry, ...]:
    """Entries for the named files, sorted; each must exist."""
    return tuple(
        FileEntry(path=name, sha256=file_hash(folder / name), bytes=(folder / name).stat().st_size)
        for name in sorted(names)
    )


def save(folder: Path, manifest: Manifest) -> None:
    """Commit: from here on the folder is a result."""
    write_atomic(folder / FILE_NAME, manifest.model_dump_json(indent=2) + "\n")


def load(folder: Path, *, verify: bool = True) -> Manifest:
    """The manifest of a committed folder.

    Raises:
        DataError: no manifest, or one this version does not read.
        CorruptError: a listed file is missing or its bytes differ (when `verify`).
    """
    path = folder / FILE_NAME
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise DataError(
            "no manifest, so no finished result", where=folder, todo="Run the stage that makes it."
        ) from None
    except ValidationError as error:
        raise DataError(f"unreadable manifest: {error.errors()[0]['msg']}", where=path) from error
    if manifest.schema_version != SCHEMA_VERSION:
        raise DataError(
            "manifest of another version",
            where=path,
            expected=SCHEMA_VERSION,
            got=manifest.schema_version,
            todo="Run the stage again with this version.",
        )
    if verify:
        verify_files(folder, manifest)
    return manifest


def verify_files(folder: Path, manifest: Manifest) -> None:
    """Check each listed file against its hash.

    Raises:
        CorruptError: names the first file that differs.
    """
    for entry in manifest.files:
        path = folder / entry.path
        found = file_hash(path) if path.is_file() else "no file"
        if found != entry.sha256:
            raise CorruptError(
                "file differs from its manifest",
                where=path,
                expected=f"sha256 {entry.sha256[:12]}",
                got=found[:12],
                todo=f"Delete {folder} and run the stage again.",
            )
