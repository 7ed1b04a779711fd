"""The embedded Airflow keeps to itself: its own database, loopback addresses, private secrets."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from identity_ops.local_airflow import settings
from identity_ops.local_airflow.settings import Ports, State, commands, environment
from identity_ops.store.paths import Home


def test_another_airflow_s_settings_do_not_leak_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shell set up for production must not have its database migrated by `make run`."""
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "postgresql://production/airflow")
    monkeypatch.setenv("AIRFLOW__CELERY__BROKER_URL", "redis://production")
    monkeypatch.setenv("AIRFLOW_HOME", "/production")
    env = environment(State(tmp_path), Home(tmp_path), Ports(1, 2), {})
    assert not [value for value in env.values() if "production" in value]
    assert env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].startswith(f"sqlite:///{tmp_path}")


def test_connections_of_the_shell_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is where a provider's key may come from."""
    monkeypatch.setenv("AIRFLOW_CONN_OPENROUTER_DEFAULT", "http://x")
    env = environment(State(tmp_path), Home(tmp_path), Ports(1, 2), {})
    assert env["AIRFLOW_CONN_OPENROUTER_DEFAULT"] == "http://x"


def test_a_setting_of_the_caller_wins(tmp_path: Path) -> None:
    """`--set core.parallelism=2` is for machines unlike ours."""
    env = environment(State(tmp_path), Home(tmp_path), Ports(1, 2), {"core.parallelism": "2"})
    assert env["AIRFLOW__CORE__PARALLELISM"] == "2"


def test_no_process_listens_beyond_loopback(tmp_path: Path) -> None:
    """Airflow's log servers bind every interface, so they must not start."""
    env = environment(State(tmp_path), Home(tmp_path), Ports(1, 2), {})
    assert env["AIRFLOW__API__HOST"] == "127.0.0.1"
    for name in ("scheduler", "triggerer"):
        assert "--skip-serve-logs" in commands()[name]


def test_secrets_are_kept_and_private(tmp_path: Path) -> None:
    """Restarted, Airflow knows its users and tokens again; other accounts read neither."""
    state = State(tmp_path)
    assert state.password() == State(tmp_path).password()
    assert state.keys() == State(tmp_path).keys()
    secret = [path for path in tmp_path.iterdir() if path.is_file()]
    assert len(secret) == 2
    assert {path.stat().st_mode & 0o077 for path in secret} == {0}


def test_a_taken_port_gives_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Something else may be on 8080."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setattr(settings, "WEB_PORT", taken.getsockname()[1])
        with Ports.reserved() as ports:
            assert len({ports.web, ports.execution, settings.WEB_PORT}) == 3


def test_launchers_that_start_together_get_different_ports(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each takes its ports seconds before its servers listen there."""
    monkeypatch.setattr(settings, "RESERVATIONS", tmp_path)
    with Ports.reserved() as one:
        with Ports.reserved() as two:
            assert len({one.web, one.execution, two.web, two.execution}) == 4
        monkeypatch.setattr(settings, "WEB_PORT", two.web)
        with Ports.reserved() as three:  # what was given back may be had again
            assert three.web == two.web
