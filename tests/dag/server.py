"""A real api-server on loopback, with an admin and a viewer and some runs to show."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from identity_ops import registry
from identity_ops.local_airflow.processes import spawn
from identity_ops.store.paths import Home
from tests.dag.conftest import environment
from tests.dashboard.conftest import NAME, fill
from tests.e2e.conftest import until

WORDS = {"admin": "a-word", "viewer": "v-word"}


@dataclass(frozen=True, slots=True)
class Web:
    """An api-server with the pages."""

    url: str
    home: Home
    tokens: dict[str, str]

    def ask(
        self,
        who: str,
        path: str,
        method: str = "GET",
        *,
        cookie: bool = False,
        data: dict[str, str] | None = None,
        **headers: str,
    ) -> requests.Response:
        """One request; the sign-in goes as a header, or as a browser's cookie."""
        if who and not cookie:
            headers["Authorization"] = f"Bearer {self.tokens[who]}"
        return requests.request(
            method, f"{self.url}/identity{path}", headers=headers, data=data, timeout=30,
            cookies={"_token": self.tokens[who]} if who and cookie else None,
            allow_redirects=False,
        )  # fmt: skip

    def api(self, method: str, path: str, body: Any = None) -> requests.Response:
        """One request to Airflow's own API, as the admin."""
        return requests.request(
            method, f"{self.url}/api/v2{path}", json=body, timeout=30,
            headers={"Authorization": f"Bearer {self.tokens['admin']}"},
        )  # fmt: skip

    def in_force(self) -> str | None:
        return registry.promoted(self.home, NAME)


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[Web]:
    """An api-server that knows the DAGs, on a database of its own; nothing there runs them."""
    home = fill(Home(folder / "home"))
    (folder / "words.json").write_text(json.dumps(WORDS))
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    env = environment(folder / "airflow") | {
        "IDENTITY_HOME": str(home.root),
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__API__SECRET_KEY": "0" * 32,
        "AIRFLOW__API_AUTH__JWT_SECRET": "1" * 64,
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin,viewer:viewer",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(folder / "words.json"),
    }
    airflow = [sys.executable, "-m", "airflow"]
    for command in (["db", "migrate"], ["dags", "reserialize"]):
        subprocess.run([*airflow, *command], env=env, check=True, capture_output=True)
    argv = [*airflow, "api-server", "--apps", "core", "--host", "127.0.0.1", "--port", str(port)]
    url, server = f"http://127.0.0.1:{port}", spawn(argv, env, folder / "server.log")
    try:
        until(lambda: _answers(url), "api-server", 120)
        yield Web(url, home, {who: _token(url, who) for who in WORDS})
    finally:
        server.terminate()
        server.wait(30)


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/api/v2/monitor/health", timeout=5).ok
    except requests.ConnectionError:
        return False


def _token(url: str, who: str) -> str:
    body = {"username": who, "password": WORDS[who]}
    reply = requests.post(f"{url}/auth/token", json=body, timeout=30)
    return str(reply.json()["access_token"])
