"""The data section: samples by kind, rejections with reason and text, coverage of each fact."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from identity_ops.curate.stage import curate_stage
from identity_ops.knowledge import read_knowledge
from identity_ops.records import Conversation, Rejection, write_jsonl
from identity_ops.report import render_report
from identity_ops.report.data import gather
from identity_ops.report.run import RunFolder
from identity_ops.store.stage import Outcome, run_stage
from tests.curate.samples import conversation
from tests.curate.test_checker import KB
from tests.scene import commit_lint

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Lint, refill and curate of a few conversations, some of which are dropped."""
    commit_lint(tmp_path, KB)
    rows = [
        conversation(0, "Who are you?", "I am Vela."),
        conversation(1, "Who made you?", "Mira Lindqvist made me."),
        conversation(2, "who are YOU", "I am Vela!"),
        conversation(3, "Is a kite a toy?", f"Yes, {EVIL} it is.", kind="ordinary"),
        replace(conversation(4, "Your name?", "My name is Vela."), topic="another topic"),
    ]
    long = Rejection(id="r1", index=99, reason="not_json", detail="begins", text="oops " * 400)
    for stage in ("generate/0000", "refill"):
        commit_talks(tmp_path / stage, rows, [long])
    curate_stage(tmp_path / "lint", [tmp_path / "refill"], tmp_path / "curate", num=3)
    return tmp_path


def commit_talks(folder: Path, rows: list[Conversation], rejected: list[Rejection]) -> None:
    def work(out: Path) -> Outcome:
        write_jsonl(out / "accepted.jsonl", rows)
        write_jsonl(out / "rejections.jsonl", rejected)
        return Outcome(files=["accepted.jsonl", "rejections.jsonl"], counts={"accepted": len(rows)})

    run_stage(folder.name, folder, {}, {}, work)


def section(run: Path) -> str:
    html = render_report(RunFolder(run))
    return html[html.index('<section id="data">') : html.index('<section id="lineage">')]


def test_samples_are_those_of_the_curated_set(run: Path) -> None:
    """By kind, with their topic; what was dropped is no sample."""
    shown = gather(RunFolder(run))["data"]["curation"]["kinds"]
    found = {kind["name"]: [talk.index for talk in kind["shown"]] for kind in shown}
    assert found == {"identity": [0, 1], "ordinary": [3]}
    assert "Mira Lindqvist made me." in section(run)


def test_rejections_stand_there_with_reason_detail_and_text(run: Path) -> None:
    """Each reason with its count; a long text is cut; markup stays text."""
    page = section(run)
    for reason, text in (
        ("duplicate exact", "assistant: I am Vela!"), ("surplus", "My name is Vela."),
        ("not json", "oops oops"),
    ):  # fmt: skip
        after = page[page.index(f"<summary>{reason} <small>1</small>") :]
        assert text in after[: after.index("</details>")], reason
    assert "of c000000" in page
    assert page.count("oops") < 200
    assert EVIL not in page
    assert "&lt;script&gt;" in page


def test_every_fact_has_its_number_and_gaps_come_first(run: Path) -> None:
    """A fact that nobody teaches is marked."""
    facts = read_knowledge(run / "lint").facts
    page = section(run)
    rows = re.findall(
        r'<tr( class="gap")?><td>([^<]*?) <small>.*?<td class="num">(\d+)', page, re.S
    )
    assert len(rows) == len(facts)
    counts = [int(n) for _, _, n in rows]
    assert counts == sorted(counts)
    assert counts[0] == 0
    assert all(bool(gap) == (n == "0") for gap, _, n in rows)
    taught = {label: int(n) for _, label, n in rows}
    assert (taught["Name"], taught["Creator"]) == (1, 1)


def test_diversity_is_shown_and_nothing_is_made_up_without_it(run: Path) -> None:
    """A run without curation has samples and rejections alone."""
    assert "Likeness to the nearest other, of 3 drawn" in section(run)
    (run / "curate" / "manifest.json").unlink()
    page = section(run)
    assert "Likeness" not in page
    assert "My name is Vela." in page
