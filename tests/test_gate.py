"""The gate: rules on bounds, a verdict that is committed before it stops anything."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from identity_ops.errors import GateError
from identity_ops.evaluate.stats import paired_difference, wilson
from identity_ops.gate import gate_stage, judge, require_pass
from identity_ops.recipes import Rules
from tests.a_run import commit


def head(
    *, identity: tuple[int, int] = (240, 240), over: tuple[int, int] = (0, 170),
    rivals: tuple[int, int] = (0, 900), zero: tuple[str, ...] = (), lost: int = 0,
) -> dict[str, Any]:  # fmt: skip
    """Scores as evaluation writes them."""
    before, after = [True] * 200 + [False] * 32, [True] * (200 - lost) + [False] * (32 + lost)
    ability = {
        "n": 232,
        "after": asdict(wilson(200 - lost, 232)),
        "before": asdict(wilson(200, 232)),
        "gain": asdict(paired_difference(before, after)),
    }
    rates = {"identity": identity, "over_identity": over, "rival_claims": rivals}
    rows = {key: {"n": n, "after": asdict(wilson(k, n))} for key, (k, n) in rates.items()}
    return {"headline": rows | {"ability": ability, "fact_recall": {"after": {"zero": zero}}}}


def failed(scores: dict[str, Any], rules: Rules | None = None) -> set[str]:
    return {v.rule for v in judge(scores, rules or Rules()) if not v.passed}


def test_a_good_model_passes() -> None:
    """Nothing is in its way."""
    assert failed(head()) == set()


@pytest.mark.parametrize(
    ("scores", "rule"),
    [
        (head(identity=(0, 0)), "min_name_accuracy"),
        (head(identity=(200, 240)), "min_name_accuracy"),
        (head(over=(9, 170)), "max_over_identity"),
        (head(rivals=(30, 900)), "max_rival_claims"),
        (head(zero=("f1",)), "max_facts_at_zero"),
        (head(lost=60), "max_forgetting"),
    ],
)
def test_each_rule_fails_alone(scores: dict[str, Any], rule: str) -> None:
    """One bad figure fails its own rule and no other."""
    assert failed(scores) == {rule}


def test_name_accuracy_is_tested_at_the_lower_bound() -> None:
    """19 of 19 is no proof of 95 %, and 233 of 240 (97 %) is none either; 237 is."""
    assert failed(head(identity=(19, 19))) == {"min_name_accuracy"}
    assert failed(head(identity=(233, 240))) == {"min_name_accuracy"}
    assert failed(head(identity=(237, 240))) == set()


def test_a_small_loss_within_noise_is_no_forgetting() -> None:
    """Two answers fewer of 232 do not fail the bound of two points."""
    assert failed(head(lost=2)) == set()


def test_rules_can_be_left_out() -> None:
    """None switches a rule off; a share beyond 1 is refused."""
    assert failed(head(zero=("f1",)), Rules(max_facts_at_zero=None)) == set()
    with pytest.raises(ValidationError):
        Rules(min_name_accuracy=1.5)


def test_the_verdict_is_committed_before_it_stops(tmp_path: Path) -> None:
    """A failed gate leaves gate.json, then names each failed rule and what to do."""
    scores = head(identity=(100, 240), zero=("f1",))
    commit(tmp_path / "evaluate", "evaluate", {"scores.json": json.dumps(scores)})
    manifest = gate_stage(
        tmp_path / "evaluate", tmp_path / "gate", rules=Rules(min_name_accuracy=0.9)
    )
    assert (tmp_path / "gate" / "gate.json").exists()
    with pytest.raises(GateError, match=r"100 of 240.*f1.*epochs"):
        require_pass(manifest)


def test_require_pass_lets_a_good_model_through(tmp_path: Path) -> None:
    """No error where every rule passed."""
    commit(tmp_path / "evaluate", "evaluate", {"scores.json": json.dumps(head())})
    manifest = gate_stage(tmp_path / "evaluate", tmp_path / "gate")
    require_pass(manifest)
    assert json.loads((tmp_path / "gate" / "gate.json").read_text())["passed"] is True
