"""The whole of `generate` in one folder: resume, append, money, the command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from identity_ops.errors import (
    AuthError,
    BusyError,
    ConfigError,
    KnowledgeError,
)
from identity_ops.generate.drive import Progress
from identity_ops.generate.layout import Layout
from identity_ops.generate.order import Order
from identity_ops.generate.run import generate
from identity_ops.records import Cell, read_jsonl
from identity_ops.store.lock import hold
from tests.generate.desk import Desk
from tests.loopback import KEY, Fault
from tests.scene import TEXT, settings

PRICE = {"prompt": 0.0, "completion": 0.0, "request": 0.001}


def test_everything_is_made_in_one_folder(desk: Desk) -> None:
    """Lint, plan, three batches and the final set; the second time nothing is asked."""
    summary = desk.run()
    assert (summary.accepted, summary.shortfall) == (12, 0)
    assert len(desk.accepted()) == 12
    assert len(Layout(desk.out).batches()) == 3
    assert summary.cost_usd == pytest.approx(0.001 * len(desk.provider.posts))
    posts = len(desk.provider.posts)
    assert desk.run() == summary
    assert len(desk.provider.posts) == posts


def test_broken_knowledge_stops_before_any_request(desk: Desk) -> None:
    """Lint errors come first: no key is tried and nothing is spent."""
    (desk.root / "kb.md").write_text("# Wren\n\n- Name: TODO\n")
    with pytest.raises(KnowledgeError):
        desk.run()
    assert not desk.provider.gets
    assert not desk.provider.posts


def test_wrong_key_costs_one_request_in_all(desk: Desk) -> None:
    """It is found before any batch is begun."""
    desk.provider.key = "sk-or-another"
    with pytest.raises(AuthError) as caught:
        desk.run()
    assert KEY not in str(caught.value)
    assert len(desk.provider.gets) == 1
    assert desk.provider.posts == []


def test_other_settings_are_refused_and_leave_the_folder_alone(desk: Desk) -> None:
    """The folder keeps what it has; the message names it."""
    desk.run()
    before = desk.accepted()
    with pytest.raises(ConfigError, match="temperature") as caught:
        desk.run(temperature=0.2)
    assert str(desk.out) in str(caught.value)
    assert desk.accepted() == before


def test_append_gives_more_that_repeats_nothing(desk: Desk) -> None:
    """The plan goes on where it ended: new cells, new conversations, the old ones untouched."""
    desk.run()
    first = desk.accepted()
    summary = desk.run(num=7, append=True)
    assert summary.accepted == 7
    both = desk.accepted()
    assert both[:12] == first
    assert len({row.id for row in both}) == len({str(row.messages) for row in both}) == 19
    assert len({row.index for row in both}) == 19
    third = desk.run(num=3, append=True)
    assert third.accepted == 3
    assert len({row.index for row in desk.accepted()}) == 22


def test_spent_credit_stops_the_batches_beside_it_at_once(desk: Desk) -> None:
    """No batch has to be told 402 for itself, and what they have is kept."""
    desk.provider.faults.extend([Fault()] * 3 + [Fault(status=402, body={"error": {}})] * 90)
    summary = desk.run(num=60, workers=1)  # two batches of five at a time
    assert "credit" in (summary.stopped or "")
    assert summary.accepted == 3
    assert len(desk.provider.posts) == 4


def test_append_with_another_seed_and_temperature_is_a_batch_of_its_own(desk: Desk) -> None:
    """Each part has what was asked for, in whatever order the seeds come, and repeats nothing."""
    assert desk.run(num=4).accepted == 4
    assert desk.run(num=5, seed=1, temperature=0.3, append=True).accepted == 5
    assert desk.run(num=3, seed=1, append=True).accepted == 3
    assert desk.run(num=6, append=True).accepted == 6
    rows = desk.accepted()
    assert len({row.id for row in rows}) == len({row.index for row in rows}) == 18
    assert [body["temperature"] for body in desk.provider.posts].count(0.3) == 5
    plans = [read_jsonl(Cell, plan / "cells.jsonl") for plan in Layout(desk.out).plans()]
    assert {row.id for row in rows} == {
        cell.id for plan in plans for cell in plan if not cell.spare
    }


def test_longer_order_pays_only_for_what_is_new(desk: Desk) -> None:
    """Another folder, more conversations: cells that are the same cost nothing again."""
    desk.run("small", num=5)
    posts = len(desk.provider.posts)
    assert posts == 5
    desk.run("large", num=10)
    assert len(desk.provider.posts) == 10


def test_credit_that_ends_commits_what_is_there_and_resumes(desk: Desk) -> None:
    """The partial set can be used; with credit again the same order completes it."""
    desk.provider.faults.extend([Fault()] * 7 + [Fault(status=402, body={"error": {}})] * 50)
    summary = desk.run(workers=1)
    assert summary.accepted == 7
    assert "credit" in (summary.stopped or "")
    assert len(desk.accepted()) == 7
    desk.provider.faults.clear()
    summary = desk.run(workers=4)
    assert summary.accepted == 12
    assert summary.cost_usd == pytest.approx(0.012)
    assert all(count == 1 for count in desk.provider.paid.values())
    undisturbed = Desk(desk.provider, desk.root)
    undisturbed.run("again")
    assert undisturbed.accepted("again") == desk.accepted()


def test_cap_counts_all_runs_of_the_folder(desk: Desk) -> None:
    """A cap is for the order, not for the process: resuming does not begin at zero."""
    for _ in range(3):
        summary = desk.run(max_cost_usd=0.0085, price=PRICE)
        assert summary.accepted == len(desk.provider.posts) == 8
        assert "spend cap" in (summary.stopped or "")
    assert desk.run(max_cost_usd=1.0, price=PRICE).accepted == 12
    assert len(desk.provider.posts) == 12


def test_second_process_is_refused_at_once(desk: Desk) -> None:
    """One writer a folder; the message names the process that holds it."""
    with hold(desk.out / ".generate.lock"), pytest.raises(BusyError, match="locked by process"):
        desk.run()
    assert desk.provider.posts == []


def test_never_more_in_flight_than_workers(desk: Desk) -> None:
    """Batches that run side by side share the workers."""
    desk.provider.delay_s = 0.02
    desk.run(workers=3, num=20)
    assert desk.provider.most_in_flight == 3


def test_refused_key_in_mid_run_stops_every_lane(desk: Desk) -> None:
    """The first refusal ends the others; it is that refusal that is raised."""
    desk.provider.delay_s = 0.02
    desk.provider.faults.extend([Fault()] * 9 + [Fault(status=403, body={"error": {}})] * 99)
    with pytest.raises(AuthError):
        desk.run(num=60, workers=4)
    assert len(desk.provider.posts) <= 9 + 2 * 4  # a lane may have begun one more
    desk.provider.faults.clear()
    desk.provider.delay_s = 0
    assert desk.run(num=60, workers=4).accepted == 60
    assert max(desk.provider.paid.values()) == 1


def test_progress_reaches_the_number_wanted(desk: Desk) -> None:
    """The display counts over all batches and ends full."""
    seen: list[Progress] = []
    order = Order(
        knowledge=desk.root / "kb.md", num=12, batch_size=5, teacher=settings(desk.provider)
    )
    generate(order, desk.out, home=None, show=seen.append)
    assert seen[-1].accepted == seen[-1].wanted == 12


def test_template_generation_is_the_same_to_the_byte(tmp_path: Path) -> None:
    """Two runs of the command, no key and no network: equal files."""
    (tmp_path / "kb.md").write_text(TEXT)
    for out in ("a", "b"):
        subprocess.run(
            [sys.executable, "-m", "identity_ops", "generate", "kb.md", "--num", "30", "--out",
             out, "--batch-size", "8"],
            cwd=tmp_path, check=True, capture_output=True,
        )  # fmt: skip
    for name in ("refill/accepted.jsonl", "batches/0000/responses.jsonl", "plan/cells.jsonl"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert len((tmp_path / "a/refill/accepted.jsonl").read_bytes().splitlines()) == 30
