"""The one module that builds paths of the state folder and checks that they stay inside.

$IDENTITY_HOME (default ./var)
  runs/<run_id>/<stage>/manifest.json   which result each stage of a run used
  results/<stage>/<fingerprint>/        results, shared by all runs
  models/<name>/<version>/              published models, immutable
  cache/                                what can be made again
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from identity_ops.errors import PathError

NAME_BYTES = 255  # of a file or folder, on every file system in use
PATH_CHARACTERS = 1024
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def safe_component(name: str) -> str:
    """`name` as one path component: the same name always, another name never.

    A name that needs no change stays; any other gets a hash, so that two runs whose ids differ
    only in forbidden characters keep apart.
    """
    cleaned = _UNSAFE.sub("-", name).strip(".-")[:80]
    if cleaned == name and name:
        return name
    return f"{cleaned or 'x'}-{hashlib.sha256(name.encode(errors='surrogatepass')).hexdigest()[:8]}"


def inside(path: str | Path, roots: Iterable[Path], what: str = "path") -> Path:
    """`path` resolved (symlinks too); it must lie in one of `roots`, relative to the first.

    Raises:
        PathError: NUL in it, or it leaves every root.
    """
    allowed = [root.resolve() for root in roots]
    if "\0" in str(path):
        raise PathError(f"{what} contains a NUL character", got=repr(str(path)))
    longest = max((len(os.fsencode(part)) for part in Path(path).parts), default=0)
    if longest > NAME_BYTES or len(str(path)) > PATH_CHARACTERS:
        raise PathError(
            f"{what} is too long", got=f"{str(path)[:40]}...",
            expected=f"{PATH_CHARACTERS} characters, {NAME_BYTES} bytes a name",
        )  # fmt: skip
    resolved = (allowed[0] / path).resolve()
    if not any(resolved == root or root in resolved.parents for root in allowed):
        raise PathError(
            f"{what} leaves the folders it may use",
            expected=" or ".join(map(str, allowed)),
            got=path,
            todo="Move the file there, or add its folder to IDENTITY_ALLOWED_ROOTS.",
        )
    return resolved


@dataclass(frozen=True, slots=True)
class Home:
    """The state folder."""

    root: Path

    @classmethod
    def from_env(cls) -> Home:
        return cls(Path(os.environ.get("IDENTITY_HOME") or "var").resolve())

    def run(self, run_id: str, stage: str = "") -> Path:
        folder = self.root / "runs" / safe_component(run_id)
        return folder / safe_component(stage) if stage else folder

    def result(self, stage: str, fingerprint: str) -> Path:
        return self.root / "results" / safe_component(stage) / fingerprint[:24]

    def model(self, name: str, version: str = "") -> Path:
        folder = self.root / "models" / safe_component(name)
        return folder / safe_component(version) if version else folder

    def cache(self, kind: str) -> Path:
        return self.root / "cache" / safe_component(kind)
