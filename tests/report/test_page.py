"""The page: everything on it comes from the run's files, and nothing on it can act."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from identity_ops.evaluate import evaluate_stage
from identity_ops.evaluate.table import percent
from identity_ops.records import Message, Response, encode, read_jsonl
from identity_ops.report import render_report, write_report
from identity_ops.report.run import RunFolder
from identity_ops.store.paths import Home
from tests.a_published_run import finish_run, start_run
from tests.a_run import Oracle, commit_probes, probes_of

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>"


@pytest.fixture
def started(tmp_path: Path) -> tuple[Path, Oracle]:
    return start_run(Home(tmp_path))


def card(html: str, title: str) -> str:
    """The big figure of a card."""
    found = re.search(rf'{title}[^<]*</span>\s*<span class="big">([^<]*)</span>', html)
    assert found is not None
    return found[1]


def test_generated_text_cannot_run(started: tuple[Path, Oracle]) -> None:
    """Markup in answers, questions and conversations is shown, never executed."""
    run, oracle = started
    for probe in probes_of(oracle.knowledge):
        oracle.answers[probe.id] = EVIL
    finish_run(run, oracle)
    html = render_report(RunFolder(run))
    assert "&lt;script&gt;" in html
    assert "<script" not in html
    assert "<img" not in html


def test_the_page_needs_nothing_from_outside(started: tuple[Path, Oracle]) -> None:
    """No script, no link to a style sheet, font or image; a policy forbids them as well."""
    run, oracle = started
    finish_run(run, oracle)
    html = render_report(RunFolder(run))
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?!#)""", html)
    assert "@import" not in html
    assert "url(" not in html
    assert "default-src 'none'" in html


def test_one_changed_answer_changes_the_page(tmp_path: Path) -> None:
    """The headline is the share of the answers on disk."""
    run, oracle = start_run(Home(tmp_path), "one")
    finish_run(run, oracle)
    assert card(render_report(RunFolder(run)), "Name and creator") == percent(1.0)
    other, changed = start_run(Home(tmp_path), "two")
    asked = [p for p in probes_of(oracle.knowledge) if p.category.split("/")[0] == "name"]
    changed.answers[asked[0].id] = "I am Nobody."
    finish_run(other, changed)
    count = sum(
        p.category.split("/")[0] in {"name", "creator"} for p in probes_of(oracle.knowledge)
    )
    html = render_report(RunFolder(other))
    assert card(html, "Name and creator") == percent((count - 1) / count)
    assert "I am Nobody." in html


def test_one_changed_response_changes_the_page(started: tuple[Path, Oracle]) -> None:
    """Teacher tokens are summed from the responses, not copied from a manifest."""
    run, oracle = started
    finish_run(run, oracle)
    before = render_report(RunFolder(run))
    path = run / "generate/0000/responses.jsonl"
    responses = list(read_jsonl(Response, path))
    text = path.read_text().replace('"completion_tokens":20', '"completion_tokens":620', 1)
    path.write_text(text)
    assert f"{120 * len(responses):,} teacher tokens" in before
    assert f"{120 * len(responses) + 600:,} teacher tokens" in render_report(RunFolder(run))


def test_lineage_from_fact_to_response(started: tuple[Path, Oracle]) -> None:
    """A fact shows the conversation that taught it and the response that was paid for."""
    run, oracle = started
    finish_run(run, oracle)
    html = render_report(RunFolder(run))
    heron = html[html.index("a grey heron") :]
    heron = heron[: heron.index("</details>")]
    assert "key-of-talk-2" in heron
    assert "talk-2" in heron
    assert "taught in 4 conversations" in heron or "taught in 3 conversations" in heron


def test_rejections_are_counted_once(started: tuple[Path, Oracle]) -> None:
    """A response that batch and refill both list is one rejection."""
    run, oracle = started
    finish_run(run, oracle)
    assert "2 rejected" in render_report(RunFolder(run))


def test_worst_facts_come_first(started: tuple[Path, Oracle]) -> None:
    """The fact with the lowest recall opens the list."""
    run, oracle = started
    licence = next(f for f in oracle.knowledge.facts if f.attribute == "License")
    for probe in probes_of(oracle.knowledge):
        if licence.id in probe.fact_ids:
            oracle.answers[probe.id] = "Tea."
    finish_run(run, oracle)
    html = render_report(RunFolder(run))
    first = html[html.index('class="fact"') :]
    assert first.index("<b>License</b>") < first.index("<b>Mascot</b>")


def heat_row(html: str, attribute: str) -> str:
    """The heat map's row of a fact."""
    start = html.index(f">{attribute}</a>", html.index('class="heat"'))
    return html[start : html.index("</tr>", start)]


def test_the_heat_map_tells_how_a_fact_was_asked(started: tuple[Path, Oracle]) -> None:
    """Yes/no questions wrong, the rest right: one red cell in the fact's row."""
    run, oracle = started
    mascot = next(f for f in oracle.knowledge.facts if f.attribute == "Mascot")
    for probe in probes_of(oracle.knowledge):
        if mascot.id in probe.fact_ids and probe.category == "fact/yes_no":
            oracle.answers[probe.id] = "Tea."
    finish_run(run, oracle)
    row = heat_row(render_report(RunFolder(run)), "Mascot")
    assert '<td class="h0">0/2</td>' in row
    assert row.count('<td class="h10">') == 3


def test_a_fact_that_nobody_asked_is_not_the_worst(tmp_path: Path) -> None:
    """Without a probe there is no share: it comes last, and says so."""
    run, oracle = start_run(Home(tmp_path))
    mascot = next(f for f in oracle.knowledge.facts if f.attribute == "Mascot")
    shutil.rmtree(run / "probes")
    rest = [p for p in probes_of(oracle.knowledge) if mascot.id not in p.fact_ids]
    commit_probes(run, rest)
    finish_run(run, oracle)
    data = json.loads(write_report(run).with_suffix(".json").read_text())
    assert data["facts"][-1]["id"] == mascot.id
    assert "not asked" in render_report(RunFolder(run))


def test_the_same_as_json(started: tuple[Path, Oracle]) -> None:
    """Everything that the page shows, for machines: figures, the worst facts with answers and the
    conversations that taught them."""
    run, oracle = started
    finish_run(run, oracle)
    data = json.loads(write_report(run).with_suffix(".json").read_text())
    worst = data["facts"][0]
    assert data["scores"]["headline"]["identity"]["after"]["value"] == 1
    assert {answer["question"] for answer in worst["answers"]}
    talk, response = worst["taught"]["shown"][0]
    assert response["id"] == talk["id"]
    assert data["gate"]["passed"] is True


def test_lineage_links_lead_to_stages(started: tuple[Path, Oracle]) -> None:
    """Each link on the page has its target on the page."""
    run, oracle = started
    finish_run(run, oracle)
    html = render_report(RunFolder(run))
    targets = set(re.findall(r'id="([^"]+)"', html))
    links = re.findall(r'href="#([^"]+)"', html)
    assert any(link.startswith("d-") for link in links)
    assert set(links) <= targets


def test_drawn_answers_are_shown_where_there_are_any(tmp_path: Path) -> None:
    """With their own table."""
    run, oracle = start_run(Home(tmp_path))
    evaluate_stage(run / "train", None, run / "probes", run / "lint", run / "evaluate",
                   answer=Echo(oracle), draws=2)  # fmt: skip
    assert "2 more answers to each question" in render_report(RunFolder(run))


class Echo:
    """Draws what the oracle says."""

    def __init__(self, oracle: Oracle) -> None:
        self.oracle = oracle

    def __call__(self, model_dir: Path, prompts: Any, **settings: Any) -> dict[str, str]:
        names = [name for name, _ in prompts]
        asked: list[tuple[str, list[Message]]] = [(name.partition("#")[0], []) for name in names]
        said = self.oracle(model_dir, asked, **settings)
        return {name: said[name.partition("#")[0]] for name in names}


def test_a_half_finished_run_has_a_page(tmp_path: Path) -> None:
    """Stages that are missing are left out; nothing fails."""
    run, _ = start_run(Home(tmp_path))
    html = write_report(run).read_text()
    assert "Training" in html
    assert "Before and after" not in html


def test_an_empty_folder_has_a_page(tmp_path: Path) -> None:
    """Not even a lint result: still a page, with an empty lineage."""
    assert "Lineage" in render_report(RunFolder(tmp_path))


def test_same_files_same_page(started: tuple[Path, Oracle]) -> None:
    """The page is a function of the run's files."""
    run, oracle = started
    finish_run(run, oracle)
    assert render_report(RunFolder(run)) == render_report(RunFolder(run))


def test_responses_are_shown_as_recorded(started: tuple[Path, Oracle]) -> None:
    """Provider and model of the response stand beside the conversation, escaped."""
    run, oracle = started
    path = run / "generate/0000/responses.jsonl"
    rows = list(read_jsonl(Response, path))
    path.write_text("".join(encode(row) + "\n" for row in rows).replace("scripted", "<b>model"))
    finish_run(run, oracle)
    assert "&lt;b&gt;model" in render_report(RunFolder(run))


def test_one_model_alone_has_a_page(tmp_path: Path) -> None:
    """Without a baseline there is no "before", and nothing fails."""
    run, oracle = start_run(Home(tmp_path))
    evaluate_stage(run / "train", None, run / "probes", run / "lint", run / "evaluate",
                   answer=oracle)  # fmt: skip
    html = render_report(RunFolder(run))
    assert "Before training" not in html
    assert card(html, "Name and creator") == percent(1.0)
