"""Hash of our own source files, for results that code alone decides.

A free result (template conversations, probes, the tiny base) is made again when the code that
makes it changes; a paid one never is, so its key holds no code.
"""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path

from identity_ops.store.manifest import canonical_hash, file_hash


def source_digest(*modules: str) -> str:
    """sha256 over the files of the named packages, and of modules with a table of that name."""
    entries: list[tuple[str, str, str]] = []
    for module in modules:
        for path in _files(module):
            entries.append((module, path.name, file_hash(path)))
    return canonical_hash(entries)


@functools.cache
def own_code() -> str:
    """Hash of the library: what it makes for nothing is made again by another version of it."""
    return source_digest("identity_ops")


def _files(module: str) -> list[Path]:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(module)
    origin = Path(spec.origin)
    if spec.submodule_search_locations is None:
        return [path for path in (origin, origin.with_suffix(".yaml")) if path.is_file()]
    return sorted(
        path
        for path in origin.parent.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )
