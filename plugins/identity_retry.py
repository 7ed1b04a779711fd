"""What holds for every task: the project's errors mean fail or retry, results are measured.

A task that hangs is ended after IDENTITY_TASK_TIMEOUT_HOURS and tried again from where it was. The
default is shorter than the week after which Celery would deliver the task a second time.
"""

from __future__ import annotations

import os
from datetime import timedelta

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule
from identity_metrics import measure

RETRIES = 2
RETRY_DELAY = timedelta(seconds=10)
TIMEOUT = timedelta(hours=float(os.environ.get("IDENTITY_TASK_TIMEOUT_HOURS") or 144))

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
    "execution_timeout": TIMEOUT,
    "on_success_callback": measure,
}
