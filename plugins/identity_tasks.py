"""What the tasks of the DAG share: the run they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from identity_ops.pipeline import Run


def run_of(context: Mapping[str, Any]) -> Run:
    """The run of this task, its parameters checked again by the library.

    Airflow lets unknown keys of a conf pass; RunConfig does not.
    """
    from identity_ops.pipeline import Run

    conf = context["dag_run"].conf or {}
    return Run(context["run_id"], {**context["params"], **conf})


def current_run() -> Run:
    """The run of the task that is executing now."""
    from airflow.sdk import get_current_context

    return run_of(get_current_context())
