"""A run on disk with an evaluation and a gate, for the tests of report, publishing and runs."""

from __future__ import annotations

import json
from pathlib import Path

from identity_ops.evaluate import evaluate_stage
from identity_ops.gate import gate_stage
from identity_ops.store.paths import Home
from tests.a_run import (
    Oracle,
    commit_data,
    commit_lint,
    commit_models,
    commit_probes,
    knowledge_of,
    probes_of,
)


def start_run(home: Home, run_id: str = "r1") -> tuple[Path, Oracle]:
    """Everything up to the models, and one who answers for them."""
    run = home.run(run_id)
    knowledge = knowledge_of(run)
    (run / "run.json").write_text(json.dumps({"run_id": run_id, "conf": {}}))
    commit_lint(run, knowledge)
    probes = probes_of(knowledge)
    commit_probes(run, probes)
    commit_data(run, knowledge)
    commit_models(run)
    return run, Oracle(knowledge, probes)


def finish_run(run: Path, oracle: Oracle) -> None:
    """Evaluate and judge it."""
    evaluate_stage(
        run / "train", run / "base", run / "probes", run / "lint", run / "evaluate",
        mix_dir=run / "mix", answer=oracle,
    )  # fmt: skip
    gate_stage(run / "evaluate", run / "gate")
