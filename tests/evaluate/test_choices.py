"""Multiple choice in an evaluation: a row of its own, by what the model finds likeliest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from identity_ops.evaluate import evaluate_stage, load_scores
from identity_ops.evaluate.choices import FILE, choice_samples
from identity_ops.probes.choices import ChoiceProbe
from identity_ops.probes.files import load_choices, load_probes
from identity_ops.probes.stage import probes_stage
from identity_ops.records import Message
from tests.a_run import Oracle, commit_lint, commit_models, knowledge_of


class Chooser(Oracle):
    """Trained, it finds the true answer of every second question likeliest; before, the first."""

    def __init__(self, probes: Path, lint: Path) -> None:
        super().__init__(knowledge_of(lint.parent), load_probes(probes)[0])
        self.asked = {probe.id: probe for probe in load_choices(probes)}
        self.known = set(sorted(self.asked)[::2])

    def __call__(
        self, model_dir: Path, prompts: Iterable[tuple[str, list[Message]]], **how: Any
    ) -> dict[str, str]:
        listed = list(prompts)
        found = super().__call__(model_dir, listed, **how)
        choices: Mapping[str, Sequence[str]] = how.get("choices", {})
        trained = "train" in str(model_dir)
        for key in [key for key, _ in listed if key in choices]:
            likely = self.asked[key].right if trained and key in self.known else 0
            how["on_weights"](key, [-1.0 if place == likely else -1.5 for place in range(4)])
            found[key] = choices[key][likely]
        return found


@pytest.fixture
def evaluated(tmp_path: Path) -> tuple[Path, Chooser]:
    lint = commit_lint(tmp_path, knowledge_of(tmp_path))
    probes_stage(lint, tmp_path / "probes")
    trained, base = commit_models(tmp_path)
    chooser = Chooser(tmp_path / "probes", lint)
    out = tmp_path / "evaluate"
    evaluate_stage(trained, base, tmp_path / "probes", lint, out, answer=chooser)
    return out, chooser


def test_the_table_has_a_row_for_it(evaluated: tuple[Path, Chooser]) -> None:
    """Before and after with a paired gain; every choice is kept with what was likelier."""
    out, chooser = evaluated
    row = next(row for row in load_scores(out)["rows"] if row["key"] == "choice")
    first = {key for key, probe in chooser.asked.items() if probe.right == 0}
    assert row["before"]["passed"] == len(first)
    assert row["after"]["passed"] == len(first | chooser.known)
    assert row["gain"]["value"] > 0
    kept = [json.loads(line) for line in (out / FILE).read_text().splitlines()]
    assert len(kept) == 2 * len(chooser.asked)
    assert all("by 0.50 nats a token than" in one["why"] for one in kept)


def test_choices_are_no_spoken_answers(evaluated: tuple[Path, Chooser]) -> None:
    """They change neither the recall of facts nor the number of answers that may claim a name."""
    out, chooser = evaluated
    scores = load_scores(out)
    rows = {row["key"]: row for row in scores["rows"]}
    assert rows["rival_claims"]["n"] == len(chooser.answers)
    assert rows["fact"]["after"]["value"] == 1
    assert not any(key in fact["probes"] for fact in scores["facts"] for key in chooser.asked)


def test_the_reason_says_how_far_the_true_answer_is_ahead_or_behind() -> None:
    """Against the best of the wrong ones."""
    probe = ChoiceProbe(id="c", question="Your name?", right=1, fact_ids=("f",),
                        choices=("I am Ann.", "I am Bo.", "I am Cy.", "I am Di."))  # fmt: skip
    weights = {"c": [-2.0, -1.75, -1.0, -3.0]}
    sample = choice_samples([probe], {"c": "I am Cy."}, weights, "after")[0]
    assert not sample.passed
    assert sample.why == 'the true one is less likely by 0.75 nats a token than "I am Cy."'
