"""What the tasks of the DAG share: the run they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypedDict, cast

if TYPE_CHECKING:
    from identity_ops.pipeline import Run


class Batch(TypedDict):
    """What `plan` hands to one mapped task: the batch, and the digest of the plan it is of."""

    batch: int
    plan: str


def run_of(context: Mapping[str, Any]) -> Run:
    """The run of this task, its parameters checked again by the library.

    Airflow lets unknown keys of a conf pass; RunConfig does not. A field left empty in the form
    arrives as null and means its default.
    """
    from identity_hooks import access_of

    from identity_ops.pipeline import Run

    conf = {**context["params"], **(context["dag_run"].conf or {})}
    given = {key: value for key, value in conf.items() if value is not None}
    return Run(context["run_id"], given, find_access=access_of)


def current_run() -> Run:
    """The run of the task that is executing now."""
    from airflow.sdk import get_current_context

    return run_of(get_current_context())


def label_batch(run: Run, batch: Batch) -> None:
    """Name the mapped task after its conversations, for people who look for one in a list.

    Batches count from 1, conversations from 0, as their `index` in the data does.
    """
    from airflow.sdk import get_current_context

    size, first = run.config.batch_size, batch["batch"] * run.config.batch_size
    last = min(first + size, run.config.num_conversations)
    context = cast("dict[str, Any]", get_current_context())
    context["label"] = f"batch {batch['batch'] + 1}: conversations {first}-{last - 1}"
