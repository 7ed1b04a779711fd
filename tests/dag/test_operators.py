"""What a training task does when it is cancelled; the rest is seen under a real scheduler."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.dag.conftest import environment


def test_a_process_that_has_just_ended_does_not_save_the_others(tmp_path: Path) -> None:
    """Its environment cannot be read any more; the cancelled training must end all the same."""
    argv = [sys.executable, str(Path(__file__).with_name("kills.py"))]
    env = environment(tmp_path)
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "0"
