"""The gate: may this model be published?

Every rule tests a bound of a 95 % interval, never a lucky point. A rule on a minimum needs the
lower bound to reach it, one on a maximum the upper bound to stay under it: the model must have
shown that it is good. Few probes can show little, so a bound is never stricter than what a
perfect model shows on as many probes (name accuracy excepted: there are always enough of those).
Forgetting alone is judged the other way round, for two hundred exercises cannot show a loss of
under two points: it fails where the loss is beyond doubt larger than allowed.

`gate_stage` commits the verdict, whatever it is; `require_pass` then stops the run where a rule
failed, so that no report or model is lost.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from identity_ops.errors import ConfigError, GateError
from identity_ops.evaluate.stage import load_scores
from identity_ops.evaluate.stats import wilson
from identity_ops.evaluate.table import percent
from identity_ops.recipes import Rules, explain
from identity_ops.store import manifest as manifests
from identity_ops.store.manifest import Manifest
from identity_ops.store.publish import write_atomic
from identity_ops.store.stage import Outcome, run_stage

FILE = "gate.json"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One rule's outcome. `tested`, an end of the interval low to high, is held against `bound`."""

    rule: str
    value: float
    low: float
    high: float
    tested: float
    bound: float
    passed: bool
    reason: str
    todo: str = ""


def read_rules(path: Path) -> Rules:
    """The rules in a TOML file: at its top, or in its [gate] table, as recipes have them.

    Raises:
        ConfigError: no such file, not TOML, or every wrong name and value at once.
    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        table = found.get("gate", found)
        if not isinstance(table, dict):
            raise ConfigError("gate is no table", where=path, expected="[gate]", got=table)
        return Rules.model_validate(table)
    except OSError as error:
        raise ConfigError(f"cannot read the rules: {error.strerror}", where=path) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"not TOML: {error}", where=path) from error
    except ValidationError as error:
        known = ", ".join(Rules.model_fields)
        raise ConfigError(explain(error), where=path, todo=f"Rules are: {known}.") from None


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
        found = verdict_of(load_scores(evaluate_dir), rules)
        write_atomic(folder / FILE, json.dumps(found, indent=2) + "\n")
        failed = sum(not rule["passed"] for rule in found["rules"])
        counts = {"rules": len(found["rules"]), "failed": failed}
        return Outcome(files=[FILE], counts=counts, figures=found)

    return run_stage("gate", out, rules.model_dump(), inputs, work, force=force)


def verdict_of(scores: Mapping[str, Any], rules: Rules) -> dict[str, Any]:
    """Whether the figures pass, with the outcome of each rule, as JSON."""
    found = [asdict(verdict) for verdict in judge(scores, rules)]
    return {"passed": all(verdict["passed"] for verdict in found), "rules": found}


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
    recall = head["fact_recall"]["after"]
    found = [_name(head["identity"], rules.min_name_accuracy)]
    if rules.max_over_identity is not None and head["over_identity"]["n"]:
        found.append(_over_identity(head["over_identity"], rules.max_over_identity))
    if rules.max_rival_claims is not None and head["rival_claims"]["n"]:
        found.append(_rival_claims(head["rival_claims"], rules.max_rival_claims))
    if rules.max_facts_at_zero is not None:
        found.append(_zero(recall, rules.max_facts_at_zero))
    if rules.min_facts_at_80 is not None and recall["facts"]:
        found.append(_at_80(recall["at_80"], rules.min_facts_at_80))
    if rules.max_forgetting is not None and head["ability"]["before"]:
        found.append(_forgetting(head["ability"], rules.max_forgetting))
    return found


def _name(row: Mapping[str, Any], bound: float) -> Verdict:
    share = row["after"]
    low = share["low"]
    return Verdict(
        "min_name_accuracy", **_interval(share), tested=low, bound=bound,
        passed=bool(row["n"]) and low >= bound,
        reason=f"name and creator right in {share['passed']} of {row['n']} probes, "
        f"lower bound {percent(low)}, needed {percent(bound)}",
        todo="Raise epochs or identity_share, or add conversations, and run again; the report "
        "shows the answers that failed.",
    )  # fmt: skip


def _over_identity(row: Mapping[str, Any], bound: float) -> Verdict:
    return _most(
        "max_over_identity", row, bound, "talks about itself in {} of {} ordinary answers",
        "Lower identity_share, or plan more ordinary requests in the catalogue.",
    )  # fmt: skip


def _rival_claims(row: Mapping[str, Any], bound: float) -> Verdict:
    return _most(
        "max_rival_claims", row, bound, "claims to be another assistant in {} of {} answers",
        "Check the general data for rival claims, and raise the share of misconceptions.",
    )  # fmt: skip


def _most(rule: str, row: Mapping[str, Any], bound: float, words: str, todo: str) -> Verdict:
    """A rule on a share that must be shown to be small."""
    share = row["after"]
    allowed = max(bound, wilson(0, share["n"]).high)
    return Verdict(
        rule, **_interval(share), tested=share["high"], bound=bound,
        passed=share["high"] <= allowed,
        reason=f"{words.format(share['passed'], share['n'])} ({percent(share['value'])}), "
        f"upper bound {percent(share['high'])}, allowed {_allowed(bound, allowed, share['n'])}",
        todo=todo,
    )  # fmt: skip


def _zero(recall: Mapping[str, Any], bound: int) -> Verdict:
    """All facts are counted, so there is no interval: its ends are the count."""
    zero = recall["zero"]
    count = float(len(zero))
    names = f" ({', '.join(zero[:5])})" if zero else ""
    return Verdict(
        "max_facts_at_zero", count, count, count, tested=count, bound=bound,
        passed=len(zero) <= bound,
        reason=f"{len(zero)} facts never right{names}, allowed {bound}",
        todo="Add conversations so that each fact is taught more often, or reword those facts.",
    )  # fmt: skip


def _at_80(share: Mapping[str, Any], bound: float) -> Verdict:
    needed = min(bound, wilson(share["n"], share["n"]).low)
    return Verdict(
        "min_facts_at_80", **_interval(share), tested=share["low"], bound=bound,
        passed=share["low"] >= needed,
        reason=f"{share['passed']} of {share['n']} facts at 80 % or better, "
        f"lower bound {percent(share['low'])}, needed {_allowed(bound, needed, share['n'])}",
        todo="Plan more conversations at the weak facts (generate --focus, or more rounds).",
    )  # fmt: skip


def _forgetting(row: Mapping[str, Any], bound: float) -> Verdict:
    """Fails only where the loss is larger than the bound beyond doubt of the interval."""
    gain = row["gain"]
    least = -gain["high"]
    return Verdict(
        "max_forgetting", -gain["value"], least, -gain["low"], tested=least, bound=bound,
        passed=least <= bound,
        reason=f"ordinary ability changed by {100 * gain['value']:+.1f} points "
        f"(interval {100 * gain['low']:+.1f} to {100 * gain['high']:+.1f}), "
        f"allowed loss {percent(bound)}",
        todo="Lower identity_share or the learning rate, or add general chat.",
    )  # fmt: skip


def _interval(share: Mapping[str, Any]) -> dict[str, float]:
    return {name: share[name] for name in ("value", "low", "high")}


def _allowed(bound: float, used: float, n: int) -> str:
    """The bound in words; the one that was used where so few probes cannot show more."""
    said = percent(bound)
    return said if used == bound else f"{said} (with {n} to go by: {percent(used)})"
