"""Progress lines: seldom enough to read, complete enough to decide whether to stop."""

from __future__ import annotations

import logging

import pytest

from identity_ops.generate.drive import Progress
from identity_ops.generate.progress import ProgressLog


def _lines(caplog: pytest.LogCaptureFixture, cap_usd: float | None, moments: list[float]) -> None:
    ticks = iter([0.0, *moments])
    show = ProgressLog(cap_usd, every_s=5, clock=lambda: next(ticks))
    with caplog.at_level(logging.INFO, logger="identity_ops"):
        for _ in moments:
            show(Progress(accepted=7, rejected=2, wanted=50, cost_usd=0.0123, in_flight=3))


def test_a_line_says_how_far_and_for_how_much(caplog: pytest.LogCaptureFixture) -> None:
    """Accepted of wanted, rejected, in flight, spent of the cap."""
    _lines(caplog, 0.5, [6.0])
    said = "7/50 accepted, 2 rejected, 3 in flight, $0.0123 spent (of $0.5000)"
    assert caplog.messages == [said]


def test_lines_come_every_few_seconds_only(caplog: pytest.LogCaptureFixture) -> None:
    """A thousand answers a second make no thousand lines."""
    _lines(caplog, None, [0.5, 1.0, 5.0, 5.1, 9.9, 10.2])
    assert len(caplog.messages) == 2
    assert caplog.messages[0].endswith("(no cap)")
