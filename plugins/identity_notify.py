"""Tell people that a run failed, and which rules of the gate it broke.

The connection `identity_notify` says where: a webhook's address as host, its token, if it asks for
one, as password. It is sent {"text": ...}, as Slack, Mattermost and Teams' workflows take it.
Without that connection nothing is sent. For another way, set `notify_failure` to another notifier.
"""

from __future__ import annotations

from typing import Any

import requests
from airflow.sdk import BaseHook, BaseNotifier
from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.sdk.log import mask_secret
from identity_hooks import address

TIMEOUT_S = 10.0


class WebhookNotifier(BaseNotifier):
    """Posts the notice of a failed run.

    Args:
        conn_id: the connection with the webhook's address.
    """

    template_fields = ("conn_id",)

    def __init__(self, conn_id: str = "identity_notify") -> None:
        super().__init__()
        self.conn_id = conn_id

    def notify(self, context: Any) -> None:
        """Runs in the DAG processor, once for each failed run."""
        from identity_ops.notice import notice
        from identity_ops.store.depot import depot_of
        from identity_ops.store.paths import Home

        try:
            connection = BaseHook.get_connection(self.conn_id)
        except AirflowNotFoundException:
            self.log.info("No connection %s: nobody is told of the failure", self.conn_id)
            return
        home, run_id = Home.from_env(), context["dag_run"].run_id
        depot_of(home).gather(home.run(run_id))
        self._post(connection, notice(home, run_id))

    def _post(self, connection: Any, text: str) -> None:
        headers = {}
        if token := (connection.password or "").strip():
            mask_secret(token)
            headers["Authorization"] = f"Bearer {token}"
        try:
            reply = requests.post(
                address(connection) or "", json={"text": text}, headers=headers,
                timeout=TIMEOUT_S, allow_redirects=False,
            )  # fmt: skip
            told, outcome = reply.status_code < 300, f"HTTP {reply.status_code}"
        except requests.RequestException as error:
            # The address itself may be the secret, as Slack's is: no line shows it.
            told, outcome = False, type(error).__name__
        if told:
            self.log.info("Told of the failure: %s", outcome)
        else:
            self.log.error("Nobody could be told by %s: %s", self.conn_id, outcome)


notify_failure = WebhookNotifier()
