"""How many requests may be in flight: fewer after each burst of 429, slowly more again."""

from __future__ import annotations

import threading
import time

from identity_ops.teachers.spend import Account, HaltedError

_SHRINK = 0.75
_GROW_EVERY = 25  # successes for one more request in flight


class Throttle:
    """A gate that every request of a teacher passes.

    Args:
        ceiling: the most requests in flight.
        max_wait_s: cap of any pause that a provider asks for.
    """

    def __init__(self, ceiling: int, *, max_wait_s: float) -> None:
        self.limit = float(ceiling)
        self._ceiling, self._max_wait_s = ceiling, max_wait_s
        self._active = self._successes = 0
        self._paused_until = 0.0
        self._shrunk_at = -1.0
        self._changed = threading.Condition()

    def enter(self, account: Account) -> float:
        """Wait for a place; returns the moment it was given.

        Raises:
            HaltedError: the batch is stopping.
        """
        with self._changed:
            while (delay := self._delay()) > 0:
                if account.halted.is_set():
                    raise HaltedError("the batch is stopping")
                self._changed.wait(min(delay, 0.2))
            self._active += 1
            return time.monotonic()

    def leave(self, *, succeeded: bool) -> None:
        """Give the place back; an unbroken row of successes lets the limit grow."""
        with self._changed:
            self._active -= 1
            self._successes = self._successes + 1 if succeeded else 0
            if self._successes >= _GROW_EVERY:
                self._successes = 0
                self.limit = min(self._ceiling, self.limit + 1)
            self._changed.notify_all()

    def slow(self, started: float, retry_after: float | None) -> None:
        """A request that entered at `started` met 429 or an overload.

        The limit shrinks once a burst: a request that started before the last cut says nothing
        about the limit after it.
        """
        with self._changed:
            now = time.monotonic()
            if started > self._shrunk_at:
                self.limit = max(1.0, self.limit * _SHRINK)
                self._shrunk_at, self._successes = now, 0
            if retry_after:
                pause = min(retry_after, self._max_wait_s)
                self._paused_until = max(self._paused_until, now + pause)

    def _delay(self) -> float:
        """Seconds to wait before trying again; 0 when there is a place."""
        pause = self._paused_until - time.monotonic()
        if pause > 0:
            return pause
        return 0.0 if self._active < int(self.limit) else 1.0
