"""The client benchmark measures what it says: every client sends every request."""

from __future__ import annotations

import pytest

from benchmarks.client import CLIENTS, measure


@pytest.mark.long
def test_every_client_sends_all_requests_at_once() -> None:
    """A round of few requests: all of them in flight, and all answered."""
    rows = measure(rounds=1, requests=6)
    assert rows.keys() == CLIENTS.keys()
    for name, (row,) in rows.items():
        assert (row["seen"], row["most"]) == (6, 6), name
        assert row["per_s"] > 0
        assert row["cpu_ms"] > 0
    assert rows["null"][0]["ratio"] == 1
