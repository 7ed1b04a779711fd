"""Where tasks of queue `gpu` run under the KubernetesExecutor: in a pod with torch and a GPU.

Airflow imports this module by its name: put its folder on the scheduler's and the DAG processor's
path, or its text into the Helm chart's value airflowLocalSettings. The DAGs stay as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubernetes.client import models as k8s

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator

QUEUE = "gpu"
IMAGE = "registry.example.com/identity-ops/training:0.1.0"
GPUS = 1


def task_policy(task: BaseOperator) -> None:
    """A cluster policy: Airflow calls it for each task that it reads from a DAG file."""
    if task.queue == QUEUE:
        task.executor_config = {"pod_override": gpu_pod()}


def gpu_pod() -> k8s.V1Pod:
    """What is other than in pod.yaml; Airflow merges the two by the container's name."""
    share: dict[str, Any] = {"nvidia.com/gpu": str(GPUS)}
    container = k8s.V1Container(
        name="base",
        image=IMAGE,
        resources=k8s.V1ResourceRequirements(
            requests={"cpu": "4", "memory": "32Gi", **share}, limits={"memory": "64Gi", **share}
        ),
        volume_mounts=[k8s.V1VolumeMount(name="shm", mount_path="/dev/shm")],  # noqa: S108
    )
    spec = k8s.V1PodSpec(
        containers=[container],
        # Longer than the interval between two checkpoints.
        termination_grace_period_seconds=300,
        tolerations=[
            k8s.V1Toleration(key="nvidia.com/gpu", operator="Exists", effect="NoSchedule")
        ],
        # Ranks exchange gradients through shared memory; a pod has 64 MB by default.
        volumes=[
            k8s.V1Volume(
                name="shm",
                empty_dir=k8s.V1EmptyDirVolumeSource(medium="Memory", size_limit="8Gi"),
            )
        ],
    )
    return k8s.V1Pod(metadata=k8s.V1ObjectMeta(labels={"identity-ops/queue": QUEUE}), spec=spec)
