"""The spend cap against the provider's own books, with random waits, costs and faults."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import pytest

from identity_ops.generate.ledger import spent
from identity_ops.generate.stage import generate_stage
from identity_ops.store.manifest import Manifest
from tests.loopback import KEY, Fault, Provider, serve
from tests.scene import commit_lint, commit_plan, settings

WORKERS, MAX_TOKENS = 12, 64
USD_A_TOKEN = 1e-4  # of the completion; the prompt is free, so the worst case is 0.0064
WORST = MAX_TOKENS * USD_A_TOKEN
PRICE = {"prompt": 0.0, "completion": USD_A_TOKEN * 1e6}


class Shop(Provider):
    """Charges what it likes, up to `most_usd`, and takes its time; its books are exact."""

    def __init__(self, seed: int, most_usd: float) -> None:
        super().__init__()
        self._rng, self._most_usd = random.Random(seed), most_usd
        self.charged: list[float] = []

    def completion(self, body: dict[str, Any], finish_reason: str | None) -> dict[str, Any]:
        payload = super().completion(body, finish_reason)
        with self.lock:
            cost, wait_s = self._rng.uniform(0, self._most_usd), self._rng.uniform(0, 0.02)
            self.charged.append(cost)
        time.sleep(wait_s)
        payload["usage"]["cost"] = cost
        return payload


def run(shop: Shop, folder: Path, cap_usd: float) -> Manifest:
    lint = commit_lint(folder)
    plan = commit_plan(folder / "plan", mains=60, spares=20, batch_size=60)
    config = settings(
        shop, workers=WORKERS, price=PRICE, max_tokens=MAX_TOKENS, max_cost_usd=cap_usd, attempts=4
    )
    return generate_stage(lint, plan, folder / "out", batch=0, teacher=config)


@pytest.mark.parametrize("seed", range(6))
def test_cap_is_never_passed_whatever_answers_cost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Where no answer costs more than its price allows, the cap holds to the cent."""
    monkeypatch.setenv("OPENROUTER_API_KEY", KEY)
    rng = random.Random(seed)
    cap = rng.uniform(WORST, 40 * WORST)
    faults = [
        Fault(), Fault(), Fault(cut=30, reset=True), Fault(cut=50), Fault(status=503, body={}),
        Fault(body=b"{"), Fault(finish_reason="length"),
    ]  # fmt: skip
    with serve(Shop(seed, WORST)) as shop:
        assert isinstance(shop, Shop)
        shop.faults.extend(rng.choice(faults) for _ in range(60))
        manifest = run(shop, tmp_path, cap)
    sure, perhaps, sent = spent(tmp_path / "out" / "ledger.jsonl")
    assert sent == len(shop.posts)
    assert sum(shop.charged) <= sure + perhaps + 1e-9 <= cap + 2e-9
    assert manifest.cost_usd == pytest.approx(sure, abs=1e-6)
    assert manifest.figures["uncertain_usd"] == pytest.approx(perhaps, abs=1e-6)
    if manifest.figures["stopped"]:  # nothing more fits: less than one worst case is left
        assert cap - (sure + perhaps) < WORST + 1e-9


@pytest.mark.parametrize("seed", range(4))
def test_price_that_was_too_low_passes_the_cap_by_what_is_in_flight_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """A provider that charges five times the price: the first answers over the cap are the last."""
    monkeypatch.setenv("OPENROUTER_API_KEY", KEY)
    most, cap = 5 * WORST, 10 * WORST
    with serve(Shop(seed, most)) as shop:
        assert isinstance(shop, Shop)
        manifest = run(shop, tmp_path, cap)
    assert "spend cap" in manifest.figures["stopped"]
    assert sum(shop.charged) == pytest.approx(manifest.cost_usd, abs=1e-6)
    assert sum(shop.charged) <= cap + WORKERS * most
