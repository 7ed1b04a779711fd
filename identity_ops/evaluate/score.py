"""From samples to figures: by category, by fact, over-identity, rival claims, ability.

Every figure is a share with its 95 % Wilson interval, before and after; the gain carries the
paired interval and the exact paired test, for both models answered the same probes. The mean over
facts is over facts, not probes, so that a fact with many probes weighs no more; its interval is a
bootstrap over facts with a fixed seed.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from identity_ops.evaluate.samples import Sample
from identity_ops.evaluate.stats import (
    Interval,
    paired_difference,
    paired_p,
    percentile,
    wilson,
)
from identity_ops.records import Fact

RESAMPLES = 1000
LABELS = {
    "identity": "Name and creator",
    "name": "Name",
    "creator": "Creator",
    "rival": "Called a rival's name",
    "robust": "Under pressure",
    "fact": "Facts",
    "limit": "Limits and abilities",
    "choice": "Choice of four",
    "fact/choice": "choice of two, spoken",
    "unknown": "Not stated: admits it",
    "third_party": "Others' makers",
    "ordinary": "Over-identity",
    "rival_claims": "Rival claims",
    "ability": "Ordinary ability",
}
OPEN = frozenset({"fact/paraphrase", "fact/noun_only"})  # questions that name no answer
LOWER_IS_BETTER = frozenset({"ordinary", "rival_claims"})
Judge = Callable[[Sample], bool]


def scores(samples: Iterable[Sample], facts: Sequence[Fact]) -> dict[str, Any]:
    """All figures as JSON: `rows` (the table), `headline`, `facts`, `skills`, `own`."""
    both = Answers(samples)
    return {
        "rows": table_rows(both),
        "headline": headline(both, facts),
        "facts": [fact_row(both, fact) for fact in facts],
        "skills": [both.row(skill, pick_category(skill)) for skill in both.named("ability/")],
    }


class Answers:
    """The samples of both models, side by side by probe."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self.after: dict[str, Sample] = {}
        self.before: dict[str, Sample] = {}
        for sample in samples:
            side = self.after if sample.model == "after" else self.before
            side[sample.probe_id] = sample

    def named(self, start: str) -> list[str]:
        """The categories that begin so, in order of appearance."""
        names = dict.fromkeys(sample.category for sample in self.after.values() if not sample.own)
        return [name for name in names if name.startswith(start)]

    def row(
        self,
        key: str,
        pick: Judge,
        good: Judge | None = None,
        label: str = "",
        depth: int = 0,
    ) -> dict[str, Any]:
        """One line of the table over the probes that `pick` picks."""
        good = good or is_right
        ids = [identity for identity, sample in self.after.items() if pick(sample)]
        after = [good(self.after[i]) for i in ids]
        row: dict[str, Any] = {
            "key": key, "label": label or LABELS.get(key) or words_of(key), "depth": depth,
            "n": len(ids), "lower_is_better": key in LOWER_IS_BETTER,
            "after": asdict(wilson(sum(after), len(after))), "before": None,
        }  # fmt: skip
        paired = [i for i in ids if i in self.before]
        if paired and len(paired) == len(ids):
            before = [good(self.before[i]) for i in ids]
            row["before"] = asdict(wilson(sum(before), len(before)))
            row["gain"] = asdict(paired_difference(before, after))
            row["p"] = paired_p(before, after)
        return row


def pick_category(category: str) -> Judge:
    """Picks the built probes of a category and all below it."""
    return lambda s: not s.own and f"{s.category}/".startswith(f"{category}/")


def words_of(key: str) -> str:
    """ "name/other_language" -> "other language"."""
    return key.rpartition("/")[2].replace("_", " ")


def is_identity(sample: Sample) -> bool:
    """Probes that the gate's name accuracy counts: built ones for name and creator."""
    return sample.category.split("/")[0] in {"name", "creator"} and not sample.own


def is_built(sample: Sample) -> bool:
    """Not one of the user's own probes."""
    return not sample.own


def is_right(sample: Sample) -> bool:
    """The answer passed."""
    return sample.passed


def claims_rival(sample: Sample) -> bool:
    """The answer says in the first person that it is another assistant."""
    return bool(sample.rival)


def over_identity(sample: Sample) -> bool:
    """The answer to an ordinary request that mentions who the model is."""
    return not sample.passed


def table_rows(both: Answers) -> list[dict[str, Any]]:
    """The printed table: groups, and below each its strata."""
    rows = [both.row("identity", is_identity)]
    for stratum in strata(both, ("name", "creator")):
        rows.append(both.row(f"identity/{stratum}", _stratum(stratum), depth=1))
    for group in ("name", "creator"):
        rows.append(both.row(group, pick_category(group), depth=1))
    for group in ("fact", "limit", "unknown", "third_party", "rival", "robust"):
        rows.append(both.row(group, pick_category(group)))
        below = both.named(group + "/") if group in {"fact", "robust"} else []
        rows += [both.row(name, pick_category(name), depth=1) for name in below]
    rows.append(both.row("rival_claims", is_built, claims_rival))
    rows.append(both.row("ordinary", pick_category("ordinary"), over_identity))
    rows.append(both.row("ability", pick_category("ability")))
    rows += _own_rows(both)
    return [row for row in rows if row["n"]]


def strata(both: Answers, groups: tuple[str, ...]) -> list[str]:
    """The second parts of the groups' categories, each once."""
    names = [name.partition("/")[2] for group in groups for name in both.named(group + "/")]
    return list(dict.fromkeys(names))


MEASURES: tuple[tuple[str, Judge, Judge], ...] = (
    ("identity", is_identity, is_right),
    *((group, pick_category(group), is_right)
      for group in ("fact", "limit", "unknown", "third_party", "rival", "robust")),
    ("rival_claims", is_built, claims_rival),
    ("ordinary", pick_category("ordinary"), over_identity),
    ("ability", pick_category("ability"), is_right),
)  # fmt: skip


def headline(both: Answers, facts: Sequence[Fact]) -> dict[str, Any]:
    """The figures that the gate and the first lines of the report use."""
    before = summary(recalls(both.before.values(), facts)) if both.before else None
    after = summary(recalls(both.after.values(), facts))
    return {
        "identity": both.row("identity", is_identity),
        "over_identity": both.row("ordinary", pick_category("ordinary"), over_identity),
        "rival_claims": both.row("rival_claims", is_built, claims_rival),
        "ability": both.row("ability", pick_category("ability")),
        "fact_recall": {"before": before, "after": after},
        "consistency": {
            "before": consistency(both.before.values()) if both.before else None,
            "after": consistency(both.after.values()),
        },
    }


def recalls(samples: Iterable[Sample], facts: Sequence[Fact]) -> dict[str, float]:
    """Fact id -> share of its built probes that passed; facts without probes are absent."""
    marks: Mapping[str, list[bool]] = defaultdict(list)
    for sample in samples:
        for fact_id in sample.fact_ids if not sample.own else ():
            marks[fact_id].append(sample.passed)
    return {f.id: sum(marks[f.id]) / len(marks[f.id]) for f in facts if marks.get(f.id)}


def summary(recall: Mapping[str, float]) -> dict[str, Any]:
    """Mean with interval, 10th percentile, share at 80 % or better, facts never right."""
    values = list(recall.values())
    mean = _bootstrap(values)
    return {
        "facts": len(values),
        "mean": asdict(mean),
        "p10": percentile(values, 0.1) if values else 0.0,
        "at_80": asdict(wilson(sum(value >= 0.8 for value in values), len(values))),
        "zero": sorted(fact_id for fact_id, value in recall.items() if value == 0),
    }


def consistency(samples: Iterable[Sample]) -> dict[str, Any]:
    """Is one thing answered the same however it is asked?

    Open questions with one right answer form a group (about one fact, the name, the makers).
    `agreement`: how often two of a group have the same verdict, mean over groups with interval;
    `all_right`: the share of groups that are right in every wording.
    """
    groups: Mapping[tuple[str, tuple[str, ...]], list[bool]] = defaultdict(list)
    for sample in samples:
        if is_identity(sample) or (is_built(sample) and sample.category in OPEN):
            groups[sample.category.split("/")[0], sample.fact_ids].append(sample.passed)
    marks = [found for found in groups.values() if len(found) > 1]
    return {
        "groups": len(marks),
        "agreement": asdict(_bootstrap([_agreement(found) for found in marks])),
        "all_right": asdict(wilson(sum(map(all, marks)), len(marks))),
    }


def _agreement(marks: Sequence[bool]) -> float:
    right, n = sum(marks), len(marks)
    return (math.comb(right, 2) + math.comb(n - right, 2)) / math.comb(n, 2)


def fact_row(both: Answers, fact: Fact) -> dict[str, Any]:
    """One fact with its recall before and after, and the ids of its probes."""
    row = both.row(f"fact:{fact.id}", lambda s: fact.id in s.fact_ids and not s.own)
    ids = [i for i, s in both.after.items() if fact.id in s.fact_ids and not s.own]
    return {
        "id": fact.id, "section": fact.section, "attribute": fact.attribute, "value": fact.value,
        "where": f"{fact.file}:{fact.line}", "n": row["n"], "before": row["before"],
        "after": row["after"], "probes": ids,
    }  # fmt: skip


def _own_rows(both: Answers) -> list[dict[str, Any]]:
    rows = [both.row("own", lambda s: s.own, label="Your probes")]
    for name in dict.fromkeys(s.category for s in both.after.values() if s.own):
        rows.append(both.row(f"own/{name}", _own(name), label=name, depth=1))
    return rows


def _own(category: str) -> Judge:
    return lambda s: s.own and s.category == category


def _stratum(stratum: str) -> Judge:
    return lambda s: is_identity(s) and s.category.partition("/")[2] == stratum


def _bootstrap(values: Sequence[float]) -> Interval:
    if not values:
        return Interval(0.0, 0.0, 1.0)
    rng = random.Random("bootstrap over facts")
    means = [sum(rng.choices(values, k=len(values))) / len(values) for _ in range(RESAMPLES)]
    return Interval(
        sum(values) / len(values), percentile(means, 0.025), percentile(means, 0.975)
    )  # fmt: skip
