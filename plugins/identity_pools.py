"""The pools of our tasks, made where they are missing: a task in a missing pool waits in silence.

A listener in Airflow's own processes, for a task's process has no database. It looks when one of
them starts, and when a run does, so that a pool deleted since then comes back. A pool that is
there keeps the slots that its owner gave it.
"""

from __future__ import annotations

import contextlib
import logging
from typing import Any

from airflow.listeners import hookimpl

log = logging.getLogger(__name__)


@hookimpl
def on_starting(component: Any) -> None:
    """Scheduler, DAG processor and triggerer each call this; so does a task's process."""
    from airflow.sdk.execution_time.task_runner import TaskRunnerMarker

    if isinstance(component, TaskRunnerMarker):
        return
    from airflow.utils.session import create_session

    with create_session() as session:
        make_missing(session)


@hookimpl
def on_dag_run_running(dag_run: Any) -> None:
    """The scheduler calls this, with the run in its own session."""
    from identity_regeneration import DAG_ID
    from sqlalchemy.orm import object_session

    session = object_session(dag_run)
    if session is not None and dag_run.dag_id == DAG_ID:
        make_missing(session)


def make_missing(session: Any) -> list[str]:
    """The pools that were made now.

    Args:
        session: of Airflow's database; the pools are part of its transaction.
    """
    from airflow.models.pool import Pool
    from sqlalchemy import insert, select
    from sqlalchemy.exc import IntegrityError

    from identity_ops.local_airflow.settings import POOLS

    there, made = set(session.scalars(select(Pool.pool))), []
    for name in POOLS.keys() - there:
        slots, text = POOLS[name]
        row = {"pool": name, "slots": slots, "description": text, "include_deferred": False}
        # A savepoint: another process may have made it by now, and the scheduler's work goes on.
        with contextlib.suppress(IntegrityError), session.connection().begin_nested():
            session.connection().execute(insert(Pool).values(row))
            made.append(name)
    if made:
        log.warning("Made the missing pools %s", ", ".join(sorted(made)))
    return made
