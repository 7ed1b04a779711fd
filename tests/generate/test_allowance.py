"""So many requests a day, however many processes and commands there are."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from identity_ops.errors import ConfigError, CreditError
from identity_ops.generate.allowance import Allowance
from identity_ops.generate.ledger import spent
from tests.generate.desk import Desk
from tests.loopback import KEY, Fault

DAY = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Clock:
    """A clock that the test turns on."""

    def __init__(self) -> None:
        self.now = DAY

    def __call__(self) -> datetime:
        return self.now


def allowance(path: Path, clock: Clock, limit: int = 3) -> Allowance:
    return Allowance(path, limit, zone="UTC", clock=clock)


def test_day_is_counted_over_processes_and_begins_anew(tmp_path: Path) -> None:
    """Each taker counts for all; the next day is a new one."""
    clock, path = Clock(), tmp_path / "allowance.json"
    allowance(path, clock).take()
    allowance(path, clock).take()
    last = allowance(path, clock)
    last.take()
    for one in (last, allowance(path, clock)):
        with pytest.raises(CreditError, match=r"3 requests.*after 2026-03-02 00:00 UTC"):
            one.take()
    clock.now = datetime(2026, 3, 2, 0, 0, 1, tzinfo=UTC)
    last.take()
    assert last.left() == 2


def test_day_ends_where_the_provider_says(tmp_path: Path) -> None:
    """Gemini's day is that of the Pacific coast."""
    clock = Clock()
    clock.now = datetime(2026, 3, 2, 7, 59, tzinfo=UTC)
    one = Allowance(tmp_path / "a", 1, zone="America/Los_Angeles", clock=clock)
    one.take()
    with pytest.raises(CreditError, match="after 2026-03-02 00:00 PST"):
        one.take()
    clock.now = datetime(2026, 3, 2, 8, 1, tzinfo=UTC)
    one.take()


@pytest.mark.parametrize("rubbish", [b"", b"{", b"[]", b'{"day": 3}', b"\xff", b'{"used": "x"}'])
def test_broken_count_begins_anew(tmp_path: Path, rubbish: bytes) -> None:
    """A file that a power cut broke stops nobody."""
    path = tmp_path / "allowance.json"
    path.write_bytes(rubbish)
    one = allowance(path, Clock(), limit=1)
    one.take()
    assert one.left() == 0


def test_threads_and_processes_never_take_more_than_there_is(tmp_path: Path) -> None:
    """Twenty takers at one time, some in another process: exactly the limit gets through."""
    code = """
import sys
from pathlib import Path
from tests.generate.test_allowance import *
one, got = allowance(Path(sys.argv[1]), Clock(), limit=50), 0
for _ in range(40):
    try:
        one.take()
        got += 1
    except CreditError:
        pass
print(got)
"""
    path = tmp_path / "allowance.json"
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True
    )
    one, mine = allowance(path, Clock(), limit=50), []

    def work() -> None:
        for _ in range(10):
            try:
                one.take()
            except CreditError:
                return
            mine.append(1)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    said, _ = other.communicate()
    assert len(mine) + int(said) == 50


def test_order_stops_at_the_limit_and_goes_on_the_next_day(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Retries count; what was made is kept, and the message says when to run again."""
    clock = Clock()
    monkeypatch.setattr("identity_ops.generate.allowance.utc_now", clock)
    desk.provider.faults.append(Fault(status=503, body={}))
    first = desk.run(max_requests_per_day=7, workers=2)
    assert (first.accepted, len(desk.provider.posts)) == (6, 7)
    assert "after 2026-03-02 00:00 UTC" in (first.stopped or "")
    assert desk.run(max_requests_per_day=7).accepted == 6
    assert len(desk.provider.posts) == 7
    clock.now = datetime(2026, 3, 2, 1, tzinfo=UTC)
    second = desk.run(max_requests_per_day=7)
    assert (second.accepted, second.stopped) == (12, None)
    assert len(desk.provider.posts) == 13
    assert max(desk.provider.paid.values()) == 1


def test_limit_is_the_keys_and_not_the_folders(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another folder shares it, another key has its own; neither key is on the disk."""
    desk.run("one", num=5, max_requests_per_day=8)
    desk.run("two", num=6, seed=9, max_requests_per_day=8)
    assert len(desk.provider.posts) == 8
    other = "sk-or-another-key-5678"
    desk.provider.key = other
    monkeypatch.setenv("OPENROUTER_API_KEY", other)
    desk.run("three", num=5, seed=11, max_requests_per_day=8)
    assert len(desk.provider.posts) == 13
    for path in (desk.root / "home").rglob("*"):
        said = str(path) + (path.read_text() if path.is_file() else "")
        assert KEY not in said
        assert other not in said


def test_request_that_the_limit_refuses_is_in_no_books(desk: Desk) -> None:
    """Nothing is reserved or written down for what was never sent."""
    desk.run(max_requests_per_day=5, workers=1)
    sent = sum(spent(path)[2] for path in desk.out.rglob("ledger.jsonl"))
    assert sent == len(desk.provider.posts) == 5


def test_limit_below_one_is_refused(desk: Desk) -> None:
    """No request at all is no limit but a mistake."""
    with pytest.raises(ConfigError, match="max_requests_per_day"):
        desk.run(max_requests_per_day=0)
