"""How the embedded Airflow is configured, and where it keeps its state.

Measured reasons: two api-servers, because one deadlocks itself on SQLite (its action log commits
on the event loop while another request holds the write lock); short scheduler sleeps, because
the gap between tasks falls from 0.9 s to 0.2 s; parallelism 8, because SQLite has one writer.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from identity_ops.config import TEACHER_SLOTS
from identity_ops.errors import BusyError
from identity_ops.store.lock import hold
from identity_ops.store.paths import Home
from identity_ops.store.publish import write_atomic

ROOT: Final = Path(__file__).resolve().parents[2]  # the checkout: dags/, plugins/, knowledge/
USER: Final = "admin"
POOLS: Final = {
    "teacher": (TEACHER_SLOTS, "Generation tasks at once; each gets a share of the workers"),
    "gpu": (1, "Tasks that train or run a model; one slot for each GPU"),
}
WEB_PORT: Final = 8080
RESERVATIONS: Final = Path(tempfile.gettempdir()) / f"identity-ops-ports-{os.getuid()}"
HEARTBEAT_TIMEOUT_S: Final = 90  # Airflow's 300 s leave a killed task "running" for too long


@dataclass(frozen=True, slots=True)
class State:
    """The folder of one embedded Airflow."""

    root: Path

    @classmethod
    def of(cls, home: Home) -> State:
        return cls(home.root / "airflow")

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def record(self) -> Path:
        """Says which instance is running: its address and the supervisor's process."""
        return self.root / "instance.json"

    @property
    def lock(self) -> Path:
        """Held by the supervisor while it lives."""
        return self.root / ".supervisor.lock"

    @property
    def passwords(self) -> Path:
        return self.root / "simple_auth_manager_passwords.json.generated"

    def process_log(self, name: str) -> Path:
        """Where a process of Airflow writes its own output."""
        return self.logs / "processes" / f"{name}.log"

    def password(self) -> str:
        """The web UI's password, made on first use and kept."""
        if not self.passwords.exists():
            _write_private(self.passwords, json.dumps({USER: secrets.token_urlsafe(12)}))
        return str(json.loads(self.passwords.read_text())[USER])

    def keys(self) -> dict[str, str]:
        """Airflow's own secrets, made on first use: every process must have the same."""
        path = self.root / "keys.json"
        if not path.exists():
            names = ("AIRFLOW__API_AUTH__JWT_SECRET", "AIRFLOW__API__SECRET_KEY")
            _write_private(path, json.dumps({name: secrets.token_hex(32) for name in names}))
        keys: dict[str, str] = json.loads(path.read_text())
        return keys


@dataclass(frozen=True, slots=True)
class Ports:
    """Loopback ports: of the web UI with the REST API, and of the tasks' own API."""

    web: int
    execution: int

    @classmethod
    @contextlib.contextmanager
    def reserved(cls) -> Iterator[Ports]:
        """The usual port for the web UI where it is free, any other otherwise.

        No other launcher on this machine takes them in the block, whenever the servers bind them.
        """
        with contextlib.ExitStack() as held:
            yield cls(_reserve(held, WEB_PORT), _reserve(held, 0))


def environment(state: State, home: Home, ports: Ports, extra: Mapping[str, str]) -> dict[str, str]:
    """The environment of Airflow's processes.

    Settings of another Airflow in the caller's environment are dropped: the embedded one must
    never migrate or schedule from someone's production database. Connections and variables
    (AIRFLOW_CONN_*, AIRFLOW_VAR_*) stay.

    Args:
        extra: settings that win, as {"core.parallelism": "4"}.
    """
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("AIRFLOW__")}
    wanted = _settings(state, ports) | dict(extra)
    return {
        **inherited,
        **{f"AIRFLOW__{name.replace('.', '__').upper()}": value for name, value in wanted.items()},
        **state.keys(),
        "AIRFLOW_HOME": str(state.root),
        "IDENTITY_HOME": str(home.root),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
        # Forked task processes and several Pythons at once on few cores: no thread pools.
        "OPENBLAS_NUM_THREADS": "1",
    }


def commands() -> dict[str, list[str]]:
    """The five processes; {web} and {execution} stand for the ports."""
    airflow = [sys.executable, "-m", "airflow"]
    return {
        "api-server": [*airflow, "api-server", "--apps", "core", "--port", "{web}"],
        "execution-api": [*airflow, "api-server", "--apps", "execution", "--port", "{execution}"],
        # Log servers bind every interface; here the api-server reads logs from the same disk.
        "scheduler": [*airflow, "scheduler", "--skip-serve-logs"],
        "dag-processor": [*airflow, "dag-processor"],
        "triggerer": [*airflow, "triggerer", "--skip-serve-logs"],
    }


def _settings(state: State, ports: Ports) -> dict[str, str]:
    return {
        "core.executor": "LocalExecutor",
        "core.parallelism": "8",
        "core.dags_folder": str(ROOT / "dags"),
        "core.plugins_folder": str(ROOT / "plugins"),
        "core.load_examples": "False",
        # One user on a loopback address: the Test button of a connection may ask its provider.
        "core.test_connection": "Enabled",
        "core.dags_are_paused_at_creation": "False",
        "core.execution_api_server_url": f"http://127.0.0.1:{ports.execution}/execution/",
        "core.simple_auth_manager_users": f"{USER}:admin",
        "core.simple_auth_manager_passwords_file": str(state.passwords),
        "api.host": "127.0.0.1",
        "api.port": str(ports.web),
        "api.base_url": f"http://127.0.0.1:{ports.web}",
        "api.instance_name": "identity-ops",
        "database.sql_alchemy_conn": f"sqlite:///{state.root / 'airflow.db'}?timeout=30",
        "logging.base_log_folder": str(state.logs),
        "scheduler.scheduler_idle_sleep_time": "0.2",
        "scheduler.task_instance_heartbeat_timeout": str(HEARTBEAT_TIMEOUT_S),
        "dag_processor.refresh_interval": "10",
        "workers.execution_api_timeout": "30",
        # A task's slot is freed up to this long after the task has ended (5 s by default).
        "workers.min_heartbeat_interval": "1",
    }


def _reserve(held: contextlib.ExitStack, wanted: int) -> int:
    """A port that nothing listens on, with its lock; any port where the wanted one is taken."""
    while True:
        try:
            with socket.socket() as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind(("127.0.0.1", wanted))
                port: int = sock.getsockname()[1]
            held.enter_context(hold(RESERVATIONS / f"{port}.lock"))
            return port
        except BusyError:
            wanted = 0
        except OSError:
            if not wanted:
                raise
            wanted = 0


def _write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600, exist_ok=True)
    write_atomic(path, text + "\n")
    path.chmod(0o600)
