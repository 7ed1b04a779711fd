"""The curate stage: what is kept, what is rejected, and when a run must stop."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from identity_ops.curate.dataset import REJECTIONS, read_conversations, read_table
from identity_ops.curate.stage import curate_stage, require_enough, select
from identity_ops.errors import CorruptError, DataError, ShortfallError
from identity_ops.knowledge import read_knowledge
from identity_ops.knowledge.stage import lint_stage
from identity_ops.records import Cell, Conversation, Rejection, read_jsonl, write_jsonl
from identity_ops.store.manifest import Manifest
from identity_ops.store.stage import Outcome, run_stage
from tests.curate.samples import conversation
from tests.curate.test_checker import KB
from tests.scene import commit_plan


@pytest.fixture
def lint_dir(tmp_path: Path) -> Path:
    source = tmp_path / "vela.md"
    source.write_text(KB)
    lint_stage(source, tmp_path / "lint")
    return tmp_path / "lint"


def generated(folder: Path, rows: list[Conversation]) -> Path:
    rejections = [Rejection(id="r1", index=99, reason="not_json", detail="", text="oops")]

    def work(out: Path) -> Outcome:
        write_jsonl(out / "accepted.jsonl", rows)
        write_jsonl(out / "rejections.jsonl", rejections)
        return Outcome(files=["accepted.jsonl", "rejections.jsonl"])

    run_stage("refill", folder, {"rows": len(rows)}, {}, work)
    return folder


def talks(count: int) -> list[Conversation]:
    nouns = ["kite", "lamp", "boat", "drum", "fern", "gate", "harp", "iron", "jar", "key"]
    return [
        conversation(
            n,
            f"Is {nouns[n % 10]} {n} a thing you know?",
            f"No, {nouns[-n % 10]} {n * 7} is not.",
            kind="ordinary",
        )
        for n in range(count)
    ]


def curate(lint_dir: Path, rows: list[Conversation], num: int) -> tuple[Path, Manifest]:
    source = generated(lint_dir.parent / "refill", rows)
    out = lint_dir.parent / "curated"
    return out, curate_stage(lint_dir, [source], out, num=num)


def test_duplicates_and_surplus_are_rejected_with_reasons(lint_dir: Path) -> None:
    """What is dropped is kept beside the rest, with the reason and the text."""
    rows = talks(6)
    double = ("IS kite 0 a thing you know", "no kite 0 is not")
    rows.append(conversation(6, *double, kind="ordinary"))
    out, manifest = curate(lint_dir, rows, num=4)
    assert [row.index for row in read_conversations(out)] == [0, 1, 2, 3]
    assert manifest.figures["rejections"] == {"surplus": 2, "not_json": 1, "duplicate_exact": 1}
    texts = [r["text"] for r in read_table(out / "rejections.parquet", REJECTIONS)]
    assert "oops" in texts
    assert "user: IS kite 0 a thing you know\nassistant: no kite 0 is not" in texts


def test_coverage_counts_conversations_for_each_fact(lint_dir: Path) -> None:
    """Facts that nobody teaches are named as gaps."""
    ids = {fact.attribute: fact.id for fact in read_knowledge(lint_dir).facts}
    rows = talks(3)
    rows[0] = conversation(0, "Who are you?", "I am Vela, made by Mira Lindqvist.")
    rows[1] = conversation(1, "Name?", "Vela is my name.", fact_ids=("no such fact",))
    out, manifest = curate(lint_dir, rows, num=3)
    coverage = manifest.figures["coverage"]
    assert coverage["covered"] == 2
    assert {ids["License"], ids["Layers"]} <= set(coverage["gaps"])
    exposures = json.loads((out / "coverage.json").read_text())["exposures"]
    assert (exposures[ids["Name"]], exposures[ids["Creator"]]) == (2, 1)


def test_the_manifest_says_how_varied_the_set_is_and_what_of_the_plan_is_there(
    lint_dir: Path, tmp_path: Path
) -> None:
    """Topics that nobody could be taught are seen in the figures; spares are no plan."""
    made = commit_plan(tmp_path / "plan", mains=4, spares=3, batch_size=4)
    cells = list(read_jsonl(Cell, made / "cells.jsonl"))
    rows = [replace(row, topic=cells[n].topic) for n, row in enumerate(talks(3))]
    rows = [replace(r, persona=cells[0].persona, dynamic=cells[0].dynamic) for r in rows]
    source = generated(tmp_path / "refill", rows)
    found = curate_stage(lint_dir, [source], tmp_path / "c", num=3, plan_dirs=[made])
    varied = found.figures["diversity"]
    assert varied["cells"] == {
        "topics": [3, 4], "personas": [1, 1], "dynamics": [1, 1], "combinations": [3, 4],
    }  # fmt: skip
    assert varied["sampled"] == 3
    assert 0 <= varied["nearest"]["mean"] < 0.7
    assert found.inputs["plan-0000"]


def test_what_the_knowledge_base_no_longer_says_is_rejected(lint_dir: Path) -> None:
    """Conversations made from another version of the file are judged by this one."""
    rows = [*talks(2), conversation(2, "Who made you?", "Orla Byrne made me.")]
    _, manifest = curate(lint_dir, rows, num=3)
    assert manifest.figures["rejections"]["ungrounded_name"] == 1


def test_too_few_are_committed_and_then_refused(lint_dir: Path) -> None:
    """The shortfall stops the run, and what was paid for stays readable."""
    out, manifest = curate(lint_dir, talks(8), num=10)
    assert len(list(read_conversations(out))) == 8
    with pytest.raises(ShortfallError, match="expected at least 90% of 10, got 8") as caught:
        require_enough(manifest)
    assert "not_json 1" in str(caught.value)


def test_nine_of_ten_are_enough(lint_dir: Path) -> None:
    """The share is inclusive: nine of ten go on, eight are refused above."""
    _, manifest = curate(lint_dir, talks(9), num=10)
    assert manifest.counts["conversations"] == 9
    require_enough(manifest)


def test_none_is_never_enough(lint_dir: Path) -> None:
    """Nothing at all fails whatever the share."""
    with pytest.raises(ShortfallError):
        require_enough(curate(lint_dir, [], num=1)[1])


def test_a_changed_input_is_refused(lint_dir: Path) -> None:
    """A source that no longer matches its manifest is not curated."""
    source = generated(lint_dir.parent / "refill", talks(3))
    with (source / "accepted.jsonl").open("a") as out:
        out.write("\n")
    with pytest.raises(CorruptError):
        curate_stage(lint_dir, [source], lint_dir.parent / "c", num=3)


def test_an_unfinished_input_is_refused(lint_dir: Path) -> None:
    """A folder without a manifest is no result."""
    (lint_dir.parent / "empty").mkdir()
    with pytest.raises(DataError, match="no manifest"):
        curate_stage(lint_dir, [lint_dir.parent / "empty"], lint_dir.parent / "c", num=3)


def test_the_order_of_the_input_makes_no_difference() -> None:
    """Winners go by index."""
    rows = talks(30)
    assert select(rows, 20) == select(list(reversed(rows)), 20)


def test_the_same_input_gives_the_same_bytes(lint_dir: Path, tmp_path: Path) -> None:
    """Two runs agree in every file."""
    source = generated(tmp_path / "refill", talks(20))
    first = curate_stage(lint_dir, [source], tmp_path / "a", num=20)
    second = curate_stage(lint_dir, [source], tmp_path / "b", num=20)
    assert first.digest == second.digest
