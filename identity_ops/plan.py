"""The plan: one cell for each conversation, drawn by quota without replacement.

Every choice is dealt from its own shuffled deck (facts, kinds, topics, personas, dynamics,
openers, languages), so each card comes up equally often, and the plan for N conversations is the
beginning of the plan for N + M: asking for more never changes what was there. A focus (see
`focus.py`) puts more cards of what is weak into the decks; such a plan is one of its own.
"""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from identity_ops.catalogue import Catalogue, TopicGroup, read_catalogue
from identity_ops.errors import ConfigError
from identity_ops.focus import Focus
from identity_ops.knowledge import Knowledge, Profile, read_knowledge
from identity_ops.knowledge.roles import owner_label
from identity_ops.records import Cell, Fact, Kind, write_jsonl
from identity_ops.store import manifest as manifests
from identity_ops.store.manifest import Manifest, canonical_hash
from identity_ops.store.stage import Outcome, run_stage

log = logging.getLogger(__name__)

T = TypeVar("T")
MAX_NUM: Final = 100_000
EVENLY: Final = Focus()
PART: Final = 200_000  # numbers of one plan of several
SPARE_BASE: Final = 10_000_000  # spares are numbered from here, so they never take a main index
SPARE_SHARE: Final = 0.25
SPARES_LEAST: Final = 8
COMMON_LANGUAGES: Final = {"es": 3, "fr": 3, "de": 3, "it": 3, "pt": 3}  # cards; others have 1
# Cards of one round of a hundred. "identity" becomes "limitation" where its first fact is one.
KIND_CARDS: Final[dict[Kind, int]] = {
    "identity": 57, "misconception": 10, "unknown_attribute": 13, "third_party": 10, "ordinary": 10,
}  # fmt: skip
FREE_CARDS: Final = (2, 10)  # of so many longer ones, one exchange is left for a greeting or a task
MANY_FACTS: Final = 60  # from here on the other facts need more of the room
NAME_CARDS: Final = (16, 20)  # of so many identity conversations, so many start with who it is
MANY_NAME_CARDS: Final = (9, 20)  # the same for a base of many facts
FOREIGN_CARDS: Final = (2, 10)  # of so many conversations about who it is, in another language


class Deck(Generic[T]):
    """Cards dealt in a shuffled order; a new round starts when all are dealt."""

    def __init__(self, cards: Sequence[T], key: str) -> None:
        if not cards:
            raise ValueError(f"no cards: {key}")
        self._cards, self._rng, self._left = list(cards), random.Random(key), list[T]()
        self._kinds = len({id(card) for card in self._cards})  # one card may be in it often

    def draw(self) -> T:
        if not self._left:
            self._left = self._rng.sample(self._cards, len(self._cards))
        return self._left.pop()

    def draw_distinct(self, count: int) -> tuple[T, ...]:
        """`count` different cards (fewer where the deck has fewer kinds)."""
        out: list[T] = []
        again: list[T] = []
        while len(out) < min(count, self._kinds):
            card = self.draw()
            (again if card in out else out).append(card)
        self._left += again  # dealt twice around a new round: they come next
        return tuple(out)


@dataclass(frozen=True, slots=True)
class Ledger:
    """A knowledge base's facts as the plan deals them."""

    core: tuple[Fact, ...]  # name and creator
    others: tuple[Fact, ...]

    @classmethod
    def of(cls, knowledge: Knowledge) -> Ledger:
        profile = knowledge.profile
        core = tuple(
            f for f in knowledge.facts if (f.role == "name" and f.value == profile.name) or
            (f.role == "creator" and any(k in f.value for k in profile.creators))
        )  # fmt: skip
        made = [f for f in core if f.role == "creator" and not owner_label(f.attribute)]
        if made:  # the company of the one who made it is a fact like others
            core = tuple(f for f in core if f.role == "name" or f in made)
        return cls(core, tuple(f for f in knowledge.facts if f not in core))


class Dealer:
    """Deals cells in order. Two dealers with the same arguments deal the same cells."""

    def __init__(
        self, knowledge: Knowledge, catalogue: Catalogue, seed: int, lane: str,
        focus: Focus = EVENLY,
    ) -> None:  # fmt: skip
        self._origin = [knowledge.fingerprint, seed, *([focus.digest] if focus.digest else [])]
        key = "/".join(map(str, [*self._origin, lane]))
        self._ledger = ledger = Ledger.of(knowledge)
        kinds, many = focus.kind_cards(KIND_CARDS), len(ledger.others) > MANY_FACTS
        starts = focus.starts(MANY_NAME_CARDS if many else NAME_CARDS)
        self._core = Deck(focus.core_cards(_core_cards(ledger.core)), key + "/core")
        facts = focus.fact_cards(ledger.others or ledger.core)
        self._facts = Deck(facts or (None,), key + "/facts")
        self._kinds = Deck([k for k, n in kinds.items() for _ in range(n)], key + "/kinds")
        self._starts = Deck(_share(*starts), key + "/starts")
        self._free = Deck(_share(*FREE_CARDS), key + "/free")
        self._double = Deck([True, False], key + "/double")
        self._foreign = Deck(_share(*focus.foreign_cards(FOREIGN_CARDS)), key + "/foreign")
        self._personas = Deck(catalogue.personas, key + "/personas")
        self._dynamics = Deck(catalogue.dynamics, key + "/dynamics")
        self._turns = {d.text: Deck(d.turns, f"{key}/turns/{d.text}") for d in catalogue.dynamics}
        self._topics = {
            g.group: Deck(g.topics, f"{key}/topics/{g.group}") for g in catalogue.topics
        }
        self._groups = _group_decks(catalogue, key)
        self._openers = _OpenerDecks(catalogue, knowledge.profile, key)

    def deal(self, first: int, *, spare: bool) -> Iterator[Cell]:
        """Cells without end, numbered from `first`."""
        index = first
        while True:
            yield self._cell(index, spare)
            index += 1

    def _cell(self, index: int, spare: bool) -> Cell:
        kind: Kind = self._kinds.draw()
        dynamic = self._dynamics.draw()
        turns = self._turns[dynamic.text].draw()
        left_free = turns > 2 and kind == "identity" and self._free.draw()
        facts = self._draw_facts(kind, turns // 2 - left_free)
        about_self = bool(facts) and facts[0] in self._ledger.core
        foreign = about_self and kind == "identity" and self._foreign.draw()
        language = self._openers.language() if foreign else "en"
        topical = next((f for f in facts if f not in self._ledger.core), None)
        if kind == "identity" and not foreign and topical and topical.role == "limitation":
            kind = "limitation"
        group = self._group(kind, facts)
        cell_id = canonical_hash([*self._origin, index])[:16]
        return Cell(
            id=cell_id, index=index, kind=kind, category=group.group,
            topic=self._topics[group.group].draw(), persona=self._personas.draw(),
            dynamic=dynamic.text, openers=self._openers.draw(language), language=language,
            turns=turns, fact_ids=tuple(f.id for f in facts), seed=int(cell_id[:12], 16),
            spare=spare,
        )  # fmt: skip

    def _draw_facts(self, kind: Kind, exchanges: int) -> tuple[Fact, ...]:
        """Facts for the exchanges that are not taken by the kind's own question."""
        if kind == "ordinary":
            return ()
        if kind in {"unknown_attribute", "third_party"}:
            return self._others(exchanges - (2 if self._double.draw() else 1))
        if kind == "misconception" or self._starts.draw():
            core = self._core.draw()
            return core + self._others(exchanges - max(1, len(core)))
        return self._others(exchanges) or self._core.draw()

    def _others(self, count: int) -> tuple[Fact, ...]:
        if count < 1 or not self._ledger.others:
            return ()
        return tuple(f for f in self._facts.draw_distinct(count) if f is not None)

    def _group(self, kind: Kind, facts: tuple[Fact, ...]) -> TopicGroup:
        role = facts[0].role if facts and kind == "identity" else ""
        role = "limitation" if kind == "limitation" else role
        deck = self._groups.get((kind, role)) or self._groups.get((kind, "")) or (
            self._groups[("identity", "")]
        )  # fmt: skip
        return deck.draw()


class _OpenerDecks:
    """Examples from three groups; a foreign conversation's first comes from its language."""

    def __init__(self, catalogue: Catalogue, profile: Profile, key: str) -> None:
        slots = {"name": profile.name, "NAME": profile.name.upper(), "typo": misspell(profile.name)}
        groups = {g.group: g for g in catalogue.openers}
        self._cards = {
            name: Deck([o.format(**slots) for o in g.openers], f"{key}/openers/{name}")
            for name, g in groups.items()
        }
        self._english = Deck([n for n, g in groups.items() if g.language == "en"], key + "/groups")
        others = sorted({g.language for g in groups.values()} - {"en"}) or ["en"]
        often = [code for code in others for _ in range(COMMON_LANGUAGES.get(code, 1))]
        self._languages = Deck(often, key + "/languages")
        self._by_language = {
            code: Deck([n for n, g in groups.items() if g.language == code], f"{key}/{code}")
            for code in others
        }

    def language(self) -> str:
        return self._languages.draw()

    def draw(self, language: str) -> tuple[str, ...]:
        if language == "en":
            return tuple(self._cards[name].draw() for name in self._english.draw_distinct(3))
        first = self._by_language[language].draw()
        return (self._cards[first].draw(), *self.draw("en")[:2])


def misspell(name: str) -> str:
    """The name with two neighbouring letters swapped, as fast fingers do."""
    if len(name) < 3:
        return name + name[-1:]
    middle = len(name) // 2
    return (name[: middle - 1] + name[middle] + name[middle - 1] + name[middle + 1 :]).lower()


def plan(
    knowledge: Knowledge, catalogue: Catalogue, *, num: int, seed: int, focus: Focus = EVENLY,
    first: int = 0,
) -> list[Cell]:  # fmt: skip
    """Main cells `first` to first + num - 1, then the spares.

    Raises:
        ConfigError: `num` is out of range.
    """
    if not 1 <= num <= MAX_NUM:
        raise ConfigError(
            "number of conversations out of range", expected=f"1 to {MAX_NUM}", got=num
        )
    spares = max(SPARES_LEAST, round(num * SPARE_SHARE))
    main = Dealer(knowledge, catalogue, seed, "main", focus).deal(first, spare=False)
    spares_at = SPARE_BASE + first
    spare = Dealer(knowledge, catalogue, seed, "spare", focus).deal(spares_at, spare=True)
    return [*islice(main, num), *islice(spare, spares)]


def exposures(cells: Sequence[Cell], facts: Sequence[Fact]) -> dict[str, int]:
    """In how many main conversations each fact is to be taught."""
    counts = Counter(fact_id for cell in cells if not cell.spare for fact_id in set(cell.fact_ids))
    return {fact.id: counts[fact.id] for fact in facts}


def plan_stage(
    lint_dir: Path,
    out: Path,
    *,
    num: int,
    seed: int,
    batch_size: int,
    catalogue: Path | None = None,
    focus: Path | None = None,
    part: int = 0,
    force: bool = False,
) -> Manifest:
    """Draw the cells of a run and commit them as cells.jsonl.

    Args:
        lint_dir: a committed lint result.
        num: accepted conversations wanted, 1 to 100,000.
        batch_size: conversations of one batch; it decides how spares are dealt out.
        catalogue: YAML file; None: the shipped one.
        focus: a committed evaluation; what failed there is planned more often.
        part: number of this plan among those whose conversations go together, where it continues
            no other: its cells are numbered from a place of their own.

    Raises:
        ConfigError: `num`, `batch_size` or the catalogue is wrong.
        DataError: `lint_dir` holds no result, or `focus` no evaluation.
    """
    if batch_size < 1:
        raise ConfigError("batch size out of range", expected="at least 1", got=batch_size)
    drawn_from = read_catalogue(catalogue)
    config: dict[str, Any] = {
        "num": num, "seed": seed, "batch_size": batch_size,
        "catalogue": canonical_hash(drawn_from.model_dump(mode="json")),
    }  # fmt: skip
    inputs = {"lint": manifests.load(lint_dir).digest}
    weights = Focus.of(focus) if focus else EVENLY
    if focus:
        config |= {"part": part, "focus": asdict(weights)}
        inputs["focus"] = manifests.load(focus).digest
    elif part:
        config["part"] = part

    def work(folder: Path) -> Outcome:
        knowledge = read_knowledge(lint_dir)
        cells = plan(
            knowledge, drawn_from, num=num, seed=seed, focus=weights, first=part * PART
        )  # fmt: skip
        write_jsonl(folder / "cells.jsonl", cells)
        batches = -(-num // batch_size)
        counts = {"cells": num, "spares": len(cells) - num, "batches": batches}
        return Outcome(files=["cells.jsonl"], counts=counts, figures=_figures(cells, knowledge))

    return run_stage("plan", out, config, inputs, work, force=force)


def _figures(cells: Sequence[Cell], knowledge: Knowledge) -> dict[str, Any]:
    main = [cell for cell in cells if not cell.spare]
    planned = exposures(cells, knowledge.facts)
    least = min(planned.values(), default=0)
    missed = sum(1 for count in planned.values() if not count)
    if missed:
        log.warning("%d of %d facts are in no conversation: ask for more than %d conversations",
                    missed, len(planned), len(main))  # fmt: skip
    return {
        "kinds": dict(sorted(Counter(cell.kind for cell in main).items())),
        "languages": dict(sorted(Counter(cell.language for cell in main).items())),
        "turns": {str(n): c for n, c in sorted(Counter(cell.turns for cell in main).items())},
        "categories": dict(sorted(Counter(cell.category for cell in main).items())),
        "topics": len({(cell.category, cell.topic) for cell in main}),
        "personas": len({cell.persona for cell in main}),
        "dynamics": len({cell.dynamic for cell in main}),
        "openers": len({opener for cell in main for opener in cell.openers}),
        "min_exposures": least,
        "facts_without_conversation": missed,
        "exposures": planned,
    }


def _share(part: int, whole: int) -> list[bool]:
    return [place < part for place in range(whole)]


def _core_cards(core: tuple[Fact, ...]) -> list[tuple[Fact, ...]]:
    """Name alone, creator alone, and each name with each creator."""
    names = [fact for fact in core if fact.role == "name"]
    creators = [fact for fact in core if fact.role == "creator"]
    pairs: list[tuple[Fact, ...]] = [(name, creator) for name in names for creator in creators]
    return [(fact,) for fact in core] + pairs * 4 or [()]


def _group_decks(catalogue: Catalogue, key: str) -> dict[tuple[Kind, str], Deck[TopicGroup]]:
    """Topic groups by kind and role; "" takes what no group asks for by role."""
    found: dict[tuple[Kind, str], list[TopicGroup]] = {}
    for group in catalogue.topics:
        for role in group.roles or ("",):
            found.setdefault((group.kind, role), []).append(group)
    if ("identity", "") not in found:
        found[("identity", "")] = [g for g in catalogue.topics if g.kind == "identity"]
    return {at: Deck(groups, f"{key}/group/{at[0]}/{at[1]}") for at, groups in found.items()}
