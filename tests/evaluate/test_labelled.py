"""The grader against answers labelled by hand; see evaluate/labelled/README.md."""

from __future__ import annotations

from collections import Counter

import pytest

from identity_ops.evaluate.calibration import Labelled, labelled
from identity_ops.evaluate.grade import grade

LEAST = 0.98


def disagreements(rows: list[Labelled]) -> list[str]:
    found = ((row, grade(row.probe, row.answer)) for row in rows)
    return [f"{row}: {verdict.why}" for row, verdict in found if verdict.passed is not row.right]


def test_the_set_is_large_real_and_hard() -> None:
    """At least 300 answers, half of them a model's own, a quarter tricky, both labels often."""
    rows = labelled()
    assert len(rows) >= 300
    assert sum(row.source == "model" for row in rows) >= 0.45 * len(rows)
    assert sum(bool(row.tricky) for row in rows) >= 0.25 * len(rows)
    assert 0.4 < sum(row.right for row in rows) / len(rows) < 0.6
    assert len({row.probe.category.split("/")[0] for row in rows}) == 9
    assert min(Counter(row.tricky for row in rows if row.tricky).values()) >= 7


def test_the_grader_agrees_with_hand_labels() -> None:
    """At least 98 % of all answers are graded as a person labelled them."""
    rows = list(labelled())
    wrong = disagreements(rows)
    agreement = 1 - len(wrong) / len(rows)
    print(f"grader agrees on {agreement:.1%} of {len(rows)} labelled answers")
    assert agreement >= LEAST, "\n".join(wrong)


@pytest.mark.parametrize("right", [True, False])
def test_the_grader_errs_to_neither_side_on_real_answers(right: bool) -> None:
    """Of a model's own answers, neither right nor wrong ones are graded otherwise."""
    rows = [row for row in labelled() if row.source == "model" and row.right is right]
    wrong = disagreements(rows)
    assert len(wrong) <= (1 - LEAST) * len(rows), "\n".join(wrong)


def test_every_grade_says_why() -> None:
    """A grade always names what was found, missing or forbidden."""
    assert all(grade(row.probe, row.answer).why for row in labelled())
