"""Every service of docker-compose.yml as processes of this machine, and kill -9 for any of them."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil

from identity_ops.local_airflow.client import Client
from identity_ops.local_airflow.processes import spawn
from identity_ops.store.paths import Home
from tests.e2e.conftest import until
from tests.production import compose, databases
from tests.production.compose import Place, Service

WORKERS = ("worker", "gpu-worker")


@dataclass(slots=True)
class Topology:
    """The running services. Workers are named after their service, as containers would be."""

    place: Place
    services: dict[str, Service]
    client: Client
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def home(self) -> Home:
        return Home(self.place.folder / "home")

    def start(self, name: str) -> None:
        """Start a service, as compose does when it comes up and when one has ended."""
        service = self.services[name]
        argv = service.command or databases.init_postgres(self.place, service.environment)
        self.running[name] = spawn(argv, self.environment(name), self.log(name))

    def kill(self, name: str) -> None:
        """SIGKILL, at once, for all processes of a service: what a container's end is.

        Trainers, which have sessions of their own, are spared: they must notice by themselves.
        """
        top = psutil.Process(self.running[name].pid)
        tree = [top, *top.children(recursive=True)]
        _kill(process for process in tree if not _trains(process))
        self.running.pop(name).wait()

    def healthy(self, name: str) -> bool:
        """What compose's health check of the service says."""
        argv, env = self.services[name].check, self.environment(name)
        return subprocess.run(argv, env=env, capture_output=True, check=False).returncode == 0

    def once(self, name: str) -> None:
        """Run a service that ends by itself, to its end."""
        argv, env = self.services[name].command, self.environment(name)
        done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def environment(self, name: str) -> dict[str, str]:
        """Of one service; nothing of the caller's but PATH."""
        given = databases.environment(self.place) | {"HOME": str(self.place.folder)}
        given |= self.services[name].environment
        return given if name in databases.NAMES else given | self._one_machine(name)

    def log(self, name: str) -> Path:
        """Where the service's own output goes."""
        return self.place.folder / f"{name}.log"

    def trainers(self) -> list[psutil.Process]:
        """What trains or runs a model of this topology."""
        return [process for process in self.processes() if _trains(process)]

    def processes(self) -> list[psutil.Process]:
        """Every living process of an Airflow service, and what those have started."""
        mark, found = str(self.home.root), []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get("IDENTITY_HOME") == mark:
                    found.append(process)
        return found

    def stop(self) -> None:
        """End everything: Airflow's processes and whatever they left, then the databases."""
        servers = [self.running.pop(name) for name in databases.NAMES if name in self.running]
        for process in self.running.values():
            process.terminate()
        psutil.wait_procs(self.processes(), timeout=5)
        _kill(self.processes())
        for process in [*self.running.values(), *servers]:
            process.send_signal(signal.SIGINT)  # Postgres: at once, without waiting for clients
            process.wait(20)

    def _one_machine(self, name: str) -> dict[str, str]:
        settings = {
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.place.web),
            "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(self.place.scheduler),
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
            # A lost worker is noticed within seconds, and the cores are left to the run.
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
            "OPENBLAS_NUM_THREADS": "1",
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
            "PYTHONPATH": str(compose.ROOT),
        }
        named = {
            "AIRFLOW__CORE__HOSTNAME_CALLABLE": "tests.production.hostname.name",
            "SERVICE": name,
        }
        return settings | (named if name in WORKERS else {})


@contextlib.contextmanager
def up(variables: Mapping[str, str]) -> Iterator[Topology]:
    """All services, ready for a trigger; ended and their state removed afterwards."""
    given = compose.secret_values() | dict(variables)
    with tempfile.TemporaryDirectory(prefix="production-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # Postgres runs as another user
        for part in ("home", "redis", "airflow"):
            (folder / part).mkdir()
        ports = (free_port() for _ in range(4))
        place = Place(folder, *ports)
        client = Client(f"http://127.0.0.1:{place.web}", "admin", given["AIRFLOW_ADMIN_PASSWORD"])
        topology = Topology(place, compose.services(place, given), client)
        try:
            _come_up(topology)
            yield topology
        finally:
            topology.stop()


def _come_up(topology: Topology) -> None:
    """In the order of `depends_on`."""
    for name in databases.NAMES:
        topology.start(name)
        until(partial(topology.healthy, name), f"healthy {name}")
    databases.create_database(topology.place, topology.services["postgres"].environment)
    topology.once("airflow-init")
    for name in topology.services.keys() - {*databases.NAMES, "airflow-init"}:
        topology.start(name)
    until(topology.client.ready, "Airflow with the DAG", 180)


def free_port() -> int:
    """A port of loopback that nothing listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _kill(processes: Iterator[psutil.Process] | list[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.pid != os.getpid():
                process.kill()


def _trains(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return any(part.startswith("training.") for part in process.cmdline())
    return False
