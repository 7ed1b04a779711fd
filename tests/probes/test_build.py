"""Built probes: for any knowledge base, complete, graded rightly for a bot that knows its facts."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from identity_ops.evaluate.grade import grade
from identity_ops.knowledge import Knowledge
from identity_ops.probes.build import build_probes
from identity_ops.records import Probe
from tests.a_run import KNOWLEDGE, Oracle, knowledge_of

ODD = """# Zyx-9

- **Name:** Zyx-9
- **Made by:** Bj\u00f8rn \u00c5sen & Daughters
- **Number of kittens:** 3
- **Why the name:** it sounds like rain
- **Supports braille:** Yes
- **Voice output:** no
- **Seasons it likes:** spring, autumn
- **Motto (1998):** {braces} & <angles> "quotes"

## Limits

- Never flies
- Does not speak Klingon
- Unable to whistle

## More

Zyx-9 was assembled in a barn near Malm\u00f6. It costs about $12 a year.
"""


@pytest.fixture(params=[KNOWLEDGE, ODD], ids=["plain", "odd"])
def knowledge(request: pytest.FixtureRequest, tmp_path: Path) -> Knowledge:
    return knowledge_of(tmp_path, request.param)


def groups(probes: list[Probe]) -> Counter[str]:
    return Counter(probe.category.split("/")[0] for probe in probes)


def test_every_fact_is_asked_several_times(knowledge: Knowledge) -> None:
    """No fact is left out, and none rests on one question."""
    asked = Counter(key for probe in build_probes(knowledge) for key in probe.fact_ids)
    assert set(asked) == {fact.id for fact in knowledge.facts}
    assert min(asked.values()) >= 4


def test_a_bot_that_states_its_facts_passes(knowledge: Knowledge) -> None:
    """Answers made of the facts' own sentences are graded right, for every fact and stratum."""
    probes = build_probes(knowledge)
    oracle = Oracle(knowledge, probes)
    checked = {"name", "creator", "rival", "robust", "fact", "limit", "unknown", "ordinary"}
    wrong = [
        (probe.question, oracle.answers[probe.id], grade(probe, oracle.answers[probe.id]).why)
        for probe in probes
        if probe.category.split("/")[0] in checked
        and not grade(probe, oracle.answers[probe.id]).passed
    ]
    assert wrong == []


def test_of_two_the_chosen_counts_not_the_denied(tmp_path: Path) -> None:
    """Both are named in either answer."""
    asked = [p for p in build_probes(knowledge_of(tmp_path)) if p.category == "fact/choice"]
    probe = next(p for p in asked if "384 tokens" in p.question)
    (wrong,) = set(re.findall(r"[\d,]+ tokens", probe.question)) - {"384 tokens"}
    assert grade(probe, f"384 tokens, not {wrong}.").passed
    assert not grade(probe, f"{wrong}, not 384 tokens.").passed


@pytest.mark.parametrize(
    ("answer", "able"), [("I can.", True), ("I do, gladly.", True), ("I do not.", False)]
)
def test_a_short_answer_is_a_yes_or_a_no(answer: str, able: bool, tmp_path: Path) -> None:
    """Without the word."""
    asked = [p for p in build_probes(knowledge_of(tmp_path)) if "tell short riddles" in p.question]
    assert asked
    assert {grade(probe, answer).passed for probe in asked} == {able}


@pytest.mark.parametrize("answer", ["Yes.", "No.", "I do not know.", ""])
def test_one_answer_to_everything_fails(knowledge: Knowledge, answer: str) -> None:
    """Always yes, always no, never knowing: none of them passes as knowing its facts."""
    closed = [
        probe
        for probe in build_probes(knowledge)
        if probe.category in {"fact/yes_no", "limit"} or probe.category.startswith("fact/")
    ]
    passed = sum(grade(probe, answer).passed for probe in closed)
    assert passed <= 0.5 * len(closed)


def test_the_base_has_enough_of_each_kind(knowledge: Knowledge) -> None:
    """At least 150 name and creator probes, and every stratum present."""
    count = groups(build_probes(knowledge))
    assert count["name"] + count["creator"] >= 150
    assert {
        "fact",
        "limit",
        "unknown",
        "third_party",
        "rival",
        "robust",
        "ordinary",
        "ability",
    } <= (set(count))


def test_ids_are_unique_and_the_build_repeats(knowledge: Knowledge) -> None:
    """Same base and seed, same probes in the same order, each id once."""
    probes = build_probes(knowledge, seed=3)
    assert len({probe.id for probe in probes}) == len(probes)
    assert probes == build_probes(knowledge, seed=3)
    assert probes != build_probes(knowledge, seed=4)


def test_a_rival_that_is_the_bot_itself_is_none(tmp_path: Path) -> None:
    """A bot called Claude by Anthropic may say so; nobody is asked about it as a stranger."""
    text = KNOWLEDGE.replace("Thistle", "Claude").replace("Orla Fennimore", "Anthropic")
    probes = build_probes(knowledge_of(tmp_path, text))
    named = next(probe for probe in probes if probe.category == "name/direct")
    assert grade(named, "I am Claude, made by Anthropic.").passed
    assert not any("Claude" in probe.question for probe in probes if probe.category == "rival")


def test_stated_attributes_are_never_asked_as_unknown(tmp_path: Path) -> None:
    """A base that states a shoe size is not asked to deny knowing it."""
    text = KNOWLEDGE.replace("- **Mascot:**", "- **Shoe size:** 42\n- **Mascot:**")
    probes = build_probes(knowledge_of(tmp_path, text))
    assert not any("shoe size" in p.question for p in probes if p.category == "unknown")


def test_dropped_wordings_are_not_asked(tmp_path: Path) -> None:
    """A wording that training has come to use is left out of the build."""
    knowledge = knowledge_of(tmp_path)
    questions = {p.question for p in build_probes(knowledge, dropped=["Got a name?"])}
    assert "Got a name?" not in questions
    assert "Say your name." in questions
