"""Prints, as JSON, what Airflow sees of the DAG folder. Run as a process of its own.

Importing Airflow configures logging, warnings and a home folder for the whole process: nothing
that a test process should inherit.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any


def main() -> None:
    """Load the DAGs and describe them on the last line of stdout."""
    import airflow.sdk  # noqa: F401 - what Airflow's own parser has imported before a DAG file
    from airflow.dag_processing.dagbag import DagBag
    from airflow.plugins_manager import get_import_errors

    before, clock = set(sys.modules), time.perf_counter()
    bag = DagBag(Path(sys.argv[1]), bundle_name="dags", safe_mode=False)
    seconds = time.perf_counter() - clock
    imported = sorted({name.split(".")[0] for name in set(sys.modules) - before})
    print(
        json.dumps(
            {
                "errors": {str(file): text for file, text in bag.import_errors.items()},
                "dags": {name: _dag(dag) for name, dag in bag.dags.items()},
                "imported": imported,
                "seconds": seconds,
                "retries": _retries(),
                "plugin_errors": get_import_errors(),
                "masked": _masked(sys.argv[2]),
            }
        )
    )


def _masked(text: str) -> str:
    """A line of a task's log, after the hooks have registered the keys that the task may meet."""
    from airflow.sdk._shared.secrets_masker import redact
    from identity_hooks import mask_environment

    mask_environment()
    return str(redact(text))


def _dag(dag: Any) -> dict[str, Any]:
    schedule = getattr(dag.timetable, "timetable", None)
    assets = getattr(getattr(dag.timetable, "asset_condition", None), "objects", [])
    return {
        "paused": dag.is_paused_upon_creation,
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "start_date": str(dag.start_date),
        "cron": getattr(schedule, "expression", None),
        "assets": [asset.name for asset in assets],
        "watchers": [
            watcher.trigger.serialize()[0] for asset in assets for watcher in asset.watchers
        ],
        "tells": dag.has_on_failure_callback,
        "due": {weeks: _due(dag, weeks) for weeks in (0, 4)} if schedule else {},
        "params": {name: dag.params.get_param(name).serialize() for name in dag.params},
        "tasks": {
            task.task_id: {
                "pool": task.pool,
                "queue": task.queue,
                "mapped": task.is_mapped,
                "trigger_rule": task.trigger_rule.value,
                "upstream": sorted(task.upstream_task_ids),
                "policy": task.retry_policy is not None,
                "retries": task.retries,
                "hours": task.execution_timeout and task.execution_timeout / timedelta(hours=1),
                "outlets": [outlet.name for outlet in task.outlets],
                "lineage": [_datasets(task.inlets), _datasets(task.outlets)],
                "measured": bool(task.on_success_callback),
            }
            for task in dag.tasks
        },
    }


def _datasets(assets: Any) -> list[str]:
    """What Airflow's OpenLineage provider makes of a task's assets."""
    from airflow.providers.openlineage.utils.utils import translate_airflow_asset

    made = [translate_airflow_asset(asset, None) for asset in assets]
    return [f"{found.namespace}/{found.name}" if found else "" for found in made]


def _due(dag: Any, weeks: int) -> int:
    """How many runs are due now, by the scheduler's own reckoning.

    Args:
        weeks: since the last run; 0: there was none yet.
    """
    from airflow.sdk import timezone
    from airflow.serialization.decoders import decode_timetable
    from airflow.serialization.encoders import encode_timetable
    from airflow.timetables.base import DataInterval, TimeRestriction

    timetable, now = decode_timetable(encode_timetable(dag.timetable)), timezone.utcnow()
    then = timezone.coerce_datetime(now - timedelta(weeks=weeks))
    last = DataInterval.exact(then) if weeks else None
    limits = TimeRestriction(earliest=dag.start_date, latest=None, catchup=dag.catchup)
    for count in range(100):
        info = timetable.next_dagrun_info(last_automated_data_interval=last, restriction=limits)
        if info is None or info.run_after > now:
            return count
        last = info.data_interval
    return 100


def _retries() -> dict[str, str]:
    """What the retry mapping decides for each error of the tree, and for a stranger."""
    from identity_retry import RETRY_POLICY

    from identity_ops.errors import IdentityError

    errors: list[BaseException] = [kind("x") for kind in _family(IdentityError)]
    errors.append(KeyError("x"))
    return {
        type(error).__name__: RETRY_POLICY.evaluate(error, 1, 2).action.value for error in errors
    }


def _family(kind: type[Any]) -> list[type[Any]]:
    return [kind, *(below for child in kind.__subclasses__() for below in _family(child))]


if __name__ == "__main__":
    main()
