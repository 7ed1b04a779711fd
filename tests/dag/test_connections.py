"""A connection may be written in any of the ways that Airflow knows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.dag.conftest import environment

CASES: list[tuple[str | dict[str, Any] | None, str | None, str | None]] = [
    (None, None, None),
    ("openai://:se-cret@http%3A%2F%2F127.0.0.1%3A9%2Fv1", "http://127.0.0.1:9/v1", "se-cret"),
    ({"host": "http://[::1]:9/v1", "password": "k/+ =%40"}, "http://[::1]:9/v1", "k/+ =%40"),
    ({"host": "127.0.0.1", "port": 9, "schema": "http"}, "http://127.0.0.1:9", None),
    ({"host": "http://127.0.0.1/v1", "port": 9}, "http://127.0.0.1:9/v1", None),
    ({"host": "llm.example/v1", "password": " k\n"}, "https://llm.example/v1", "k"),
    ({"password": "k"}, None, "k"),
    ({"host": "  ", "password": ""}, None, None),
]  # fmt: skip


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str | None, str | None]]:
    """What the hook makes of each case."""
    texts = [json.dumps({"conn_type": "openai"} | case) if isinstance(case, dict) else case
             for case, _, _ in CASES]  # fmt: skip
    script = Path(__file__).with_name("accesses.py")
    done = subprocess.run(
        [sys.executable, str(script)], input=json.dumps(texts), text=True, capture_output=True,
        env=environment(tmp_path_factory.mktemp("airflow")), check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [tuple(pair) for pair in json.loads(done.stdout.splitlines()[-1])]


@pytest.mark.parametrize("number", range(len(CASES)))
def test_address_and_key_are_what_the_connection_says(
    found: list[tuple[str | None, str | None]], number: int
) -> None:
    """Address in one field or in parts; a part that is left out is left to the environment."""
    _, address, key = CASES[number]
    assert found[number] == (address, key)


def test_a_webhook_that_does_not_answer_is_reported_without_its_address(tmp_path: Path) -> None:
    """Who has Slack's address may write there. Neither does its failure end the callback."""
    secret = "T0-planted-in-the-path"
    host = {"conn_type": "http", "host": f"http://127.0.0.1:9/{secret}"}
    env = environment(tmp_path) | {
        "AIRFLOW_CONN_IDENTITY_NOTIFY": json.dumps(host), "IDENTITY_HOME": str(tmp_path),
    }  # fmt: skip
    argv = [sys.executable, str(Path(__file__).with_name("tells.py"))]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "Nobody could be told by identity_notify: ConnectionError" in said
    assert secret not in said
