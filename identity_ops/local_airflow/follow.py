"""Trigger a run, show how it goes, and end with its table or with what went wrong.

In a terminal one line changes in place under the finished tasks; elsewhere each task is a line.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.status import Status

from identity_ops.config import RunConfig
from identity_ops.errors import IdentityError, TerminalError
from identity_ops.local_airflow.client import Client, Task
from identity_ops.local_airflow.instance import Instance
from identity_ops.local_airflow.settings import State
from identity_ops.store.paths import Home

POLL_S: Final = 0.5
LOG_LINES: Final = 12
OVER: Final = ("success", "failed", "skipped", "upstream_failed", "removed")
BUSY: Final = ("running", "up_for_retry", "awaiting_input", "restarting")


class RunFailedError(TerminalError):
    """A task of the run failed; the message says which, why, and where its log is."""


def run_and_follow(
    instance: Instance, home: Home, conf: Mapping[str, Any], run_id: str = ""
) -> None:
    """Trigger `identity_sft` and follow it to its end.

    Raises:
        ConfigError: wrong parameters; nothing was triggered.
        RunFailedError: the run failed.
    """
    RunConfig.parse(conf)
    client = instance.client
    run_id = run_id or f"run-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    if instance.process is not None:
        _fail_leftovers(client)
    client.trigger(conf, run_id)
    print(f"Run {run_id}: {client.url}/dags/identity_sft/runs/{run_id}", flush=True)
    clock = time.monotonic()
    try:
        state = _follow(client, run_id)
    except KeyboardInterrupt:
        with contextlib.suppress(IdentityError):
            client.fail(run_id, "stopped from the terminal")
        raise
    if state != "success":
        raise _failure(client, home, run_id)
    from identity_ops.summary import render

    print(f"Done in {_seconds(time.monotonic() - clock)}.\n", flush=True)
    print(render(home.run(run_id)), flush=True)


def _fail_leftovers(client: Client) -> None:
    """End runs that an Airflow which was killed left unfinished: they hold pool slots.

    Their committed results stay, and the new run uses them.
    """
    for run_id in client.unfinished():
        client.fail(run_id, "Airflow was stopped during this run")


def _follow(client: Client, run_id: str) -> str:
    console = Console(file=sys.stdout, highlight=False)
    shown: set[str] = set()
    with _status(console) as status:
        while True:
            state = client.run_state(run_id)
            groups = _groups(client.tasks(run_id))
            for task_id, tasks in groups.items():
                if task_id not in shown and all(task.state in OVER for task in tasks):
                    shown.add(task_id)
                    console.print(_finished(client, run_id, task_id, tasks), markup=False)
            if state in ("success", "failed"):
                return state
            if status is not None:
                status.update(_now(groups))
            time.sleep(POLL_S)


@contextlib.contextmanager
def _status(console: Console) -> Iterator[Status | None]:
    """The line that changes in place; none where the output is no terminal."""
    if not console.is_terminal:
        yield None
        return
    with console.status("queued") as status:
        yield status


def _groups(tasks: Iterable[Task]) -> dict[str, list[Task]]:
    """Task instances by task, each mapped task's in order."""
    groups: dict[str, list[Task]] = {}
    for task in sorted(tasks, key=lambda task: task.map_index):
        groups.setdefault(task.task_id, []).append(task)
    return groups


def _now(groups: Mapping[str, list[Task]]) -> str:
    """What runs at this moment: "generate 12/20, base"."""
    busy = [
        f"{task_id} {_done(tasks)}/{len(tasks)}" if tasks[0].map_index >= 0 else task_id
        for task_id, tasks in groups.items()
        if any(task.state in BUSY for task in tasks)
    ]
    waiting = [t for tasks in groups.values() for t in tasks if t.state == "awaiting_input"]
    note = "  (waiting for approval in the web UI: Required Actions)" if waiting else ""
    return (", ".join(busy) or "waiting for the scheduler") + note


def _done(tasks: Iterable[Task]) -> int:
    return sum(task.state in OVER for task in tasks)


def _finished(client: Client, run_id: str, task_id: str, tasks: list[Task]) -> str:
    """One line for a task that is over: its state, time and counts."""
    states = Counter(task.state for task in tasks)
    state = next(iter(states)) if len(states) == 1 else _join(states)
    seconds = sum(task.seconds or 0.0 for task in tasks)
    name = f"{task_id} x{len(tasks)}" if tasks[0].map_index >= 0 else task_id
    counts: Counter[str] = Counter()
    for task in tasks:
        if task.state == "success":
            counts.update(_counts(client.result(run_id, task)))
    return f"  {state:<8} {name:<14} {_seconds(seconds):>8}  {_join(counts)}".rstrip()


def _counts(result: Any) -> dict[str, int]:
    counts = result.get("counts") if isinstance(result, dict) else None
    return {k: v for k, v in (counts or {}).items() if isinstance(v, int)}


def _join(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds // 60:.0f} min {seconds % 60:02.0f} s"


def _failure(client: Client, home: Home, run_id: str) -> RunFailedError:
    """The error of the first task that failed by itself."""
    failed = [task for task in client.tasks(run_id) if task.state == "failed"]
    if not failed:
        return RunFailedError("the run failed before any task did", where=run_id)
    task = failed[0]
    lines = client.log(run_id, task)
    log = _log_file(State.of(home), run_id, task)
    return RunFailedError(
        f"task {task.task_id} failed: {_error_in(lines)}\n{_last(lines)}",
        where=f"run {run_id}",
        todo=f"Its log: {log}\nFinished work is kept: fix the cause and run again.",
    )


def _error_in(lines: list[dict[str, Any]]) -> str:
    """The message of the exception that ended the task."""
    for line in reversed(lines):
        for detail in line.get("error_detail") or []:
            return f"{detail.get('exc_type')}: {detail.get('exc_value')}"
    return "no error in its log; it may have been killed"


def _last(lines: list[dict[str, Any]]) -> str:
    texts = [str(line.get("event", "")) for line in lines if line.get("event")]
    return "\n".join(f"    {text}" for text in texts[-LOG_LINES:])


def _log_file(state: State, run_id: str, task: Task) -> Path:
    folder = state.logs / "dag_id=identity_sft" / f"run_id={run_id}" / f"task_id={task.task_id}"
    if task.map_index >= 0:
        folder /= f"map_index={task.map_index}"
    return folder / f"attempt={max(task.tries, 1)}.log"
