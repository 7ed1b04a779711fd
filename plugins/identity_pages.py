"""The application behind `identity_web`: the pages, and who may see and do what.

Whoever may read runs of `identity_sft` may read the pages; whoever may edit that DAG may promote
and roll back. Airflow's own checks decide, on every path below the mount, known or not. Changes
are POSTs that must come from these pages: a browser's sign-in alone is not enough.
"""

from __future__ import annotations

from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from airflow.api_fastapi.logging.decorators import action_logging
from airflow.configuration import conf
from fastapi import Depends, FastAPI, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from identity_ops.dashboard import data, pages
from identity_ops.dashboard.fresh import current_home
from identity_ops.errors import BusyError, IdentityError
from identity_ops.registry import promote, rollback
from identity_ops.runs import DAMAGED

DAG_ID: Final = "identity_sft"
SELF_ONLY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'self'"
)
# A report carries its style with it. Nothing in it runs, and it is apart from Airflow's origin.
REPORT_ONLY: Final = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"

readable = requires_access_dag("GET", DagAccessEntity.RUN, param_dag_id=DAG_ID)
writable = requires_access_dag("PUT", param_dag_id=DAG_ID)
app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, dependencies=[Depends(readable)])
Text = Annotated[str, Form(max_length=200)]


def from_our_pages(request: Request) -> None:
    """Refuse a change that another site, or another port of this host, had the browser ask for.

    A client that sends its token in a header is no browser led astray.

    Raises:
        HTTPException: 403.
    """
    if "authorization" in request.headers:
        return
    origin = urlsplit(request.headers.get("origin", "")).netloc
    ours = {request.headers.get("host"), urlsplit(conf.get("api", "base_url", fallback="")).netloc}
    if not origin or origin not in ours:
        raise HTTPException(403, "Changes must come from Airflow's own pages")


@app.get("/")
def overview(request: Request) -> Response:
    return _page(pages.overview(current_home(), _root(request)))


@app.get("/style.css")
def style() -> Response:
    return Response(pages.style(), media_type="text/css")


@app.get("/reports/{digest}")
def report(digest: str, request: Request) -> Response:
    return _report(lambda home: data.report(home, digest), request)


@app.get("/dag-runs")
def dag_run(request: Request, dag_id: str = "", run_id: str = "") -> Response:
    """The tab at a DAG run: of any DAG, so most of them have no report."""
    if dag_id != DAG_ID:
        text = f"Reports are made by {DAG_ID}."
        return _page(pages.message(_root(request), "No report", text))
    return _report(lambda home: data.report_of_run(home, run_id), request)


@app.get("/models")
def models(request: Request, user: GetUserDep) -> Response:
    may_write = get_auth_manager().is_authorized_dag(
        method="PUT", details=DagDetails(id=DAG_ID), user=user
    )
    return _page(pages.models(current_home(), _root(request), may_write=may_write))


CHANGES: Final = [Depends(writable), Depends(from_our_pages)]


@app.post("/models/promote", dependencies=[*CHANGES, Depends(action_logging("identity_promote"))])
def promote_version(request: Request, user: GetUserDep, name: Text, version: Text) -> Response:
    return _change(request, lambda home: promote(home, name, version, why=_by(user)))


@app.post("/models/rollback", dependencies=[*CHANGES, Depends(action_logging("identity_rollback"))])
def roll_back(request: Request, user: GetUserDep, name: Text) -> Response:
    return _change(request, lambda home: rollback(home, name, why=_by(user)))


@app.api_route("/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def nothing(path: str) -> Response:  # noqa: ARG001 - any path
    """So that a stranger cannot tell what there is: the check comes before the 404."""
    raise HTTPException(404)


def _change(request: Request, change: Any) -> Response:
    home, root = current_home(), _root(request)
    try:
        change(home)
    except (IdentityError, OSError) as error:  # OSError: a state folder mounted read-only here
        status = 503 if isinstance(error, BusyError | OSError) else 409
        return _page(pages.models(home, root, may_write=True, problem=str(error)), status)
    return RedirectResponse(f"{root}/models", 303)


def _report(make: Any, request: Request) -> Response:
    try:
        return _page(make(current_home()), policy=REPORT_ONLY)
    except DAMAGED as error:
        return _page(pages.message(_root(request), "No report", str(error)), 404)


def _page(html: str, status: int = 200, *, policy: str = SELF_ONLY) -> Response:
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
    return HTMLResponse(html, status, headers)


def _root(request: Request) -> str:
    return str(request.scope["root_path"])


def _by(user: Any) -> str:
    return f"by {user.get_name()} in the web UI"
