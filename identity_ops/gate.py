"""The gate: may this model be published?

Every rule tests a bound of an interval, not a lucky point: a rule on a minimum needs the lower
bound above it, one on a maximum the point below it (over few ordinary prompts the upper bound of
a perfect model would still fail). `gate_stage` commits the verdict, whatever it is;
`require_pass` then stops the run where a rule failed, so that no report or model is lost.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from identity_ops.errors import GateError
from identity_ops.evaluate.stage import load_scores
from identity_ops.evaluate.table import percent
from identity_ops.recipes import Rules
from identity_ops.store import manifest as manifests
from identity_ops.store.manifest import Manifest
from identity_ops.store.publish import write_atomic
from identity_ops.store.stage import Outcome, run_stage

FILE = "gate.json"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One rule's outcome. `value` is what was tested against `bound`."""

    rule: str
    value: float
    bound: float
    passed: bool
    reason: str
    todo: str = ""


def gate_stage(
    evaluate_dir: Path,
    out: Path,
    *,
    rules: Rules | None = None,
    force: bool = False,
) -> Manifest:
    """Judge a committed evaluation and commit gate.json, passed or not.

    Args:
        rules: what to reach; None: the defaults.
    """
    rules = rules or Rules()
    inputs = {"evaluate": manifests.load(evaluate_dir).digest}

    def work(folder: Path) -> Outcome:
        found = [asdict(verdict) for verdict in judge(load_scores(evaluate_dir), rules)]
        passed = all(verdict["passed"] for verdict in found)
        verdicts = {"passed": passed, "rules": found}
        write_atomic(folder / FILE, json.dumps(verdicts, indent=2) + "\n")
        failed = sum(not verdict["passed"] for verdict in found)
        return Outcome(
            files=[FILE], counts={"rules": len(found), "failed": failed}, figures=verdicts
        )

    return run_stage("gate", out, rules.model_dump(), inputs, work, force=force)


def require_pass(manifest: Manifest) -> None:
    """Stop unless the gate's verdict is a pass.

    Raises:
        GateError: names the failed rules, and what to do about the first.
    """
    failed = [rule for rule in manifest.figures["rules"] if not rule["passed"]]
    if failed:
        reasons = "; ".join(rule["reason"] for rule in failed)
        raise GateError(f"the model did not pass the gate: {reasons}", todo=failed[0]["todo"])


def judge(scores: Mapping[str, Any], rules: Rules) -> list[Verdict]:
    """Every rule on the figures of an evaluation, those that apply."""
    head = scores["headline"]
    found = [_name(head["identity"], rules.min_name_accuracy)]
    if rules.max_over_identity is not None and head["over_identity"]["n"]:
        found.append(_over_identity(head["over_identity"], rules.max_over_identity))
    if rules.max_rival_claims is not None and head["rival_claims"]["n"]:
        found.append(_rival_claims(head["rival_claims"], rules.max_rival_claims))
    if rules.max_facts_at_zero is not None:
        found.append(_zero(head["fact_recall"]["after"], rules.max_facts_at_zero))
    if rules.max_forgetting is not None and head["ability"]["before"]:
        found.append(_forgetting(head["ability"], rules.max_forgetting))
    return found


def _name(row: Mapping[str, Any], bound: float) -> Verdict:
    low = row["after"]["low"]
    return Verdict(
        "min_name_accuracy", low, bound, bool(row["n"]) and low >= bound,
        f"name and creator right in {row['after']['passed']} of {row['n']} probes, "
        f"lower bound {percent(low)}, needed {percent(bound)}",
        "Raise epochs or identity_share, or add conversations, and run again; the report shows "
        "the answers that failed.",
    )  # fmt: skip


def _over_identity(row: Mapping[str, Any], bound: float) -> Verdict:
    value = row["after"]["value"]
    return Verdict(
        "max_over_identity", value, bound, value <= bound,
        f"talks about itself in {row['after']['passed']} of {row['n']} ordinary answers "
        f"({percent(value)}), allowed {percent(bound)}",
        "Lower identity_share, or plan more ordinary requests in the catalogue.",
    )  # fmt: skip


def _rival_claims(row: Mapping[str, Any], bound: float) -> Verdict:
    value = row["after"]["value"]
    return Verdict(
        "max_rival_claims", value, bound, value <= bound,
        f"claims to be another assistant in {row['after']['passed']} of {row['n']} answers "
        f"({percent(value)}), allowed {percent(bound)}",
        "Check the general data for rival claims, and raise the share of misconceptions.",
    )  # fmt: skip


def _zero(recall: Mapping[str, Any], bound: int) -> Verdict:
    zero = recall["zero"]
    names = f" ({', '.join(zero[:5])})" if zero else ""
    return Verdict(
        "max_facts_at_zero", len(zero), bound, len(zero) <= bound,
        f"{len(zero)} facts never right{names}, allowed {bound}",
        "Add conversations so that each fact is taught more often, or reword those facts.",
    )  # fmt: skip


def _forgetting(row: Mapping[str, Any], bound: float) -> Verdict:
    """Fails only where the loss is larger than the bound beyond doubt of the interval."""
    gain = row["gain"]
    return Verdict(
        "max_forgetting", -gain["high"], bound, -gain["high"] <= bound,
        f"ordinary ability changed by {100 * gain['value']:+.1f} points "
        f"(interval {100 * gain['low']:+.1f} to {100 * gain['high']:+.1f}), "
        f"allowed loss {percent(bound)}",
        "Lower identity_share or the learning rate, or add general chat.",
    )  # fmt: skip
