"""identity_sft: from a knowledge base to a published model that knows who it is.

Each task runs one stage of `identity_ops.pipeline.Run` and hands on where its result is, never
data. A task that finds its result committed returns it, so retries, cleared tasks and second
triggers cost nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import TriggerRule, dag, task
from identity_assets import CONVERSATIONS, KNOWLEDGE, MODEL
from identity_metrics import describe
from identity_notify import notify_failure
from identity_operators import ApproveOperator, TrainOperator
from identity_params import run_params
from identity_retry import DEFAULT_ARGS
from identity_tasks import current_run, label_batch

if TYPE_CHECKING:
    from identity_tasks import Batch

    from identity_ops.run_results import Ref


@dag(
    dag_id="identity_sft",
    dag_display_name="Identity SFT",
    description="Knowledge base in, a model that knows who it is out",
    doc_md=__doc__,
    tags=["identity-ops"],
    schedule=None,
    params=run_params(),
    default_args=DEFAULT_ARGS,
    on_failure_callback=notify_failure,
)
def identity_sft() -> None:
    @task(inlets=[KNOWLEDGE])
    def lint() -> Ref:
        """Check parameters and knowledge base; nothing is spent before this."""
        return current_run().lint()

    @task
    def plan() -> list[Batch]:
        """Draw the cells and the probes, check the teacher; one item for each batch."""
        run = current_run()
        ref = run.plan()
        return [{"batch": number, "plan": ref["digest"]} for number in range(run.config.batches)]

    @task(pool="teacher", map_index_template="{{ label }}")
    def generate(batch: Batch) -> Ref:
        """Have the teacher write one batch."""
        label_batch(run := current_run(), batch)
        return run.generate(batch["batch"])

    @task(pool="teacher")
    def refill() -> Ref:
        """Remove duplicates over all batches and top up to exactly N."""
        return current_run().refill()

    @task(outlets=[CONVERSATIONS])
    def curate() -> Ref:
        """Validate, ground and deduplicate; Parquet out."""
        return describe(CONVERSATIONS, current_run().curate())

    @task(trigger_rule=TriggerRule.NONE_FAILED)  # a skipped approval is no refusal
    def mix() -> Ref:
        """Mix identity with general chat; purge rival claims and leaked probes."""
        return current_run().mix()

    @task
    def gate() -> Ref:
        """Fail the run, keeping model and report, where the model does not know its name."""
        return current_run().gate()

    @task(outlets=[MODEL], max_active_tis_per_dag=1)  # one registry, also without a common disk
    def publish() -> Ref:
        """Publish an immutable version of the model with its lineage."""
        return describe(MODEL, current_run().publish())

    approve = ApproveOperator(task_id="approve")
    base = TrainOperator(task_id="base", stage="base")
    train = TrainOperator(task_id="train", stage="train")
    evaluate = TrainOperator(task_id="evaluate", stage="evaluate")

    checked, data, mixture = lint(), curate(), mix()
    batches = plan()
    checked >> batches
    generate.expand(batch=batches) >> refill() >> data >> approve >> mixture
    # After the plan: where it finds that no teacher can be asked, nothing is pretrained.
    batches >> base >> mixture >> train >> evaluate >> gate() >> publish()


identity_sft()
