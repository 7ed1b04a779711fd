"""The real command in a process of its own, struck at random moments: the set and the books."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from identity_ops.generate.ledger import spent
from tests.generate.desk import Desk
from tests.loopback import small_talk

WORKERS, KILLS, USD = 8, 16, 0.001
MODEL = "google/gemini-3-flash-preview"


def start(
    desk: Desk, out: str, *, num: int = 60, stderr: int = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    """Some conversations, with a state folder of their own."""
    command = [sys.executable, "-m", "identity_ops", "generate", str(desk.root / "kb.md")]
    options = ["--num", str(num), "--batch-size", "25", "--workers", str(WORKERS)]
    return subprocess.Popen(
        [*command, *options, "--teacher", "openrouter", "--out", str(desk.root / out)],
        stdout=subprocess.DEVNULL, stderr=stderr,
        env=os.environ | {"IDENTITY_HOME": str(desk.root / f"home-of-{out}")},
    )  # fmt: skip


def strike(desk: Desk, process: subprocess.Popen[bytes], posts: int, number: int) -> None:
    """Send a signal once so many more requests have come (or the process has ended)."""
    until = len(desk.provider.posts) + posts
    while process.poll() is None and len(desk.provider.posts) < until:
        time.sleep(0.002)
    process.send_signal(number)
    process.wait()


def difficult(body: dict[str, Any]) -> str:
    """Some answers are unusable, and some say the same as others."""
    text = small_talk(body)
    luck = random.Random(text).random()
    if luck < 0.1:
        return json.dumps({"messages": [{"role": "system", "content": text}]})
    if luck < 0.2:
        return small_talk({"messages": [{"content": str(int(luck * 100))}]})
    return text


def answers_on_disk(out: Path) -> int:
    """Whole lines of all response logs, committed or not."""
    return sum(path.read_bytes().count(b"\n") for path in out.rglob("responses.jsonl"))


def settle(desk: Desk) -> None:
    """Wait until the provider has nothing in flight: its books are final then."""
    while desk.provider.in_flight:
        time.sleep(0.01)


@pytest.mark.slow
def test_killed_command_ends_with_the_undisturbed_set_and_books_that_agree(desk: Desk) -> None:
    """Struck in start-up, batches and refill: the same bytes, and only what was in flight anew."""
    provider = desk.provider
    provider.answer, provider.delay_s = difficult, 0.03
    # The fee of a request alone, so that the worst case of a lost one is what it really cost.
    pricing = {"prompt": "0", "completion": "0", "request": str(USD)}
    provider.models_reply = (200, {"data": [{"id": MODEL, "pricing": pricing}]})
    start(desk, "undisturbed", num=150).wait()
    once, needed = provider.paid.copy(), len(provider.posts)
    provider.paid.clear()

    rng, lost, killed = random.Random(5), 0, desk.root / "killed"
    for _ in range(KILLS):
        before = len(provider.posts) - answers_on_disk(killed)
        strike(desk, start(desk, "killed", num=150), rng.randrange(0, 14), signal.SIGKILL)
        settle(desk)
        in_flight = len(provider.posts) - answers_on_disk(killed) - before
        assert 0 <= in_flight <= WORKERS
        lost += in_flight
    start(desk, "killed", num=150).wait()

    left, right = (desk.root / name / "refill/accepted.jsonl" for name in ("undisturbed", "killed"))
    assert left.read_bytes() == right.read_bytes()
    assert left.read_bytes().count(b"\n") > 140
    assert provider.paid.keys() == once.keys()
    assert len(provider.posts) - needed == needed + lost
    assert lost > 0

    books = [spent(path) for path in killed.rglob("ledger.jsonl")]
    sure, perhaps, sent = (sum(column) for column in zip(*books, strict=True))
    charged = provider.paid.total() * USD  # of the killed runs alone
    assert needed * USD <= sure + 1e-9  # more where an answer came in and was not written down
    unsent = sent - provider.paid.total()  # written down, and killed before the request left
    assert 0 <= unsent <= KILLS * WORKERS
    assert sure + perhaps == pytest.approx(charged + unsent * USD)


def test_interrupt_stops_all_lanes_and_loses_nothing(desk: Desk) -> None:
    """Ctrl-C in the middle: no further request, every answer kept, and the order resumes."""
    desk.provider.delay_s = 0.1
    process = start(desk, "out")
    strike(desk, process, 10, signal.SIGINT)
    assert process.returncode != 0
    assert 10 <= len(desk.provider.posts) < 60
    assert start(desk, "out").wait() == 0
    assert max(desk.provider.paid.values()) == 1


def test_second_interrupt_does_not_wait_for_a_provider_that_hangs(desk: Desk) -> None:
    """The first one says what it waits for; after the second the order still resumes."""
    desk.provider.delay_s = 60.0
    process = start(desk, "out", num=4, stderr=subprocess.PIPE)
    while not desk.provider.posts:
        time.sleep(0.01)
    assert process.stderr is not None
    process.send_signal(signal.SIGINT)
    while b"Ctrl-C again" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.wait() == 128 + signal.SIGINT
    assert desk.provider.in_flight
    process.stderr.close()
    desk.provider.delay_s = 0.0
    assert start(desk, "out", num=4).wait() == 0
