"""An OpenAI-compatible server: the same client without OpenRouter's extras."""

from __future__ import annotations

from pathlib import Path

import pytest

from identity_ops.errors import AuthError, ConfigError
from identity_ops.teachers.base import TeacherConfig
from identity_ops.teachers.openai import OpenAITeacher
from identity_ops.teachers.spend import Price
from tests.loopback import KEY, Fault, serve
from tests.scene import account, cell, knowledge, settings


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def test_request_has_no_keys_of_other_providers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Servers refuse fields they do not know."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with serve() as provider:
        teacher = OpenAITeacher(settings(provider, name="openai", model="m"), knowledge(tmp_path))
        response = teacher.complete(cell(), 0, account())
        teacher.close()
    assert not {"provider", "usage"} & provider.posts[0].keys()
    assert provider.posts[0]["model"] == response.model == "m"


def test_cost_comes_from_the_price_where_the_server_says_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Local servers report tokens alone."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with serve() as provider:
        provider.faults.append(Fault(change=lambda p: p["usage"].pop("cost")))
        config = settings(
            provider, name="openai", model="m", price=Price(prompt=1.0, completion=10.0, request=0)
        )
        teacher = OpenAITeacher(config, knowledge(tmp_path))
        response = teacher.complete(cell(), 0, account())
        teacher.close()
    assert response.cost_usd == pytest.approx(0.002)


def test_openai_itself_is_asked_by_the_name_its_models_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its reasoning models refuse `max_tokens`; servers like it may know no other name."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    asked = {}
    for url in ("https://api.openai.com/v1/", "http://127.0.0.1:1/v1"):
        config = TeacherConfig.of(name="openai", model="gpt-5-mini", base_url=url, max_tokens=99)
        teacher = OpenAITeacher(config, knowledge(tmp_path))
        asked[url] = {name for name, value in teacher.request(cell()).items() if value == 99}
        teacher.close()
    assert list(asked.values()) == [{"max_completion_tokens"}, {"max_tokens"}]


def test_loopback_server_needs_no_key(tmp_path: Path) -> None:
    """Ollama and llama.cpp ask for none; then no header is sent."""
    with serve() as provider:
        provider.key = None
        teacher = OpenAITeacher(settings(provider, name="openai", model="m"), knowledge(tmp_path))
        teacher.preflight()
        assert teacher.complete(cell(), 0, account()).finish_reason == "stop"
        teacher.close()


def test_public_server_needs_a_key(tmp_path: Path) -> None:
    """Beyond loopback a missing key is found before any request."""
    with serve() as provider:
        config = settings(provider, name="openai", model="m")
    config = config.model_copy(update={"base_url": "https://api.example.com/v1"})
    teacher = OpenAITeacher(config, knowledge(tmp_path))
    with pytest.raises(AuthError, match="OPENAI_API_KEY"):
        teacher.preflight()
    teacher.close()


def test_model_must_be_named(tmp_path: Path) -> None:
    """Nobody can guess what a local server serves."""
    with serve() as provider, pytest.raises(ConfigError, match="--model"):
        OpenAITeacher(settings(provider, name="openai"), knowledge(tmp_path))
