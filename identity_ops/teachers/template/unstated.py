"""Which attributes a knowledge base says nothing about, so that "I do not know" is true of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from identity_ops.records import Fact
from identity_ops.teachers.template.frames import table

_PLAIN = frozenset(
    "favorite number of in next first last final biggest worst best per".split()  # noqa: SIM905
)


def unstated(facts: Iterable[Fact]) -> tuple[Mapping[str, Any], ...]:
    """The rows of `unknown` in others.yaml that no fact touches.

    Careful rather than complete: an attribute is left out where any of its telling words, or a
    word of the same matter ("born" for a birthday), occurs in the facts at all.
    """
    stated = " ".join(f"{f.section} {f.attribute} {f.value}" for f in facts).lower()
    rows: list[dict[str, Any]] = table("others")["unknown"]
    return tuple(row for row in rows if not _touched(row["noun"], stated))


def _touched(noun: str, stated: str) -> bool:
    tokens = [t for t in re.findall(r"[a-z']+", noun.lower()) if t not in _PLAIN]
    patterns = [re.escape(t.removesuffix("s")) for t in tokens]
    near: dict[str, str] = table("others")["near"]
    patterns += [near[word] for word in noun.lower().split(" ") if word in near]
    return bool(re.search(rf"\b(?:{'|'.join(patterns)})", stated))
