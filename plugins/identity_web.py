"""The pages in Airflow's web UI: a link in the navigation, and a tab at each DAG run; the pools.

Every process of Airflow loads this file; only the api-server needs the application, which is
imported at the first request.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

import identity_pools
from airflow.configuration import conf
from airflow.plugins_manager import AirflowPlugin

PREFIX: Final = "/identity"


async def application(scope: Any, receive: Any, send: Any) -> None:
    """The ASGI application of `identity_pages`."""
    from identity_pages import app

    await app(scope, receive, send)


def _href(path: str) -> str:
    """A path below the mount as a browser asks for it, behind a proxy's prefix too."""
    return urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/") + PREFIX + path


class IdentityPlugin(AirflowPlugin):
    """What Airflow is to add."""

    name = "identity_ops"
    listeners = [identity_pools]  # noqa: RUF012
    fastapi_apps = [{"app": application, "url_prefix": PREFIX, "name": "identity-ops"}]  # noqa: RUF012
    external_views = [  # noqa: RUF012
        {"name": "Identity", "href": _href("/"), "destination": "nav", "category": "browse",
         "url_route": "identity"},
        {"name": "Identity report", "href": _href("/dag-runs?dag_id={DAG_ID}&run_id={RUN_ID}"),
         "destination": "dag_run", "url_route": "identity-report"},
    ]  # fmt: skip
