"""The books: what was spent for certain, and what perhaps."""

from __future__ import annotations

from pathlib import Path

import pytest

from identity_ops.generate.ledger import Ledger, spent
from identity_ops.teachers.spend import UNKNOWN


def test_open_requests_count_at_their_worst_after_a_kill(tmp_path: Path) -> None:
    """A send without an end was in flight when the process died: it may have been paid for."""
    path = tmp_path / "ledger"
    ledger = Ledger(path)
    ledger.close(ledger.open("k", 0.5), 0.25, "stop")
    ledger.open("k", 0.5)
    ledger.close(ledger.open("j", 0.5), 0.5, UNKNOWN)
    ledger.shut()
    again = Ledger(path)
    assert (again.confirmed_usd, again.uncertain_usd, again.sent) == (0.25, 1.0, 3)
    again.shut()


def test_entries_of_a_resumed_ledger_are_new(tmp_path: Path) -> None:
    """The end of a new send never closes one that a kill left open."""
    path = tmp_path / "ledger"
    first = Ledger(path)
    first.open("k", 0.5)
    first.shut()
    second = Ledger(path)
    second.close(second.open("k", 0.5), 0.125, "stop")
    second.shut()
    assert spent(path) == (0.125, 0.5, 2)


@pytest.mark.parametrize("cut", range(1, 30))
def test_torn_ledger_still_counts_its_whole_lines(tmp_path: Path, cut: int) -> None:
    """Half a line at the end is dropped; the send it would have closed counts as open."""
    path = tmp_path / "ledger"
    ledger = Ledger(path)
    ledger.close(ledger.open("k", 0.5), 0.25, "stop")
    ledger.shut()
    path.write_bytes(path.read_bytes()[:-cut])
    ledger = Ledger(path)
    assert ledger.spent_usd in (0.25, 0.5)
    assert ledger.spent_usd == spent(path)[0] + spent(path)[1]
    ledger.shut()


def test_no_ledger_is_nothing_spent(tmp_path: Path) -> None:
    """A stage that never asked has no books."""
    assert spent(tmp_path / "none") == (0.0, 0.0, 0)
