"""The shipped table of prices, and who wins over it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from identity_ops.teachers.gemini import GeminiTeacher
from identity_ops.teachers.openrouter import OpenRouterTeacher
from identity_ops.teachers.prices import TABLE, listed
from tests.loopback import Provider
from tests.scene import account, cell
from tests.teachers.conftest import made

MODEL = "google/gemini-3-flash-preview"


def test_default_models_have_a_price_with_its_date() -> None:
    """A price without a day is no price."""
    for teacher in (OpenRouterTeacher, GeminiTeacher):
        price = listed(teacher.provider, teacher.default_model or "")
        assert price is not None
        assert price.cached is not None
        assert 0 < price.cached < price.prompt < price.completion
        day = price.source.removeprefix("shipped table of ")
        assert date(2025, 1, 1) < date.fromisoformat(day) <= datetime.now(UTC).date()


def test_table_is_packaged_and_whole() -> None:
    """Every row can be read as a price."""
    rows = [line.split('"')[1] for line in TABLE.read_text().splitlines() if line.startswith('"')]
    assert len(rows) > 10
    for model in rows:
        prices = [listed(provider, model) for provider in ("gemini", "openrouter", "openai")]
        assert any(price is not None and price.completion > 0 for price in prices), model


def test_free_variants_cost_nothing_and_unknown_models_are_unknown() -> None:
    """The name says it on OpenRouter alone."""
    free = listed("openrouter", "some/model:free")
    assert free is not None
    assert free.of(10**6, 10**6, 10) == 0
    assert listed("openai", "some/model:free") is None
    assert listed("openrouter", "nobody/knows") is None


def test_provider_wins_over_the_table(provider: Provider, tmp_path: Path) -> None:
    """What /models lists today, cached tokens and the fee of a request included."""
    pricing = {
        "prompt": "0.000001", "completion": "0.000002", "input_cache_read": "0.0000001",
        "request": "0.001",
    }  # fmt: skip
    provider.models_reply = (200, {"data": [{"id": MODEL, "pricing": pricing}]})
    with made(provider, tmp_path) as teacher:
        price = teacher.price()
    assert price is not None
    assert price.of(1000, 100, 800) == pytest.approx(0.001 + (200 + 80 + 200) / 1e6)
    assert f"{datetime.now(UTC):%Y-%m-%d}" in price.source


@pytest.mark.parametrize("reply", [(500, {}), (404, {}), (200, b"<html>"), (200, {"data": []})])
def test_table_helps_where_the_provider_lists_nothing(
    provider: Provider, tmp_path: Path, reply: tuple[int, object]
) -> None:
    """A page that cannot be read is asked once, and is no reason to stop."""
    provider.models_reply = reply
    with made(provider, tmp_path) as teacher:
        assert teacher.price() == teacher.price() == listed("openrouter", MODEL)
    assert provider.gets == ["/api/v1/models"]


def test_users_price_wins_over_everybody(provider: Provider, tmp_path: Path) -> None:
    """Nobody is asked then."""
    with made(provider, tmp_path, price={"prompt": 7.0, "completion": 8.0}) as teacher:
        price = teacher.price()
    assert price is not None
    assert (price.prompt, price.completion) == (7.0, 8.0)
    assert provider.gets == []


def test_cost_in_an_answer_wins_over_every_price(provider: Provider, tmp_path: Path) -> None:
    """The provider's own figure is what was charged."""
    with made(provider, tmp_path, price={"prompt": 700.0, "completion": 800.0}) as teacher:
        assert teacher.complete(cell(), 0, account()).cost_usd == 0.001
