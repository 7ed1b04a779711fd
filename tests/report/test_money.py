"""Forecast against outcome, in the report of a run whose answers were paid for."""

from __future__ import annotations

from pathlib import Path

import pytest

from identity_ops.report.data import money
from identity_ops.report.page import render_report
from identity_ops.report.run import RunFolder
from tests.generate.desk import Desk
from tests.loopback import KEY, serve


def as_run(out: Path, run: Path) -> RunFolder:
    """A run folder that refers to what the command left in `out`."""
    (run / "generate").mkdir(parents=True)
    for batch in (out / "batches").iterdir():
        (run / "generate" / batch.name).symlink_to(batch)
    (run / "refill").symlink_to(out / "refill")
    return RunFolder(run)


def test_report_holds_the_outcome_against_the_forecast(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Worth of all answers, ratio, cost of a conversation, share of cached prompt tokens."""
    monkeypatch.setenv("OPENROUTER_API_KEY", KEY)
    with serve() as provider:
        desk = Desk(provider, tmp_path)
        summary = desk.run(price={"prompt": 1.0, "completion": 2.0})
    found = money(as_run(desk.out, tmp_path / "run"))
    assert found["worth_usd"] == pytest.approx(0.012)
    assert found["forecast_usd"] == pytest.approx(summary.forecast_usd)
    assert found["ratio"] == pytest.approx(0.012 / found["forecast_usd"])
    assert found["per_accepted_usd"] == pytest.approx(0.001)
    assert found["cached_share"] == pytest.approx(0.8)
    page = render_report(RunFolder(tmp_path / "run"))
    assert f", ratio {found['ratio']:.2f}" in page
    assert "80.0 % of prompt tokens" in page


def test_free_run_has_no_ratio(tmp_path: Path) -> None:
    """Nothing was forecast to cost anything, so there is nothing to divide by."""
    with serve() as provider:
        desk = Desk(provider, tmp_path)
        desk.run(name="template", base_url=None)
    found = money(as_run(desk.out, tmp_path / "run"))
    assert (found["worth_usd"], found["ratio"], found["per_accepted_usd"]) == (0, None, 0)
    assert ", ratio " not in render_report(RunFolder(tmp_path / "run"))
