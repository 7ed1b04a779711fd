"""Progress as lines of a log, for a task whose only display is its log."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

from identity_ops.generate.drive import Progress

log = logging.getLogger(__name__)
EVERY_S: Final = 3.0


class ProgressLog:
    """Writes where a batch is, at most every `every_s` seconds.

    Args:
        cap_usd: what the batch may spend; None: no cap.
    """

    def __init__(
        self,
        cap_usd: float | None,
        *,
        every_s: float = EVERY_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cap_usd, self._every_s, self._clock = cap_usd, every_s, clock
        self._last = clock()

    def __call__(self, progress: Progress) -> None:
        now = self._clock()
        if now - self._last >= self._every_s:
            self._last = now
            log.info("%s", describe(progress, self._cap_usd))


def describe(progress: Progress, cap_usd: float | None) -> str:
    """One line: conversations, requests in flight, money."""
    cap = "no cap" if cap_usd is None else f"of ${cap_usd:.4f}"
    return (
        f"{progress.accepted}/{progress.wanted} accepted, {progress.rejected} rejected, "
        f"{progress.in_flight} in flight, ${progress.cost_usd:.4f} spent ({cap})"
    )
