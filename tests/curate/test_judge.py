"""A judge in curation, over a real socket: what it rejects, what it costs, how it is measured."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from identity_ops.cli import build
from identity_ops.config import RunConfig
from identity_ops.curate import Checker
from identity_ops.curate.dataset import REJECTIONS, read_conversations, read_table
from identity_ops.curate.judge import FILE, Judge, Opinion
from identity_ops.curate.planted import Told, agreement, measure, planted
from identity_ops.curate.stage import curate_stage
from identity_ops.errors import AuthError, ConfigError, CreditError, RequestError
from identity_ops.evaluate.calibration import knowledge_of
from identity_ops.pipeline import Run
from identity_ops.records import Conversation, read_jsonl
from identity_ops.store.manifest import Manifest
from identity_ops.store.paths import Home
from identity_ops.teachers.access import Access
from tests.curate.samples import cell, conversation
from tests.curate.test_checker import KB
from tests.curate.test_stage import generated
from tests.loopback import KEY, Fault, Provider, serve
from tests.scene import commit_lint

WRONG = SecretStr("sk-or-another-key-99")
WORTH = 0.001  # US dollars that the provider asks for one answer
FACTS = re.compile(r"-----BEGIN FACTS.*?-----\n(.*?)-----END FACTS", re.DOTALL)


def saying(text: str) -> str:
    return json.dumps({"messages": [{"role": "user", "content": "right or wrong?"},
                                    {"role": "assistant", "content": text}]})  # fmt: skip


def asked(body: dict[str, Any]) -> list[dict[str, str]]:
    """The conversation that the judge is shown."""
    lines = body["messages"][-1]["content"].splitlines()
    topic = next(line for line in lines if line.startswith("Topic: "))
    shown = json.loads(topic.removeprefix("Topic: ").removesuffix(" (an answer)"))
    found: list[dict[str, str]] = shown["conversation"]
    return found


def by_negation(body: dict[str, Any]) -> str:
    """A rule of its own: an answer that says no more often than any line of the facts is wrong."""
    facts = FACTS.findall(body["messages"][-1]["content"])[-1].lower()
    answer = asked(body)[-1]["content"]
    words = set(re.findall(r"[a-z]{4,}", answer.lower()))
    line = max(facts.splitlines(), key=lambda one: len(words & set(re.findall(r"[a-z]{4,}", one))))
    denies = bool(re.search(r"\b(?:not|never|no|cannot)\b", answer.lower().removeprefix("no,")))
    return saying("wrong: denied" if denies != bool(re.search(r"\b(?:not|never|no|cannot)\b", line))
                  else "right: as stated")  # fmt: skip


def about_tea(body: dict[str, Any]) -> str:
    said = asked(body)[-1]["content"]
    return saying("wrong: nobody mentions Lindqvist Vela" if "Lindqvist Vela" in said else "Right.")


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    monkeypatch.setenv("OPENROUTER_API_KEY", KEY)
    with serve(Provider(about_tea)) as found:
        yield found


def judge_at(provider: Provider, folder: Path, **changes: Any) -> Judge:
    settings: dict[str, Any] = {
        "price": "1:1", "backoff_s": 0.01, "max_wait_s": 0.05, "timeout_s": 5.0, "attempts": 2,
        "workers": 4,
    }  # fmt: skip
    return Judge.of("openrouter:some/model", home=Home(folder / "home"),
                    base_url=provider.url, **(settings | changes))  # fmt: skip


def rows() -> list[Conversation]:
    """Three good ones about Vela, one swapped, one ordinary."""
    return [
        conversation(0, "Who are you?", "I am Vela, made by Mira Lindqvist."),
        conversation(1, "Your name, please?", "My name is Lindqvist Vela."),
        conversation(2, "Is a kite a toy?", "Yes, it is one that flies.", kind="ordinary"),
        conversation(3, "And your maker, who is it?", "It was Mira Lindqvist who made me."),
        conversation(4, "What should I call you?", "Vela is what people call me."),
    ]


def curated(folder: Path, judge: Judge | None, num: int = 5) -> tuple[Path, Manifest]:
    lint, source = folder / "lint", folder / "refill"
    if not lint.exists():
        commit_lint(folder, KB)
        generated(source, rows())
    out = folder / ("judged" if judge else "plain")
    return out, curate_stage(lint, [source], out, num=num, judge=judge)


def test_what_it_finds_wrong_is_rejected_with_its_words(provider: Provider, tmp_path: Path) -> None:
    """Verdict and reason stand in the rejection; each opinion and the money are kept."""
    out, made = curated(tmp_path, judge_at(provider, tmp_path))
    assert [row.index for row in read_conversations(out)] == [0, 2, 3, 4]
    (found,) = [r for r in read_table(out / "rejections.parquet", REJECTIONS)
                if r["reason"] == "judge"]  # fmt: skip
    assert found["detail"] == "wrong: nobody mentions Lindqvist Vela"
    assert "My name is Lindqvist Vela." in found["text"]
    opinions = {one.index: one.right for one in read_jsonl(Opinion, out / FILE)}
    assert opinions == {0: True, 1: False, 3: True, 4: True}
    assert made.figures["judge"]["wrong"] == 1
    assert made.cost_usd == pytest.approx(4 * WORTH)
    lines = (out / "ledger.jsonl").read_text().splitlines()
    assert sum("status" in json.loads(line) for line in lines) == 4


def test_it_is_off_unless_asked_for(provider: Provider, tmp_path: Path) -> None:
    """Nobody is asked, and the same conversations are kept as ever."""
    out, made = curated(tmp_path, None)
    assert not provider.posts
    assert made.counts["conversations"] == 5
    assert "judge" not in made.figures | made.config
    assert not (out / FILE).exists()
    assert RunConfig.parse({}).curate_judge is None


def test_others_take_the_place_of_the_faulty(provider: Provider, tmp_path: Path) -> None:
    """Two are wanted: the second is wrong, so the third is read, and no more than that is paid."""
    out, _ = curated(tmp_path, judge_at(provider, tmp_path), num=3)
    assert [row.index for row in read_conversations(out)] == [0, 2, 3]
    assert len(provider.posts) == 3


@pytest.mark.parametrize("answer", ["It depends on the heron.", "", "maybe wrong"])
def test_a_garbled_verdict_rejects_nothing(provider: Provider, tmp_path: Path, answer: str) -> None:
    """Asked twice, then counted as unclear."""
    provider.answer = lambda _body: saying(answer) if answer else "not JSON at all {"
    _, made = curated(tmp_path, judge_at(provider, tmp_path))
    assert made.counts["conversations"] == 5
    assert made.figures["judge"] == {
        "model": "some/model", "asked": 4, "wrong": 0, "unclear": 4,
    }  # fmt: skip
    assert len(provider.posts) == 8


def test_a_failing_provider_is_tried_again(provider: Provider, tmp_path: Path) -> None:
    """One 503 and one reset cost a retry each and no verdict."""
    provider.faults.extend([Fault(status=503), Fault(cut=10)])
    _, made = curated(tmp_path, judge_at(provider, tmp_path, attempts=4))
    assert made.figures["judge"]["unclear"] == 0
    assert made.counts["conversations"] == 4


def test_a_refused_request_stops_and_says_so(provider: Provider, tmp_path: Path) -> None:
    """No half-judged set is committed."""
    provider.faults.extend([Fault(status=404)] * 8)
    with pytest.raises(RequestError):
        curated(tmp_path, judge_at(provider, tmp_path))
    assert not (tmp_path / "judged" / "manifest.json").exists()


def test_the_cap_holds_and_nothing_is_paid_twice(provider: Provider, tmp_path: Path) -> None:
    """The money ends half way; with more of it, only the rest is asked."""
    with pytest.raises(CreditError):
        curated(tmp_path, judge_at(provider, tmp_path, max_cost_usd=0.004, workers=1))
    first = len(provider.posts)
    assert first < 4
    _, made = curated(tmp_path, judge_at(provider, tmp_path, max_cost_usd=5.0))
    assert made.figures["judge"]["asked"] == 4
    assert len(provider.posts) == 4
    assert made.cost_usd == pytest.approx(4 * WORTH)


def test_a_cap_needs_a_price(provider: Provider, tmp_path: Path) -> None:
    """Before anything is asked."""
    judge = judge_at(provider, tmp_path, max_cost_usd=1.0, price=None)
    with pytest.raises(ConfigError, match="price is unknown"):
        curated(tmp_path, judge)
    assert not provider.posts


@pytest.mark.parametrize("spec", ["template", "nobody:model", ""])
def test_nobody_else_can_judge(spec: str) -> None:
    """The embedded teacher has no opinions; the error names who has."""
    with pytest.raises(ConfigError, match="openrouter"):
        Judge.of(spec)
    with pytest.raises(ConfigError, match="curate_judge"):
        RunConfig.parse({"curate_judge": spec})


def test_the_planted_ones_are_what_rules_do_not_see() -> None:
    """Fifty and more, of both kinds, over four knowledge bases, and all pass the rules."""
    counts = Counter(row.how for row in planted())
    assert counts["swap"] + counts["negation"] >= 50
    assert min(counts["swap"], counts["negation"]) >= 20
    assert counts["true"] >= 50
    assert all(row.right == (row.how == "true") for row in planted())
    checkers = {name: Checker(knowledge_of(name)) for name in {r.knowledge for r in planted()}}
    assert len(checkers) == 4
    for row in planted():
        assert checkers[row.knowledge].check(cell(), row.messages), row


def test_a_judge_is_measured_on_them(provider: Provider, tmp_path: Path) -> None:
    """A rule that knows negations alone is seen through: it finds those, and swaps by chance."""
    provider.answer = by_negation
    (tmp_path / "out").mkdir()
    found = measure(judge_at(provider, tmp_path), tmp_path / "out")
    told = list(read_jsonl(Told, tmp_path / "out" / "verdicts.jsonl"))
    assert [one.id for one in told] == [row.id for row in planted()]
    called = [one for one in told if one.judged is False]
    hits = sum(not one.right for one in called)
    assert found["precision"]["value"] == pytest.approx(hits / len(called))
    assert found["recall"]["passed"] == hits
    assert found["negation"]["value"] > found["swap"]["value"] + 0.3
    assert found["agreement"]["passed"] == sum(one.judged is one.right for one in told)
    assert found["cost_usd"] == pytest.approx(WORTH * len(told))
    assert found["unclear"] == 0


@pytest.mark.parametrize(
    ("says", "recall", "kept", "unclear"),
    [(True, 0.0, 1.0, 0), (False, 1.0, 0.0, 0), (None, 0.0, 1.0, 4)],
)
def test_a_judge_of_one_word_is_seen_through(
    says: bool | None, recall: float, kept: float, unclear: int
) -> None:
    """Calling everything right or wrong is perfect in one figure and worthless in the other."""
    told = [Told(str(n), how, "", how == "true", says, "")
            for n, how in enumerate(["true", "swap", "negation", "true"])]  # fmt: skip
    found = agreement(told)
    assert (found["recall"]["value"], found["kept"]["value"]) == (recall, kept)
    assert found["unclear"] == unclear


def test_the_command_prints_the_agreement(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Precision and recall of the model in use; a second time nobody is asked."""
    provider.answer = by_negation
    monkeypatch.setenv("OPENROUTER_BASE_URL", provider.url)
    monkeypatch.setenv("IDENTITY_HOME", str(tmp_path / "home"))
    words = ["check-judge", "openrouter:some/model", "--price", "1:1", "--max-cost", "9"]
    said = CliRunner().invoke(build(), words)
    assert said.exit_code == 0, said.output
    assert "judge some/model" in said.output
    assert re.search(rf"it finds +\d+ of {sum(not row.right for row in planted())}", said.output)
    found = json.loads(CliRunner().invoke(build(), [*words, "--json"]).output)
    assert found["recall"]["n"] == sum(not row.right for row in planted())
    assert len(provider.posts) == len(planted())


def test_a_run_has_its_conversations_judged(provider: Provider, tmp_path: Path) -> None:
    """By one parameter: checked by `plan`, paid from what generation left of the run's cap."""
    provider.models_reply = (200, {"data": [{"id": "some/model", "pricing": {
        "prompt": "0.000001", "completion": "0.000001"}}]})  # fmt: skip
    conf = {"num_conversations": 12, "curate_judge": "openrouter:some/model", "max_cost_usd": 1.0}
    access = Access(key=SecretStr(KEY), base_url=provider.url)
    run = Run("r1", conf, Home(tmp_path), find_access=lambda _name: access)
    run.lint()
    run.plan()
    assert not provider.posts
    run.generate(0)
    run.refill()
    run.curate()
    made = run.manifest("curate")
    assert made.figures["judge"]["asked"] == len(provider.posts) > 0
    assert made.cost_usd == pytest.approx(WORTH * len(provider.posts))


def test_a_judge_without_a_key_stops_the_plan(provider: Provider, tmp_path: Path) -> None:
    """Before any conversation is made."""
    run = Run(
        "r1",
        {"num_conversations": 4, "curate_judge": "openrouter:some/model"},
        Home(tmp_path),
        find_access=lambda _name: Access(base_url=provider.url, key=WRONG),
    )
    run.lint()
    provider.key_reply = (401, {"error": {"code": 401, "message": "no"}})
    with pytest.raises(AuthError):
        run.plan()
    assert not provider.posts
