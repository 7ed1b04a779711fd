"""Runs the DAG's first tasks, each in a state folder of its own, as pods without a common disk do.

A process of its own, as describe.py. Parameters of the run come as JSON on stdin; prints, as JSON,
the number of conversations and how many folders there were.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any


def main() -> None:
    """{"homes": n, "conversations": n} on the last line of stdout."""
    import airflow.sdk  # noqa: F401 - puts the plugins folder on the path
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(Path(sys.argv[1]), bundle_name="dags", safe_mode=False)
    conf = json.load(sys.stdin)
    tasks: dict[str, Any] = dict(bag.dags["identity_sft"].task_dict)
    _work(tasks["lint"].python_callable, conf)
    for batch in _work(tasks["plan"].python_callable, conf):
        _work(tasks["generate"].python_callable, conf, batch)
    _work(tasks["refill"].python_callable, conf)
    ref = _work(tasks["curate"].python_callable, conf)
    there = len(list(Path(tempfile.gettempdir()).glob("pod-*")))
    print(json.dumps({"homes": there, "conversations": ref["counts"]["conversations"]}))


def _work(task: Any, conf: dict[str, Any], *arguments: Any) -> Any:
    """A task's function, with the context that Airflow gives it, in a new state folder."""
    from airflow.sdk.execution_time.context import set_current_context
    from identity_assets import CONVERSATIONS

    os.environ["IDENTITY_HOME"] = tempfile.mkdtemp(prefix="pod-")
    context: Any = {
        "params": {}, "dag_run": SimpleNamespace(conf=conf), "run_id": "apart",
        "outlet_events": {CONVERSATIONS: SimpleNamespace(extra={})},
    }  # fmt: skip
    with set_current_context(context):
        return task(*arguments)


if __name__ == "__main__":
    main()
