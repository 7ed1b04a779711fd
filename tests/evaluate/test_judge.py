"""A judge model over a real socket: asked once for each answer, capped, cached, never believed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from identity_ops.errors import CreditError
from identity_ops.evaluate.calibration import labelled
from identity_ops.evaluate.judge import judge_stage
from identity_ops.evaluate.opinions import Opinion
from identity_ops.evaluate.samples import Sample
from identity_ops.records import read_jsonl
from identity_ops.report import render_report
from identity_ops.report.run import RunFolder
from identity_ops.store.manifest import Manifest
from identity_ops.store.paths import Home
from tests.loopback import KEY, Provider, serve
from tests.scene import settings
from tests.test_registry import finished

PRICE = {"prompt": 1.0, "completion": 1.0}
WORTH = 0.001  # US dollars that the provider asks for one answer


def asked(body: dict[str, Any]) -> dict[str, Any]:
    """What the judge is to judge, read from the prompt."""
    line = next(
        row for row in body["messages"][-1]["content"].splitlines() if row.startswith("Topic: ")
    )
    found: dict[str, Any] = json.loads(line.removeprefix("Topic: ").removesuffix(" (an answer)"))
    return found


def saying(text: str) -> str:
    return json.dumps({"messages": [{"role": "user", "content": "right or wrong?"},
                                    {"role": "assistant", "content": text}]})  # fmt: skip


def strict(body: dict[str, Any]) -> str:
    """Tea is never right."""
    return saying("wrong: tea" if "Tea" in asked(body)["answer"] else "Right: fine.")


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    monkeypatch.setenv("OPENROUTER_API_KEY", KEY)
    with serve(Provider(strict)) as found:
        yield found


@pytest.fixture
def run(tmp_path: Path) -> Path:
    shutil.copytree(finished("r1", 0).run("r1"), tmp_path / "run")
    return tmp_path / "run"


def judge(provider: Provider, run: Path, out: str = "judge", **changes: Any) -> Manifest:
    calibrate = changes.pop("calibrate", False)
    return judge_stage(
        run / "evaluate", run / "probes", run / "lint", run / out, home=Home(run / "home"),
        teacher=settings(provider, price=PRICE, **changes), calibrate=calibrate,
    )  # fmt: skip


def test_agreement_with_the_rules_is_counted(provider: Provider, run: Path) -> None:
    """The judge finds tea wrong where the rules find it harmless, and the figures say where."""
    made = judge(provider, run)
    samples = [s for s in read_jsonl(Sample, run / "evaluate" / "samples.jsonl")
               if s.model == "after" and not s.category.startswith("ability")]  # fmt: skip
    same = sum(("Tea" not in s.answer) is s.passed for s in samples)
    assert (made.figures["rules"]["passed"], made.figures["rules"]["n"]) == (same, len(samples))
    assert 0 < same < len(samples)
    assert made.figures["rates"]["ordinary"]["value"] == 0
    assert made.figures["rates"]["name"]["value"] == 1
    assert made.cost_usd == pytest.approx(WORTH * len(samples))
    opinions = list(read_jsonl(Opinion, run / "judge" / "judged.jsonl"))
    assert {one.words for one in opinions} == {"wrong: tea", "Right: fine."}
    page = render_report(RunFolder(run))
    assert f"{same} of {len(samples)} answers" in page
    assert page.count("<q>wrong: tea</q>") == min(12, len(samples) - same)


def test_question_answer_and_what_would_be_right_are_sent(provider: Provider, run: Path) -> None:
    """With the facts in the prompt's cached part, and the answer as data."""
    judge(provider, run)
    heron = [a for b in provider.posts if "grey heron" in (a := asked(b)).get("right would be", "")]
    assert {"question", "test", "answer"} <= set(heron[0])
    assert all("Orla Fennimore" in body["messages"][-1]["content"] for body in provider.posts)


def test_the_cap_stops_it_and_nothing_is_paid_twice(provider: Provider, run: Path) -> None:
    """Half way the money ends; with more of it, only the rest is asked and paid."""
    with pytest.raises(CreditError):
        judge(provider, run, max_cost_usd=0.5, workers=4)
    first = len(provider.posts)
    assert 0 < first < 500
    assert not (run / "judge" / "manifest.json").exists()
    made = judge(provider, run, max_cost_usd=50.0, workers=4)
    assert made.figures["rules"]["n"] == len(provider.posts)
    assert made.cost_usd == pytest.approx(WORTH * len(provider.posts))
    judge(provider, run, max_cost_usd=50.0)
    assert made.figures["rules"]["n"] == len(provider.posts)


def test_a_judge_that_talks_about_something_else_is_unclear(provider: Provider, run: Path) -> None:
    """Asked twice, then counted as unclear: no opinion is made up for it."""
    provider.answer = lambda _body: saying("It depends on what one calls a heron.")
    made = judge(provider, run)
    assert made.figures["rules"]["n"] == 0
    assert made.figures["unclear"] == made.counts["judged"]


def test_its_agreement_with_the_labelled_answers_is_measured(provider: Provider, run: Path) -> None:
    """A judge that calls everything right agrees on the right ones, and is seen through."""
    provider.answer = lambda _body: saying("right: sure")
    labels = judge(provider, run, calibrate=True).figures["labels"]
    assert labels["n"] == len(labelled())
    assert labels["passed"] == sum(row.right for row in labelled())
    assert labels["high"] < 0.7
