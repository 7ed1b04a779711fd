"""The pages over a real api-server: who may see, who may change, and what a browser makes of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from identity_ops import registry
from tests.browser import PROGRAM, chromium
from tests.dag.server import Web
from tests.dashboard.conftest import HOSTILE, NAME
from tests.e2e.conftest import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
READ = ("/", "/models", "/style.css", "/dag-runs?dag_id=identity_sft&run_id=r1")
HIDDEN = ("/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect", "/static/x", "/..%2fetc")


def _versions(web: Web) -> list[str]:
    return registry.versions(web.home, NAME)


@pytest.mark.parametrize("path", [*READ, *HIDDEN, "/reports/" + "0" * 64])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_a_stranger_is_refused_everywhere(web: Web, path: str, method: str) -> None:
    """Known path or not, documentation, style sheet: nothing below the mount answers."""
    reply = web.ask("", path, method)
    assert reply.status_code in {401, 405}
    assert len(reply.content) < 100


@pytest.mark.parametrize("change", ["promote", "rollback"])
def test_only_who_may_edit_the_dag_may_change_a_model(web: Web, change: str) -> None:
    """A stranger and a viewer change nothing, by header or cookie, with the right origin too."""
    before, data = web.in_force(), {"name": NAME, "version": _versions(web)[0]}
    for who, cookie, status in (("", False, 401), ("viewer", False, 403), ("viewer", True, 403)):
        reply = web.ask(who, f"/models/{change}", "POST", data=data, cookie=cookie, Origin=web.url)
        assert reply.status_code == status
    assert web.in_force() == before


def test_no_change_by_a_link(web: Web) -> None:
    """A GET changes nothing, so no picture or link in a page can."""
    before = web.in_force()
    for path in ("/models/promote", "/models/rollback"):
        assert web.ask("admin", f"{path}?name={NAME}&version=1").status_code == 404
    assert web.in_force() == before


@pytest.mark.parametrize(
    "origin", [{}, {"Origin": "null"}, {"Origin": "https://evil.example"},
               {"Origin": "http://127.0.0.1:1"}],
)  # fmt: skip
def test_another_site_cannot_use_a_browser_s_sign_in(web: Web, origin: dict[str, str]) -> None:
    """Nor can another port of this host, whose requests carry the cookie."""
    before, data = web.in_force(), {"name": NAME, "version": _versions(web)[0]}
    reply = web.ask("admin", "/models/promote", "POST", data=data, cookie=True, **origin)
    assert reply.status_code == 403
    assert web.in_force() == before


def test_an_admin_promotes_and_rolls_back(web: Web) -> None:
    """By our page's form, which a browser sends with its origin. Who did it is written down."""
    first, second = _versions(web)
    assert web.in_force() == second
    data = {"name": NAME, "version": first}
    reply = web.ask("admin", "/models/promote", "POST", data=data, cookie=True, Origin=web.url)
    assert (reply.status_code, reply.headers["Location"]) == (303, "/identity/models")
    assert web.in_force() == first
    web.ask("admin", "/models/rollback", "POST", data={"name": NAME})
    assert web.in_force() == second
    assert "by admin" in registry.read_state(web.home, NAME).events[-1].why
    log = web.api("GET", "/eventLogs?event=identity_promote").json()
    assert log["event_logs"][-1]["owner"] == "admin"


@pytest.mark.parametrize(
    ("name", "version"), [(NAME, "v9999"), ("../../runs/r1", "1"), (HOSTILE, "1"), (NAME, "")]
)
def test_what_is_not_there_cannot_be_promoted(web: Web, name: str, version: str) -> None:
    """The page says why; a path as a name leads nowhere, and is shown as text."""
    before, data = web.in_force(), {"name": name, "version": version}
    reply = web.ask("admin", "/models/promote", "POST", data=data)
    assert reply.status_code in {409, 422}
    assert "<script" not in reply.text
    assert web.in_force() == before


def test_a_viewer_reads_and_has_no_buttons(web: Web) -> None:
    for path in READ:
        assert web.ask("viewer", path).ok, path
    assert "<form" not in web.ask("viewer", "/models").text
    assert "<form" in web.ask("admin", "/models").text
    for path in HIDDEN:
        assert web.ask("viewer", path).status_code == 404, path


def test_a_report_opens_by_its_id_and_can_run_nothing(web: Web) -> None:
    """Should an answer ever get past the escaping, the browser still refuses to run it."""
    page = web.ask("viewer", "/").text
    for digest in re.findall(r"/identity/reports/([0-9a-f]{64})", page):
        reply = web.ask("viewer", f"/reports/{digest}")
        assert "Identity report" in reply.text
        assert reply.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    for path in ("/reports/..%2f..%2fetc%2fpasswd", "/dag-runs?dag_id=identity_sft&run_id=../x"):
        assert web.ask("viewer", path).status_code == 404


def test_a_tab_at_another_dag_s_run_says_so(web: Web) -> None:
    reply = web.ask("viewer", "/dag-runs?dag_id=other&run_id=r1")
    assert "Reports are made by identity_sft" in reply.text


def test_airflow_shows_the_pages_in_its_navigation(web: Web) -> None:
    """The link in the menu, and the tab at a run."""
    plugins = web.api("GET", "/plugins").json()["plugins"]
    views = next(p for p in plugins if p["name"] == "identity_ops")["external_views"]
    assert {view["destination"] for view in views} == {"nav", "dag_run"}
    assert next(v for v in views if v["destination"] == "nav")["href"] == "/identity/"


@pytest.mark.skipif(not PROGRAM, reason="no Chromium")
def test_in_a_browser_nothing_hostile_runs_and_the_buttons_work(web: Web, tmp_path: Path) -> None:
    """Inside Airflow's own frame: its sandbox must let our forms through, in light and dark."""
    first, second = _versions(web)
    with chromium(tmp_path) as browser:
        tab = browser.tab
        tab.call("Network.setCookie", name="_token", value=web.tokens["admin"], url=web.url,
                 httpOnly=True, sameSite="Lax")  # fmt: skip
        for path in ("/", "/dag-runs?dag_id=identity_sft&run_id=r1"):
            tab.open(f"{web.url}/identity{path}")
            assert tab.js("document.title") != "hacked"
        backs = {}
        for dark in (False, True):
            tab.look(1200, 800, dark=dark)
            tab.open(f"{web.url}/plugin/identity")
            tab.wait("!!document.querySelector('iframe')?.contentDocument?.querySelector('table')")
            frame = "document.querySelector('iframe').contentDocument"
            backs[dark] = tab.js(f"getComputedStyle({frame}.body).backgroundColor")
        assert backs[False] != backs[True]
        tab.js(f"{frame}.querySelector('nav a[href$=models]').click()")
        tab.wait(f"!!{frame}.querySelector('form[action$=promote]')")
        tab.js(f"{frame}.body.id = 'before'")  # the page that the click replaces
        tab.js(f"{frame}.querySelector('form[action$=promote] button').click()")
        until(lambda: web.in_force() == first, "promotion by a click")
        tab.wait(f"!!{frame}.querySelector('body:not(#before) form[action$=rollback]')")
        tab.js(f"{frame}.querySelector('form[action$=rollback] button').click()")
        until(lambda: web.in_force() == second, "roll-back by a click")
