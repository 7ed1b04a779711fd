"""A real Airflow for the tests here: scheduler, api-servers and tasks in processes of their own.

Started once for the session by the launcher that users start it with, on a state folder of its
own, with a loopback provider for the openrouter teacher.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from identity_ops.local_airflow.client import Client, Task
from identity_ops.local_airflow.instance import find
from identity_ops.local_airflow.processes import spawn
from identity_ops.local_airflow.settings import State
from identity_ops.pipeline import Run
from identity_ops.store.paths import Home
from tests.loopback import KEY, Provider, serve

LAUNCHER = [sys.executable, "-m", "identity_ops.local_airflow"]
CONF = {"batch_size": 250}  # the default run, but for the twenty processes it generates in
OVER = ("success", "failed")
UP = re.compile(r"Airflow is up .*http://127\.0\.0\.1:(\d+)")


@dataclass(frozen=True, slots=True)
class Stage:
    """The running Airflow, and what a test needs beside it."""

    home: Home
    client: Client
    provider: Provider

    def run(self, run_id: str, **conf: Any) -> subprocess.CompletedProcess[str]:
        """`make run` without make: on the running Airflow, to its end."""
        return subprocess.run(
            [*LAUNCHER, "run", "--run-id", run_id, "--conf", json.dumps(CONF | conf)],
            env=environment(self.home), capture_output=True, text=True, check=False,
        )  # fmt: skip

    def look(self, run_id: str) -> Run:
        """The run's results."""
        return Run(run_id, CONF, self.home)

    def tasks(self, run_id: str) -> dict[str, list[Task]]:
        """The run's task instances by task."""
        found: dict[str, list[Task]] = {}
        for task in self.client.tasks(run_id):
            found.setdefault(task.task_id, []).append(task)
        return found

    def slots(self, pool: str) -> tuple[int, int]:
        """Of a pool: those that are taken, and all."""
        found = self.client._checked("GET", f"/pools/{pool}").json()
        return found["occupied_slots"], found["slots"]

    def wait(self, run_id: str, limit_s: float = 180) -> str:
        """The state in which the run ends."""
        until(lambda: self.client.run_state(run_id) in OVER, f"end of {run_id}", limit_s)
        return self.client.run_state(run_id)


def until(condition: Callable[[], Any], what: str, limit_s: float = 60) -> Any:
    """The first true value of `condition`, or a failure that says what did not happen."""
    limit = time.monotonic() + limit_s
    while not (value := condition()):
        assert time.monotonic() < limit, f"no {what} within {limit_s} s"
        time.sleep(0.2)
    return value


def environment(home: Home, **extra: str) -> dict[str, str]:
    """A clean environment with this state folder."""
    clean = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("AIRFLOW", "IDENTITY", "OPENROUTER", "PYTEST"))
    }
    return clean | {"IDENTITY_HOME": str(home.root)} | extra


@contextlib.contextmanager
def launched(env: Mapping[str, str], **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """The launcher, once it has said that Airflow is up; ended in order afterwards.

    Settings of Airflow are named as section__key.
    It ends with this process too, should pytest itself be killed. Ctrl-C leaves nothing of it.
    """
    said = Path(env["IDENTITY_HOME"]) / "launcher.log"
    said.write_bytes(b"")
    settings |= {"scheduler__task_instance_heartbeat_timeout": "20"}
    argv = [*LAUNCHER, "up"]
    for name, value in settings.items():
        argv += ["--set", f"{name.replace('__', '.')}={value}"]
    process = spawn(argv, env, said)
    try:
        until(lambda: UP.search(said.read_text()) or process.poll(), "Airflow", 180)
        assert UP.search(said.read_text()), said.read_text()
        yield process
    finally:
        below = descendants(process.pid) if process.poll() is None else []
        process.send_signal(signal.SIGINT)
        process.wait(60)
        until(lambda: not any(map(is_alive, below)), "end of what the launcher started")


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Airflow, up."""
    home = Home(tmp_path_factory.mktemp("home"))
    with serve() as provider:
        keys = {"OPENROUTER_BASE_URL": provider.url, "OPENROUTER_API_KEY": KEY}
        with launched(environment(home, **keys)):
            instance = find(State.of(home))
            assert instance is not None
            yield Stage(home, instance.client, provider)


@pytest.fixture(scope="session")
def finished(stage: Stage) -> subprocess.CompletedProcess[str]:
    """The first run, called `first`: what `make run` does, base and all, followed to its end."""
    return stage.run("first")


def descendants(pid: int) -> list[psutil.Process]:
    """The living processes below one."""
    return psutil.Process(pid).children(recursive=True)


def is_alive(process: psutil.Process) -> bool:
    """Whether it still does anything."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def command_of(process: psutil.Process) -> str:
    """Its command line; empty once it has ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
