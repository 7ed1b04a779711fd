"""The launcher leaves no process behind, whoever dies first, and keeps Airflow running."""

from __future__ import annotations

import json
import signal
import subprocess

import psutil
import pytest

from identity_ops.local_airflow.processes import spawn
from identity_ops.local_airflow.settings import State
from identity_ops.store.paths import Home
from tests.e2e.conftest import (
    LAUNCHER,
    Stage,
    command_of,
    descendants,
    environment,
    launched,
    until,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A state folder that these tests use one after the other: its database is made once."""
    return Home(tmp_path_factory.mktemp("home"))


def _gone(processes: list[psutil.Process]) -> bool:
    return not any(process.is_running() for process in processes)


def _replaced(supervisor: int, old: psutil.Process) -> bool:
    """Whether the supervisor has another child that does what `old` did."""
    children = [child for child in psutil.Process(supervisor).children() if child != old]
    return any("triggerer" in command_of(child) for child in children)


def _with_argument(processes: list[psutil.Process], word: str) -> psutil.Process:
    return next(process for process in processes if word in command_of(process))


def _find(pid: int, word: str) -> bool:
    return any(word in command_of(process) for process in descendants(pid))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_nothing_outlives_a_launcher_that_ends_while_it_starts(
    home: Home, how: signal.Signals
) -> None:
    """Ctrl-C and kill -9 both end every process below it. (That Ctrl-C does so once Airflow is
    up, each test here shows when it is over.)"""
    launcher = spawn([*LAUNCHER, "up"], environment(home), home.root / "launcher.log")
    started = {"scheduler", "dag-processor"}
    until(lambda: all(_find(launcher.pid, word) for word in started), "Airflow's processes")
    below = descendants(launcher.pid)
    launcher.send_signal(how)
    launcher.wait(60)
    until(lambda: _gone(below), "end of every process")
    assert not State.of(home).record.exists()


def test_nothing_outlives_a_killed_supervisor(home: Home) -> None:
    """The launcher ends what a killed supervisor left, then says that it failed."""
    with launched(environment(home)) as launcher:
        below = descendants(launcher.pid)
        _with_argument(below, "local_airflow.supervisor").kill()
        assert launcher.wait(60) == 1
        until(lambda: _gone(below), "end of every process")


def test_a_dead_child_is_started_again(stage: Stage) -> None:
    """One process of Airflow may crash without ending the rest."""
    supervisor = json.loads(State.of(stage.home).record.read_text())["pid"]
    old = _with_argument(descendants(supervisor), "triggerer")
    rest = [child for child in psutil.Process(supervisor).children() if child != old]
    old.kill()
    until(lambda: _replaced(supervisor, old), "new triggerer")
    assert all(child.is_running() for child in rest)


def test_a_second_launcher_uses_the_running_instance(stage: Stage) -> None:
    """Two of them on one state folder would fight over one database."""
    done = subprocess.run(
        [*LAUNCHER, "up"], env=environment(stage.home), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0
    assert "is up already" in done.stdout
    assert stage.client.url in done.stdout
