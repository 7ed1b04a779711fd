"""Trigger a run, show how it goes, and end with its table or with what went wrong.

In a terminal one line changes in place under the finished tasks: what runs, and the last line
that a trainer wrote. Elsewhere each finished task is a line, and so is every half minute.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.status import Status
from rich.text import Text

from identity_ops.config import RunConfig
from identity_ops.errors import IdentityError, TerminalError
from identity_ops.local_airflow.client import Client, Task
from identity_ops.local_airflow.instance import Instance
from identity_ops.local_airflow.settings import State
from identity_ops.store import manifest as manifests
from identity_ops.store.paths import Home
from identity_ops.summary import render

POLL_S: Final = 0.5
QUIET_S: Final = 30.0  # without a terminal: a sign of life at least this often
LOG_LINES: Final = 12
OVER: Final = ("success", "failed", "skipped", "upstream_failed", "removed")
BUSY: Final = ("running", "up_for_retry", "awaiting_input", "restarting")
TRAINS: Final = ("base", "train", "evaluate")  # long, and their logs say how far they are


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
    follower = Follower(client, run_id)
    try:
        state = follower.follow()
    except KeyboardInterrupt:
        with contextlib.suppress(IdentityError):
            client.fail(run_id, "stopped from the terminal")
        raise
    ended = "Done" if state == "success" else "Failed"
    print(f"{ended} after {seconds(follower.elapsed)}.\n", flush=True)
    if state == "success" or _evaluated(home, run_id):
        print(render(home.run(run_id)), flush=True)
    if state != "success":
        raise _failure(client, home, run_id)


def _evaluated(home: Home, run_id: str) -> bool:
    """Whether there are figures to show: a model that fails the gate has some."""
    return (home.run(run_id, "evaluate") / manifests.FILE_NAME).exists()


def _fail_leftovers(client: Client) -> None:
    """End runs that an Airflow which was killed left unfinished: they hold pool slots.

    Their committed results stay, and the new run uses them.
    """
    for run_id in client.unfinished():
        client.fail(run_id, "Airflow was stopped during this run")


class Follower:
    """Shows one run's progress on stdout."""

    def __init__(self, client: Client, run_id: str) -> None:
        self.client, self.run_id = client, run_id
        self.console = Console(highlight=False, soft_wrap=True)
        self.shown: set[str] = set()
        self.started = self.last_sign = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since the trigger."""
        return time.monotonic() - self.started

    def follow(self) -> str:
        """Show the run until it ends; returns its state."""
        if not self.console.is_terminal:
            return self._follow(None)
        with self.console.status("queued") as status:
            return self._follow(status)

    def _follow(self, status: Status | None) -> str:
        while True:
            state = self.client.run_state(self.run_id)
            groups = group(self.client.tasks(self.run_id))
            for task_id, tasks in groups.items():
                self._show_if_over(task_id, tasks)
            if state in ("success", "failed"):
                return state
            self._sign_of_life(groups, status)
            time.sleep(POLL_S)

    def _show_if_over(self, task_id: str, tasks: list[Task]) -> None:
        """One line for a task when it is over; those that never ran get none."""
        if task_id in self.shown or not all(task.state in OVER for task in tasks):
            return
        self.shown.add(task_id)
        if all(task.state == "upstream_failed" for task in tasks):
            return
        counts: Counter[str] = Counter()
        for task in tasks:
            if task.state == "success":
                counts.update(_counts(self.client.result(self.run_id, task)))
        self._line(finished_line(task_id, tasks, counts))

    def _sign_of_life(self, groups: Mapping[str, list[Task]], status: Status | None) -> None:
        now = busy_line(groups)
        if status is not None:
            status.update(Text(f"{now}  {seconds(self.elapsed)}  {self._trainer_line(groups)}"))
        elif time.monotonic() - self.last_sign > QUIET_S:
            self._line(f"  ...      {now} ({seconds(self.elapsed)})")

    def _line(self, text: str) -> None:
        self.last_sign = time.monotonic()
        self.console.print(text, markup=False)
        sys.stdout.flush()

    def _trainer_line(self, groups: Mapping[str, list[Task]]) -> str:
        """The last line that a training process wrote."""
        for name in TRAINS:
            for task in groups.get(name, []):
                if task.state == "running":
                    return "".join(_own_lines(self.client.log(self.run_id, task))[-1:])[:100]
        return ""


def group(tasks: Iterable[Task]) -> dict[str, list[Task]]:
    """Task instances by task, each mapped task's in order."""
    groups: dict[str, list[Task]] = {}
    for task in sorted(tasks, key=lambda task: task.map_index):
        groups.setdefault(task.task_id, []).append(task)
    return groups


def busy_line(groups: Mapping[str, list[Task]]) -> str:
    """What runs at this moment: "generate 12/20, base"."""
    busy = []
    for task_id, tasks in groups.items():
        if any(task.state == "awaiting_input" for task in tasks):
            busy.append(f"{task_id} waits for an answer in the web UI, under Required Actions")
        elif any(task.state in BUSY for task in tasks):
            over = sum(task.state in OVER for task in tasks)
            busy.append(task_id if tasks[0].map_index < 0 else f"{task_id} {over}/{len(tasks)}")
    return ", ".join(busy) or "waiting for the scheduler"


def finished_line(task_id: str, tasks: list[Task], counts: Mapping[str, int]) -> str:
    """A finished task in one line: its state, name, time and counts."""
    states = Counter(task.state for task in tasks)
    state = next(iter(states)) if len(states) == 1 else _join(states)
    name = f"{task_id} x{len(tasks)}" if tasks[0].map_index >= 0 else task_id
    spent = seconds(sum(task.seconds or 0.0 for task in tasks))
    return f"  {state:<8} {name:<14} {spent:>12}  {_join(counts)}".rstrip()


def seconds(number: float) -> str:
    """A duration for people: "9.5 s", "2 min 05 s"."""
    return f"{number:.1f} s" if number < 60 else f"{number // 60:.0f} min {number % 60:02.0f} s"


def _counts(result: Any) -> dict[str, int]:
    counts = result.get("counts") if isinstance(result, dict) else None
    return {k: v for k, v in (counts or {}).items() if isinstance(v, int)}


def _join(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


def _failure(client: Client, home: Home, run_id: str) -> RunFailedError:
    """The error of the first task that failed by itself."""
    failed = [task for task in client.tasks(run_id) if task.state == "failed"]
    if not failed:
        return RunFailedError("the run failed before any task did", where=run_id)
    task = failed[0]
    log = client.log(run_id, task)
    lines = [f"task {task.task_id} failed: {error_in(log)}"]
    lines += [f"    {line}" for line in _own_lines(log)[-LOG_LINES:]]
    lines.append(f"Its log: {_log_file(State.of(home), run_id, task)}")
    lines.append("Finished work is kept: fix the cause and run again.")
    return RunFailedError("\n".join(lines), where=f"run {run_id}")


def error_in(log: Iterable[Mapping[str, Any]]) -> str:
    """The message of the exception that ended the task."""
    chains = [line["error_detail"] for line in log if line.get("error_detail")]
    if not chains:
        return "no error in its log; it may have been killed"
    raised = chains[-1][0]  # followed by what caused it
    return f"{raised.get('exc_type')}: {raised.get('exc_value')}"


def _own_lines(log: Iterable[Mapping[str, Any]]) -> list[str]:
    """What the project logged, without Airflow's own lines."""
    return [
        str(line["event"])
        for line in log
        if "identity" in str(line.get("logger", "")) and line.get("event")
    ]


def _log_file(state: State, run_id: str, task: Task) -> Path:
    folder = state.logs / "dag_id=identity_sft" / f"run_id={run_id}" / f"task_id={task.task_id}"
    if task.map_index >= 0:
        folder /= f"map_index={task.map_index}"
    return folder / f"attempt={max(task.tries, 1)}.log"
