"""Facts made by hand, for tests of the language package."""

from __future__ import annotations

import csv
from pathlib import Path

from identity_ops.knowledge import Profile
from identity_ops.language import Phrasing, phrase
from identity_ops.records import Fact

PIP = Profile(
    name="Pip", name_aliases=(), creators=("Otter Lab",), creator_aliases=(), base_creators=()
)


def fact(
    attribute: str,
    value: str,
    role: str = "",
    *,
    polarity: bool = True,
    items: tuple[str, ...] = (),
    section: str = "Facts",
    id: str = "f1",  # noqa: A002
) -> Fact:
    """One fact with the rest filled in."""
    return Fact(
        id=id, section=section, attribute=attribute, role=role, value=value, items=items,
        polarity=polarity, file="kb.md", line=1,
    )  # fmt: skip


def phrased(attribute: str, value: str, role: str = "", **more: object) -> Phrasing:
    """The phrasing of one such fact about Pip."""
    return phrase(fact(attribute, value, role, **more), PIP)  # type: ignore[arg-type]


def rows(name: str) -> list[dict[str, str]]:
    """The rows of a table beside these tests, tabs between the columns."""
    lines = Path(__file__).with_name(name).read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
