"""Money: prices, a cap that holds under concurrency, and what one batch may still do.

Before a request is sent its worst case is reserved; the reservation becomes the real cost when
the answer is there. So the cap is kept by construction, whatever is in flight.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field, model_validator

from identity_ops.errors import CreditError, ProviderError

UNKNOWN = "unknown"  # status of a send of which nobody knows whether it was charged
_SLACK = 1e-9  # sums of floats


class Price(BaseModel):
    """US dollars for a million tokens. Also read from text: "0.5:3" is prompt:completion."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    prompt: float = Field(ge=0, allow_inf_nan=False)
    completion: float = Field(ge=0, allow_inf_nan=False)
    cached: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="Prompt tokens from a cache; null: as others."
    )
    request: float = Field(0.0, ge=0, allow_inf_nan=False, description="For each request, USD.")
    source: str = Field("given by the user", description="Whose word it is, and of which day.")

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        prompt, colon, completion = value.partition(":")
        if not colon:
            raise ValueError(f"expected IN:OUT, as 0.5:3, got {value!r}")
        return {"prompt": prompt, "completion": completion}

    def of(self, prompt_tokens: int, completion_tokens: int, cached_tokens: int = 0) -> float:
        """Cost of one request in US dollars; the cached tokens are a part of the prompt's."""
        cached = self.prompt if self.cached is None else self.cached
        fresh = (prompt_tokens - cached_tokens) * self.prompt + cached_tokens * cached
        return (fresh + completion_tokens * self.completion) / 1e6 + self.request


@dataclass(frozen=True, slots=True)
class Estimate:
    """What one request is likely to take: tokens, and the most it can cost in US dollars."""

    prompt_tokens: int
    completion_tokens: int
    worst_usd: float  # 0 without a price


@dataclass(frozen=True, slots=True)
class Purse:
    """A key's daily quota at its provider: a name without the key in it, and whose midnight."""

    name: str
    zone: str


class Budget:
    """A hard cap that threads share.

    Args:
        cap_usd: None for no cap.
        spent_usd: what earlier runs of the same work have used.
    """

    def __init__(self, cap_usd: float | None, spent_usd: float = 0.0) -> None:
        self.cap_usd, self.spent_usd, self.reserved_usd = cap_usd, spent_usd, 0.0
        self._changed = threading.Condition()

    def reserve(self, usd: float, halted: threading.Event) -> None:
        """Set `usd` aside; waits while only requests in flight stand in the way.

        Raises:
            CreditError: the cap cannot hold it.
        """
        with self._changed:
            while not self._fits(usd):
                if self.reserved_usd <= _SLACK:
                    raise self._refusal(usd)
                if halted.is_set():
                    raise HaltedError("stopped while waiting for the budget")
                self._changed.wait(0.2)
            self.reserved_usd += usd

    def settle(self, reserved_usd: float, cost_usd: float) -> None:
        """Turn a reservation into what it really cost."""
        with self._changed:
            self.reserved_usd = max(0.0, self.reserved_usd - reserved_usd)
            self.spent_usd += cost_usd
            self._changed.notify_all()

    def add_spent(self, usd: float) -> None:
        """Count what was spent on this work before."""
        self.settle(0.0, usd)

    def _fits(self, usd: float) -> bool:
        used = self.spent_usd + self.reserved_usd
        return self.cap_usd is None or used + usd <= self.cap_usd + _SLACK

    def _refusal(self, usd: float) -> LimitError:
        return LimitError(
            "the spend cap is reached",
            expected=f"at most ${self.cap_usd:.4f}",
            got=f"${self.spent_usd:.4f} spent, up to ${usd:.4f} more for the next request",
            todo="Finished work is kept. Raise the cap (--max-cost, max_cost_usd) and run again.",
        )


class LimitError(CreditError):
    """A limit of the user's own is reached: the cap, or the requests of a day."""


class HaltedError(ProviderError):
    """The batch is stopping: this request was given up before it was sent."""


class Book(Protocol):
    """Where each send is written down; see `generate/ledger.py`."""

    def open(self, key: str, usd: float) -> str:
        """A request is about to be sent that may cost `usd`; returns the entry's name."""

    def close(self, entry: str, usd: float, status: str) -> None:
        """The request ended: it cost `usd`."""


def no_limit() -> None:
    """Takes one of as many requests as one likes."""


class Account:
    """What one batch may spend: money, retries, requests, and whether it should go on at all.

    Args:
        retries: sends beyond the first, over all requests of the batch.
        take: counts one request; raises CreditError where none is left.
    """

    def __init__(
        self, budget: Budget, book: Book, *, retries: int, take: Callable[[], None] = no_limit
    ) -> None:
        self.budget, self.book, self._take = budget, book, take
        self.halted = threading.Event()
        self._retries, self._lock = retries, threading.Lock()

    def send(self, key: str, worst_usd: float) -> Send:
        """Reserve and write down one send.

        Raises:
            CreditError: the cap cannot hold it, or the day's requests are used up.
            HaltedError: the batch is stopping.
        """
        if self.halted.is_set():
            raise HaltedError("the batch is stopping")
        self.budget.reserve(worst_usd, self.halted)
        try:
            self._take()
        except BaseException:
            self.budget.settle(worst_usd, 0.0)
            raise
        return Send(self, self.book.open(key, worst_usd), worst_usd)

    def retry(self, error: ProviderError) -> None:
        """Take one retry from the batch's stock; raises `error` when none is left."""
        with self._lock:
            self._retries -= 1
            if self._retries < 0:
                raise OutageError(
                    f"the provider fails too often; last: {error.what}",
                    where=error.where,
                    todo="Finished work is kept. Run again later, or with fewer workers.",
                )

    def pause(self, seconds: float) -> None:
        """Wait, but not beyond the end of the batch.

        Raises:
            HaltedError: the batch is stopping.
        """
        if self.halted.wait(seconds):
            raise HaltedError("the batch is stopping")


class OutageError(ProviderError):
    """The batch's retries are used up: the provider is down, not one request unlucky."""


class Send:
    """One reserved request. `done` must be called exactly once; a kill leaves it open."""

    def __init__(self, account: Account, entry: str, worst_usd: float) -> None:
        self._account, self._entry, self._worst_usd = account, entry, worst_usd

    def done(self, cost_usd: float, status: str) -> None:
        """The request ended with `status` ("ok", "429", "reset") and this cost."""
        self._account.book.close(self._entry, cost_usd, status)
        self._account.budget.settle(self._worst_usd, cost_usd)
