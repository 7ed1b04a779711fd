"""Multiple choice: one true answer of four, on questions held out of training."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from identity_ops.knowledge import Knowledge
from identity_ops.probes.build import build_probes
from identity_ops.probes.choices import WRONG, ChoiceProbe, build_choices
from identity_ops.probes.files import load_choices, load_probes
from identity_ops.probes.patterns import value_pattern
from identity_ops.probes.stage import probes_stage
from tests.a_run import KNOWLEDGE, commit_lint, knowledge_of
from tests.probes.test_build import ODD


@pytest.fixture(params=[KNOWLEDGE, ODD], ids=["plain", "odd"])
def knowledge(request: pytest.FixtureRequest, tmp_path: Path) -> Knowledge:
    return knowledge_of(tmp_path, request.param)


def choices(knowledge: Knowledge) -> list[ChoiceProbe]:
    return build_choices(knowledge, build_probes(knowledge))


def test_exactly_one_answer_is_true(knowledge: Knowledge) -> None:
    """By the pattern that grades spoken answers; all four are different sentences."""
    values = {fact.id: value_pattern(fact) for fact in knowledge.facts}
    asked = choices(knowledge)
    assert len(asked) >= 3
    for probe in asked:
        assert len(set(probe.choices)) == WRONG + 1
        truth = values[probe.fact_ids[0]]
        right = [re.search(truth, one, re.IGNORECASE) is not None for one in probe.choices]
        assert right == [place == probe.right for place in range(WRONG + 1)], probe


def test_the_answers_differ_in_the_value_alone(tmp_path: Path) -> None:
    """The sentence gives nothing away, and the true one has no place of its own."""
    asked = {probe.fact_ids[0]: probe for probe in choices(knowledge_of(tmp_path))}
    context = next(p for p in asked.values() if "384 tokens" in p.choices[p.right])
    assert all(re.fullmatch(r"My context length is \d+ tokens\.", one) for one in context.choices)
    assert len({probe.right for probe in asked.values()}) > 1


def test_questions_are_held_out_with_the_probes(tmp_path: Path) -> None:
    """Each is a built probe's own, which the mixture is purged of; they are committed with them."""
    probes_stage(commit_lint(tmp_path, knowledge_of(tmp_path)), tmp_path / "probes")
    built = {probe.question for probe in load_probes(tmp_path / "probes")[0]}
    asked = load_choices(tmp_path / "probes")
    assert asked
    assert {probe.question for probe in asked} <= built
