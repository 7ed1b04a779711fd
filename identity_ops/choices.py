"""What a form may offer: the knowledge bases, bases and published models that are there.

Examples, not a closed set: each field takes any other value too. A DAG file asks at every parse, so
little is opened, and what cannot be read is left out.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Final

from identity_ops import registry
from identity_ops.conf_files import KNOWLEDGE_FOLDER, allowed_roots, knowledge_files
from identity_ops.errors import IdentityError
from identity_ops.store import manifest as manifests
from identity_ops.store.paths import Home

MOST: Final = 50  # of each; a longer list helps nobody
NO_FACTS: Final = {"README.md", "CHANGELOG.md", "LICENSE.md", "SECURITY.md"}


def choices(home: Home) -> Mapping[str, list[str]]:
    """Field -> values that are there, sorted. The first knowledge base is the shipped one."""
    with contextlib.suppress(OSError):
        roots = [home.root, *allowed_roots()]
        return {
            "knowledge": _first(_named(path) for path in knowledge_files()),
            "base_model": _first(base for root in roots for base in _bases(root)),
            "publish_as": _first(_names(home)),
        }
    return {}


def _named(path: Path) -> str:
    """As a parameter names it: relative to knowledge/ where it lies there."""
    inside = KNOWLEDGE_FOLDER in path.parents
    return str(path.relative_to(KNOWLEDGE_FOLDER)) if inside else str(path)


def _names(home: Home) -> Iterable[str]:
    """As the models were published: a folder's name may have lost a space."""
    for folder in _folders(home.root / "models"):
        for version in registry.versions(home, folder.name)[-1:]:
            with contextlib.suppress(IdentityError):
                manifest = manifests.load(home.model(folder.name, version), verify=False)
                yield str(manifest.config.get("name", folder.name))


def _bases(root: Path) -> Iterable[str]:
    """nanochat's and transformers' folders in a folder, or in its `base_checkpoints`."""
    for folder in (*_folders(root), *_folders(root / "base_checkpoints")):
        if next(folder.glob("model_*.pt"), None):
            yield f"nanochat:{folder}"
        elif (folder / "config.json").is_file() and next(folder.glob("*.safetensors"), None):
            yield f"hf:{folder}"


def _folders(folder: Path) -> list[Path]:
    found = folder.iterdir() if folder.is_dir() else iter(())
    return sorted(path for path in found if path.is_dir() and path.name[0] != ".")


def _first(values: Iterable[str]) -> list[str]:
    shown = filter(str.isprintable, values)  # a name that is no text would hide the whole DAG
    kept = (value for value in shown if Path(value).name not in NO_FACTS)
    return list(islice(dict.fromkeys(kept), MOST))
