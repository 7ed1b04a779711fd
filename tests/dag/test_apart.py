"""The DAG's tasks where no two of them share a disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from identity_ops.store.bucket import Bucket
from tests.a_run import KNOWLEDGE
from tests.dag.conftest import ROOT, environment


def test_every_task_on_a_machine_of_its_own(bucket: Bucket, tmp_path: Path) -> None:
    """Each brings down what it needs, and brings up what it made, with IDENTITY_STATE alone."""
    (tmp_path / "kb.md").write_text(KNOWLEDGE)
    (tmp_path / "pods").mkdir()
    conf = {"knowledge": str(tmp_path / "kb.md"), "num_conversations": 8, "batch_size": 4}
    mine = {name: value for name, value in os.environ.items() if name.startswith(("AWS_", "IDEN"))}
    env = environment(tmp_path / "airflow") | mine | {
        "IDENTITY_ALLOWED_ROOTS": str(tmp_path), "TMPDIR": str(tmp_path / "pods"),
    }  # fmt: skip
    script = Path(__file__).with_name("apart.py")
    done = subprocess.run(
        [sys.executable, str(script), str(ROOT / "dags")], input=json.dumps(conf), text=True,
        capture_output=True, env=env, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {"homes": 6, "conversations": 8}
    assert len(bucket.names("runs/apart")) >= 7
