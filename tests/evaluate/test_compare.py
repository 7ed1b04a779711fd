"""Two models on the same probes: paired tests, fair grading, no verdict by luck."""

from __future__ import annotations

from dataclasses import replace

import pytest

from identity_ops.evaluate.compare import compare
from identity_ops.evaluate.samples import Sample
from identity_ops.records import Probe


def answers(right: int, n: int = 200, category: str = "name/direct") -> list[Sample]:
    """`n` graded answers of which the first `right` are right."""
    return [
        Sample(probe_id=f"{category}-{k}", category=category, question="q", model="after",
               answer="Thistle" if k < right else "Tea", passed=k < right, why="")
        for k in range(n)
    ]  # fmt: skip


def over(mentions: int) -> list[Sample]:
    """170 ordinary answers, so many of which mention the model."""
    return answers(170 - mentions, 170, "ordinary/chat")


def keys(rows: list[dict[str, object]]) -> set[object]:
    return {row["key"] for row in rows}


def test_a_clear_loss_is_worse() -> None:
    """Twenty probes of 200 lost and none won."""
    found = compare(answers(190), answers(170))
    assert keys(found.worse) == {"identity"}
    assert found.better == []
    assert "worse at name and creator (-10.0 points" in found.words()


def test_a_clear_gain_is_better() -> None:
    """The same the other way round."""
    assert keys(compare(answers(170), answers(190)).better) == {"identity"}


def test_a_few_changed_answers_decide_nothing() -> None:
    """Four of 200 lost is what luck does."""
    found = compare(answers(190), answers(186))
    assert found.worse == []
    assert "no clear difference" in found.words()


def test_more_talk_about_itself_is_worse() -> None:
    """A share that grew is a loss where less is better."""
    assert keys(compare(over(2), over(30)).worse) == {"ordinary"}
    assert keys(compare(over(30), over(2)).better) == {"ordinary"}


def test_only_common_probes_count() -> None:
    """What one of them was not asked says nothing about either."""
    found = compare(answers(100, 100), answers(100, 150))
    assert (found.common, found.only_first, found.only_second) == (100, 0, 50)
    assert found.worse == []


def test_nothing_in_common_is_said() -> None:
    """No figure is made of no probe."""
    found = compare(answers(5, 5), answers(5, 5, "creator/direct"))
    assert found.common == 0
    assert found.words() == "no probe that both answered"


def test_the_models_before_training_are_left_out() -> None:
    """An evaluation holds two models' answers; the trained ones are compared."""
    base = [replace(sample, model="before", passed=False) for sample in answers(0)]
    assert compare([*base, *answers(190)], answers(190)).worse == []


@pytest.mark.parametrize(("wanted", "worse"), [("thistle", {"identity"}), ("tea", set())])
def test_both_are_graded_by_the_same_rules(wanted: str, worse: set[str]) -> None:
    """An old verdict by an old knowledge base does not count: the answers are graded again."""
    probes = [
        Probe(id=f"name/direct-{k}", category="name/direct", question="q", all_of=(wanted,))
        for k in range(200)
    ]
    old = [replace(sample, passed=True) for sample in answers(200)]
    found = compare(old, answers(150), probes)
    assert keys(found.worse) == worse
    assert found.common == 200
