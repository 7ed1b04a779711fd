"""Prints, as JSON, the pod that the KubernetesExecutor would ask for, by task of a DAG.

A process of its own: importing Airflow configures logging, warnings and a home folder.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def main(dags: str, template: str) -> None:
    """Read the DAGs under the cluster policy, then build each task's pod as the executor does."""
    from airflow.dag_processing.dagbag import DagBag
    from airflow.providers.cncf.kubernetes.pod_generator import PodGenerator

    bag = DagBag(Path(dags), bundle_name="dags", safe_mode=False)
    assert not bag.import_errors, bag.import_errors
    base = PodGenerator.deserialize_model_file(template)
    pods: dict[str, Any] = {}
    for task in bag.dags["identity_sft"].tasks:
        pod = PodGenerator.construct_pod(
            dag_id="identity_sft", task_id=task.task_id, pod_id=f"pod-{task.task_id}", try_number=1,
            kube_image=base.spec.containers[0].image, date=datetime(2026, 1, 1, tzinfo=UTC),
            args=["airflow", "tasks"], namespace="airflow", scheduler_job_id="1", run_id="a-run",
            pod_override_object=(task.executor_config or {}).get("pod_override"),
            base_worker_pod=base,
        )  # fmt: skip
        pods[task.task_id] = PodGenerator.serialize_pod(pod)
    print(json.dumps(pods))


if __name__ == "__main__":
    main(*sys.argv[1:])
