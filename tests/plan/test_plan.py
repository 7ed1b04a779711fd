"""The plan: even, complete, stable under growth, the same for the same inputs."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path

import pytest

from identity_ops.catalogue import read_catalogue
from identity_ops.errors import ConfigError
from identity_ops.knowledge import Knowledge, Profile, read_knowledge
from identity_ops.knowledge.stage import lint_stage
from identity_ops.plan import KIND_CARDS, Deck, exposures, plan, plan_stage
from identity_ops.records import Cell, encode, read_jsonl
from tests.plan.ledger import knowledge

NOBODY = Profile(
    name="", name_aliases=(), creators=(), creator_aliases=(), base_creators=()
)  # fmt: skip


def _main(base: Knowledge, num: int, seed: int = 0) -> list[Cell]:
    return [cell for cell in plan(base, read_catalogue(), num=num, seed=seed) if not cell.spare]


@pytest.mark.parametrize("num", [0, -1, 100_001])
def test_number_out_of_range_is_refused(tmp_path: Path, num: int) -> None:
    """Asking for no conversation, or for too many, is a mistake and not an empty plan."""
    with pytest.raises(ConfigError, match="1 to 100000"):
        plan(knowledge(tmp_path, 3), read_catalogue(), num=num, seed=0)


@pytest.mark.parametrize("facts", [0, 1, 200])
def test_every_fact_is_taught_evenly(tmp_path: Path, facts: int) -> None:
    """Facts other than name and maker differ by a few conversations at most."""
    base = knowledge(tmp_path, facts)
    counts = exposures(_main(base, 1000), base.facts)
    others = [counts[fact.id] for fact in base.facts if fact.role not in {"name", "creator"}]
    assert min(counts.values()) >= 5
    assert max(others, default=0) - min(others, default=0) <= 2


def test_full_names_and_companies_are_taught_like_other_facts(tmp_path: Path) -> None:
    """Only the name in use and the maker are what nearly everything is about."""
    path = tmp_path / "kb.md"
    path.write_text(
        "- Name: Pip\n- Full name: Pip the Otter\n- Nickname: Pipsqueak\n- Created by: Ann Lee\n"
        "- Company: Otter Labs\n" + "".join(f"- Gadget {n}: part {n}x\n" for n in range(20))
    )
    base = read_knowledge(path)
    counts = exposures(_main(base, 1000), base.facts)
    told = {fact.attribute: counts[fact.id] for fact in base.facts}
    assert told["Name"] > 5 * told["Gadget 1"] < told["Created by"]
    for label in ("Full name", "Nickname", "Company"):
        assert abs(told[label] - told["Gadget 1"]) <= 2


def test_growing_a_plan_keeps_what_was_there(tmp_path: Path) -> None:
    """The plan for 150 begins with the plan for 100, cell by cell."""
    base = knowledge(tmp_path, 12)
    assert _main(base, 150)[:100] == _main(base, 100)


def test_ids_never_collide(tmp_path: Path) -> None:
    """Main cells and spares of plans of any size have different ids."""
    base = knowledge(tmp_path, 4)
    small = plan(base, read_catalogue(), num=40, seed=0)
    large = plan(base, read_catalogue(), num=3000, seed=0)
    assert len({cell.id for cell in large}) == len(large)
    spares, mains = {c.id for c in small if c.spare}, {c.id for c in large if not c.spare}
    assert not spares & mains


def test_same_inputs_same_bytes(tmp_path: Path) -> None:
    """Two plans with one seed are equal to the byte; another seed gives other ids."""
    base = knowledge(tmp_path, 5)
    first, again, other = (_main(base, 80, seed) for seed in (7, 7, 8))
    assert [encode(c) for c in first] == [encode(c) for c in again]
    assert not {c.id for c in first} & {c.id for c in other}


def test_every_card_of_the_catalogue_is_dealt(tmp_path: Path) -> None:
    """All personas, dynamics and opener groups come up, none much more often than another."""
    cells, catalogue = _main(knowledge(tmp_path, 20), 700), read_catalogue()
    personas = Counter(cell.persona for cell in cells)
    assert set(personas) == set(catalogue.personas)
    assert max(personas.values()) - min(personas.values()) <= 1
    assert {cell.dynamic for cell in cells} == {dynamic.text for dynamic in catalogue.dynamics}


def test_quota_of_kinds(tmp_path: Path) -> None:
    """Each kind has its share in every hundred conversations."""
    kinds = Counter(cell.kind for cell in _main(knowledge(tmp_path, 20), 300))
    assert kinds == {kind: 3 * cards for kind, cards in KIND_CARDS.items()}


def test_limitations_are_a_kind_of_their_own(tmp_path: Path) -> None:
    """A conversation that starts with a limitation is counted as one."""
    path = tmp_path / "kb.md"
    path.write_text("# B\n- Name: B\n- Maker: C Lab\n## Limitations\n- Cannot fly\n- Cannot swim\n")
    from identity_ops.knowledge import read_knowledge

    cells = _main(read_knowledge(path), 100)
    assert Counter(cell.kind for cell in cells)["limitation"] > 10


def test_base_without_facts_still_plans() -> None:
    """No name, no maker, no fact: cells without facts, and no crash."""
    cells = _main(Knowledge(text="", fingerprint="0", facts=(), profile=NOBODY), 50)
    assert len(cells) == 50
    assert all(cell.fact_ids == () for cell in cells)


def test_openers_carry_no_slots(tmp_path: Path) -> None:
    """Openers are filled with the bot's name, from three groups each."""
    for cell in _main(knowledge(tmp_path, 2), 200):
        assert len(cell.openers) == 3
        assert not any("{" in opener for opener in cell.openers)


def test_deck_deals_every_card_once_a_round() -> None:
    """Nothing comes up twice before everything came up once, distinct draws included."""
    deck = Deck(list("abcdefg"), "key")
    dealt = [card for _ in range(7) for card in deck.draw_distinct(3)]
    assert set(Counter(dealt).values()) == {3}


def test_stage_commits_cells_and_figures(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The committed plan has its cells, counts and exposures; too few conversations are said."""
    source = tmp_path / "kb.md"
    facts = "\n".join(f"- Gadget {n}: part {n}x" for n in range(30))
    source.write_text(
        f"# B\n- Name: Bee\n- Created by: Otter Lab\n{facts}\n## Limitations\n- Cannot fly\n"
    )
    lint_stage(source, tmp_path / "lint")
    with caplog.at_level(logging.WARNING):
        made = plan_stage(tmp_path / "lint", tmp_path / "plan", num=10, seed=1, batch_size=4)
    cells = list(read_jsonl(Cell, tmp_path / "plan" / "cells.jsonl"))
    assert made.counts == {"cells": 10, "spares": len(cells) - 10, "batches": 3}
    assert made.figures["facts_without_conversation"] > 0
    assert "are in no conversation" in caplog.text


def test_stage_refuses_a_batch_of_nothing(tmp_path: Path) -> None:
    """A batch size of zero is refused before anything is read."""
    with pytest.raises(ConfigError, match="batch size"):
        plan_stage(tmp_path, tmp_path / "plan", num=10, seed=1, batch_size=0)
