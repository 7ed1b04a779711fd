"""How often each fact is taught, and which are not taught enough."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from identity_ops.records import Conversation, Fact


@dataclass(frozen=True, slots=True)
class Coverage:
    """Conversations for each fact, in the order of the ledger."""

    exposures: dict[str, int]

    @property
    def covered(self) -> int:
        return sum(count > 0 for count in self.exposures.values())

    def gaps(self, least: int = 1) -> list[str]:
        """Facts in fewer than `least` conversations."""
        return [fact_id for fact_id, count in self.exposures.items() if count < least]

    def figures(self) -> dict[str, Any]:
        counts = list(self.exposures.values())
        return {
            "facts": len(counts),
            "covered": self.covered,
            "exposures_min": min(counts, default=0),
            "exposures_mean": round(sum(counts) / len(counts), 2) if counts else 0.0,
            "gaps": self.gaps(),
        }


def coverage(facts: Iterable[Fact], conversations: Iterable[Conversation]) -> Coverage:
    """Count each fact's conversations; ids that the ledger does not have are ignored."""
    counts = Counter(fact_id for c in conversations for fact_id in c.fact_ids)
    return Coverage({fact.id: counts[fact.id] for fact in facts})
