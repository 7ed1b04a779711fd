"""The part of Airflow's REST API that a run needs: sign in, trigger, follow, read logs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import requests

from identity_ops.errors import ConfigError, RequestError, TransientError

DAG_ID: Final = "identity_sft"
PAGE: Final = 100  # Airflow's own limit for one answer
_TRIES: Final = 5
_UNFINISHED: Final = ("running", "queued")


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task instance of a run. `seconds` is None until it has ended."""

    task_id: str
    map_index: int
    state: str
    label: str
    tries: int
    seconds: float | None
    pid: int | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Task:
        return cls(
            task_id=row["task_id"],
            map_index=row["map_index"],
            state=row["state"] or "waiting",
            label=row["rendered_map_index"] or "",
            tries=row["try_number"],
            seconds=row["duration"],
            pid=row["pid"],
        )


class Client:
    """One Airflow, signed in as one user.

    Args:
        url: of its api-server, without a path.
    """

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url
        self._sign_in = {"username": user, "password": password}
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy has no business between loopback ends

    def ready(self) -> bool:
        """Whether scheduler and DAG processor work and the DAG can be triggered."""
        try:
            health = self._session.get(f"{self.url}/api/v2/monitor/health", timeout=10).json()
            parts = ("metadatabase", "scheduler", "dag_processor")
            if any(health[part]["status"] != "healthy" for part in parts):
                return False
            return self._send("GET", f"/dags/{DAG_ID}", tries=1).status_code == 200
        except (requests.RequestException, TransientError, ValueError, KeyError):
            return False

    def trigger(self, conf: Mapping[str, Any], run_id: str) -> None:
        """Start a run.

        Raises:
            ConfigError: Airflow refuses the parameters; says why.
        """
        body = {"conf": dict(conf), "dag_run_id": run_id, "logical_date": None}
        reply = self._send("POST", f"/dags/{DAG_ID}/dagRuns", json=body)
        # 409 after a lost answer: the run that was asked for is there, and that is all we want.
        if reply.status_code in (400, 422):
            raise ConfigError(f"Airflow refused the parameters: {_detail(reply)}", where="conf")
        if reply.status_code not in (200, 409):
            raise _refusal(reply)

    def run_state(self, run_id: str) -> str:
        """queued, running, success or failed."""
        return str(self._checked("GET", _run(run_id)).json()["state"])

    def tasks(self, run_id: str) -> list[Task]:
        """Every task instance of the run, mapped ones one by one."""
        rows: list[Any] = []
        while True:
            params = {"limit": PAGE, "offset": len(rows)}
            page = self._checked("GET", f"{_run(run_id)}/taskInstances", params=params).json()
            rows += page["task_instances"]
            if not page["task_instances"] or len(rows) >= page["total_entries"]:
                return [Task.of(row) for row in rows]

    def result(self, run_id: str, task: Task) -> Any:
        """What the task returned (its XCom), or None."""
        path = f"{_run(run_id)}/taskInstances/{task.task_id}/xcomEntries/return_value"
        params = {"map_index": task.map_index, "deserialize": "true"}
        reply = self._checked("GET", path, accept=(404,), params=params)
        return reply.json().get("value") if reply.status_code == 200 else None

    def log(self, run_id: str, task: Task) -> list[dict[str, Any]]:
        """The structured log lines of the task's latest try."""
        path = f"{_run(run_id)}/taskInstances/{task.task_id}/logs/{max(task.tries, 1)}"
        params = {"map_index": task.map_index, "full_content": "true"}
        headers = {"Accept": "application/json"}
        reply = self._checked("GET", path, accept=(404,), params=params, headers=headers)
        content = reply.json().get("content") if reply.status_code == 200 else None
        return [line for line in content or [] if isinstance(line, dict)]

    def unfinished(self) -> list[str]:
        """Run ids that are queued or running."""
        params = {"state": list(_UNFINISHED), "limit": PAGE}
        runs = self._checked("GET", f"/dags/{DAG_ID}/dagRuns", params=params).json()["dag_runs"]
        return [run["dag_run_id"] for run in runs]

    def fail(self, run_id: str, note: str) -> None:
        """Mark a run as failed; its running tasks are stopped."""
        self._checked("PATCH", _run(run_id), json={"state": "failed", "note": note})

    def clear(self, run_id: str, task_ids: list[str]) -> None:
        """Have tasks of a run, and all after them, run again."""
        body = {
            "dag_run_id": run_id,
            "task_ids": task_ids,
            "dry_run": False,
            "only_failed": False,
            "include_downstream": True,
            "reset_dag_runs": True,
        }
        self._checked("POST", f"/dags/{DAG_ID}/clearTaskInstances", json=body)

    def question(self, run_id: str, task_id: str) -> str:
        """The text that a task waits with for a person's answer."""
        path = f"{_run(run_id)}/taskInstances/{task_id}/-1/hitlDetails"
        return str(self._checked("GET", path).json()["body"])

    def answer(self, run_id: str, task_id: str, option: str) -> None:
        """Answer it: "Approve" or "Reject"."""
        path = f"{_run(run_id)}/taskInstances/{task_id}/-1/hitlDetails"
        self._checked("PATCH", path, json={"chosen_options": [option], "params_input": {}})

    def _checked(
        self, method: str, path: str, *, accept: tuple[int, ...] = (), **parts: Any
    ) -> requests.Response:
        reply = self._send(method, path, **parts)
        if not reply.ok and reply.status_code not in accept:
            raise _refusal(reply)
        return reply

    def _send(
        self, method: str, path: str, *, tries: int = _TRIES, **parts: Any
    ) -> requests.Response:
        """One call, signed in; again after a lost connection, a 5xx or an expired sign-in."""
        last = ""
        for attempt in range(tries):
            if attempt:
                time.sleep(min(2**attempt * 0.25, 4))
            try:
                if "Authorization" not in self._session.headers:
                    self._authorise()
                reply = self._session.request(
                    method, f"{self.url}/api/v2{path}", timeout=30, **parts
                )
            except requests.RequestException as error:
                last = type(error).__name__
                continue
            if reply.status_code == 401:
                self._session.headers.pop("Authorization", None)
            elif reply.status_code < 500:
                return reply
            last = f"HTTP {reply.status_code}"
        raise TransientError(
            f"Airflow does not answer ({last})", where=self.url, todo="Is it still running?"
        )

    def _authorise(self) -> None:
        reply = self._session.post(f"{self.url}/auth/token", json=self._sign_in, timeout=30)
        reply.raise_for_status()
        self._session.headers["Authorization"] = f"Bearer {reply.json()['access_token']}"


def answers(url: str) -> bool:
    """Whether a GET of that address succeeds."""
    try:
        with requests.Session() as session:
            session.trust_env = False
            return session.get(url, timeout=30).ok
    except requests.RequestException:
        return False


def _run(run_id: str) -> str:
    return f"/dags/{DAG_ID}/dagRuns/{quote(run_id, safe='')}"


def _detail(reply: requests.Response) -> str:
    try:
        return str(reply.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return reply.text[:200]


def _refusal(reply: requests.Response) -> RequestError:
    return RequestError(
        f"Airflow answered {reply.status_code}: {_detail(reply)}",
        where=f"{reply.request.method} {reply.request.path_url}",
    )
