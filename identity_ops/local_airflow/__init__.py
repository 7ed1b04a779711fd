"""Airflow on its embedded default, from one command: SQLite, LocalExecutor, no server to install.

    python -m identity_ops.local_airflow run    trigger identity_sft, follow it, print the table
    python -m identity_ops.local_airflow up     Airflow with its web UI until Ctrl-C

`settings` says how Airflow is configured, `processes` starts and ends its processes,
`supervisor` keeps them alive, `instance` finds a running one or starts one, `client` speaks
Airflow's REST API, `follow` shows a run's progress. Nothing here imports Airflow: it runs as
separate processes of the same environment.
"""
