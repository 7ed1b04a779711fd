"""A limit of requests a day, for free tiers: one count for a key, whoever uses it on this disk.

Counted before a request leaves, so that a kill never makes the count too small. Requests that
other machines send with the same key are not seen.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from identity_ops.store.lock import hold
from identity_ops.teachers.spend import LimitError

_TURN_S = 30.0  # for others' turns at the count, which take microseconds


def utc_now() -> datetime:
    """The clock, in one place."""
    return datetime.now(UTC)


class Allowance:
    """So many requests until midnight.

    Args:
        path: of the count; its folder is made.
        limit: requests a day.
        zone: whose midnight.
        clock: the time now, with its zone.
    """

    def __init__(
        self, path: Path, limit: int, *, zone: str, clock: Callable[[], datetime] | None = None
    ) -> None:
        self._path, self._limit, self._zone = path, limit, ZoneInfo(zone)
        self._clock = clock or utc_now
        self._turn = threading.Lock()

    def take(self) -> None:
        """Count one request.

        Raises:
            LimitError: today's are used up; says when there are new ones.
        """
        with self._turn, hold(self._path.with_suffix(".lock"), wait_s=_TURN_S):
            used = self._used()
            if used >= self._limit:
                raise self._refusal()
            row = {"day": self._today().isoformat(), "used": used + 1}
            self._path.write_text(json.dumps(row), encoding="utf-8")

    def left(self) -> int:
        """Requests that today still has."""
        return max(0, self._limit - self._used())

    def _used(self) -> int:
        try:
            row = json.loads(self._path.read_bytes())
            return int(row["used"]) if row["day"] == self._today().isoformat() else 0
        except (OSError, ValueError, KeyError, TypeError):
            return 0

    def _today(self) -> datetime:
        now = self._clock().astimezone(self._zone)
        return now.replace(hour=0, minute=0, second=0, microsecond=0)

    def _refusal(self) -> LimitError:
        tomorrow = self._today() + timedelta(days=1)
        return LimitError(
            f"today's {self._limit} requests with this key are used up",
            where="max_requests_per_day",
            todo=f"Finished work is kept. Run the same again after {tomorrow:%Y-%m-%d %H:%M %Z}.",
        )
