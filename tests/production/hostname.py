"""How each worker is named, on a machine that all of them share; Airflow calls it."""

from __future__ import annotations

import os


def name() -> str:
    """As a container is named after its service."""
    return os.environ["SERVICE"]
