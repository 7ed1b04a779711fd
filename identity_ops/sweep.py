"""A sweep: which settings to train, and the table of what came out.

One factor is varied at a time around a centre, or all combinations are trained; a control without
identity rows shows what the identity costs. Nothing here reads or writes: see `sweep_run.py`.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from identity_ops.control import mean_difference
from identity_ops.errors import UsageError
from identity_ops.evaluate.samples import Sample
from identity_ops.evaluate.score import (
    Judge,
    is_identity,
    is_right,
    over_identity,
    pick_category,
    recalls,
    summary,
)
from identity_ops.evaluate.stats import Share, clustered, wilson
from identity_ops.records import Fact

FACTORS: Final = {
    "identity_share": "share", "epochs": "epochs", "num_conversations": "conversations"
}  # fmt: skip
MEASURES: Final = {
    "name": "name", "facts": "facts", "over_identity": "over-identity",
    "ability": "ability", "gain": "vs control",
}  # fmt: skip
SHARES: Final[dict[str, tuple[Judge, Judge]]] = {
    "name": (is_identity, is_right),
    "over_identity": (pick_category("ordinary"), over_identity),
    "ability": (pick_category("ability"), is_right),
}


@dataclass(frozen=True, slots=True)
class Setting:
    """What one training of a sweep is given; `control`: the same without its identity rows."""

    identity_share: float
    epochs: float
    num_conversations: int
    control: bool = False

    def __str__(self) -> str:
        what = "control of " if self.control else ""
        return (
            f"{what}share {self.identity_share:g}, {self.epochs:g} epochs, "
            f"{self.num_conversations:,} conversations"
        )


@dataclass(frozen=True, slots=True)
class Cell:
    """One training."""

    setting: Setting
    seed: int

    def __str__(self) -> str:
        return f"{self.setting}, seed {self.seed}"


@dataclass(frozen=True, slots=True)
class Sweep:
    """The settings to train, each with every seed."""

    centre: Setting
    settings: tuple[Setting, ...]
    seeds: tuple[int, ...]

    def cells(self) -> Iterator[Cell]:
        """In the order of work: a sweep that is stopped has whole seeds."""
        return (Cell(setting, seed) for seed in self.seeds for setting in self.settings)


def plan_sweep(
    default: Setting, values: Mapping[str, Sequence[float]], seeds: Sequence[int], *,
    grid: bool = False, control: bool = True,
) -> Sweep:  # fmt: skip
    """The sweep over `values`, by name of the factor.

    A factor stays at its default where that is among its values, else at the middle one, while
    another is varied. `grid`: every combination instead.

    Raises:
        UsageError: an unknown factor, no value, the same one twice; no seed.
    """
    if unknown := set(values) - set(FACTORS):
        raise UsageError("unknown factor", expected=", ".join(FACTORS), got=", ".join(unknown))
    for name, given in (*values.items(), ("seed", seeds)):
        if not given or len(set(given)) < len(given):
            raise UsageError(
                f"{FACTORS.get(name, name)}: different values are needed", got=list(given)
            )
    lists = {name: tuple(values.get(name, (getattr(default, name),))) for name in FACTORS}
    centre = replace(default, **{name: _middle(getattr(default, name), lists[name])
                                 for name in FACTORS})  # fmt: skip
    varied = _grid(default, lists) if grid else _one_by_one(centre, lists)
    controls = [replace(centre, control=True)] if control else []
    return Sweep(centre, tuple(dict.fromkeys([centre, *controls, *varied])), tuple(seeds))


def _middle(default: Any, values: Sequence[Any]) -> Any:
    return default if default in values else sorted(values)[len(values) // 2]


def _one_by_one(centre: Setting, lists: Mapping[str, Sequence[Any]]) -> list[Setting]:
    return [replace(centre, **{name: value}) for name, values in lists.items() for value in values]


def _grid(default: Setting, lists: Mapping[str, Sequence[Any]]) -> list[Setting]:
    return [
        replace(default, **dict(zip(lists, found, strict=True)))
        for found in itertools.product(*lists.values())
    ]


@dataclass(frozen=True, slots=True)
class Trained:
    """What came of a cell: the answers of its model to the held-out probes, or why there are none.

    `samples` of all cells are of the same probes in the same order.
    """

    cell: Cell
    samples: tuple[Sample, ...] = ()
    tokens: int = 0
    seconds: float = 0.0
    cost_usd: float = 0.0
    error: str = ""


def tabulate(
    sweep: Sweep, trained: Iterable[Trained], facts: Sequence[Fact]
) -> list[dict[str, Any]]:
    """A row for each setting that was tried: means over its seeds with 95 % intervals.

    Each measure is a dict with value, low and high, or None: `name` and `ability` right,
    `over_identity` of ordinary answers, `facts` mean recall, `gain` in ability over the control.
    """
    found: dict[Setting, list[Trained]] = defaultdict(list)
    for one in trained:
        found[one.cell.setting].append(one)
    controls = [one for one in found[replace(sweep.centre, control=True)] if not one.error]
    return [
        _row(setting, found[setting], controls, facts)
        for setting in sweep.settings
        if found[setting]
    ]


def _row(
    setting: Setting, trained: Sequence[Trained], controls: Sequence[Trained],
    facts: Sequence[Fact],
) -> dict[str, Any]:  # fmt: skip
    done = [one for one in trained if not one.error]
    return {
        "setting": asdict(setting), "seeds": [one.cell.seed for one in done],
        "failed": {str(one.cell.seed): one.error for one in trained if one.error},
        "tokens": _mean([one.tokens for one in done]),
        "seconds": _mean([one.seconds for one in done]),
        "cost_usd": sum(one.cost_usd for one in trained),
        "measures": _measures(setting, done, controls, facts) if done else {},
    }  # fmt: skip


def _measures(
    setting: Setting, done: Sequence[Trained], controls: Sequence[Trained], facts: Sequence[Fact]
) -> dict[str, Any]:
    every = [sample for one in done for sample in one.samples]
    found = {name: asdict(_pooled(done, *pick)) for name, pick in SHARES.items()}
    found["facts"] = summary(recalls(every, facts))["mean"]
    if controls and not setting.control:
        found["gain"] = asdict(mean_difference(*map(_abilities, (done, controls))))
    return {name: found[name] for name in MEASURES if name in found}


def _pooled(done: Sequence[Trained], pick: Judge, good: Judge) -> Share:
    """Over the probes of all seeds; answers to one probe are alike and count as such."""
    marks: dict[str, list[bool]] = defaultdict(list)
    for sample in itertools.chain.from_iterable(one.samples for one in done):
        if pick(sample):
            marks[sample.probe_id].append(good(sample))
    if len(done) == 1:
        return wilson(sum(mark for (mark,) in marks.values()), len(marks))
    return clustered([(sum(found), len(found)) for found in marks.values()])


def _abilities(done: Sequence[Trained]) -> list[list[bool]]:
    pick, good = SHARES["ability"]
    return [[good(sample) for sample in one.samples if pick(sample)] for one in done]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


@dataclass(frozen=True, slots=True)
class Speed:
    """What an estimate rests on."""

    tokens_a_conversation: float = 75.0
    tokens_per_s: float = 14_000.0
    seconds_beside: float = 40.0  # a cell's stages other than training
    measured: bool = False  # on this machine; else figures of the tiny base on two cores


def estimate(cells: Iterable[Cell], speed: Speed) -> dict[str, float]:
    """Trainings, their tokens and seconds, were they all still to do."""
    tokens = [_tokens(cell.setting, speed) for cell in cells]
    seconds = sum(tokens) / speed.tokens_per_s + speed.seconds_beside * len(tokens)
    return {"trainings": len(tokens), "tokens": round(sum(tokens)), "seconds": round(seconds)}


def _tokens(setting: Setting, speed: Speed) -> float:
    identity = setting.num_conversations * speed.tokens_a_conversation
    whole = setting.epochs * identity / setting.identity_share
    return whole * (1 - setting.identity_share) if setting.control else whole


HEADER: Final = (*FACTORS.values(), *MEASURES.values(), "tokens", "seeds")


def text_rows(sweep: Sweep, rows: Iterable[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """The table's cells, header first; the centre carries a star. Shares in per cent."""
    return [HEADER, *(_text_row(sweep, row) for row in rows)]


def _text_row(sweep: Sweep, row: Mapping[str, Any]) -> tuple[str, ...]:
    setting = Setting(**row["setting"])
    star = "*" if setting == sweep.centre else ""
    first = "control" if setting.control else f"{setting.identity_share:g}{star}"
    measures = (_interval(row["measures"].get(name)) for name in MEASURES)
    failed = f", {len(row['failed'])} failed" if row["failed"] else ""
    return (
        first, f"{setting.epochs:g}", f"{setting.num_conversations:,}", *measures,
        f"{row['tokens'] / 1e6:.2f}M", f"{len(row['seeds'])}{failed}",
    )  # fmt: skip


def _interval(found: Mapping[str, float] | None) -> str:
    if found is None:
        return "-"
    value, low, high = (100 * found[name] for name in ("value", "low", "high"))
    return f"{value:.1f} ({low:.1f}{' to ' if low < 0 else '-'}{high:.1f})"


def flat_rows(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows with one level of names, for CSV: name, name_low, name_high and so on."""
    return [
        {
            **row["setting"], "seeds": len(row["seeds"]), "failed": len(row["failed"]),
            "tokens": round(row["tokens"]), "seconds": round(row["seconds"], 1),
            "cost_usd": row["cost_usd"],
        }
        | {
            name + suffix: round(row["measures"][name][part], 5) if name in row["measures"] else ""
            for name in MEASURES
            for part, suffix in (("value", ""), ("low", "_low"), ("high", "_high"))
        }
        for row in rows
    ]  # fmt: skip
