"""Sends the notice of a failed run to the connection in the environment, and prints what was said.

A process of its own, as describe.py.
"""

from __future__ import annotations

from types import SimpleNamespace


def main() -> None:
    """As the DAG processor does, for a run that committed nothing."""
    import airflow  # noqa: F401 - puts the plugins folder on the path
    from identity_notify import WebhookNotifier

    WebhookNotifier().notify({"dag_run": SimpleNamespace(run_id="gone")})


if __name__ == "__main__":
    main()
