"""The page's training section: losses apart, rate, speed and memory, as the log has them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from identity_ops.report import render_report, write_report
from identity_ops.report.run import UNDER_WAY, RunFolder
from identity_ops.store.publish import point
from tests.a_run import commit

FIGURES = {
    "steps": 40, "tokens": 20480, "memory_gb": [1.5, 1.25], "memory_of": "GPU",
    "val_before": {"loss": 3.0, "identity_loss": 4.0, "general_loss": None},
    "val_after": {"loss": 1.0, "identity_loss": 0.125, "general_loss": None},
}  # fmt: skip


def trained(run: Path, figures: dict[str, Any], **line: Any) -> Path:
    """A run with a training of forty steps."""
    steps = [{"step": n, "loss": 4 / n, "identity_loss": 5 / n, "general_loss": 3 / n,
              "lr": 0.001 * n, "tokens_per_s": 900.0} | line for n in range(1, 41)]  # fmt: skip
    log = "".join(json.dumps(step) + "\n" for step in steps)
    commit(run / "train", "train", {"log.jsonl": log}, figures=figures)
    return run


def test_losses_rate_speed_and_memory_are_on_the_page_and_in_its_json(tmp_path: Path) -> None:
    """Each with its own plot; identity and general chat as lines of their own."""
    run = trained(tmp_path, FIGURES, memory_gb=[1.5, 1.25])
    page = write_report(run)
    data = json.loads(page.with_suffix(".json").read_text())["training"]
    assert data["curves"]["identity"][1] == [2, 2.5]
    assert data["curves"]["general"][1] == [2, 1.5]
    assert data["rate"]["learning rate"][-1] == [40, 0.04]
    assert data["memory"]["GB, largest process"][0] == [1, 1.5]
    assert data["memory_gb"] == [1.5, 1.25]
    html = page.read_text()
    section = html[html.index('id="training"') :]
    for title in ("Learning rate", "Speed, tokens/s", "Memory, GB, peak of the GPU"):
        assert f"<h3>{title}</h3>" in section
    assert section.count("<polyline") == 6
    assert "identity 4.000 to <b>0.125</b>" in section
    assert "general 3" not in section  # nothing of it was held out
    assert "1.50, 1.25." in section


def test_a_training_without_memory_in_its_log_has_a_page(tmp_path: Path) -> None:
    """Of an earlier version: what was not recorded is not drawn."""
    html = render_report(RunFolder(trained(tmp_path, {"steps": 40})))
    assert "Learning rate" in html
    assert "Memory, GB" not in html


def test_a_training_under_way_tells_how_far_it_is(tmp_path: Path) -> None:
    """Its log so far, and the time left; a line that is just being written is not read."""
    run, out = tmp_path / "run", tmp_path / "out"
    out.mkdir()
    lines = [{"step": n, "steps": 80, "loss": 4 / n, "seconds": 2.0 * n,
              "seconds_left": 160 - 2.0 * n} for n in (1, 2, 3)]  # fmt: skip
    (out / "log.jsonl").write_text("\n".join(map(json.dumps, lines)) + '\n{"step": 4, "lo')
    point(run / UNDER_WAY, out)
    page = write_report(run)
    data = json.loads(page.with_suffix(".json").read_text())["training"]
    assert data["progress"] == {"step": 3, "steps": 80, "seconds_left": 154.0}
    assert "step 3 of 80, about 2.6 min left" in page.read_text()


def test_a_run_leads_to_the_training_it_has_begun(tmp_path: Path) -> None:
    """And once that is committed, to what it made: no progress any more."""
    run = trained(tmp_path, FIGURES)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "log.jsonl").write_text('{"step": 1, "loss": 9}\n')
    point(run / UNDER_WAY, tmp_path / "out")
    data = json.loads(write_report(run).with_suffix(".json").read_text())["training"]
    assert data["progress"] is None
    assert data["steps"] == 40
