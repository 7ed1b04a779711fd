"""The decision of `identity_regenerate`: what Airflow knows goes to the library, and back."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk import Asset, CronTriggerTimetable, Variable, get_current_context
from airflow.sdk.exceptions import AirflowSkipException, AirflowTimetableInvalid

from identity_ops.errors import ConfigError

if TYPE_CHECKING:
    from identity_ops.regenerate import Cause, Made

DAG_ID: Final = "identity_sft"
SCHEDULE: Final = "identity_regenerate_schedule"  # Variable; in upper case the environment's
WEEKLY: Final = "0 3 * * 1"  # Mondays, in the first hours of the ISO week, UTC
HISTORY: Final = "triggered"  # key in the asset's store
KEPT: Final = 20  # entries of the history
CAUSES: Final[Mapping[str, Cause]] = {"scheduled": "schedule", "asset_triggered": "knowledge"}


def timetable() -> CronTriggerTimetable:
    """The schedule: of the Variable, else of the environment, else weekly; cron, in UTC.

    Raises:
        ConfigError: not a cron expression; Airflow shows it as this DAG's import error.
    """
    named = os.environ.get(SCHEDULE.upper()) or WEEKLY
    cron = Variable.get(SCHEDULE, default=named)
    # Switched on between two dates, it waits for the next: left out, a recent date counts too.
    found = CronTriggerTimetable(cron, timezone="UTC", run_immediately=timedelta())
    try:
        found.validate()
    except AirflowTimetableInvalid:
        raise ConfigError(
            "not a cron expression", where=f"Variable {SCHEDULE} or {SCHEDULE.upper()}",
            expected="five fields, as 0 3 * * 1", got=cron,
        ) from None  # fmt: skip
    return found


def decide(knowledge: Asset) -> dict[str, Any]:
    """The run to trigger: its id and conf.

    Raises:
        AirflowSkipException: none; says why.
        ConfigError: the Variable is wrong, or the trigger's conf.
    """
    from identity_ops import regenerate
    from identity_ops.regenerate import Made, Settings
    from identity_ops.store.paths import Home

    context: Any = get_current_context()
    run, store = context["dag_run"], context["asset_state_store"][knowledge]
    regenerate.refuse_unknown(run.conf or {})
    settings = Settings.parse(Variable.get(regenerate.VARIABLE, default="{}"))
    asked = regenerate.wanted(settings, run.run_after, Home.from_env())
    past = existing(context["ti"], store.get(HISTORY) or [])
    reason = regenerate.reason_to_skip(
        asked, CAUSES.get(run.run_type, "person"), past,
        skip_unchanged=settings.skip_unchanged or context["params"]["skip_unchanged"],
    )  # fmt: skip
    if reason:
        raise AirflowSkipException(reason)
    records = [made.record() for made in past if made.run_id != asked.run_id]
    store.set(HISTORY, [*records, Made.of(asked).record()][-KEPT:])
    return {"run_id": asked.run_id, "conf": dict(asked.conf)}


def existing(ti: Any, records: Sequence[Mapping[str, Any]]) -> list[Made]:
    """The triggered runs that are there: one deleted since, or never begun, counts for nothing."""
    from identity_ops.regenerate import Made

    def count(record: Mapping[str, Any], **states: Any) -> int:
        return int(ti.get_dr_count(DAG_ID, run_ids=[record["run_id"]], **states))

    return [
        Made(**record, succeeded=count(record, states=["success"]) == 1)
        for record in records
        if count(record)
    ]
