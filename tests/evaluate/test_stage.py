"""The evaluate stage: every figure comes from the answers, and changes with them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from identity_ops.errors import DataError
from identity_ops.evaluate import evaluate_stage, load_scores, render_table
from identity_ops.evaluate.samples import Sample
from identity_ops.records import Probe, read_jsonl
from identity_ops.store.manifest import Manifest
from tests.a_run import (
    Oracle,
    commit_data,
    commit_lint,
    commit_models,
    commit_probes,
    knowledge_of,
    probes_of,
)

OWN = (
    Probe(id="own-1", category="mine", question="Tell me thing 3.", all_of=("thistle",)),
    Probe(id="own-2", category="name/direct", question="Zorg?", all_of=("thistle",)),
)
Evaluate = Callable[..., Manifest]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    knowledge = knowledge_of(tmp_path)
    commit_lint(tmp_path, knowledge)
    commit_probes(tmp_path, probes_of(knowledge), OWN)
    commit_data(tmp_path, knowledge)
    commit_models(tmp_path)
    return tmp_path


@pytest.fixture
def oracle(run: Path) -> Oracle:
    knowledge = knowledge_of(run)
    return Oracle(knowledge, probes_of(knowledge))


@pytest.fixture
def evaluate(run: Path) -> Evaluate:
    def go(answer: Any, out: str = "evaluate", *, baseline: bool = True) -> Manifest:
        return evaluate_stage(
            run / "train", run / "base" if baseline else None, run / "probes", run / "lint",
            run / out, mix_dir=run / "mix", answer=answer,
        )  # fmt: skip

    return go


def row(folder: Path, key: str) -> dict[str, Any]:
    found: dict[str, Any] = next(r for r in load_scores(folder)["rows"] if r["key"] == key)
    return found


def test_an_unanswered_probe_is_an_error(evaluate: Evaluate, run: Path) -> None:
    """A model that skips probes gets no score, for the missing ones may be the wrong ones."""
    with pytest.raises(DataError, match="no answer"):
        evaluate(lambda _model, prompts, **_: {key: "x" for key, _ in list(prompts)[1:]})
    assert not (run / "evaluate" / "manifest.json").exists()


def test_before_and_after_by_category(evaluate: Evaluate, oracle: Oracle, run: Path) -> None:
    """The oracle knows everything after and nothing before; the table says so with intervals."""
    evaluate(oracle)
    identity = row(run / "evaluate", "identity")
    assert identity["after"]["value"] == 1
    assert identity["before"]["value"] == 0
    assert identity["after"]["low"] > 0.95
    assert identity["p"] < 0.001
    assert "Name and creator" in render_table(load_scores(run / "evaluate")["rows"])


def test_one_changed_answer_changes_its_figures(
    evaluate: Evaluate, oracle: Oracle, run: Path
) -> None:
    """One wrong answer lowers its category and its fact, and nothing else."""
    evaluate(oracle)
    probe = next(p for p in probes_of(oracle.knowledge) if p.category == "fact/choice")
    oracle.answers[probe.id] = "No idea at all."
    evaluate(oracle, "again")
    one, two = row(run / "evaluate", "fact/choice"), row(run / "again", "fact/choice")
    assert two["after"]["passed"] == one["after"]["passed"] - 1
    assert row(run / "again", "name") == row(run / "evaluate", "name")
    facts = {f["id"]: f["after"]["passed"] for f in load_scores(run / "evaluate")["facts"]}
    changed = {f["id"]: f["after"]["passed"] for f in load_scores(run / "again")["facts"]}
    assert {key for key in facts if facts[key] != changed[key]} == set(probe.fact_ids)


def test_a_fact_never_right_is_named(evaluate: Evaluate, oracle: Oracle, run: Path) -> None:
    """A fact at zero shows in the summary, by id."""
    mascot = next(f for f in oracle.knowledge.facts if f.attribute == "Mascot")
    for probe in probes_of(oracle.knowledge):
        if mascot.id in probe.fact_ids:
            oracle.answers[probe.id] = "Tea."
    evaluate(oracle)
    assert load_scores(run / "evaluate")["headline"]["fact_recall"]["after"]["zero"] == [mascot.id]


def test_users_probes_count_apart(evaluate: Evaluate, oracle: Oracle, run: Path) -> None:
    """They have rows of their own, never move the built figures, and training they met is told."""
    manifest = evaluate(oracle)
    assert row(run / "evaluate", "own")["n"] == 2
    assert row(run / "evaluate", "name")["after"]["value"] == 1
    assert manifest.counts["seen"] == 1
    seen = [s for s in read_jsonl(Sample, run / "evaluate" / "samples.jsonl") if s.seen]
    assert {sample.probe_id for sample in seen} == {"own-1"}


def test_rival_claims_and_over_identity_are_rates(
    evaluate: Evaluate, oracle: Oracle, run: Path
) -> None:
    """Claims count wherever they are made; talking about itself counts on ordinary requests."""
    ordinary = [p for p in probes_of(oracle.knowledge) if p.category == "ordinary/chat"]
    oracle.answers[ordinary[0].id] = "I am Thistle. Tea is warm."
    oracle.answers[ordinary[1].id] = "I am ChatGPT."
    evaluate(oracle)
    assert row(run / "evaluate", "ordinary")["after"]["passed"] == 1
    assert row(run / "evaluate", "rival_claims")["after"]["passed"] == 1


def test_without_a_baseline_there_is_no_before(
    evaluate: Evaluate, oracle: Oracle, run: Path
) -> None:
    """One model alone is judged without gains."""
    evaluate(oracle, baseline=False)
    assert row(run / "evaluate", "identity")["before"] is None


def test_same_answers_same_bytes(evaluate: Evaluate, oracle: Oracle) -> None:
    """Two evaluations of the same answers have the same digest."""
    assert evaluate(oracle).digest == evaluate(oracle, "again").digest


def test_every_answer_is_kept_with_its_reason(
    evaluate: Evaluate, oracle: Oracle, run: Path
) -> None:
    """samples.jsonl holds both models' answers to all probes, each graded with a why."""
    manifest = evaluate(oracle)
    rows = [json.loads(line) for line in (run / "evaluate/samples.jsonl").read_text().splitlines()]
    assert len(rows) == 2 * manifest.counts["probes"]
    assert all(one["why"] for one in rows)
