"""OpenRouter: structured output on any model it carries, the price in each answer.

Key: OPENROUTER_API_KEY, `.env`, or openroutertoken.txt. Address: OPENROUTER_BASE_URL.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

from pydantic import SecretStr

from identity_ops.errors import CreditError
from identity_ops.knowledge import Knowledge
from identity_ops.teachers.base import TeacherConfig
from identity_ops.teachers.chat import ChatTeacher
from identity_ops.teachers.reply import listed_rows
from identity_ops.teachers.spend import Price


class OpenRouterTeacher(ChatTeacher):
    """Conversations from a model behind OpenRouter."""

    provider = "openrouter"
    default_url = "https://openrouter.ai/api/v1"
    default_model = "google/gemini-3-flash-preview"
    url_variable = "OPENROUTER_BASE_URL"
    key_page = "key"

    def __init__(
        self, config: TeacherConfig, knowledge: Knowledge, *, key: SecretStr | None = None
    ) -> None:
        super().__init__(config, knowledge, key=key)
        self._asked = threading.Lock()
        self._is_price_final = config.price is not None

    def price(self, *, ask: bool = True) -> Price | None:
        """The settings' price, else what /models says now, else the shipped table's; asked once."""
        with self._asked:
            if ask and not self._is_price_final:
                self._known_price = self._asked_price(self._known_price)
                self._is_price_final = True
            return self._known_price

    def _asked_price(self, otherwise: Price | None) -> Price | None:
        for model in listed_rows(self._models):
            if model.get("id") == self.model:
                return _price_of(model.get("pricing"))
        return otherwise  # a forecast with the table's price is better than none

    def _check_key(self, page: Any) -> None:
        data = page.get("data") if isinstance(page, dict) else None
        left = data.get("limit_remaining") if isinstance(data, dict) else None
        if isinstance(left, int | float) and not isinstance(left, bool) and left <= 0:
            raise CreditError(
                "the key's credit limit is used up", where=self.base_url,
                todo="Raise the key's limit or add credit, then run again.",
            )  # fmt: skip

    def _extras(self) -> dict[str, Any]:
        """Without `require_parameters` a provider may drop `response_format` in silence; with it,
        effort may be asked only of a model that reasons (whose thoughts are billed)."""
        reasons = self.model.startswith("google/gemini-3")
        return {
            "provider": {"require_parameters": True},
            "usage": {"include": True},
            **({"reasoning": {"effort": "low"}} if reasons else {}),
        }

    def _auth(self, key: SecretStr) -> dict[str, str]:
        return super()._auth(key) | {"X-Title": "identity-ops"}


def _price_of(pricing: object) -> Price | None:
    """Prices are strings in USD a token; -1 means that they vary, so that nobody knows them."""
    if not isinstance(pricing, dict):
        return None
    try:
        cached = pricing.get("input_cache_read")
        return Price(
            prompt=float(pricing["prompt"]) * 1e6,
            completion=float(pricing["completion"]) * 1e6,
            cached=None if cached is None else float(cached) * 1e6,
            request=float(pricing.get("request") or 0),
            source=f"OpenRouter's list of {datetime.now(UTC):%Y-%m-%d}",
        )
    except (KeyError, TypeError, ValueError):
        return None
