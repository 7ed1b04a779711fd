"""Key, credit and cap are checked before anything is spent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from identity_ops.errors import AuthError, ConfigError, CreditError
from identity_ops.generate.forecast import check_teacher
from tests.loopback import KEY, Provider, serve
from tests.scene import commit_lint, commit_plan, settings

PRICE = {"prompt": 1.0, "completion": 10.0, "request": 0.0}


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    monkeypatch.setenv("OPENROUTER_API_KEY", KEY)
    with serve() as running:
        yield running


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    plan = commit_plan(tmp_path / "plan", mains=10, spares=5, batch_size=5)
    return commit_lint(tmp_path), plan


def test_forecast_adds_up_the_plan(provider: Provider, folders: tuple[Path, Path]) -> None:
    """Tokens of the main cells, at the price; no conversation is asked for."""
    said = check_teacher(*folders, settings(provider, price=PRICE, max_cost_usd=5.0))
    assert said.conversations == 10
    assert said.cost_usd == pytest.approx((said.prompt_tokens + said.completion_tokens * 10) / 1e6)
    assert provider.gets == ["/api/v1/key", "/api/v1/models"]
    assert provider.posts == []


def test_forecast_says_the_worst_whose_price_it_is_and_whether_the_cap_suffices(
    provider: Provider, folders: tuple[Path, Path]
) -> None:
    """At worst every byte is a token and every answer is as long as it may be."""
    said = check_teacher(*folders, settings(provider, max_cost_usd=5.0))
    assert said.cost_usd is not None
    assert said.worst_usd is not None
    assert said.worst_usd >= 10 * 4096 * 3.0 / 1e6 > said.cost_usd > 0
    assert (said.price_source or "").startswith("shipped table of 20")
    assert said.within_cap is True
    assert check_teacher(*folders, settings(provider)).within_cap is None


def test_plan_that_the_cap_cannot_pay_is_refused(
    provider: Provider, folders: tuple[Path, Path]
) -> None:
    """Both figures are said."""
    with pytest.raises(ConfigError, match=r"forecast passes the spend cap.*got \$0\.0001"):
        check_teacher(*folders, settings(provider, price=PRICE, max_cost_usd=0.0001))


def test_cap_without_a_price_is_refused(provider: Provider, folders: tuple[Path, Path]) -> None:
    """A cap nobody can reckon with is an error, not a wish."""
    with pytest.raises(ConfigError, match="price is unknown"):
        check_teacher(*folders, settings(provider, model="new/one", max_cost_usd=5.0))


def test_wrong_key_is_found_with_one_request(
    provider: Provider, folders: tuple[Path, Path]
) -> None:
    """Nothing else is asked once the key is refused."""
    provider.key = "sk-or-another"
    with pytest.raises(AuthError):
        check_teacher(*folders, settings(provider))
    assert len(provider.gets) == 1


def test_empty_account_is_found(provider: Provider, folders: tuple[Path, Path]) -> None:
    """A key with nothing left stops the run before it begins."""
    provider.key_reply = (200, {"data": {"limit_remaining": 0}})
    with pytest.raises(CreditError):
        check_teacher(*folders, settings(provider))
