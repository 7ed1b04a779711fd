"""identity_regenerate under a real scheduler and triggerer: an edit makes one run, and only one.

`identity_sft` is paused here, so what was triggered is there to be looked at and does no work; one
run of it fails at its first task, for the notice of a failure.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from identity_ops.local_airflow.instance import find
from identity_ops.local_airflow.settings import USER, State
from identity_ops.store.paths import Home
from tests.e2e.conftest import environment, launched, until
from tests.scene import TEXT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]
ASSET = "identity_knowledge"
DAG = "identity_regenerate"


@dataclass(frozen=True, slots=True)
class Site:
    """The Airflow, the knowledge base that it watches, and what its webhook and metrics' collector
    were sent."""

    url: str
    token: str
    kb: Path
    told: list[str]
    metrics: list[bytes]

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One request to Airflow's API as the admin."""
        reply = requests.request(
            method, f"{self.url}/api/v2{path}", json=body, timeout=30,
            headers={"Authorization": f"Bearer {self.token}"},
        )  # fmt: skip
        assert reply.ok, reply.text
        return reply.json()

    def runs(self, dag: str) -> list[dict[str, Any]]:
        """Its runs, the oldest first."""
        found: list[dict[str, Any]] = self.call("GET", f"/dags/{dag}/dagRuns")["dag_runs"]
        return sorted(found, key=lambda run: str(run["queued_at"]))

    def finished(self, dag: str, count: int) -> list[dict[str, Any]] | None:
        """The runs, once there are so many and all are over."""
        runs = self.runs(dag)
        over = [run for run in runs if run["state"] in {"success", "failed"}]
        return over if len(over) == count == len(runs) else None

    def triggered(self) -> list[dict[str, Any]]:
        """The runs of identity_sft that the regeneration asked for."""
        runs = self.runs("identity_sft")
        return [run for run in runs if run["dag_run_id"].startswith("regenerate-")]

    def trigger(self, run_id: str, **conf: Any) -> None:
        """Start a run of identity_sft."""
        body = {"dag_run_id": run_id, "logical_date": None, "conf": conf}
        self.call("POST", "/dags/identity_sft/dagRuns", body)

    def log(self, dag: str, run_id: str, task: str) -> str:
        """A task's log as text."""
        path = f"/dags/{dag}/dagRuns/{run_id}/taskInstances/{task}/logs/1?full_content=true"
        return json.dumps(self.call("GET", path))

    def asset(self, name: str = ASSET) -> int:
        """The id of an asset."""
        found = self.call("GET", f"/assets?name_pattern={name}")["assets"]
        return int(found[0]["id"])

    def events(self, name: str) -> list[dict[str, Any]]:
        """What was said of an asset."""
        path = f"/assets/events?asset_id={self.asset(name)}"
        found: list[dict[str, Any]] = self.call("GET", path)["asset_events"]
        return found

    def knows_the_dag(self) -> bool:
        """Airflow is up once it knows identity_sft."""
        found = self.call("GET", "/dags?limit=100")["dags"]
        return DAG in {dag["dag_id"] for dag in found}

    def watched(self) -> bool:
        """Whether the triggerer has taken its first look."""
        keys = self.call("GET", f"/assets/{self.asset()}/state-store")
        return "seen" in json.dumps(keys)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An Airflow with a Variable, a watched knowledge base and a webhook."""
    home, folder = Home(tmp_path_factory.mktemp("home")), tmp_path_factory.mktemp("kb")
    kb = folder / "kb.md"
    kb.write_text(TEXT)
    conf = {"knowledge": str(kb), "num_conversations": 4, "temperature": 0.5}
    with _webhook() as (address, told, metrics):
        env = environment(
            home, IDENTITY_ALLOWED_ROOTS=str(folder),
            AIRFLOW_VAR_IDENTITY_REGENERATE_CONF=json.dumps(conf),
            AIRFLOW_CONN_IDENTITY_NOTIFY=json.dumps({"conn_type": "http", "host": address}),
            OTEL_EXPORTER_OTLP_ENDPOINT=address, OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
            OTEL_METRIC_EXPORT_INTERVAL="1000", IDENTITY_WATCH_SECONDS="1",
        )  # fmt: skip
        with launched(env, metrics__otel_on="True"):
            state = State.of(home)
            instance = find(state)
            assert instance is not None
            sign_in = {"username": USER, "password": state.password()}
            url = instance.client.url
            token = requests.post(f"{url}/auth/token", json=sign_in, timeout=30).json()
            yield Site(url, token["access_token"], kb, told, metrics)


def test_an_edit_triggers_one_run_and_nothing_else_does(site: Site) -> None:
    """Paused when created; switched on, it waits for an edit. An identical event makes no run, and
    neither does a retry."""
    until(site.knows_the_dag, "the DAG file's turn", 120)
    assert site.call("GET", f"/dags/{DAG}")["is_paused"]
    site.call("PATCH", "/dags/identity_sft", {"is_paused": True})
    site.call("PATCH", f"/dags/{DAG}", {"is_paused": False})
    until(site.watched, "first look of the triggerer", 120)
    assert site.runs(DAG) == []
    site.kb.write_text(site.kb.read_text() + "- Patient\n")
    asked = until(lambda: site.finished(DAG, 1), "regeneration", 90)[0]
    assert (asked["run_type"], asked["state"]) == ("asset_triggered", "success")
    (triggered,) = site.triggered()
    year, week, _ = _day(asked).isocalendar()
    assert triggered["conf"] == {
        "knowledge": str(site.kb), "num_conversations": 4, "temperature": 0.5,
        "seed": year * 100 + week,
    }  # fmt: skip
    assert triggered["dag_run_id"].startswith(f"regenerate-{year}-W{week:02}-")
    _nothing_more(site)
    path = f"/dags/identity_sft/dagRuns/{triggered['dag_run_id']}"
    site.call("PATCH", path, {"state": "failed"})


def _nothing_more(site: Site) -> None:
    """The content is as it was, says the log. A cleared run asks for what is there. A parameter of
    identity_sft is not dropped in silence."""
    site.call("POST", "/assets/events", {"asset_id": site.asset()})
    second = until(lambda: site.finished(DAG, 2), "second regeneration", 60)[1]
    first = site.runs(DAG)[0]
    assert "are as in regenerate-" in site.log(DAG, second["dag_run_id"], "decide")
    assert len(site.triggered()) == 1
    body = {"dag_run_id": first["dag_run_id"], "dry_run": False, "only_failed": False,
            "reset_dag_runs": True}  # fmt: skip
    site.call("POST", f"/dags/{DAG}/clearTaskInstances", body)
    until(lambda: site.finished(DAG, 2), "the cleared run", 60)
    site.call("POST", f"/dags/{DAG}/dagRuns", {"logical_date": None, "conf": {"epochs": 9}})
    refused = until(lambda: site.finished(DAG, 3), "the refused run", 60)[2]
    assert "unknown: epochs" in site.log(DAG, refused["dag_run_id"], "decide")
    assert len(site.triggered()) == 1


def test_what_was_made_is_seen_at_the_asset_and_measured(site: Site) -> None:
    """A run up to its data: no base is made, for there is no slot to make it in."""
    pool = {"pool": "gpu", "slots": 0, "description": "", "include_deferred": False}
    site.call("PATCH", "/pools/gpu", pool)
    site.call("PATCH", "/dags/identity_sft", {"is_paused": False})
    site.trigger("made", knowledge=str(site.kb), num_conversations=4)
    (event,) = until(lambda: site.events("identity_conversations"), "data", 150)
    extra = event["extra"]
    assert (extra["run"], extra["conversations"], extra["cost_usd"]) == ("made", 4, 0)
    assert extra["facts"] >= 5
    name = b"identity_ops.curate.conversations"
    until(lambda: any(name in body for body in site.metrics), "metric")
    site.call("PATCH", "/dags/identity_sft/dagRuns/made", {"state": "failed"})


def test_a_failed_run_tells_people(site: Site) -> None:
    """The webhook learns which run, once."""
    site.call("PATCH", "/dags/identity_sft", {"is_paused": False})
    site.trigger("no-such-file", knowledge=str(site.kb.with_name("gone.md")))
    first = "identity-ops: run no-such-file failed"
    until(lambda: first in "".join(site.told), "notice", 120)
    assert "".join(site.told).count(first) == 1


def _day(run: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(run["run_after"]).astimezone(UTC)


@contextlib.contextmanager
def _webhook() -> Iterator[tuple[str, list[str], list[bytes]]]:
    """A server on loopback that keeps the texts and the metrics it is sent."""
    told: list[str] = []
    metrics: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path.startswith("/v1/"):
                metrics.append(body)
            else:
                told.append(json.loads(body)["text"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing on the test's output."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", told, metrics
        server.shutdown()
