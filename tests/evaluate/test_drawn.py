"""Answers drawn at random, consistency over wordings, and the figures of both."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from identity_ops.evaluate import evaluate_stage, load_scores
from identity_ops.evaluate.samples import Sample
from identity_ops.evaluate.score import consistency
from identity_ops.records import Message, read_jsonl
from identity_ops.store.paths import Home
from tests.a_published_run import start_run
from tests.a_run import Oracle

DRAWS = 4


class Wavering:
    """As the oracle, but the last draw of every name probe is another name."""

    def __init__(self, oracle: Oracle) -> None:
        self.oracle = oracle
        self.temperatures: list[float] = []

    def __call__(
        self,
        model_dir: Path,  # noqa: ARG002 - the interface's
        prompts: Iterable[tuple[str, list[Message]]],
        *,
        temperature: float,
        **_: Any,
    ) -> dict[str, str]:
        self.temperatures.append(temperature)
        return {name: self._say(name) for name, _ in prompts}

    def _say(self, name: str) -> str:
        probe_id, _, draw = name.partition("#")
        if draw == str(DRAWS) and probe_id.startswith("name-"):
            return "I am Nobody."
        return self.oracle.answers[probe_id]


@pytest.fixture
def evaluated(tmp_path: Path) -> Path:
    run, oracle = start_run(Home(tmp_path))
    ask = Wavering(oracle)
    evaluate_stage(run / "train", None, run / "probes", run / "lint", run / "evaluate",
                   answer=ask, draws=DRAWS)  # fmt: skip
    assert ask.temperatures == [0.0, 0.7]
    return run / "evaluate"


def drawn_row(folder: Path, key: str) -> dict[str, Any]:
    rows = {row["key"]: row for row in load_scores(folder)["drawn"]["rows"]}
    found: dict[str, Any] = rows[key]
    return found


def test_draws_are_counted_by_answer_and_by_question(evaluated: Path) -> None:
    """One wrong draw of four costs the rate a little and "each time" all of the name."""
    samples = list(read_jsonl(Sample, evaluated / "drawn.jsonl"))
    names = {s.probe_id for s in samples if s.probe_id.startswith("name-")}
    row = drawn_row(evaluated, "identity")
    assert row["rate"]["n"] == DRAWS * row["questions"]
    assert row["rate"]["passed"] == row["rate"]["n"] - len(names)
    assert row["every_time"]["passed"] == row["questions"] - len(names)
    assert {s.draw for s in samples} == set(range(1, DRAWS + 1))


def test_drawn_answers_move_no_greedy_figure(evaluated: Path) -> None:
    """The table and the headline are of the likeliest answers alone."""
    scores = load_scores(evaluated)
    assert scores["headline"]["identity"]["after"]["value"] == 1
    assert drawn_row(evaluated, "fact")["rate"]["value"] == scores["headline"]["fact_recall"][
        "after"]["mean"]["value"]  # fmt: skip


def test_no_draws_no_file(tmp_path: Path) -> None:
    """By default nothing is drawn, and nothing said of it."""
    run, oracle = start_run(Home(tmp_path))
    evaluate_stage(run / "train", None, run / "probes", run / "lint", run / "evaluate",
                   answer=oracle)  # fmt: skip
    assert not (run / "evaluate" / "drawn.jsonl").exists()
    assert "drawn" not in load_scores(run / "evaluate")


def asked(category: str, fact: str, *marks: bool) -> list[Sample]:
    return [
        Sample(probe_id=f"{category}{fact}{n}", category=category, question="q", fact_ids=(fact,),
               model="after", answer="", passed=mark, why="")
        for n, mark in enumerate(marks)
    ]  # fmt: skip


def test_consistency_compares_wordings_of_one_thing() -> None:
    """Half right agrees in a third of the pairs; yes/no questions are no other wordings."""
    found = consistency([
        *asked("fact/paraphrase", "f1", True, True, False, False),
        *asked("fact/paraphrase", "f2", True, True),
        *asked("name/direct", "f3", False, False),
        *asked("fact/yes_no", "f1", False, True, False),
        *asked("fact/paraphrase", "alone", False),
    ])  # fmt: skip
    assert found["groups"] == 3
    assert found["agreement"]["value"] == pytest.approx((1 / 3 + 1 + 1) / 3)
    assert (found["all_right"]["passed"], found["all_right"]["n"]) == (1, 3)
