"""identity_sft: from a knowledge base to a published model that knows who it is.

Each task runs one stage of `identity_ops.pipeline.Run` and hands on where its result is, never
data. A task that finds its result committed returns it, so retries, cleared tasks and second
triggers cost nothing.
"""

from __future__ import annotations

from airflow.sdk import Asset, TriggerRule, dag, get_current_context, task
from identity_operators import ApproveOperator, TrainOperator
from identity_params import run_params
from identity_retry import DEFAULT_ARGS
from identity_tasks import current_run

CONVERSATIONS = Asset("identity_conversations", "identity-ops://conversations")
MODEL = Asset("identity_model", "identity-ops://model")


@dag(
    dag_id="identity_sft",
    dag_display_name="Identity SFT",
    description="Knowledge base in, a model that knows who it is out",
    doc_md=__doc__,
    tags=["identity-ops"],
    schedule=None,
    params=run_params(),
    default_args=DEFAULT_ARGS,
)
def identity_sft():
    @task
    def lint():
        """Check parameters and knowledge base; nothing is spent before this."""
        return current_run().lint()

    @task
    def plan():
        """Draw the conversations' cells and the probes; one item for each batch."""
        run = current_run()
        ref = run.plan()
        return [{"batch": number, **ref} for number in range(run.config.batches)]

    @task(pool="teacher", map_index_template="{{ conversations }}")
    def generate(batch):
        """Have the teacher write one batch."""
        run, number = current_run(), batch["batch"]
        size, total = run.config.batch_size, run.config.num_conversations
        last = min((number + 1) * size, total)
        get_current_context()["conversations"] = f"{number * size + 1}-{last}"
        return run.generate(number)

    @task(pool="teacher")
    def refill():
        """Remove duplicates over all batches and top up to exactly N."""
        return current_run().refill()

    @task(outlets=[CONVERSATIONS])
    def curate():
        """Validate, ground and deduplicate; Parquet out."""
        return current_run().curate()

    @task(trigger_rule=TriggerRule.NONE_FAILED)  # a skipped approval is no refusal
    def mix():
        """Mix identity with general chat; purge rival claims and leaked probes."""
        return current_run().mix()

    @task
    def gate():
        """Fail the run, keeping model and report, where the model does not know its name."""
        return current_run().gate()

    @task(outlets=[MODEL])
    def publish():
        """Publish an immutable version of the model with its lineage."""
        return current_run().publish()

    approve = ApproveOperator(task_id="approve")
    base = TrainOperator(task_id="base", stage="base")
    train = TrainOperator(task_id="train", stage="train")
    evaluate = TrainOperator(task_id="evaluate", stage="evaluate")

    checked, data, mixture = lint(), curate(), mix()
    batches = plan()
    checked >> batches
    generate.expand(batch=batches) >> refill() >> data >> approve >> mixture
    checked >> base >> mixture >> train >> evaluate >> gate() >> publish()


identity_sft()
