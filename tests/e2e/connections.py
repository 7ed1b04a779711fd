"""Connections of the running Airflow, and the search for a key where none may be."""

from __future__ import annotations

import base64
import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from identity_ops.local_airflow.settings import State
from tests.e2e.conftest import Stage, command_of


@contextlib.contextmanager
def connection(stage: Stage, teacher: str, host: str, password: str) -> Iterator[None]:
    """The teacher's default connection, for the block."""
    body = {"connection_id": f"{teacher}_default", "conn_type": teacher,
            "host": host, "password": password}  # fmt: skip
    call(stage, "POST", "/connections", json=body)
    try:
        yield
    finally:
        call(stage, "DELETE", f"/connections/{teacher}_default")


@contextlib.contextmanager
def without_training(stage: Stage) -> Iterator[None]:
    """No slot for models: a run stops where its data is ready, and costs no training."""
    for slots in (0, 1):
        call(stage, "PATCH", "/pools/gpu?update_mask=slots",
             json={"pool": "gpu", "slots": slots, "include_deferred": False})  # fmt: skip
        if slots == 0:
            yield


def call(stage: Stage, method: str, path: str, **parts: Any) -> Any:
    """One call of Airflow's REST API."""
    reply = stage.client._checked(method, path, **parts)
    return reply.json() if reply.content else None


def hook_types(stage: Stage) -> list[dict[str, Any]]:
    """What the web UI's form for a new connection is made from."""
    call(stage, "GET", "/connections")  # signs in
    reply = stage.client._session.get(f"{stage.client.url}/ui/connections/hook_meta", timeout=30)
    found: list[dict[str, Any]] = reply.json()
    return found


def leaks(stage: Stage, *secrets: str) -> list[str]:
    """Where a secret, or its base64, stands: in a file, a row of the database, or on a command
    line. A connection's password is encrypted, so it is found nowhere."""
    needles = [form for secret in secrets for form in _forms(secret)]
    found = [f"file {path}" for path in _files(stage.home.root) if _has(path, needles)]
    rows = "\n".join(_rows(State.of(stage.home).root / "airflow.db"))
    found += ["database" for needle in needles if needle.decode() in rows]
    commands = " ".join(map(command_of, psutil.process_iter()))
    return found + ["argv" for needle in needles if needle.decode() in commands]


def _forms(secret: str) -> list[bytes]:
    """The secret as it is, and in base64 at each of the three alignments it may fall on."""
    data = secret.encode()
    shifted = [base64.b64encode(b"x" * n + data)[4:-4] for n in range(3)]
    return [data, *shifted]


def _files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


def _has(path: Path, needles: list[bytes]) -> bool:
    with contextlib.suppress(FileNotFoundError):  # logs and journals come and go
        data = path.read_bytes()
        return any(needle in data for needle in needles)
    return False


def _rows(database: Path) -> Iterator[str]:
    """Every row of every table; a long one lies in pieces in the file."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connected:
        connected.text_factory = lambda data: data.decode(errors="replace")
        tables = connected.execute("select name from sqlite_master where type = 'table'")
        for (table,) in tables.fetchall():
            for row in connected.execute(f'select * from "{table}"'):  # noqa: S608 - own names
                yield json.dumps(row, default=lambda value: bytes(value).decode(errors="replace"))
