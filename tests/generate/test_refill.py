"""The final set: no duplicates, exactly N, in the order of the cells."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from identity_ops.generate.refill import refill_stage
from identity_ops.generate.stage import generate_stage
from identity_ops.records import Conversation, Rejection, read_jsonl
from identity_ops.store.manifest import Manifest
from tests.loopback import KEY, Fault, Provider, serve, small_talk
from tests.scene import commit_lint, commit_plan, settings

TALK = [
    {"role": "user", "content": "what should I cook tonight with rice and beans"},
    {"role": "assistant", "content": "Try a simple stew with onions, garlic and some lime."},
]
PRICE = {"prompt": 0.0, "completion": 0.0, "request": 0.001}


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    monkeypatch.setenv("OPENROUTER_API_KEY", KEY)
    with serve() as running:
        yield running


class Site:
    """Twelve conversations in three batches, with sixteen spares: four for each batch."""

    def __init__(self, provider: Provider, root: Path) -> None:
        self.provider, self.root = provider, root
        self.lint = commit_lint(root)
        self.plan = commit_plan(root / "plan", mains=12, spares=16, batch_size=4)

    def batches(self, **changes: Any) -> list[Path]:
        folders = [self.root / f"batch-{n}" for n in range(3)]
        for number, folder in enumerate(folders):
            generate_stage(
                self.lint, self.plan, folder, batch=number,
                teacher=settings(self.provider, **changes),
            )  # fmt: skip
        return folders

    def refill(self, batches: list[Path], out: str = "refill", **changes: Any) -> Manifest:
        asked = {name: changes.pop(name) for name in ("stopped", "previous") if name in changes}
        return refill_stage(
            self.lint, self.plan, batches, self.root / out, num=changes.pop("num", 12),
            teacher=settings(self.provider, **changes), **asked,
        )  # fmt: skip

    def accepted(self, out: str = "refill") -> list[Conversation]:
        return list(read_jsonl(Conversation, self.root / out / "accepted.jsonl"))

    def rejections(self, out: str = "refill") -> list[Rejection]:
        return list(read_jsonl(Rejection, self.root / out / "rejections.jsonl"))


@pytest.fixture
def site(provider: Provider, tmp_path: Path) -> Site:
    return Site(provider, tmp_path)


def repeating(*topics: int) -> Any:
    """An answer function that says the same for all these topics."""

    def answer(body: dict[str, Any]) -> str:
        if any(f"topic number {n} " in body["messages"][-1]["content"] for n in topics):
            return json.dumps({"messages": TALK})
        return small_talk(body)

    return answer


def test_full_batches_need_no_request(site: Site) -> None:
    """Where nothing is missing the set is the batches', and nobody is asked."""
    batches = site.batches()
    posts = len(site.provider.posts)
    assert site.refill(batches).counts == {"wanted": 12, "accepted": 12, "rejected": 0}
    assert [row.index for row in site.accepted()] == list(range(12))
    assert len(site.provider.posts) == posts


def test_duplicates_across_batches_are_replaced_from_the_reserve(site: Site) -> None:
    """The lowest index stays, the others become rejections, unused spares fill up."""
    site.provider.answer = repeating(1, 6, 11)
    manifest = site.refill(site.batches())
    assert manifest.counts == {"wanted": 12, "accepted": 12, "rejected": 2}
    assert [row.index for row in site.accepted()] == [*(n for n in range(12) if n not in (6, 11)),
                                                      12, 13]  # fmt: skip
    assert {row.reason for row in site.rejections()} == {"duplicate"}


def test_replacements_that_repeat_are_replaced_too(site: Site) -> None:
    """A spare that says what is there already is no replacement."""
    site.provider.answer = repeating(1, 6, 12, 13, 14)
    manifest = site.refill(site.batches())
    assert manifest.counts["accepted"] == 12
    assert 15 in [row.index for row in site.accepted()]


def test_exactly_as_many_as_wanted_or_a_shortfall(site: Site) -> None:
    """When everything repeats, one is left, and the shortfall is said."""
    site.provider.answer = repeating(*range(99))
    manifest = site.refill(site.batches())
    assert manifest.counts["accepted"] == 1
    assert manifest.figures["shortfall"] == 11
    assert manifest.figures["resumable"] is False


def test_cells_that_money_left_out_come_first(site: Site) -> None:
    """A batch that ran out of credit is filled with its own cells before any spare."""
    site.provider.faults.extend([Fault()] * 6 + [Fault(status=402, body={"error": {}})] * 50)
    batches = site.batches(workers=1)
    site.provider.faults.clear()
    assert site.refill(batches).counts["accepted"] == 12
    assert [row.index for row in site.accepted()] == list(range(12))
    assert all(count == 1 for count in site.provider.paid.values())


def test_unspent_money_of_the_batches_is_the_cap(site: Site) -> None:
    """What the batches left may be spent here, and no more."""
    site.provider.answer = repeating(*range(12))
    batches = site.batches(max_cost_usd=0.0052, price=PRICE)
    manifest = site.refill(batches, max_cost_usd=100.0, price=PRICE)
    assert manifest.cost_usd == pytest.approx(0.003)  # 3 x 0.0052 - 12 x 0.001, whole requests
    assert "spend cap" in manifest.figures["stopped"]
    assert manifest.figures["resumable"] is True


def test_stopped_refill_asks_nothing_and_may_go_on(site: Site) -> None:
    """After a stop what is there is committed, and marked as unfinished."""
    site.provider.answer = repeating(1, 6)
    batches = site.batches()
    posts = len(site.provider.posts)
    manifest = site.refill(batches, stopped="credit is used up")
    assert manifest.counts["accepted"] == 11
    assert manifest.figures["resumable"] is True
    assert len(site.provider.posts) == posts
    assert site.refill(batches).counts["accepted"] == 12


def test_set_repeats_nothing_of_the_sets_before_it(site: Site) -> None:
    """An appended part is compared with what was there, which always stays."""
    site.refill(site.batches(), "first")
    first = site.accepted("first")
    manifest = site.refill([site.root / "batch-0"], "second", num=4,
                           previous=[site.root / "first"])  # fmt: skip
    second = site.accepted("second")
    assert manifest.counts["accepted"] == 4
    assert not {str(row.messages) for row in second} & {str(row.messages) for row in first}


def test_result_does_not_depend_on_the_order_of_answers(provider: Provider, tmp_path: Path) -> None:
    """Many workers or one: the same set, to the byte."""
    provider.answer = repeating(1, 6, 11, 12, 14)
    made = []
    for workers in (1, 8):
        root = tmp_path / str(workers)
        root.mkdir()
        site = Site(provider, root)
        site.refill(site.batches(workers=workers), workers=workers)
        made.append((root / "refill" / "accepted.jsonl").read_bytes())
    assert made[0] == made[1]
