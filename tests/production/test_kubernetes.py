"""deploy/kubernetes: manifests that a cluster accepts, and a GPU for the tasks that need one."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.dag.conftest import environment

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
VERSIONS = ("1.31", "1.35")  # older and newer than the clusters of today
ON_GPU = {"base", "train", "evaluate"}


def _documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((FOLDER / name).read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def pods(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The pod of each task, built by Airflow's executor from our template and policy."""
    if importlib.util.find_spec("kubernetes") is None:
        pytest.skip("no Kubernetes provider")
    env = environment(tmp_path_factory.mktemp("airflow"))
    env["PYTHONPATH"] = f"{FOLDER}:{ROOT}"
    argv = [sys.executable, str(Path(__file__).with_name("task_pods.py")), str(ROOT / "dags"),
            str(FOLDER / "pod.yaml")]  # fmt: skip
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.glob("*.yaml")))
def test_manifests_keep_to_the_schema(name: str, version: str) -> None:
    """Unknown fields included: an API server drops those without a word."""
    for document in _documents(name):
        kubernetes_validate.validate(document, version, strict=True)


def test_the_schema_check_finds_a_misspelt_field() -> None:
    """The check above can fail."""
    (pod,) = _documents("pod.yaml")
    pod["spec"]["containers"][0]["volumeMount"] = pod["spec"]["containers"][0].pop("volumeMounts")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(pod, VERSIONS[0], strict=True)


def test_what_pods_mount_is_claimed() -> None:
    """A pod with an unknown claim or account stays pending."""
    (pod,) = _documents("pod.yaml")
    made = {(each["kind"], each["metadata"]["name"]) for each in _documents("volumes.yaml")}
    for volume in pod["spec"]["volumes"]:
        assert ("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]) in made
    assert ("ServiceAccount", pod["spec"]["serviceAccountName"]) in made


def test_a_task_knows_where_to_report() -> None:
    """By default it would ask its own pod. The guide's paths are paths of the image."""
    (pod,) = _documents("pod.yaml")
    given = {env["name"]: env["value"] for env in pod["spec"]["containers"][0]["env"]}
    assert given["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"].endswith("/execution/")
    named = re.findall(r"/opt/identity-ops/(\S+)", (ROOT / "docs" / "production.md").read_text())
    assert named
    for dockerfile in (ROOT / "Dockerfile", ROOT / "training" / "Dockerfile"):
        copied = re.findall(r"^COPY (\S+) ", dockerfile.read_text(), re.MULTILINE)
        assert all(any(Path(path).is_relative_to(top) for top in copied) for path in named)


def test_no_pod_has_more_rights_than_it_needs() -> None:
    """Not root, no new privileges, no access to the cluster's API, no secret in the file."""
    (pod,) = _documents("pod.yaml")
    (container,) = pod["spec"]["containers"]
    assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
    assert pod["spec"]["automountServiceAccountToken"] is False
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert not [
        env for env in container["env"] if "KEY" in env["name"] or "PASSWORD" in env["name"]
    ]


@pytest.mark.long
def test_tasks_of_the_gpu_queue_get_the_device_and_torch(pods: dict[str, dict[str, Any]]) -> None:
    """And no other task can take it."""
    assert set(pods) > ON_GPU
    for task, pod in pods.items():
        (container,) = pod["spec"]["containers"]
        gpus = container["resources"]["limits"].get("nvidia.com/gpu")
        assert (gpus == "1") is (task in ON_GPU), task
        image = "training" if task in ON_GPU else "airflow"
        assert container["image"] == f"registry.example.com/identity-ops/{image}:0.1.0", task


@pytest.mark.long
def test_the_merged_pods_keep_to_the_schema(pods: dict[str, dict[str, Any]]) -> None:
    """As the executor sends them, state folder and secrets of the template included."""
    for pod in pods.values():
        kubernetes_validate.validate(pod, VERSIONS[1], strict=True)
        (container,) = pod["spec"]["containers"]
        assert "/var/lib/identity-ops" in {
            mount["mountPath"] for mount in container["volumeMounts"]
        }
        assert container["envFrom"][0]["secretRef"]["name"] == "identity-ops-airflow"
    shared = {volume["name"] for volume in pods["train"]["spec"]["volumes"]}
    assert "shm" in shared
