"""kill -9 in mid-batch, with a provider that counts what it was paid for."""

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

from identity_ops.generate.stage import generate_stage
from identity_ops.records import Conversation, Response, read_jsonl
from identity_ops.store import manifest as manifests
from tests.loopback import KEY, Provider, serve, small_talk
from tests.scene import commit_lint, commit_plan, settings

WORKERS = 4
SIZE = 40
CODE = """
import sys
from pathlib import Path
from identity_ops.generate.stage import generate_stage
from identity_ops.teachers.base import TeacherConfig

root, config = Path(sys.argv[1]), TeacherConfig.model_validate_json(sys.argv[2])
generate_stage(root / "lint", root / "plan", root / sys.argv[3], batch=0, teacher=config)
"""


def partly_spoiled(body: dict[str, Any]) -> str:
    """Every fifth prompt or so gets an answer that is rejected."""
    text = small_talk(body)
    if random.Random(text).random() < 0.2:
        return json.dumps({"messages": [{"role": "system", "content": text}]})
    return text


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    monkeypatch.setenv("OPENROUTER_API_KEY", KEY)
    with serve(Provider(partly_spoiled)) as running:
        running.delay_s = 0.02
        yield running


class Victim:
    """A batch in a process of its own."""

    def __init__(self, provider: Provider, root: Path) -> None:
        self.provider, self.root = provider, root
        commit_lint(root)
        commit_plan(root / "plan", mains=SIZE, spares=30, batch_size=SIZE)
        self.config = settings(provider, workers=WORKERS, timeout_s=30)

    def start(self, out: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-c", CODE, str(self.root), self.config.model_dump_json(), out],
            stderr=subprocess.DEVNULL,
        )

    def kill_after(self, out: str, posts: int) -> None:
        """Start it and kill it once `posts` more requests have arrived (or let it end)."""
        until = len(self.provider.posts) + posts
        process = self.start(out)
        while process.poll() is None and len(self.provider.posts) < until:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def finish(self, out: str) -> list[Conversation]:
        assert self.start(out).wait() == 0
        return list(read_jsonl(Conversation, self.root / out / "accepted.jsonl"))


@pytest.mark.slow
def test_killed_anywhere_it_ends_with_the_undisturbed_set(
    provider: Provider, tmp_path: Path
) -> None:
    """After each kill only what was in flight is paid for again, and the set is the same."""
    victim = Victim(provider, tmp_path)
    undisturbed = victim.finish("undisturbed")
    once = provider.paid.copy()
    assert len(undisturbed) == SIZE
    provider.paid.clear()
    rng = random.Random(7)
    kills = 0
    while not (tmp_path / "killed" / manifests.FILE_NAME).exists() and kills < 7:
        victim.kill_after("killed", rng.randrange(1, 14))
        kills += 1
    assert victim.finish("killed") == undisturbed
    assert kills >= 3
    assert provider.paid.keys() == once.keys()
    assert provider.paid.total() - once.total() <= kills * WORKERS


def test_orphan_and_retry_make_one_writer(provider: Provider, tmp_path: Path) -> None:
    """A second process on the same folder waits for the first, and then finds the work done."""
    victim = Victim(provider, tmp_path)
    both = [victim.start("out"), victim.start("out")]
    assert [process.wait() for process in both] == [0, 0]
    rows = list(read_jsonl(Response, tmp_path / "out" / "responses.jsonl"))
    assert len(rows) == len({row.key for row in rows}) == provider.paid.total()


def test_lock_dies_with_its_process(provider: Provider, tmp_path: Path) -> None:
    """What a killed process held is free at once for its retry."""
    victim = Victim(provider, tmp_path)
    victim.kill_after("out", 3)
    manifest = generate_stage(
        tmp_path / "lint", tmp_path / "plan", tmp_path / "out", batch=0, teacher=victim.config
    )
    assert manifest.counts["accepted"] == SIZE


def test_interrupt_brings_in_what_is_in_flight(provider: Provider, tmp_path: Path) -> None:
    """Ctrl-C starts nothing more, keeps every answer that was asked for, and ends."""
    victim = Victim(provider, tmp_path)
    provider.delay_s = 0.2
    process = victim.start("out")
    while len(provider.posts) < WORKERS:
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    assert process.wait() != 0
    kept = list(read_jsonl(Response, tmp_path / "out" / "responses.jsonl"))
    assert len(kept) == provider.paid.total() < SIZE
    provider.delay_s = 0.02
    victim.finish("out")
    assert max(provider.paid.values()) == 1


def test_full_disk_stops_with_a_message_and_resumes(provider: Provider, tmp_path: Path) -> None:
    """With no room left the batch says so; what was written is used when there is room again."""
    victim = Victim(provider, tmp_path)
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))"
    done = subprocess.run(
        [sys.executable, "-c", limit + CODE, str(tmp_path), victim.config.model_dump_json(), "out"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "Make room on the disk" in done.stderr
    assert not (tmp_path / "out" / manifests.FILE_NAME).exists()
    kept = len(list(read_jsonl(Response, tmp_path / "out" / "responses.jsonl")))
    assert kept > 3
    paid = provider.paid.total()
    assert len(victim.finish("out")) == SIZE
    again = sum(count - 1 for count in provider.paid.values())
    assert again == paid - kept <= 2 * WORKERS
