"""Two models on the same probes: who is better, and is it more than luck?

Only probes that both answered count, by id; the differences carry the paired interval, the tests
are the exact paired ones (McNemar). A model counts as significantly worse where one of the WATCHED
figures moved the wrong way with p under ALPHA shared out over them (Bonferroni), so that a model
that is as good as the other is called worse once in twenty comparisons at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from identity_ops.evaluate.grade import grade
from identity_ops.evaluate.samples import Sample
from identity_ops.evaluate.score import Answers, table_rows
from identity_ops.records import Probe

ALPHA = 0.05
WATCHED = ("identity", "fact", "limit", "rival_claims", "ordinary", "ability")


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """`rows` are those of an evaluation's table, with the first model as "before"."""

    common: int  # probes that both answered
    only_first: int
    only_second: int
    rows: list[dict[str, Any]]

    @property
    def worse(self) -> list[dict[str, Any]]:
        """The watched rows in which the second model is significantly worse."""
        return [row for row in self._significant() if _gain(row) < 0]

    @property
    def better(self) -> list[dict[str, Any]]:
        """The watched rows in which it is significantly better."""
        return [row for row in self._significant() if _gain(row) > 0]

    def _significant(self) -> list[dict[str, Any]]:
        watched = [row for row in self.rows if row["key"] in WATCHED]
        return [row for row in watched if row["p"] < ALPHA / len(WATCHED)]

    def words(self) -> str:
        """The outcome in one line."""
        if not self.common:
            return "no probe that both answered"
        found = [f"worse at {_said(row)}" for row in self.worse]
        found += [f"better at {_said(row)}" for row in self.better]
        return f"on {self.common} common probes: " + ("; ".join(found) or "no clear difference")


def compare(
    first: Iterable[Sample], second: Iterable[Sample], probes: Sequence[Probe] = ()
) -> Comparison:
    """Compare what two trained models answered ("after" samples of their evaluations).

    Args:
        probes: where given, both are graded by these, and other answers are left out: a model
            that was taught another knowledge base is then held to this one.
    """
    a, b = _by_id(first, probes), _by_id(second, probes)
    common = [key for key in b if key in a]
    both = Answers([*(replace(a[key], model="before") for key in common), *(b[k] for k in common)])
    return Comparison(
        common=len(common), only_first=len(a) - len(common), only_second=len(b) - len(common),
        rows=table_rows(both),
    )  # fmt: skip


def _by_id(samples: Iterable[Sample], probes: Sequence[Probe]) -> dict[str, Sample]:
    found = {sample.probe_id: sample for sample in samples if sample.model == "after"}
    if not probes:
        return found
    return {
        probe.id: replace(found[probe.id], passed=grade(probe, found[probe.id].answer).passed)
        for probe in probes
        if probe.id in found
    }


def _gain(row: dict[str, Any]) -> float:
    """How much better the second is; a smaller share is better in some rows."""
    value = float(row["gain"]["value"])
    return -value if row["lower_is_better"] else value


def _said(row: dict[str, Any]) -> str:
    gain = row["gain"]
    return (
        f"{row['label'].lower()} ({100 * gain['value']:+.1f} points, "
        f"{100 * gain['low']:+.1f} to {100 * gain['high']:+.1f}, p {row['p']:.2g})"
    )
