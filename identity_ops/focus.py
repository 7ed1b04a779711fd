"""Focus: what an evaluation found weak, as weights for the next conversations' plan.

Facts, kinds of conversation and other languages are planned more often the more they fail, and
nothing is left out, for what is right today is forgotten when nobody teaches it any more:

- a fact has 1 card, and up to MOST_MORE more in proportion to the share of its probes that failed,
  so one that is never right comes up ten times as often as one that always is;
- each kind keeps FLOOR of its usual cards, and the others are shared out by failure rate;
- conversations about who it is keep at least STARTS_LEAST of their place beside other facts, and
  as much of the rest as name and creator fail more than the other facts;
- those in other languages have their usual cards, and up to FOREIGN_MORE more by failure.

Where nothing failed, the plan is the usual one. Same evaluation, same weights.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from identity_ops.errors import DataError
from identity_ops.evaluate.stage import load_scores
from identity_ops.records import Fact, Kind
from identity_ops.store import manifest as manifests
from identity_ops.store.manifest import canonical_hash

T = TypeVar("T")
MOST_MORE: Final = 9
FLOOR: Final = 0.5
STARTS_LEAST: Final = 0.2
FOREIGN_MORE: Final = 4
# Which rows of an evaluation's table tell of which kind of conversation.
KIND_ROWS: Final[dict[Kind, tuple[str, ...]]] = {
    "identity": ("identity", "fact", "limit"),
    "misconception": ("identity/presupposition", "rival", "robust", "rival_claims"),
    "unknown_attribute": ("unknown",),
    "third_party": ("third_party",),
    "ordinary": ("ordinary",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Focus:
    """Failure rates in [0, 1]; empty: nothing failed, or nobody looked."""

    facts: Mapping[str, float] = field(default_factory=dict)  # by fact id
    kinds: Mapping[Kind, float] = field(default_factory=dict)
    identity: float = 0.0  # of name and creator
    others: float = 0.0  # of the other facts
    foreign: float = 0.0  # of name and creator in other languages

    @classmethod
    def of(cls, evaluation: Path) -> Focus:
        """From a committed evaluation.

        Raises:
            DataError: no evaluation there.
        """
        found = manifests.load(evaluation)
        if found.stage != "evaluate":
            raise DataError(
                "not an evaluation", where=evaluation, expected="evaluate", got=found.stage
            )
        scores = load_scores(evaluation)
        rows = {row["key"]: row for row in scores["rows"]}
        return cls(
            facts={fact["id"]: 1 - fact["after"]["value"] for fact in scores["facts"] if fact["n"]},
            kinds={kind: _failed(rows, names) for kind, names in KIND_ROWS.items()},
            identity=_failed(rows, ["identity"]), others=_failed(rows, ["fact", "limit"]),
            foreign=_failed(rows, ["identity/other_language"]),
        )  # fmt: skip

    @property
    def digest(self) -> str:
        """Hash of the weights; "" where they are the usual ones."""
        return canonical_hash(asdict(self)) if self != Focus() else ""

    def fact_cards(self, facts: Sequence[Fact]) -> list[Fact]:
        """The facts, each as often as it is to come up in one round of the deck."""
        copies = [self._copies((fact,)) for fact in facts]
        least = math.gcd(*copies) or 1  # facts that fail alike come up evenly, as usual
        return [fact for fact, n in zip(facts, copies, strict=True) for _ in range(n // least)]

    def core_cards(self, cards: Sequence[tuple[Fact, ...]]) -> list[tuple[Fact, ...]]:
        """The same for names and creators, alone and in pairs."""
        return [card for card in cards for _ in range(self._copies(card))]

    def kind_cards(self, usual: Mapping[Kind, int]) -> dict[Kind, int]:
        """Cards of one round, as many as usual in all."""
        failed = {kind: self.kinds.get(kind, 0.0) for kind in usual}
        if not any(failed.values()):
            return dict(usual)
        kept = {kind: round(FLOOR * cards) for kind, cards in usual.items()}
        more = _shared_out(sum(usual.values()) - sum(kept.values()), failed)
        return {kind: kept[kind] + more[kind] for kind in usual}

    def starts(self, usual: tuple[int, int]) -> tuple[int, int]:
        """Of so many conversations about itself, so many start with who it is."""
        part, whole = usual
        if not self.identity + self.others:
            return usual
        least, most = STARTS_LEAST * part, max(part, whole * (1 - STARTS_LEAST))
        share = self.identity / (self.identity + self.others)
        return round(least + share * (most - least)), whole

    def foreign_cards(self, usual: tuple[int, int]) -> tuple[int, int]:
        """Of so many conversations about who it is, so many in another language."""
        return usual[0] + round(FOREIGN_MORE * self.foreign), usual[1]

    def _copies(self, card: Iterable[Fact]) -> int:
        worst = max((self.facts.get(fact.id, 0.0) for fact in card), default=0.0)
        return 1 + round(MOST_MORE * worst)


def _failed(rows: Mapping[str, Mapping[str, Any]], names: Iterable[str]) -> float:
    """Share of failed probes in the worst of these rows."""
    return max((_rate(rows[name]) for name in names if name in rows), default=0.0)


def _rate(row: Mapping[str, Any]) -> float:
    value = float(row["after"]["value"])
    return value if row["lower_is_better"] else 1 - value


def _shared_out(count: int, weights: Mapping[Kind, float]) -> dict[Kind, int]:
    """`count` in proportion to the weights, by largest remainder."""
    total = sum(weights.values())
    exact = {kind: count * weight / total for kind, weight in weights.items()}
    found = {kind: int(share) for kind, share in exact.items()}
    for kind in sorted(exact, key=lambda k: found[k] - exact[k])[: count - sum(found.values())]:
        found[kind] += 1
    return found
