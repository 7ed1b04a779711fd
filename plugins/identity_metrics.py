"""What each finished task made, as Airflow metrics and as metadata of the assets.

Gauges `identity_ops.<stage>.<number>`, sent where Airflow has a metrics backend (StatsD or
OpenTelemetry, `[metrics]`): rows, cost_usd, seconds, tokens_per_s, name_accuracy, fact_recall.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, get_current_context
from airflow.sdk.observability import stats

if TYPE_CHECKING:
    from identity_ops.run_results import Ref


def measure(context: Any) -> None:
    """on_success_callback of every task: a task that returned no result sends nothing."""
    from identity_ops.metrics import measures_of

    ti = context["ti"]
    ref = ti.xcom_pull(task_ids=ti.task_id, map_indexes=ti.map_index, default=None)
    if isinstance(ref, dict) and "manifest" in ref:
        stage, numbers = measures_of(ref["manifest"])
        for name, value in numbers.items():
            stats.gauge(f"identity_ops.{stage}.{name}", value)


def describe(asset: Asset, ref: Ref) -> Ref:
    """Show the result's numbers at the asset's event, and hand the result on."""
    from identity_ops.metrics import measures_of

    context: Any = get_current_context()
    _, numbers = measures_of(ref["manifest"])
    extra = {"run": context["run_id"], "digest": ref["digest"], **numbers}
    context["outlet_events"][asset].extra = extra
    return ref
