"""What a follower of a run reads: the right state, counts and times, and the error that matters."""

from __future__ import annotations

from typing import Any

from identity_ops.local_airflow.client import Task
from identity_ops.local_airflow.follow import (
    busy_line,
    error_in,
    finished_line,
    group,
    seconds,
)


def _task(task_id: str, state: str, map_index: int = -1, took: float | None = None) -> Task:
    return Task(
        task_id=task_id, map_index=map_index, state=state, label="", tries=1, seconds=took, pid=None
    )


def test_mapped_tasks_count_as_one_task() -> None:
    """Five hundred batches are one line that says how many are over."""
    tasks = [_task("generate", "success" if n < 3 else "running", n) for n in range(5)]
    assert busy_line(group([_task("base", "running"), *tasks])) == "base, generate 3/5"


def test_a_waiting_approval_says_where_to_answer() -> None:
    """Otherwise the run looks as if it hung."""
    line = busy_line(group([_task("approve", "awaiting_input")]))
    assert "Required Actions" in line


def test_nothing_busy_is_said_too() -> None:
    """Between two tasks the line must not be empty."""
    assert busy_line(group([_task("lint", "queued")])) == "waiting for the scheduler"


def test_a_finished_mapped_task_shows_its_sum() -> None:
    """Seconds of all batches, and a state for each kind that occurs."""
    tasks = [_task("generate", "success", 0, 40.0), _task("generate", "failed", 1, 85.0)]
    line = finished_line("generate", tasks, {"accepted": 1234})
    assert line.split() == [
        "success", "1,", "failed", "1", "generate", "x2", "2", "min", "05", "s", "accepted",
        "1,234",
    ]  # fmt: skip


def test_the_last_error_of_a_log_is_the_one_that_ended_the_task() -> None:
    """Earlier ones were handled, and its causes come after it."""
    log: list[dict[str, Any]] = [
        {"error_detail": [{"exc_type": "ProviderError", "exc_value": "429"}]},
        {"event": "trying again"},
        {
            "error_detail": [
                {"exc_type": "CreditError", "exc_value": "no credit"},
                {"exc_type": "HTTPError", "exc_value": "402"},
            ]
        },
    ]
    assert error_in(log) == "CreditError: no credit"


def test_a_log_without_an_error_says_so() -> None:
    """A killed process writes none."""
    assert "killed" in error_in([{"event": "step 3"}])


def test_durations_read_well() -> None:
    """No 0 minutes, no 60 seconds, no decimals where nobody wants them."""
    assert [seconds(n) for n in (0.04, 59.94, 60, 125.2)] == [
        "0.0 s", "59.9 s", "1 min 00 s", "2 min 05 s",
    ]  # fmt: skip
