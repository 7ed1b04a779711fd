"""A cap that threads share."""

from __future__ import annotations

import threading

import pytest

from identity_ops.errors import CreditError, ProviderError
from identity_ops.teachers.spend import Account, Budget, Price
from tests.scene import Pages


def test_reservations_never_add_up_beyond_the_cap() -> None:
    """Many threads, each reserving and settling: spent and reserved stay under the cap."""
    budget, halted = Budget(1.0), threading.Event()
    most, lock = [0.0], threading.Lock()

    def work() -> None:
        for _ in range(50):
            try:
                budget.reserve(0.05, halted)
            except CreditError:
                return
            with lock:
                most[0] = max(most[0], budget.spent_usd + budget.reserved_usd)
            budget.settle(0.05, 0.01)

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] <= 1.0 + 1e-9
    assert budget.spent_usd == pytest.approx(0.96)  # then the next worst case does not fit
    assert budget.reserved_usd == pytest.approx(0)


def test_request_waits_for_those_in_flight_instead_of_giving_up() -> None:
    """A reservation that others in flight stand in the way of gets its turn when they are cheap."""
    budget, halted = Budget(1.0), threading.Event()
    budget.reserve(0.8, halted)
    waiter = threading.Thread(target=budget.reserve, args=(0.8, halted))
    waiter.start()
    assert waiter.is_alive()
    budget.settle(0.8, 0.1)
    waiter.join(10)
    assert not waiter.is_alive()
    assert budget.reserved_usd == pytest.approx(0.8)


def test_waiting_ends_when_the_batch_stops() -> None:
    """A batch that stops does not hang on its budget."""
    account = Account(Budget(1.0), Pages(), retries=1)
    account.send("a", 0.9)
    account.halted.set()
    with pytest.raises(ProviderError, match="stopp"):
        account.budget.reserve(0.9, account.halted)


def test_cap_of_zero_lets_nothing_through() -> None:
    """Nothing may be spent, so nothing that costs is sent; what is free is."""
    halted = threading.Event()
    with pytest.raises(CreditError, match="spend cap"):
        Budget(0.0).reserve(0.01, halted)
    Budget(0.0).reserve(0.0, halted)


def test_price_counts_tokens_by_the_million_and_each_request() -> None:
    """US dollars for a million tokens, and a fee a request where there is one."""
    assert Price(prompt=0.5, completion=3.0, request=0.01).of(2000, 1000) == pytest.approx(0.014)


def test_cached_tokens_have_their_own_price() -> None:
    """They are a part of the prompt's tokens; without a price of their own they cost as others."""
    price = Price(prompt=1.0, cached=0.1, completion=2.0)
    assert price.of(1000, 100, 800) == pytest.approx((200 * 1.0 + 800 * 0.1 + 100 * 2.0) / 1e6)
    assert price.of(1000, 0, 1000) == pytest.approx(0.0001)
    assert Price(prompt=1.0, completion=2.0).of(1000, 0, 800) == pytest.approx(0.001)
    assert Price(prompt=1.0, cached=0, completion=2.0).of(1000, 0, 1000) == 0
