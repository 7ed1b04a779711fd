"""How many requests may fly, after bursts and after pauses that a provider asks for."""

from __future__ import annotations

import time

import pytest

from identity_ops.errors import ProviderError
from identity_ops.teachers.throttle import Throttle
from tests.scene import account


def test_burst_shrinks_the_limit_once() -> None:
    """Requests that left before the cut say nothing about the limit after it."""
    throttle, shared = Throttle(8, max_wait_s=1), account()
    entered = [throttle.enter(shared) for _ in range(8)]
    for started in entered:
        throttle.slow(started, None)
        throttle.leave(succeeded=False)
    assert throttle.limit == 6
    throttle.slow(throttle.enter(shared), None)
    assert throttle.limit == 4.5


def test_successes_bring_the_limit_back_to_the_ceiling_and_no_further() -> None:
    """One more in flight for every 25 successes."""
    throttle, shared = Throttle(4, max_wait_s=1), account()
    throttle.slow(throttle.enter(shared), None)
    throttle.leave(succeeded=False)
    assert throttle.limit == 3
    for _ in range(25):
        throttle.enter(shared)
        throttle.leave(succeeded=True)
    assert throttle.limit == 4
    for _ in range(50):
        throttle.enter(shared)
        throttle.leave(succeeded=True)
    assert throttle.limit == 4


def test_failures_halt_the_growth() -> None:
    """Only 25 successes without a failure between them let one more fly."""
    throttle, shared = Throttle(4, max_wait_s=1), account()
    throttle.slow(throttle.enter(shared), None)
    throttle.leave(succeeded=False)
    for _ in range(5):
        for _ in range(24):
            throttle.enter(shared)
            throttle.leave(succeeded=True)
        throttle.enter(shared)
        throttle.leave(succeeded=False)
    assert throttle.limit == 3


def test_limit_never_falls_below_one() -> None:
    """However long it goes on, one request at a time is still tried."""
    throttle, shared = Throttle(2, max_wait_s=1), account()
    for _ in range(20):
        throttle.slow(throttle.enter(shared), None)
        throttle.leave(succeeded=False)
    assert throttle.limit == 1
    throttle.enter(shared)


def test_pause_is_kept_by_every_request_and_capped() -> None:
    """What one request was asked to wait, all wait; a huge wish only to the cap."""
    throttle, shared = Throttle(8, max_wait_s=0.2), account()
    began = time.monotonic()
    throttle.slow(throttle.enter(shared), 1e9)
    throttle.enter(shared)
    assert 0.2 <= time.monotonic() - began < 60


def test_waiting_ends_with_the_batch() -> None:
    """A stopping batch does not sit out a pause."""
    throttle, shared = Throttle(8, max_wait_s=3600), account()
    throttle.slow(throttle.enter(shared), 3600)
    shared.halted.set()
    with pytest.raises(ProviderError, match="stopping"):
        throttle.enter(shared)
