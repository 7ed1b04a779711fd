"""OpenRouter: structured output on any model it carries, the price in each answer.

Key: OPENROUTER_API_KEY, `.env`, or openroutertoken.txt. Address: OPENROUTER_BASE_URL.
"""

from __future__ import annotations

import threading
from typing import Any

from pydantic import SecretStr

from identity_ops.errors import CreditError, IdentityError
from identity_ops.teachers.chat import ChatTeacher
from identity_ops.teachers.keys import find_key
from identity_ops.teachers.spend import Price

_PRICES = threading.Lock()


class OpenRouterTeacher(ChatTeacher):
    """Conversations from a model behind OpenRouter."""

    provider = "openrouter"
    default_url = "https://openrouter.ai/api/v1"
    default_model = "google/gemini-3-flash-preview"
    url_variable = "OPENROUTER_BASE_URL"

    def preflight(self) -> None:
        """Ask for the key's own record. A server that does not know that page (404) is fine."""
        answer = self._get_patiently("key")
        data = answer.get("data") if isinstance(answer, dict) else None
        left = data.get("limit_remaining") if isinstance(data, dict) else None
        if isinstance(left, int | float) and not isinstance(left, bool) and left <= 0:
            raise CreditError(
                "the key's credit limit is used up", where=self.base_url,
                todo="Raise the key's limit or add credit, then run again.",
            )  # fmt: skip

    def price(self) -> Price | None:
        """The settings' price, else the one that /models lists; asked once."""
        with _PRICES:
            if self._known_price is None:
                self._known_price = self._listed_price()
            return self._known_price

    def _listed_price(self) -> Price | None:
        try:
            listing = self._get_patiently("models", needs_key=False)
        except IdentityError:  # a forecast without a price is better than none
            return None
        models = listing.get("data") if isinstance(listing, dict) else None
        for model in models if isinstance(models, list) else []:
            if isinstance(model, dict) and model.get("id") == self.model:
                return _price_of(model.get("pricing"))
        return None

    def _extras(self) -> dict[str, Any]:
        """Without `require_parameters` a provider may drop `response_format` in silence."""
        return {"provider": {"require_parameters": True}, "usage": {"include": True}}

    def _find_key(self) -> SecretStr:
        return find_key("OPENROUTER_API_KEY", "openroutertoken.txt", "OpenRouter")

    def _model(self) -> str:
        return self.config.model or self.default_model


def _price_of(pricing: object) -> Price | None:
    """Prices are strings in USD a token; -1 means that they vary."""
    if not isinstance(pricing, dict):
        return None
    try:
        prompt, completion = float(pricing["prompt"]) * 1e6, float(pricing["completion"]) * 1e6
        return Price(
            prompt=prompt, completion=completion, request=float(pricing.get("request") or 0)
        )
    except (KeyError, TypeError, ValueError):
        return None
