"""identity_regenerate: fresh data and a new model, each week and when a knowledge base changes.

It decides, and triggers `identity_sft` with the ISO week as the seed. Created paused: switched on,
it spends what the parameters in the Variable `identity_regenerate_conf` (JSON) allow. Weekly,
unless the Variable `identity_regenerate_schedule` or `IDENTITY_REGENERATE_SCHEDULE` has another
cron expression. After downtime it runs once for all that it missed.
"""

from __future__ import annotations

from typing import Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import AssetOrTimeSchedule, Param, dag, task
from identity_assets import KNOWLEDGE
from identity_notify import notify_failure
from identity_regeneration import DAG_ID, decide, timetable
from identity_retry import DEFAULT_ARGS


@dag(
    dag_id="identity_regenerate",
    dag_display_name="Identity regeneration",
    description="Each week, and on a changed knowledge base: triggers identity_sft",
    doc_md=__doc__,
    tags=["identity-ops"],
    schedule=AssetOrTimeSchedule(timetable=timetable(), assets=[KNOWLEDGE]),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=True,
    params={
        "skip_unchanged": Param(
            False,
            type="boolean",
            title="Skip unchanged",
            description="Trigger nothing where knowledge base and settings are as in the last "
            "successful run. For every run: the same key in the Variable.",
        )
    },
    default_args=DEFAULT_ARGS,
    on_failure_callback=notify_failure,
)
def identity_regenerate() -> None:
    @task(task_id="decide", inlets=[KNOWLEDGE])
    def decision() -> dict[str, Any]:
        """The run to trigger; skips, with the reason, where there is none."""
        return decide(KNOWLEDGE)

    asked: Any = decision()
    TriggerDagRunOperator(
        task_id="trigger",
        trigger_dag_id=DAG_ID,
        trigger_run_id=asked["run_id"],
        conf=asked["conf"],
        logical_date=None,
        skip_when_already_exists=True,  # a retry after it had triggered
    )


identity_regenerate()
