"""What tokens cost where the provider's answers do not say: a table with its date.

`prices.toml` is for users to edit. The provider's word wins wherever it gives one: the cost in
an answer, or a list of prices that it publishes.
"""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from typing import Any, Final

from identity_ops.teachers.spend import Price

TABLE: Final = Path(__file__).with_name("prices.toml")


def listed(provider: str, model: str) -> Price | None:
    """The table's price; None for a model that it does not have."""
    if provider == "openrouter" and model.endswith(":free"):
        return Price(prompt=0, completion=0, source="OpenRouter's name for what is free")
    table = _table()
    row = table.get(provider, {}).get(model)
    return Price(**row, source=f"shipped table of {table['as_of']}") if row else None


@functools.cache
def _table() -> dict[str, Any]:
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))
