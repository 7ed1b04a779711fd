"""Operators that a decorated function cannot express: one that cleans up, one that asks a person.

No task process imports torch: training runs in processes of its own, so that CUDA is never
initialised in a fork and a killed task frees the device.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowSkipException
from identity_tasks import run_of

GPU = "gpu"  # queue of the workers that carry torch, and pool with one slot for each device
APPROVAL_TIMEOUT = timedelta(days=3)


class TrainOperator(BaseOperator):
    """A stage that runs a model in processes of its own: base, train or evaluate.

    Args:
        stage: the method of Run.
    """

    ui_color = "#d9ead3"

    def __init__(self, *, stage: str, **kwargs: Any) -> None:
        super().__init__(queue=GPU, pool=GPU, **kwargs)
        self.stage = stage

    def execute(self, context: Any) -> Any:
        method: Callable[..., Any] = getattr(run_of(context), self.stage)
        return method(on_line=self.log.info)

    def on_kill(self) -> None:
        """End the processes of this task: Airflow kills only the task's own, after 5 s."""
        import psutil

        from identity_ops import launch

        markers = {""}
        for child in psutil.Process().children():
            with contextlib.suppress(psutil.Error):  # one that has just ended has no environment
                markers.add(child.environ().get(launch.MARKER, ""))
        for marker in markers - {""}:
            launch.stop(marker)


class ApproveOperator(ApprovalOperator):
    """Waits for a person where the run asks for that, and is skipped where it does not."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            subject="Train on this data?",
            fail_on_reject=True,
            response_timeout=APPROVAL_TIMEOUT,
            retries=0,
            **kwargs,
        )

    def execute(self, context: Any) -> Any:
        run = run_of(context)
        if not run.config.require_approval:
            raise AirflowSkipException("no approval asked for")
        self.body = run.approve_text()
        return super().execute(context)
