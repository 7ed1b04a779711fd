"""The gate: rules on bounds, a verdict that is committed before it stops anything."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from identity_ops.errors import ConfigError, GateError
from identity_ops.evaluate.stats import paired_difference, wilson
from identity_ops.gate import gate_stage, judge, read_rules, require_pass
from identity_ops.recipes import Rules
from tests.a_run import commit


def head(
    *, identity: tuple[int, int] = (240, 240), over: tuple[int, int] = (0, 170),
    rivals: tuple[int, int] = (0, 900), zero: tuple[str, ...] = (), lost: int = 0,
    at_80: tuple[int, int] = (36, 37),
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
    recall = {"zero": zero, "facts": at_80[1], "at_80": asdict(wilson(*at_80))}
    return {"headline": rows | {"ability": ability, "fact_recall": {"after": recall}}}


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


def test_facts_at_80_is_a_rule_where_it_is_asked_for() -> None:
    """30 of 37 shows 65 % of the facts, not 70 %; by default nothing is asked."""
    weak = head(at_80=(30, 37))
    assert failed(weak) == set()
    assert failed(weak, Rules(min_facts_at_80=0.65)) == set()
    assert failed(weak, Rules(min_facts_at_80=0.7)) == {"min_facts_at_80"}


@pytest.mark.parametrize(("rivals", "over"), [(4, 0), (0, 3)])
def test_maxima_are_tested_at_the_upper_bound(rivals: int, over: int) -> None:
    """A share under the bound whose interval passes it has shown nothing yet."""
    scores = head(rivals=(rivals, 900), over=(over, 150))
    head_rows = scores["headline"]
    assert head_rows["rival_claims"]["after"]["value"] < 0.01
    assert head_rows["over_identity"]["after"]["value"] < 0.05
    assert len(failed(scores)) == 1


def test_a_perfect_model_passes_however_few_the_probes() -> None:
    """A bound that so few probes cannot show asks for no more than all of them right."""
    strict = Rules(max_over_identity=0.0, max_rival_claims=0.0, min_facts_at_80=0.99)
    assert failed(head(over=(0, 20), rivals=(0, 30), at_80=(3, 3)), strict) == set()
    assert failed(head(over=(1, 20), rivals=(1, 30), at_80=(2, 3)), strict) == {
        "max_over_identity", "max_rival_claims", "min_facts_at_80",
    }  # fmt: skip


def test_each_verdict_has_value_interval_bound_and_words() -> None:
    """What was tested lies at an end of the interval, and the words hold the counts."""
    for verdict in judge(head(over=(9, 170)), Rules(min_facts_at_80=0.5)):
        assert verdict.low <= verdict.value <= verdict.high
        assert verdict.tested in {verdict.low, verdict.high}
        assert verdict.reason
        assert verdict.todo
    over = next(v for v in judge(head(over=(9, 170)), Rules()) if v.rule == "max_over_identity")
    assert "9 of 170" in over.reason
    assert over.value == pytest.approx(9 / 170)


@pytest.mark.parametrize("table", ["", "[sft]\nepochs = 3\n[gate]\n"])
def test_rules_come_from_a_file(tmp_path: Path, table: str) -> None:
    """At the top of a file or in a recipe's [gate]; "off" leaves a rule out, others default."""
    path = tmp_path / "rules.toml"
    path.write_text(table + 'min_name_accuracy = 0.9\nmax_forgetting = "off"\n')
    assert read_rules(path) == Rules(min_name_accuracy=0.9, max_forgetting=None)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("max_overidentity = 0.1", "max_overidentity"),
        ("min_name_accuracy = 95", "min_name_accuracy"),
        ("min_name_accuracy = ", "not TOML"),
        ('min_name_accuracy = "off"', "min_name_accuracy"),
        ("max_facts_at_zero = -1", "max_facts_at_zero"),
    ],
)
def test_a_wrong_rules_file_is_named(tmp_path: Path, text: str, named: str) -> None:
    """A misspelt rule is no rule: it is refused, with the file and the name."""
    path = tmp_path / "rules.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=named) as caught:
        read_rules(path)
    assert "rules.toml" in str(caught.value)


def test_a_missing_rules_file_is_named(tmp_path: Path) -> None:
    """No file, no defaults in its place."""
    with pytest.raises(ConfigError, match="cannot read the rules"):
        read_rules(tmp_path / "none.toml")


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
