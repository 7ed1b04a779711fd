"""`doctor` finds what is missing and never shows a secret."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
from pathlib import Path

import pytest

from identity_ops import doctor
from identity_ops.doctor import Check
from identity_ops.local_airflow.settings import POOLS, State
from identity_ops.store.paths import Home


def examine(home: Home) -> list[Check]:
    return doctor.examine(home, start_torch=False)


def _named(checks: list[Check], name: str) -> Check:
    return next(check for check in checks if check.name == name)


def _database(home: Home, pools: list[str]) -> None:
    folder = State.of(home).root
    folder.mkdir(parents=True)
    with sqlite3.connect(folder / "airflow.db") as connection:
        connection.execute("create table slot_pool (pool text)")
        connection.executemany("insert into slot_pool values (?)", [(pool,) for pool in pools])
    connection.close()


def test_a_key_s_value_is_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports are pasted into issues."""
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-very-secret")
    checks = examine(Home(tmp_path))
    assert _named(checks, "OPENROUTER_API_KEY").found == "set"
    assert "very-secret" not in repr(checks)


def test_a_key_is_found_where_the_teachers_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment, `.env`, a file beside the work; else it is said where one may stand."""
    monkeypatch.chdir(tmp_path)
    for name in ("OPENROUTER_API_KEY", "GEMINI_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / ".env").write_text("OPENROUTER_API_KEY=sk-or-1\n")
    (tmp_path / "geminitoken.txt").write_text("AIza-2\n")
    checks = examine(Home(tmp_path))
    assert _named(checks, "OPENROUTER_API_KEY").level == "ok"
    assert _named(checks, "GEMINI_API_KEY").level == "ok"
    assert "openaitoken.txt" in _named(checks, "OPENAI_API_KEY").todo


def test_a_missing_pool_is_reported(tmp_path: Path) -> None:
    """A task in a missing pool waits in silence, so someone has to say it."""
    home = Home(tmp_path)
    _database(home, ["default_pool", "teacher"])
    check = _named(examine(home), "Airflow")
    assert (check.level, check.found) == ("missing", "no pool gpu")


def test_complete_pools_are_fine(tmp_path: Path) -> None:
    """Nothing is reported where nothing is missing."""
    home = Home(tmp_path)
    _database(home, ["default_pool", *POOLS])
    assert _named(examine(home), "Airflow").level == "ok"


def test_a_database_that_is_none_counts_as_without_pools(tmp_path: Path) -> None:
    """A damaged file is a finding, no crash."""
    home = Home(tmp_path)
    State.of(home).root.mkdir(parents=True)
    (State.of(home).root / "airflow.db").write_bytes(os.urandom(4096))
    assert _named(examine(home), "Airflow").level == "missing"


def test_an_absent_package_names_the_extra_that_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Saying what is missing is half; the other half is how to get it."""
    monkeypatch.setitem(doctor.PACKAGES, "training", ("no_such_package_of_ours",))
    check = _named(examine(Home(tmp_path)), "packages for training")
    assert check.level == "missing"
    assert "no_such_package_of_ours" in check.found
    assert "[training]" in check.todo


def test_a_full_disk_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the state folder does not exist yet."""
    monkeypatch.setattr(doctor, "DISK_GIB", 1 << 40)
    check = _named(examine(Home(tmp_path / "not" / "yet")), "disk")
    assert check.level == "missing"
    assert str(tmp_path) in check.found


def test_a_taken_port_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The launcher takes another one; the note says so."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setattr(doctor, "WEB_PORT", taken.getsockname()[1])
        check = _named(examine(Home(tmp_path)), "web UI")
    assert (check.level, "taken" in check.found) == ("note", True)


def test_a_running_instance_is_named(tmp_path: Path) -> None:
    """Where one runs, its address is what a reader wants."""
    home = Home(tmp_path)
    State.of(home).root.mkdir(parents=True)
    State.of(home).record.write_text(json.dumps({"url": "http://127.0.0.1:18080"}))
    assert "http://127.0.0.1:18080" in _named(examine(home), "web UI").found


def test_torch_is_asked_in_a_process_of_its_own(tmp_path: Path) -> None:
    """What it found is shown, and this process has not imported it for that."""
    assert "torch 2" in _named(doctor.examine(Home(tmp_path)), "accelerator").found
