"""Cancels a training task one of whose processes has ended already; prints what is left of it.

A process of its own, as describe.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

import psutil


def main() -> None:
    """How many of its processes live, on the last line of stdout."""
    import airflow  # noqa: F401 - puts the plugins folder on the path
    from identity_operators import TrainOperator

    from identity_ops import launch

    sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
    ended = subprocess.Popen([sys.executable, "-c", ""])
    trainer = subprocess.Popen(sleep, env=os.environ | {launch.MARKER: "kills-py"})
    while psutil.Process(ended.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.05)
    try:
        TrainOperator(task_id="train", stage="train").on_kill()
    finally:
        print(len(launch.marked("kills-py")))
        trainer.kill()


if __name__ == "__main__":
    main()
