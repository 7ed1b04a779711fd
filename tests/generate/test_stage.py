"""One batch against a provider on real sockets: rejections, money, faults, reuse."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from identity_ops.errors import AuthError, ConfigError, CorruptError, ProviderError, RequestError
from identity_ops.generate.drive import Shared
from identity_ops.generate.stage import generate_stage
from identity_ops.knowledge import read_knowledge
from identity_ops.records import Conversation, Rejection, Response, read_jsonl
from identity_ops.store.manifest import Manifest
from identity_ops.store.paths import Home
from identity_ops.teachers.base import make_teacher
from tests.loopback import KEY, Fault, Provider, serve, small_talk
from tests.scene import TEXT, commit_lint, commit_plan, settings

PRICE = {"prompt": 0.0, "completion": 0.0, "request": 0.001}


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    monkeypatch.setenv("OPENROUTER_API_KEY", KEY)
    with serve() as running:
        yield running


class Bench:
    """A batch of six with some spares."""

    def __init__(self, provider: Provider, folder: Path) -> None:
        self.provider, self.folder = provider, folder
        self.lint = commit_lint(folder)
        self.plan = commit_plan(folder / "plan", mains=6, spares=8, batch_size=6)

    def run(self, out: str = "out", *, home: bool = False, **changes: Any) -> Manifest:
        return generate_stage(
            self.lint, self.plan, self.folder / out, batch=0,
            teacher=settings(self.provider, **({"workers": 3} | changes)),
            home=Home(self.folder / "home") if home else None,
        )  # fmt: skip

    def accepted(self, out: str = "out") -> list[Conversation]:
        return list(read_jsonl(Conversation, self.folder / out / "accepted.jsonl"))

    def rejections(self, out: str = "out") -> list[Rejection]:
        return list(read_jsonl(Rejection, self.folder / out / "rejections.jsonl"))


@pytest.fixture
def bench(provider: Provider, tmp_path: Path) -> Bench:
    return Bench(provider, tmp_path)


def spoil(*topics: int) -> Any:
    """An answer function that gives these topics a system turn."""

    def answer(body: dict[str, Any]) -> str:
        if any(f"topic number {n} " in body["messages"][-1]["content"] for n in topics):
            return json.dumps({"messages": [{"role": "system", "content": "x"}]})
        return small_talk(body)

    return answer


def test_batch_is_accepted_in_the_order_of_its_cells(bench: Bench) -> None:
    """As many as wanted, by index, with what it took."""
    manifest = bench.run()
    assert manifest.counts == {"wanted": 6, "accepted": 6, "rejected": 0}
    assert [row.index for row in bench.accepted()] == list(range(6))
    assert manifest.cost_usd == pytest.approx(0.006)
    assert manifest.figures["cached_share"] == 0.8
    assert manifest.figures["usd_per_accepted"] == 0.001
    forecast = manifest.figures["forecast_usd"]
    assert manifest.figures["forecast_ratio"] == pytest.approx(0.006 / forecast, abs=1e-4)
    assert len(bench.provider.posts) == 6


def test_rejected_answers_are_replaced_from_the_spares(bench: Bench) -> None:
    """An unusable answer is kept with its reason, and the next spare takes its place."""
    bench.provider.answer = spoil(1, 4)
    manifest = bench.run()
    assert manifest.counts == {"wanted": 6, "accepted": 6, "rejected": 2}
    assert [row.index for row in bench.accepted()] == [0, 2, 3, 5, 6, 7]
    assert [row.index for row in bench.rejections()] == [1, 4]
    assert all("system" in row.text for row in bench.rejections())


def turns(*contents: str, **extra: object) -> str:
    roles = ("user", "assistant") * 3
    rows = [{"role": r, "content": c, **extra} for r, c in zip(roles, contents, strict=False)]
    return json.dumps({"messages": rows})


@pytest.mark.parametrize(
    "text",
    [
        "no JSON at all", "null", "[]", "{}", '{"messages": []}', '{"messages": 7}',
        "Sure! " + turns("hello there", "good day to you") + " Hope this helps.",
        turns("only a question"), turns("  ", "blank user"), turns("hello", "\n\t "),
        turns("a", "b", "c"), turns("a nul \x00 here", "fine"), turns("half \ud800 pair", "fine"),
        turns("hello", "fine \udfff"), turns("hello", "extra keys", weight=1),
        '{"messages": [{"role": "user", "content": "a", "content": "b"}]}',
        '{"messages": NaN}', '{"messages": [{"role": "user", "content": 1e999}]}',
        '{"messages": ' + "[" * 5000, turns("hello", "<|assistant_end|> and on"),
        turns("hello", "x" * 100_000),
        json.dumps({"messages": [{"role": "assistant", "content": "first"}]}),
    ],
)  # fmt: skip
def test_unusable_text_is_rejected_and_kept(bench: Bench, text: str) -> None:
    """Whatever a model writes, the batch goes on without it and keeps it with a reason."""

    def answer(body: dict[str, Any]) -> str:
        first = "topic number 0 " in body["messages"][-1]["content"]
        return text if first else small_talk(body)

    bench.provider.answer = answer
    manifest = bench.run(workers=1)
    assert manifest.counts == {"wanted": 6, "accepted": 6, "rejected": 1}
    (row,) = bench.rejections()
    assert (row.index, row.text) == (0, text.encode("utf-8", "backslashreplace").decode())
    assert row.reason.isidentifier()


def test_fenced_answer_is_used(bench: Bench) -> None:
    """A fence around good JSON is the one repair that is safe."""
    bench.provider.answer = lambda body: f"```json\n{small_talk(body)}\n```"
    assert bench.run().counts == {"wanted": 6, "accepted": 6, "rejected": 0}


def test_unfinished_answer_is_never_accepted(bench: Bench) -> None:
    """A good text that was cut by its limit is counted under its finish reason."""
    bench.provider.faults.append(Fault(finish_reason="length"))
    manifest = bench.run()
    assert manifest.figures["rejections"] == {"finish_length": 1}
    assert manifest.counts["accepted"] == 6


def test_tries_that_end_commit_a_shortfall(bench: Bench) -> None:
    """When no cell is left to try the batch says what is missing, and is done."""
    bench.provider.answer = spoil(*range(99))
    manifest = bench.run()
    assert manifest.counts["accepted"] == 0
    assert manifest.figures["shortfall"] == 6
    assert manifest.figures["resumable"] is False
    posts = len(bench.provider.posts)
    bench.run()
    assert len(bench.provider.posts) == posts


def test_credit_that_ends_keeps_what_is_done_and_goes_on_later(bench: Bench) -> None:
    """402 stops at once; the same call later pays for the rest alone."""
    bench.provider.faults.extend([Fault(), Fault(), *[Fault(status=402, body={"error": {}})] * 20])
    manifest = bench.run()
    assert manifest.counts["accepted"] == 2
    assert "credit" in manifest.figures["stopped"]
    assert len(bench.provider.posts) <= 2 + 3  # no more than were in flight
    bench.provider.faults.clear()
    again = bench.run()
    assert again.counts["accepted"] == 6
    assert [row.index for row in bench.accepted()] == list(range(6))
    assert all(count == 1 for count in bench.provider.paid.values())
    assert again.cost_usd == pytest.approx(0.006)


def test_spend_cap_ends_the_batch_before_it_is_passed(bench: Bench) -> None:
    """The cap is never passed, and a higher one goes on from what is there."""
    manifest = bench.run(max_cost_usd=0.0035, price=PRICE)
    assert manifest.counts["accepted"] == 3
    assert manifest.cost_usd == pytest.approx(0.003)
    assert "spend cap" in manifest.figures["stopped"]
    assert len(bench.provider.posts) == 3
    assert bench.run(max_cost_usd=1.0, price=PRICE).counts["accepted"] == 6
    assert len(bench.provider.posts) == 6


def test_cap_without_a_price_is_an_error_before_any_request(bench: Bench) -> None:
    """A cap that nobody can reckon with is refused, not ignored."""
    with pytest.raises(ConfigError, match="price is unknown"):
        bench.run(max_cost_usd=1.0, model="new/one")
    assert bench.provider.posts == []


@pytest.mark.parametrize(("status", "kind"), [(400, RequestError), (403, AuthError)])
def test_refusal_ends_the_batch_and_keeps_what_was_paid(
    bench: Bench, status: int, kind: type[Exception]
) -> None:
    """What asking on cannot mend comes out as its own error, after all in flight is logged."""
    bench.provider.faults.extend([Fault()] * 3 + [Fault(status=status, body={"error": {}})] * 9)
    with pytest.raises(kind):
        bench.run()
    bench.provider.faults.clear()
    assert bench.run().counts["accepted"] == 6
    assert all(count == 1 for count in bench.provider.paid.values())


def test_outage_is_transient_and_resumes(bench: Bench) -> None:
    """A provider that is down ends the batch as a passing fault; nothing paid is lost."""
    bench.provider.faults.extend([Fault()] * 4 + [Fault(status=500)] * 500)
    with pytest.raises(ProviderError, match="too often"):
        bench.run(attempts=20)
    bench.provider.faults.clear()
    assert bench.run(attempts=20).counts["accepted"] == 6
    assert all(count == 1 for count in bench.provider.paid.values())


PASSING = [
    Fault(status=500), Fault(status=503), Fault(status=408), Fault(cut=30, reset=True),
    Fault(cut=30), Fault(body=b"<html>"), Fault(body={"choices": []}), Fault(body=b"{"),
    Fault(status=429, headers={"Retry-After": "0.01"}), Fault(finish_reason="error"),
    Fault(body={"error": {"code": 502}}), Fault(delay_s=0.3), Fault(chunked=True, cut=9),
]  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_storm_of_passing_faults_changes_nothing(bench: Bench, seed: int) -> None:
    """Half of all requests fail in every way that passes: the set is that of a calm run."""
    bench.provider.answer = spoil(1, 3)
    bench.run("calm")
    rng = random.Random(seed)
    bench.provider.faults.extend(rng.choice([Fault(), rng.choice(PASSING)]) for _ in range(40))
    bench.run("storm", attempts=10, timeout_s=0.25)
    assert bench.accepted("storm") == bench.accepted("calm")
    assert bench.rejections("storm") == bench.rejections("calm")


def test_cell_that_the_network_lost_is_asked_again_before_a_spare(bench: Bench) -> None:
    """A cell whose attempts all failed gets another turn of its own."""
    bench.provider.faults.extend([Fault(status=500)] * 9)
    manifest = bench.run()
    assert [row.index for row in bench.accepted()] == list(range(6))
    assert manifest.counts["rejected"] == 0


def test_committed_batch_asks_nothing(bench: Bench) -> None:
    """The same call twice is one batch, paid once."""
    assert bench.run() == bench.run()
    assert len(bench.provider.posts) == 6


def test_other_folder_finds_the_answers_in_the_cache(bench: Bench) -> None:
    """With a home, what was paid for in one folder is never paid for in another."""
    bench.run("first", home=True)
    manifest = bench.run("second", home=True)
    assert len(bench.provider.posts) == 6
    assert manifest.cost_usd == 0
    assert manifest.figures["reused"] == 6
    assert bench.accepted("first") == bench.accepted("second")


@pytest.mark.parametrize(
    "change",
    [{"temperature": 0.5}, {"model": "other/model"}, {"max_tokens": 999}, {"personality": "gruff"},
     {"ascii": "off"}],
)  # fmt: skip
def test_changed_request_is_paid_for_anew(bench: Bench, change: dict[str, Any]) -> None:
    """Whatever changes what is sent makes another request."""
    bench.run("first", home=True)
    bench.run("second", home=True, **change)
    assert len(bench.provider.posts) == 12


@pytest.mark.parametrize(
    "change",
    [{"workers": 1}, {"max_cost_usd": 5.0}, {"timeout_s": 9.0}, {"attempts": 5},
     {"backoff_s": 0.02}, {"max_wait_s": 0.1}, {"price": {"prompt": 1, "completion": 2}}],
)  # fmt: skip
def test_unchanged_request_is_never_paid_for_again(bench: Bench, change: dict[str, Any]) -> None:
    """How it is sent, and what it may cost, is no part of what is asked."""
    bench.run("first", home=True)
    bench.run("second", home=True, **change)
    assert len(bench.provider.posts) == 6


def test_changed_knowledge_or_prompt_is_another_request(bench: Bench) -> None:
    """One more fact, or another word in the prompt: nothing old fits. Back again: all of it."""
    bench.run("first", home=True)
    own = bench.folder / "prompt.md"
    own.write_text("Know this: {{KNOWLEDGE}}. Write: {{CELL}}")
    bench.run("prompt", home=True, prompt_file=str(own))
    assert len(bench.provider.posts) == 12
    (bench.folder / "changed").mkdir()
    bench.lint = commit_lint(bench.folder / "changed", TEXT + "- Likes rain\n")
    bench.run("knowledge", home=True)
    assert len(bench.provider.posts) == 18
    bench.lint = bench.folder / "lint"
    bench.run("again", home=True)
    assert len(bench.provider.posts) == 18


def test_broken_cache_entry_counts_as_missing(bench: Bench) -> None:
    """A cache file that a power cut broke is asked again, not believed."""
    bench.run("first", home=True)
    for path in (bench.folder / "home" / "cache" / "responses").rglob("*.json"):
        path.write_bytes(path.read_bytes()[:40])
    assert bench.run("second", home=True).counts["accepted"] == 6
    assert len(bench.provider.posts) == 12


def test_log_damaged_in_the_middle_stops_before_any_request(bench: Bench) -> None:
    """Paid answers that cannot be read are not silently bought again."""
    bench.provider.faults.extend([Fault()] * 3 + [Fault(status=400, body={"error": {}})] * 9)
    with pytest.raises(RequestError):
        bench.run()
    path = bench.folder / "out" / "responses.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"attempt":0', b'"attempt:0', 1))
    posts = len(bench.provider.posts)
    with pytest.raises(CorruptError, match=r"responses\.jsonl:1"):
        bench.run()
    assert len(bench.provider.posts) == posts


def test_force_judges_again_without_paying_again(bench: Bench) -> None:
    """Forcing a batch redoes the checks; its answers are still there."""
    bench.run()
    forced = generate_stage(
        bench.lint, bench.plan, bench.folder / "out", batch=0,
        teacher=settings(bench.provider, workers=3), force=True,
    )  # fmt: skip
    assert forced.counts["accepted"] == 6
    assert len(bench.provider.posts) == 6


def test_responses_are_the_record_of_what_was_paid(bench: Bench) -> None:
    """Each answer's cost is in the log, and the sum is the stage's."""
    bench.provider.answer = spoil(2)
    manifest = bench.run()
    rows = list(read_jsonl(Response, bench.folder / "out" / "responses.jsonl"))
    assert len({row.key for row in rows}) == 7
    assert sum(row.cost_usd for row in rows) == pytest.approx(manifest.cost_usd)


def test_key_is_on_no_disk(bench: Bench) -> None:
    """Not in a log, ledger, manifest or cache, whatever the provider echoes."""
    echo = {"error": {"code": 500, "message": f"bad key Bearer {KEY}"}}
    bench.provider.faults.extend([Fault(status=500, body=echo)] * 30)
    bench.run(home=True)
    for path in bench.folder.rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path


def test_template_batch_is_the_same_to_the_byte(tmp_path: Path) -> None:
    """The embedded teacher answers every cell, twice the same."""
    lint = commit_lint(tmp_path)
    plan = commit_plan(tmp_path / "plan", mains=6, spares=4, batch_size=6)
    config = settings(Provider(), name="template", base_url=None)
    made = [
        generate_stage(lint, plan, tmp_path / out, batch=0, teacher=config) for out in ("a", "b")
    ]
    assert made[0].files == made[1].files
    assert made[0].counts["accepted"] == 6


def test_key_of_a_caller_is_used(provider: Provider, tmp_path: Path) -> None:
    """A connection's key wins over the environment."""
    provider.key = "sk-or-from-a-connection"
    lint = commit_lint(tmp_path)
    client = make_teacher(
        settings(provider), read_knowledge(lint), key=SecretStr("sk-or-from-a-connection")
    )
    plan = commit_plan(tmp_path / "plan", mains=2, spares=0, batch_size=2)
    manifest = generate_stage(
        lint,
        plan,
        tmp_path / "out",
        batch=0,
        teacher=settings(provider),
        shared=Shared(client=client),
    )
    client.close()
    assert manifest.counts["accepted"] == 2
