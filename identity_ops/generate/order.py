"""What a `generate` command asks for, and how a folder remembers it.

A folder holds the answer to one order. The same order resumes it, another one is refused, and
`--append` adds a part of its own, which may have another seed, teacher or temperature.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from identity_ops.errors import ConfigError, DataError
from identity_ops.generate.layout import Layout, Part
from identity_ops.generate.stage import is_resumable
from identity_ops.store.manifest import file_hash, load
from identity_ops.store.publish import write_atomic
from identity_ops.teachers.base import TeacherConfig

FILE_NAME = "generate.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One `generate` command."""

    knowledge: Path
    num: int
    teacher: TeacherConfig
    seed: int = 0
    batch_size: int = 50
    catalogue: Path | None = None
    append: bool = False
    focus: Path | None = None  # an evaluation: what failed there is planned more often

    def terms(self, identity: Mapping[str, Any]) -> dict[str, Any]:
        """All that decides the result, as JSON; workers and the cap do not."""
        return {
            "knowledge": file_hash(self.knowledge),
            "num": self.num,
            "seed": self.seed,
            "batch_size": self.batch_size,
            "catalogue": file_hash(self.catalogue) if self.catalogue else None,
            "ascii": self.teacher.ascii,
            **({"focus": load(self.focus).digest} if self.focus else {}),
            **identity,
        }


def choose_part(layout: Layout, order: Order, terms: Mapping[str, Any]) -> int:
    """The number of the part that this order makes or resumes.

    Raises:
        ConfigError: the folder answers another order, or its last part has not ended.
    """
    if not order.append or not (layout.root / FILE_NAME).exists():
        _compare(layout.part(0), terms, _OTHER)
        return 0
    last = len(list(layout.parts())) - 1
    if not _is_done(layout.part(last)):
        _compare(layout.part(last), terms, _UNFINISHED)
        return last
    return last + 1


_OTHER = "Give the same settings to resume, --append for more, or another --out."
_UNFINISHED = "What was begun comes first: give the same settings to end it, or another --out."
_OTHER_KNOWLEDGE = "One folder is about one knowledge base: choose another --out."


def check_knowledge(layout: Layout, order: Order) -> None:
    """Refuse another knowledge base before it is looked at.

    Raises:
        ConfigError: the folder was begun with another one.
    """
    path = layout.root / FILE_NAME
    if path.exists():
        asked = _read(path) | {"knowledge": file_hash(order.knowledge)}
        _compare(layout.part(0), asked, _OTHER_KNOWLEDGE)


def remember(part: Part, terms: Mapping[str, Any]) -> None:
    """Write down what the part's folder is for."""
    write_atomic(part.root / FILE_NAME, json.dumps(dict(terms), indent=2) + "\n")


def is_drawn_as(part: Part, order: Order) -> bool:
    """Whether a part's plan can be gone on with: one seed and catalogue, and no focus."""
    found = _read(part.root / FILE_NAME)
    asked = order.terms({})
    return not found.get("focus") and not any(
        _differs(name, asked, found) for name in ("seed", "catalogue")
    )


def _is_done(part: Part) -> bool:
    return part.is_finished and not is_resumable(part.refill)


def _compare(part: Part, terms: Mapping[str, Any], todo: str) -> None:
    path = part.root / FILE_NAME
    if not path.exists():
        return
    found = _read(path)
    changed = sorted(name for name in terms.keys() | found.keys() if _differs(name, terms, found))
    if changed:
        raise ConfigError(
            "the folder was begun with other settings",
            where=part.root,
            expected=", ".join(f"{name}={_short(found.get(name))}" for name in changed),
            got=", ".join(f"{name}={_short(terms.get(name))}" for name in changed),
            todo=todo,
        )


def _differs(name: str, terms: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    return bool(terms.get(name) != found.get(name))


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 24 else text[:12]


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise DataError("unreadable order", where=path, todo="Choose another --out.")
    return found
