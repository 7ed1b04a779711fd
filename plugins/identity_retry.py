"""What holds for every task: the project's errors mean fail or retry, results are measured."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule
from identity_metrics import measure

RETRIES = 2
RETRY_DELAY = timedelta(seconds=10)

RETRY_POLICY = ExceptionRetryPolicy(
    rules=[
        RetryRule(
            exception="identity_ops.errors.TerminalError",
            action=RetryAction.FAIL,
            reason="trying again cannot help",
        ),
        RetryRule(
            exception="identity_ops.errors.TransientError",
            action=RetryAction.RETRY,
            retry_delay=RETRY_DELAY,
            reason="trying again may help",
        ),
    ]
)

DEFAULT_ARGS = {
    "retries": RETRIES,
    "retry_delay": RETRY_DELAY,
    "retry_policy": RETRY_POLICY,
    "on_success_callback": measure,
}
