"""The one place that maps the project's errors to Airflow's fail or retry."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

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

DEFAULT_ARGS = {"retries": RETRIES, "retry_delay": RETRY_DELAY, "retry_policy": RETRY_POLICY}
