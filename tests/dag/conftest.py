"""What Airflow sees of the DAG folder, read once for all tests here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.s3 import bucket, s3

if TYPE_CHECKING:
    from tests.dag.server import Web

__all__ = ["bucket", "s3"]
ROOT = Path(__file__).resolve().parents[2]
PLANTED = "planted-in-the-environment-1d9c"


def environment(home: Path) -> dict[str, str]:
    """For a process with an Airflow of its own and with our folders."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("AIRFLOW__")}
    return clean | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PYTHONPATH": str(ROOT),
        "OPENAI_API_KEY": PLANTED,
    }


@pytest.fixture(scope="session")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The description that `describe.py` prints, from a clean Airflow home."""
    env = environment(tmp_path_factory.mktemp("airflow"))
    script = Path(__file__).with_name("describe.py")
    argv = [sys.executable, str(script), str(ROOT / "dags"), f"sent with {PLANTED} to it"]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    described: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return described


@pytest.fixture(scope="session")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """The api-server, started once."""
    from tests.dag.server import serve

    with serve(tmp_path_factory.mktemp("web")) as server:
        yield server
