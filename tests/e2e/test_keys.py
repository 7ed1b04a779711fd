"""Keys under a real executor: a connection wins, is checked once, and its key stays in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.conftest import Stage, until
from tests.e2e.connections import call, connection, hook_types, leaks, without_training
from tests.loopback import KEY, Fault, Provider, serve

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
OWN_KEY = "planted-in-a-connection-5b1f0c9e77"
CONF = {"teacher": "openrouter", "num_conversations": 36, "batch_size": 6, "workers": 8}
OVER = ("success", "failed", "upstream_failed", "skipped")


@pytest.fixture
def provider() -> Iterator[Provider]:
    """Another provider than that of the environment, with another key."""
    with serve(Provider(key=OWN_KEY)) as found:
        yield found


@pytest.fixture(autouse=True)
def _data_only(stage: Stage) -> Iterator[None]:
    with without_training(stage):
        yield


def finish(stage: Stage, run_id: str, task_id: str) -> str:
    """The state in which a task ends; the run is stopped then."""
    until(lambda: all(t.state in OVER for t in stage.tasks(run_id).get(task_id, [])), task_id, 120)
    state = stage.tasks(run_id)[task_id][0].state
    stage.client.fail(run_id, "seen enough")
    return state


def log_of(stage: Stage, run_id: str, task_id: str) -> str:
    """The first instance's log, as one text."""
    task = stage.tasks(run_id)[task_id][0]
    return " ".join(str(line) for line in stage.client.log(run_id, task))


def test_a_connection_wins_and_its_key_stays_in_it(stage: Stage, provider: Provider) -> None:
    """All requests go to the connection's address, within the workers of all tasks together; the
    key is in no file, row or command line. Labels and log lines say what a person looks for."""
    provider.delay_s = 1.2
    before = len(stage.provider.posts) + len(stage.provider.gets)
    with connection(stage, "openrouter", provider.url, OWN_KEY):
        stage.client.trigger(CONF, "by-connection")
        until(lambda: len(provider.posts) > 8, "requests", 60)
        assert leaks(stage, OWN_KEY, KEY) == []  # while tasks are at work, too
        assert finish(stage, "by-connection", "curate") == "success"
    assert len(stage.look("by-connection").manifest("curate").files) > 2
    assert sum(provider.paid.values()) >= 36
    assert len(stage.provider.posts) + len(stage.provider.gets) == before
    assert 2 < provider.most_in_flight <= 8
    labels = {task.label for task in stage.tasks("by-connection")["generate"]}
    assert {"batch 1: conversations 0-5", "batch 6: conversations 30-35"} <= labels
    said = log_of(stage, "by-connection", "generate")
    assert "/6 accepted" in said
    assert "in flight" in said
    assert leaks(stage, OWN_KEY, KEY) == []
    assert {found.split()[0] for found in leaks(stage, "by-connection")} == {"file", "database"}


def test_a_wrong_key_is_one_request_and_no_task(stage: Stage, provider: Provider) -> None:
    """`plan` fails before anything is mapped, without a retry, and says what to do; the key that
    the provider quotes in its refusal goes nowhere."""
    wrong = "mistyped-key-0f3a99d1c4"
    with connection(stage, "openrouter", provider.url, wrong):
        stage.client.trigger(CONF, "wrong-key")
        assert stage.wait("wrong-key") == "failed"
    plan = stage.tasks("wrong-key")["plan"][0]
    assert (plan.state, plan.tries) == ("failed", 1)
    assert (provider.gets, provider.posts) == (["/api/v1/key"], [])
    assert stage.tasks("wrong-key")["generate"][0].state == "upstream_failed"
    assert [task.map_index for task in stage.tasks("wrong-key")["generate"]] == [-1]
    assert "AuthError" in (said := log_of(stage, "wrong-key", "plan"))
    assert "Check the key" in said
    assert stage.tasks("wrong-key")["base"][0].state == "upstream_failed"
    assert leaks(stage, wrong) == []


def test_a_key_refused_in_mid_run_leaks_nothing(stage: Stage, provider: Provider) -> None:
    """The exception path: traceback, log and database stay clean of the key that is quoted."""
    quoted = {"error": {"code": 401, "message": f"Bearer {OWN_KEY} was revoked ({OWN_KEY})"}}
    provider.faults.extend([Fault()] * 5 + [Fault(status=401, body=quoted)] * 200)
    conf = CONF | {"seed": 11, "batch_size": 36}
    with connection(stage, "openrouter", provider.url, OWN_KEY):
        stage.client.trigger(conf, "revoked")
        assert finish(stage, "revoked", "generate") == "failed"
    assert stage.tasks("revoked")["generate"][0].tries == 1
    assert "revoked" in log_of(stage, "revoked", "generate")
    assert leaks(stage, OWN_KEY) == []


@pytest.mark.parametrize("teacher", ["openrouter", "gemini", "openai"])
def test_the_test_button_tells_a_good_key_from_a_bad_one(
    stage: Stage, provider: Provider, teacher: str
) -> None:
    """Airflow's own endpoint behind the button asks the provider."""
    host = provider.gemini_url if teacher == "gemini" else provider.url
    good = _press(stage, teacher, host, OWN_KEY)
    assert good["status"] is True, good
    if teacher == "openai":  # its page of models is OpenRouter's too, which asks for no key
        provider.models_reply = (401, {"error": {"message": "Incorrect API key: mistyped-key"}})
    bad = _press(stage, teacher, host, "mistyped-key-0f3a99d1c4")
    assert bad["status"] is False
    assert "key" in bad["message"]
    assert "mistyped-key-0f3a99d1c4" not in bad["message"]


def test_the_connection_form_offers_the_teachers(stage: Stage) -> None:
    """By name, with a field for the address and one for the key, and nothing else."""
    types = {row["connection_type"]: row for row in hook_types(stage)}
    names = {teacher: types[teacher]["hook_name"] for teacher in ("openrouter", "gemini", "openai")}
    assert names["openai"] == "OpenAI-compatible server"
    for teacher in names:
        fields = types[teacher]["standard_fields"]
        assert (fields["host"]["title"], fields["password"]["title"]) == ("Address", "API key")
        assert fields["login"]["hidden"]
        assert fields["port"]["hidden"]


def test_an_address_may_come_in_parts(stage: Stage, provider: Provider) -> None:
    """Protocol, host and port in fields of their own, as other connections have them."""
    rest, _, path = provider.url.removeprefix("http://").partition("/")
    host, _, port = rest.partition(":")
    body = {"connection_id": "being_edited", "conn_type": "openrouter", "schema": "http",
            "host": f"{host}/{path}", "port": int(port), "password": OWN_KEY}  # fmt: skip
    assert call(stage, "POST", "/connections/test", json=body)["status"] is True
    assert provider.gets == ["/api/v1/key"]


def test_the_test_button_says_when_nobody_answers(stage: Stage) -> None:
    """An address with a typing mistake is no wrong key."""
    said = _press(stage, "openrouter", "http://127.0.0.1:9/api/v1", OWN_KEY)
    assert said["status"] is False
    assert "connect" in said["message"]


def _press(stage: Stage, teacher: str, host: str, password: str) -> dict[str, Any]:
    body = {"connection_id": "being_edited", "conn_type": teacher, "host": host,
            "password": password}  # fmt: skip
    found: dict[str, Any] = call(stage, "POST", "/connections/test", json=body)
    return found
