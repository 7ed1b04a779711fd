"""Focus: what failed is planned more often, nothing is left out, and nothing is left to chance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from identity_ops.catalogue import read_catalogue
from identity_ops.errors import DataError
from identity_ops.evaluate import evaluate_stage
from identity_ops.focus import FLOOR, Focus
from identity_ops.plan import KIND_CARDS, PART, exposures, plan, plan_stage
from identity_ops.records import Cell, encode, read_jsonl
from identity_ops.store.paths import Home
from tests.a_published_run import start_run
from tests.a_run import probes_of
from tests.plan.ledger import knowledge


def cells(base: Any, focus: Focus, num: int = 400, **more: Any) -> list[Cell]:
    found = plan(base, read_catalogue(), num=num, seed=0, focus=focus, **more)
    return [cell for cell in found if not cell.spare]


def test_a_failing_fact_is_planned_more_often_and_no_fact_is_left_out(tmp_path: Path) -> None:
    """Never right: several times as often as the others, which all stay."""
    base = knowledge(tmp_path, 20)
    weak, *others = (fact.id for fact in base.facts if fact.role not in {"name", "creator"})
    counts = exposures(cells(base, Focus(facts={weak: 1.0})), base.facts)
    usual = exposures(cells(base, Focus()), base.facts)
    assert counts[weak] > 3 * usual[weak]
    assert min(counts[fact] for fact in others) >= 0.4 * min(usual[fact] for fact in others) > 0


def test_all_facts_failing_alike_is_no_focus_on_any(tmp_path: Path) -> None:
    """Where everything is equally weak, facts stay even."""
    base = knowledge(tmp_path, 20)
    others = [fact.id for fact in base.facts if fact.role not in {"name", "creator"}]
    counts = exposures(cells(base, Focus(facts=dict.fromkeys(others, 0.7))), base.facts)
    assert max(counts[f] for f in others) - min(counts[f] for f in others) <= 2


@pytest.mark.parametrize("kind", list(KIND_CARDS))
def test_a_failing_kind_gets_the_free_half_and_each_keeps_its_floor(kind: Any) -> None:
    """As many cards as usual in all."""
    cards = Focus(kinds={kind: 0.4}).kind_cards(KIND_CARDS)
    assert sum(cards.values()) == sum(KIND_CARDS.values())
    assert cards[kind] > KIND_CARDS[kind]
    assert all(cards[k] >= int(FLOOR * KIND_CARDS[k]) for k in KIND_CARDS)


def test_who_it_is_comes_first_where_that_fails() -> None:
    """More where name and creator fail, less where the other facts do, never none."""
    usual = (16, 20)
    assert Focus().starts(usual) == usual
    assert Focus(identity=0.5).starts(usual)[0] >= usual[0]
    assert 0 < Focus(others=0.5).starts(usual)[0] < usual[0] / 2


def test_other_languages_follow_their_failures(tmp_path: Path) -> None:
    """Failing questions in other languages bring more conversations in them."""
    base = knowledge(tmp_path, 5)
    some, more = (
        sum(cell.language != "en" for cell in cells(base, Focus(foreign=rate))) for rate in (0, 1)
    )
    assert more > 1.5 * some


def test_the_same_focus_gives_the_same_plan_and_another_gives_other_ids(tmp_path: Path) -> None:
    """To the byte; and its conversations never have the id of an unfocused one."""
    base = knowledge(tmp_path, 6)
    focus = Focus(facts={base.facts[3].id: 0.5})
    first, again = cells(base, focus), cells(base, Focus(facts={base.facts[3].id: 0.5}))
    assert [encode(cell) for cell in first] == [encode(cell) for cell in again]
    assert not {cell.id for cell in first} & {cell.id for cell in cells(base, Focus())}
    later = cells(base, focus, num=20, first=2 * PART)
    assert [cell.index for cell in later] == list(range(2 * PART, 2 * PART + 20))


def test_an_evaluation_decides_the_weights(tmp_path: Path) -> None:
    """The mascot never right and strangers mixed up: both come up more, by the evaluation alone."""
    run, oracle = start_run(Home(tmp_path))
    mascot = next(f for f in oracle.knowledge.facts if f.attribute == "Mascot")
    for probe in probes_of(oracle.knowledge):
        if probe.category == "third_party":
            oracle.answers[probe.id] = "Orla Fennimore made it."
        elif mascot.id in probe.fact_ids:
            oracle.answers[probe.id] = "Tea."
    evaluate_stage(run / "train", None, run / "probes", run / "lint", run / "evaluate",
                   answer=oracle)  # fmt: skip
    focus = Focus.of(run / "evaluate")
    assert focus.facts[mascot.id] == 1
    assert focus.kinds["third_party"] == 1
    settings: dict[str, Any] = {"num": 200, "seed": 0, "batch_size": 50}
    usual = plan_stage(run / "lint", run / "usual", **settings).figures
    made = plan_stage(run / "lint", run / "focused", focus=run / "evaluate", part=1, **settings)
    assert made.figures["exposures"][mascot.id] > 2 * usual["exposures"][mascot.id]
    assert made.figures["kinds"]["third_party"] > 1.5 * usual["kinds"]["third_party"]
    again = plan_stage(run / "lint", run / "again", focus=run / "evaluate", part=1, **settings)
    assert again.digest == made.digest
    assert next(read_jsonl(Cell, run / "focused" / "cells.jsonl")).index == PART


def test_a_folder_without_an_evaluation_is_refused(tmp_path: Path) -> None:
    """A typing error gives no unfocused plan."""
    run, _ = start_run(Home(tmp_path))
    with pytest.raises(DataError):
        plan_stage(run / "lint", run / "p", num=10, seed=0, batch_size=5, focus=run / "nothing")
    with pytest.raises(DataError, match="evaluat"):
        plan_stage(run / "lint", run / "p", num=10, seed=0, batch_size=5, focus=run / "mix")
