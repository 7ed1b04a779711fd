"""How the suite is spread over two processes: a file stays together, all of Airflow in one."""

from __future__ import annotations

from pathlib import Path

import pytest

AIRFLOW = {"e2e", "dag", "local_airflow"}  # folders whose tests start servers of Airflow
FOLDER = Path(__file__).parent


def pytest_itemcollected(item: pytest.Item) -> None:
    """Before the groups are read."""
    item.add_marker(pytest.mark.xdist_group(_group(item.path)))


@pytest.hookimpl(trylast=True)  # after the order was shuffled
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Airflow's group, the longest, comes first, so that it is not what is left at the end."""
    items.sort(key=lambda item: _group(item.path) != "airflow")


def _group(path: Path) -> str:
    inside = path.relative_to(FOLDER)
    return "airflow" if inside.parts[0] in AIRFLOW else str(inside)
