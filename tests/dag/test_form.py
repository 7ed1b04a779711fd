"""The trigger form over Airflow's own API: what it offers, and how it refuses bad values."""

from __future__ import annotations

import json
from typing import Any

import pytest

from identity_ops.config import RunConfig
from tests.dag.server import Web
from tests.dashboard.conftest import NAME

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

BAD: dict[str, list[Any]] = {  # one wrong type, and a value out of bounds where there are any
    "knowledge": [7, ""],
    "probes": [7],
    "teacher": ["bard", None],
    "teacher_model": [7, "", "a\r\nb"],
    "num_conversations": [0, 100_001, 1.5, "many"],
    "batch_size": [0, 5001, "x"],
    "temperature": [-0.1, 2.1, "hot"],
    "catalogue": [7],
    "prompt_file": [7],
    "personality": [7, "", "x" * 501],
    "ascii": ["latin"],
    "curate_judge": [7, "", "template", "openrouter:", "gemini:a\r\nb"],
    "workers": [0, 513],
    "max_cost_usd": [-1, "five"],
    "price": ["1", "a:b", 3],
    "max_requests_per_day": [0, 1.5],
    "seed": [-1, 0.5, 2**32],
    "general": ["builtin", [], [7]],
    "identity_share": [0, 1.1],
    "base_model": [7, ""],
    "chat_template": [7],
    "zero_stage": [4, -1, "2"],
    "num_processes": [0, 65],
    "epochs": [0, 1001],
    "learning_rate": [0, 2],
    "hostfile": [7],
    "offload": ["cpu"],
    "track": ["mlflow", None],
    "rounds": [0, 11],
    "round_conversations": [0],
    "require_approval": ["yes", 1],
    "min_name_accuracy": [-0.1, 1.1],
    "samples": [-1, 51],
    "control": ["yes", 1],
    "rules": [7],
    "publish_as": ["", "x" * 81, "two\nlines"],
    "force": ["lint", ["lunch"]],
}


def _trigger(web: Web, conf: dict[str, Any]) -> tuple[int, str]:
    body = {"logical_date": None, "conf": conf}
    reply = web.api("POST", "/dags/identity_sft/dagRuns", body)
    return reply.status_code, str(reply.json().get("detail", ""))


def test_each_field_has_a_bad_value_here() -> None:
    """A new field must be added to the table."""
    assert set(BAD) == set(RunConfig.model_fields)


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, values in BAD.items() for v in values])
def test_a_bad_value_is_refused_before_a_run_exists(web: Web, name: str, value: Any) -> None:
    """400, naming the field and what was wrong with the value."""
    status, detail = _trigger(web, {name: value})
    assert status == 400, detail
    assert name in detail
    assert len(detail.splitlines()[0]) < 700


def test_a_good_conf_is_taken(web: Web) -> None:
    """The table above would pass where everything is refused."""
    status, detail = _trigger(web, {"num_conversations": 20, "teacher": "template"})
    assert status == 200, detail


def test_the_form_offers_what_is_there_and_takes_other_values(web: Web) -> None:
    """Knowledge bases on disk and models published under this state folder, as proposals."""
    params = web.api("GET", "/dags/identity_sft/details").json()["params"]
    offered = {name: param["schema"].get("examples", []) for name, param in params.items()}
    assert {"self_knowledge.md", "examples/aurora_desk.md"} <= set(offered["knowledge"])
    assert NAME in offered["publish_as"]
    assert "tiny" in offered["base_model"]
    for name in ("knowledge", "publish_as", "base_model"):
        assert "enum" not in params[name]["schema"]
    assert json.dumps(params).count('"section"') == len(params)
