"""The books: what was spent for certain, and what perhaps."""

from __future__ import annotations

from pathlib import Path

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


def test_torn_ledger_counts_its_whole_lines_at_every_byte(tmp_path: Path) -> None:
    """Cut anywhere, a send counts as soon as it is written down: at its worst until it ended."""
    whole = tmp_path / "whole"
    ledger = Ledger(whole)
    ledger.close(ledger.open("k", 0.5), 0.25, "stop")
    ledger.open("j", 0.5)
    ledger.shut()
    data = whole.read_bytes()
    ends = [n for n, byte in enumerate(data) if byte == 10]  # a whole line may lack its newline
    for cut in range(len(data) + 1):
        path = tmp_path / "torn"
        path.write_bytes(data[:cut])
        lines = sum(end <= cut for end in ends)
        torn = Ledger(path)
        torn.shut()
        assert torn.spent_usd == (0, 0.5, 0.25, 0.75)[lines]
        assert spent(path) == (torn.confirmed_usd, torn.uncertain_usd, torn.sent)
        again = Ledger(path)
        again.close(again.open("next", 1.0), 1.0, "stop")
        again.shut()
        assert spent(path)[0] == torn.confirmed_usd + 1.0


def test_no_ledger_is_nothing_spent(tmp_path: Path) -> None:
    """A stage that never asked has no books."""
    assert spent(tmp_path / "none") == (0.0, 0.0, 0)
