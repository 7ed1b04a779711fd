"""docker-compose.yml has the shape that production needs. No engine runs here, so it is read."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from identity_ops.local_airflow.settings import POOLS

ROOT = Path(__file__).resolve().parents[1]
SECRET = re.compile(r"(PASSWORD|SECRET|_KEY|TOKEN)")
AIRFLOW = {"api-server", "scheduler", "dag-processor", "triggerer", "worker", "gpu-worker"}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    text = (ROOT / "docker-compose.yml").read_text()
    found: dict[str, Any] = yaml.safe_load(text)["services"]
    return found


def test_every_part_of_the_topology_is_there(services: dict[str, Any]) -> None:
    """Airflow's processes, both workers, and what they stand on."""
    assert set(services) == {*AIRFLOW, "airflow-init", "postgres", "redis"}


def test_images_are_pinned(services: dict[str, Any]) -> None:
    """`latest` is another system every month."""
    for name, service in services.items():
        assert re.search(r":\d+(\.\d+)+[\w.-]*$", service["image"]), name
    for path in (ROOT / "Dockerfile", ROOT / "training" / "Dockerfile"):
        bases = re.findall(r"^FROM (\S+)", path.read_text(), re.MULTILINE)
        assert bases
        assert all(re.search(r":\d+\.\d+", base) for base in bases)


def test_ports_bind_to_loopback(services: dict[str, Any]) -> None:
    """Nothing is reachable from outside before someone puts a proxy in front."""
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_who_may_say_that_a_request_came_by_tls_is_named(services: dict[str, Any]) -> None:
    """Believed of nobody, cookies behind a proxy are not Secure; of everybody, anyone can forge."""
    server = services["api-server"]
    assert "--proxy-headers" in server["command"]
    assert server["environment"]["FORWARDED_ALLOW_IPS"] == "${AIRFLOW_PROXY_IPS:-127.0.0.1}"


def test_no_secret_is_in_the_file(services: dict[str, Any]) -> None:
    """Each one comes from the environment, and those that have no default are asked for."""
    seen = 0
    for service in services.values():
        for key, value in service.get("environment", {}).items():
            if SECRET.search(key) and value is not None:  # None: as the caller has it, or unset
                assert re.fullmatch(r"\$\{\w+(:\?[^}]+|:-)\}", value), key
                seen += 1
    assert seen > 10


def test_no_address_carries_a_password_of_its_own(services: dict[str, Any]) -> None:
    """A password inside a connection address is a secret too."""
    for service in services.values():
        for key, value in service.get("environment", {}).items():
            for password in re.findall(r"://[^:/]*:([^@/]+)@", str(value)):
                assert password.startswith("${"), key


def test_the_example_environment_names_every_variable() -> None:
    """Whoever copies it has a complete list, and none of it is filled in with a secret."""
    text = (ROOT / "docker-compose.yml").read_text()
    wanted = set(re.findall(r"(?<!\$)\$\{(\w+)", text))
    example = dict(re.findall(r"^(\w+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert wanted == set(example)
    assert not [name for name, value in example.items() if SECRET.search(name) and value]


def test_what_is_passed_on_as_it_is_must_not_be_there_by_default(services: dict[str, Any]) -> None:
    """An empty AWS_ENDPOINT_URL is an address; who copies the example has none."""
    passed = {key for key, value in services["worker"]["environment"].items() if value is None}
    text = (ROOT / ".env.example").read_text()
    assert passed == set(re.findall(r"^#(AWS_\w+)=$", text, re.MULTILINE))


def test_only_the_gpu_worker_has_the_gpu_and_torch(services: dict[str, Any]) -> None:
    """The others are small, and cannot take the device by accident."""
    with_device = [name for name, service in services.items() if "deploy" in service]
    assert with_device == ["gpu-worker"]
    device = services["gpu-worker"]["deploy"]["resources"]["reservations"]["devices"][0]
    assert device == {"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}
    with_torch = [name for name, s in services.items() if "training" in str(s.get("build"))]
    assert with_torch == ["gpu-worker"]
    assert "torch" not in re.sub(r"#.*", "", (ROOT / "Dockerfile").read_text())


def test_each_queue_has_its_worker(services: dict[str, Any]) -> None:
    """Training cannot land on the default worker, nor generation on the GPU's."""
    queues = {name: _after(services[name]["command"], "--queues") for name in AIRFLOW}
    assert queues["worker"] == "default"
    assert queues["gpu-worker"] == "gpu"
    assert _after(services["gpu-worker"]["command"], "--concurrency") == "1"


def test_whatever_runs_is_watched(services: dict[str, Any]) -> None:
    """A service that hangs is seen, one that ends is started again."""
    for name in set(services) - {"airflow-init"}:
        assert services[name]["healthcheck"]["test"], name
        assert services[name]["restart"] == "unless-stopped", name


def test_every_airflow_process_has_the_same_secrets(services: dict[str, Any]) -> None:
    """Where they differ, logs answer 403 and tasks cannot report."""
    names = (
        "AIRFLOW__API_AUTH__JWT_SECRET",
        "AIRFLOW__API__SECRET_KEY",
        "AIRFLOW__CORE__FERNET_KEY",
    )
    values = {tuple(services[s]["environment"][name] for name in names) for s in AIRFLOW}
    assert len(values) == 1


def test_the_pools_are_made(services: dict[str, Any]) -> None:
    """A task in a missing pool waits in silence; a batch's workers are counted by the slots."""
    script = services["airflow-init"]["command"][-1]
    pools = dict(re.findall(r"airflow pools set (\w+) (\S+)", script))
    assert set(pools) == set(POOLS)
    assert pools["teacher"] == str(POOLS["teacher"][0])


def test_state_is_shared_between_the_workers(services: dict[str, Any]) -> None:
    """The GPU worker trains on what the default worker wrote."""
    for name in AIRFLOW:
        assert "state:/var/lib/identity-ops" in services[name]["volumes"], name
        assert services[name]["environment"]["IDENTITY_HOME"] == "/var/lib/identity-ops"


def test_trainings_are_not_delivered_twice_nor_cut_at_a_checkpoint(
    services: dict[str, Any],
) -> None:
    """Celery redelivers what is out of sight for a day, unless told otherwise."""
    key = "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT"
    assert int(services["gpu-worker"]["environment"][key]) > 3 * 24 * 3600
    assert services["gpu-worker"]["stop_grace_period"] == "5m"


def _after(command: list[str], option: str) -> str:
    return command[command.index(option) + 1] if option in command else ""


def test_every_name_that_is_referred_to_is_declared(services: dict[str, Any]) -> None:
    """What `docker compose config` checks: services waited for, volumes, conditions."""
    declared = set(yaml.safe_load((ROOT / "docker-compose.yml").read_text())["volumes"])
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            assert how["condition"] in {"service_healthy", "service_completed_successfully"}
            healthy = how["condition"] == "service_healthy"
            assert "healthcheck" in services[other] if healthy else other == "airflow-init", name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in declared or (ROOT / source).is_dir(), volume


def test_only_the_two_queues_that_tasks_name_have_workers(services: dict[str, Any]) -> None:
    """A task on another queue would wait in silence; the operators name `gpu`, the rest none."""
    text = (ROOT / "plugins" / "identity_operators.py").read_text()
    assert set(re.findall(r'^GPU = "(\w+)"', text, re.MULTILINE)) | {"default"} == {
        _after(services[name]["command"], "--queues") for name in ("worker", "gpu-worker")
    }


def test_all_see_the_knowledge_base_and_none_can_change_it(services: dict[str, Any]) -> None:
    """The triggerer watches it, the DAG processor lists it, workers read it."""
    for name in AIRFLOW:
        assert "./knowledge:/opt/identity-ops/knowledge:ro" in services[name]["volumes"], name


def test_no_process_gains_rights(services: dict[str, Any]) -> None:
    for name in AIRFLOW:
        assert services[name]["security_opt"] == ["no-new-privileges:true"], name


def test_compose_itself_accepts_the_file(tmp_path: Path) -> None:
    """With an engine's own check, where there is one, from a filled-in example."""
    checker = next(filter(_works, (["docker", "compose"], ["docker-compose"])), None)
    if checker is None:
        pytest.skip("no docker compose")
    text = (ROOT / ".env.example").read_text()
    filled = tmp_path / "env"
    filled.write_text(
        re.sub(r"^(\w*(?:PASSWORD|_KEY|SECRET))=$", r"\1=x", text, flags=re.MULTILINE)
    )
    argv = [*checker, "--env-file", str(filled), "--profile", "gpu", "config", "--quiet"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _works(command: list[str]) -> bool:
    if shutil.which(command[0]) is None:
        return False
    done = subprocess.run([*command, "version"], capture_output=True, check=False)
    return done.returncode == 0
