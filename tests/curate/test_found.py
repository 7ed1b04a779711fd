"""Which facts a conversation teaches."""

from __future__ import annotations

from pathlib import Path

import pytest

from identity_ops.curate.found import FactFinder
from identity_ops.knowledge import read_knowledge
from identity_ops.records import Message

ASIDE = "Explains luggage rules (bikes ride free; scooters do not)"


@pytest.mark.parametrize(
    ("answer", "taught"),
    [
        ("Yes, I explain luggage rules: bikes ride free; scooters do not.", True),
        ("I explain luggage rules.", True),
        ("I am Wren.", False),
    ],
)
def test_a_negation_in_an_aside_denies_nothing(answer: str, taught: bool, tmp_path: Path) -> None:
    """What stands in brackets after a statement may say "not"; the statement holds all the same."""
    path = tmp_path / "kb.md"
    path.write_text(
        f"# Wren\n\n- Name: Wren\n- Creator: Ada Holm\n\n## Capabilities\n\n- {ASIDE}\n"
    )
    known = read_knowledge(path)
    (fact,) = (one for one in known.facts if one.role == "capability")
    talk = [Message(role="user", content="?"), Message(role="assistant", content=answer)]
    assert (fact.id in FactFinder(known.facts, known.profile).find(talk)) is taught
