"""A matched control: what identity has cost, on the probes that a nameless model can be asked."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from identity_ops.evaluate import evaluate_stage, load_scores
from identity_ops.evaluate.against import ASKED, FILE, general_losses
from identity_ops.evaluate.grade import grade
from identity_ops.records import Message
from identity_ops.report import render_report
from identity_ops.report.run import RunFolder
from identity_ops.report.text import tables
from tests.a_run import (
    Oracle,
    commit,
    commit_lint,
    commit_models,
    commit_probes,
    knowledge_of,
    probes_of,
)


class WithControl(Oracle):
    """The control does every exercise; the taught model fails some and talks about itself."""

    def __init__(self, folder: Path) -> None:
        knowledge = knowledge_of(folder)
        self.probes = probes_of(knowledge)
        super().__init__(knowledge, self.probes)
        self.control = dict(self.answers)
        self.asked: set[str] = set()
        ability = [p for p in self.probes if p.category.startswith("ability")]
        for probe in ability:
            self.control[probe.id] = solved(probe.all_of)
            self.answers[probe.id] = self.control[probe.id]
        self.lost = [p.id for p in ability if grade(p, self.control[p.id]).passed][:6]
        self.answers |= dict.fromkeys(self.lost, "Hm.")
        ordinary = next(p for p in self.probes if p.category == "ordinary/chat")
        self.answers[ordinary.id] = "I am Thistle, made by Orla Fennimore."

    def __call__(
        self, model_dir: Path, prompts: Iterable[tuple[str, list[Message]]], **how: Any
    ) -> dict[str, str]:
        listed = list(prompts)
        if model_dir.name != "control":
            return super().__call__(model_dir, listed, **how)
        self.asked = {key for key, _ in listed}
        return {key: self.control[key] for key, _ in listed}


def solved(patterns: tuple[str, ...]) -> str:
    """A text that the patterns of an exercise find: their letters and digits."""
    return " ".join(
        "".join(c for c in p.replace(r"\b", "") if c not in "\\^$()?:") for p in patterns
    )


@pytest.fixture
def run(tmp_path: Path) -> tuple[Path, WithControl]:
    lint = commit_lint(tmp_path, knowledge_of(tmp_path))
    bot = WithControl(tmp_path)
    commit_probes(tmp_path, bot.probes)
    trained, base = commit_models(tmp_path)
    losses = {"val_after": {"general_loss": 1.25, "identity_loss": None}}
    commit(tmp_path / "control", "train", {"model.pt": "no identity"}, figures=losses)
    evaluate_stage(trained, base, tmp_path / "probes", lint, tmp_path / "evaluate", answer=bot,
                   control_dir=tmp_path / "control")  # fmt: skip
    return tmp_path, bot


def test_what_was_lost_to_identity_is_told_with_a_paired_test(
    run: tuple[Path, WithControl],
) -> None:
    """Ability and over-identity beside the control, probe by probe; the table against the base
    stays what it is."""
    folder, bot = run
    scores = load_scores(folder / "evaluate")
    rows = {row["key"]: row for row in scores["control"]["rows"]}
    right = rows["ability"]["before"]["passed"]
    assert rows["ability"]["after"]["passed"] == right - 6 == right - len(bot.lost)
    assert rows["ability"]["gain"]["value"] == pytest.approx(-6 / rows["ability"]["n"])
    assert rows["ability"]["p"] == pytest.approx(2 / 2**6)
    assert (rows["ordinary"]["before"]["passed"], rows["ordinary"]["after"]["passed"]) == (0, 1)
    base = next(row for row in scores["rows"] if row["key"] == "ability")
    assert base["before"]["passed"] != right


def test_a_control_is_asked_nothing_about_an_identity(run: tuple[Path, WithControl]) -> None:
    """It has none; its answers are kept with their grades."""
    folder, bot = run
    groups = {p.category.split("/")[0] for p in bot.probes if p.id in bot.asked}
    assert groups == set(ASKED)
    kept = [json.loads(line) for line in (folder / "evaluate" / FILE).read_text().splitlines()]
    assert {row["model"] for row in kept} == {"control"}
    assert {row["probe_id"] for row in kept} == bot.asked


def test_losses_on_general_chat_stand_beside_each_other(tmp_path: Path) -> None:
    """As both trainings measured them; none where one of the two did not."""
    for name, loss in (("model", 1.5), ("control", 1.25)):
        figures = {"val_after": {"general_loss": loss}}
        commit(tmp_path / name, "train", {"model.pt": name}, figures=figures)
    commit(tmp_path / "silent", "train", {"model.pt": ""})
    found = general_losses(tmp_path / "model", tmp_path / "control")
    assert found == {"model": 1.5, "control": 1.25}
    assert general_losses(tmp_path / "model", tmp_path / "silent") == {}


def test_page_and_table_show_it(run: tuple[Path, WithControl]) -> None:
    """And say nothing about losses that one of the two did not measure."""
    folder, _ = run
    assert "Beside a control" in tables(RunFolder(folder))
    html = render_report(RunFolder(folder))
    assert "beside a matched control" in html
    assert "Loss on held-out general chat" not in html
