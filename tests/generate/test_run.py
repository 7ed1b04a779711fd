"""The whole of `generate` in one folder: resume, append, money, the command line."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from identity_ops.cli import generate as command
from identity_ops.errors import (
    AuthError,
    BusyError,
    ConfigError,
    KnowledgeError,
    ShortfallError,
    UsageError,
)
from identity_ops.generate.drive import Progress, ignore_progress
from identity_ops.generate.layout import Layout
from identity_ops.generate.order import Order
from identity_ops.generate.run import Summary, generate
from identity_ops.records import Conversation, read_jsonl
from identity_ops.store.lock import hold
from identity_ops.store.paths import Home
from tests.loopback import KEY, Fault, Provider, serve, small_talk
from tests.scene import TEXT, settings

PRICE = {"prompt": 0.0, "completion": 0.0, "request": 0.001}


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Provider]:
    monkeypatch.setenv("OPENROUTER_API_KEY", KEY)
    monkeypatch.setenv("IDENTITY_HOME", str(tmp_path / "home"))
    with serve() as running:
        monkeypatch.setenv("OPENROUTER_BASE_URL", running.url)
        yield running


class Desk:
    """Orders over one knowledge base, all for the folder `out`."""

    def __init__(self, provider: Provider, root: Path) -> None:
        self.provider, self.root, self.out = provider, root, root / "out"
        (root / "kb.md").write_text(TEXT)

    def run(self, out: str = "out", **changes: Any) -> Summary:
        mine: dict[str, Any] = {"num": 12}
        mine |= {name: changes.pop(name) for name in ("num", "seed", "append") if name in changes}
        order = Order(
            knowledge=self.root / "kb.md", batch_size=5,
            teacher=settings(self.provider, **changes), **mine,
        )  # fmt: skip
        return generate(order, self.root / out, home=Home(self.root / "home"), show=ignore_progress)

    def accepted(self, out: str = "out") -> list[Conversation]:
        folders = Layout(self.root / out).sources()
        return [
            row for folder in folders for row in read_jsonl(Conversation, folder / "accepted.jsonl")
        ]


@pytest.fixture
def desk(provider: Provider, tmp_path: Path) -> Desk:
    return Desk(provider, tmp_path)


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


CODE = """
import sys
from tests.generate.test_run import *

settings = settings(Provider(), base_url=None, workers=8)
order = Order(knowledge=Path(sys.argv[1]), num=60, batch_size=5, teacher=settings)
generate(order, Path(sys.argv[2]), home=None, show=ignore_progress)
"""


def start(desk: Desk, out: str) -> subprocess.Popen[bytes]:
    """Sixty conversations in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", CODE, str(desk.root / "kb.md"), str(desk.root / out)],
        stderr=subprocess.DEVNULL,
    )


def strike(desk: Desk, process: subprocess.Popen[bytes], posts: int, number: int) -> None:
    """Send a signal once so many more requests have come (or the process has ended)."""
    until = len(desk.provider.posts) + posts
    while process.poll() is None and len(desk.provider.posts) < until:
        time.sleep(0.002)
    process.send_signal(number)
    process.wait()


def test_interrupt_stops_all_lanes_and_loses_nothing(desk: Desk) -> None:
    """Ctrl-C in the middle: no further request, every answer kept, and the order resumes."""
    desk.provider.delay_s = 0.1
    process = start(desk, "out")
    strike(desk, process, 10, signal.SIGINT)
    assert process.returncode != 0
    assert 10 <= len(desk.provider.posts) < 60
    assert start(desk, "out").wait() == 0
    assert max(desk.provider.paid.values()) == 1


def difficult(body: dict[str, Any]) -> str:
    """Some answers are unusable, and some say the same as others."""
    text = small_talk(body)
    luck = random.Random(text).random()
    if luck < 0.15:
        return json.dumps({"messages": [{"role": "system", "content": text}]})
    if luck < 0.3:
        return small_talk({"messages": [{"content": str(int(luck * 100))}]})
    return text


@pytest.mark.slow
def test_killed_order_ends_with_the_undisturbed_set(desk: Desk) -> None:
    """Batches side by side, rejections, duplicates, refill: killed and killed again, the same."""
    desk.provider.answer, desk.provider.delay_s = difficult, 0.02
    assert start(desk, "undisturbed").wait() == 0
    once = desk.provider.paid.copy()
    desk.provider.paid.clear()
    rng = random.Random(5)
    kills = 5
    for _ in range(kills):
        strike(desk, start(desk, "killed"), rng.randrange(5, 20), signal.SIGKILL)
    assert start(desk, "killed").wait() == 0
    assert desk.accepted("killed") == desk.accepted("undisturbed")
    assert desk.provider.paid.keys() == once.keys()
    assert desk.provider.paid.total() - once.total() <= kills * 8


def test_refused_key_in_mid_run_stops_every_lane(desk: Desk) -> None:
    """The first refusal ends the others; it is that refusal that is raised."""
    desk.provider.delay_s = 0.02
    desk.provider.faults.extend([Fault()] * 9 + [Fault(status=403, body={"error": {}})] * 99)
    with pytest.raises(AuthError):
        desk.run(num=60, workers=4)
    assert len(desk.provider.posts) <= 9 + 4
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


def invoke(*args: object) -> Any:
    app = typer.Typer()
    app.callback()(lambda: None)
    command.register(app)
    return CliRunner().invoke(app, ["generate", *map(str, args)])


def test_command_prints_what_it_made_and_reruns_for_nothing(desk: Desk) -> None:
    """Counts, rejections, tokens and cost; `--json` for machines."""
    args = [desk.root / "kb.md", "--num", 6, "--teacher", "openrouter", "--out", desk.out]
    first = invoke(*args)
    assert first.exit_code == 0, first.output
    assert "6 of 6 conversations" in first.stdout
    assert "80% cached" in first.stdout
    data = json.loads(invoke(*args, "--json").stdout)
    assert (data["accepted"], data["shortfall"], data["out"]) == (6, 0, str(desk.out))
    assert len(desk.provider.posts) == 6


def test_shortfall_ends_the_command_with_its_reason(desk: Desk) -> None:
    """Fewer than wanted is a failure, said after the summary."""
    desk.provider.faults.extend([Fault()] * 2 + [Fault(status=402, body={"error": {}})] * 50)
    done = invoke(
        desk.root / "kb.md", "--num", 6, "--teacher", "openrouter", "--out", desk.out,
        "--workers", 1,
    )  # fmt: skip
    assert isinstance(done.exception, ShortfallError)
    assert "credit" in str(done.exception)
    assert "2 of 6 conversations" in done.stdout


def test_price_makes_a_cap_possible(desk: Desk) -> None:
    """Where the provider lists no price, the user's own makes the cap hold."""
    args = [desk.root / "kb.md", "--num", 6, "--teacher", "openrouter", "--out", desk.out]
    args += ["--model", "some/new-model"]
    refused = invoke(*args, "--max-cost", 0.5)
    assert isinstance(refused.exception, ConfigError)
    assert not desk.provider.posts
    assert invoke(*args, "--max-cost", 0.5, "--price", "0.5:3").exit_code == 0


def test_dry_run_asks_for_no_conversation_and_leaves_nothing(desk: Desk) -> None:
    """A forecast of tokens, and of cost where a price is listed, without a key."""
    pricing = {"prompt": "0.000001", "completion": "0.000002"}
    model = "google/gemini-3-flash-preview"
    desk.provider.models_reply = (200, {"data": [{"id": model, "pricing": pricing}]})
    done = invoke(
        desk.root / "kb.md", "--num", 6, "--teacher", "openrouter", "--out", desk.out,
        "--dry-run", "--json",
    )  # fmt: skip
    said = json.loads(done.stdout)
    assert said["conversations"] == 6
    assert said["cost_usd"] == pytest.approx(
        (said["prompt_tokens"] + 2 * said["completion_tokens"]) / 1e6, rel=1e-3
    )
    assert desk.provider.posts == []
    assert not desk.out.exists()


@pytest.mark.parametrize(
    "args",
    [["--num", "0"], ["--num", "many"], ["--workers", "0"], ["--temperature", "3"],
     ["--max-cost", "-1"], ["--max-cost", "nan"], ["--seed", "-1"],
     ["--batch-size", "0"], ["--teacher", "nobody"], ["--price", "3"], ["--price", "a:b"],
     ["--price", "-1:2"], ["--price", "nan:1"], ["--catalogue", "none.yaml"]],
)  # fmt: skip
def test_wrong_option_is_refused_before_anything(desk: Desk, args: list[str]) -> None:
    """Out of range or unknown: nothing is made and nobody asked."""
    rest = [] if "--num" in args else ["--num", "2"]
    done = invoke(desk.root / "kb.md", "--out", desk.out, *rest, *args)
    assert done.exit_code != 0
    assert done.exit_code == 2 or isinstance(done.exception, UsageError)
    assert not desk.out.exists()
    assert not desk.provider.gets
    assert not desk.provider.posts


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
