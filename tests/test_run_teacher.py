"""The teacher of a run: where its key comes from, what its settings reach, what tasks share."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from identity_ops.config import TEACHER_SLOTS
from identity_ops.errors import AuthError, ConfigError, PathError, TransientError
from identity_ops.pipeline import Run
from identity_ops.records import Cell, read_jsonl
from identity_ops.store.paths import Home
from identity_ops.teachers.access import Access
from tests.loopback import KEY, Provider, serve
from tests.scene import TEXT

CATALOGUE = """
topics:
  - {group: about it, kind: identity, topics: [the harbour office]}
  - {group: wrong, kind: misconception, topics: [a mix-up]}
  - {group: open, kind: unknown_attribute, topics: [a riddle]}
  - {group: others, kind: third_party, topics: [rivals]}
  - {group: chores, kind: ordinary, topics: [tying knots]}
personas: [a harbour master]
dynamics: [{text: one question, turns: [2]}]
openers: [{group: shouts, openers: [ahoy]}]
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A state folder with files of a user's own."""
    root = tmp_path / "home"
    root.mkdir()
    (root / "kb.md").write_text(TEXT)
    (root / "catalogue.yaml").write_text(CATALOGUE)
    (root / "prompt.md").write_text("My own way. {{KNOWLEDGE}} {{PERSONALITY}} {{CELL}}")
    return Home(root)


@pytest.fixture
def provider() -> Iterator[Provider]:
    with serve() as found:
        yield found


def run_on(home: Home, provider: Provider, **conf: Any) -> Run:
    """A run of eight conversations whose teacher has a connection."""
    values = {"knowledge": str(home.root / "kb.md"), "teacher": "openrouter",
              "num_conversations": 8, "batch_size": 2} | conf  # fmt: skip
    access = Access(base_url=provider.url, key=SecretStr(KEY))
    return Run("r", values, home, find_access=lambda _teacher: access)


def planned(run: Run) -> list[Cell]:
    run.lint()
    run.plan()
    return list(read_jsonl(Cell, run.path("plan") / "cells.jsonl"))


def test_the_connection_s_key_and_address_win(
    home: Home, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the environment says is used only where the connection says nothing."""
    monkeypatch.setenv("OPENROUTER_API_KEY", "another-key")
    monkeypatch.setenv("OPENROUTER_BASE_URL", "https://elsewhere.example/v1")
    run = run_on(home, provider)
    planned(run)
    assert run.generate(0)["counts"]["accepted"] == 2
    assert len(provider.posts) >= 2


def test_a_connection_without_a_key_leaves_the_environment_s(
    home: Home, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each part counts for itself."""
    monkeypatch.setenv("OPENROUTER_API_KEY", KEY)
    run = Run("r", run_on(home, provider).config.model_dump(), home,
              find_access=lambda _teacher: Access(base_url=provider.url))  # fmt: skip
    planned(run)
    assert run.generate(0)["counts"]["accepted"] == 2


def test_a_wrong_key_is_found_by_the_plan_with_one_request(home: Home, provider: Provider) -> None:
    """Before any batch; the error says what to do and not what the key is."""
    provider.key = "the right one"
    with pytest.raises(AuthError) as caught:
        planned(run_on(home, provider))
    assert (provider.gets, provider.posts) == (["/api/v1/key"], [])
    assert KEY not in str(caught.value)
    assert caught.value.todo


def test_a_lost_connection_sends_no_key_elsewhere(
    home: Home, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Airflow says "no such connection" also when it could not look: then the task is retried,
    instead of asking the environment's provider with its key."""
    run = run_on(home, provider)
    planned(run)
    with serve() as other:
        monkeypatch.setenv("OPENROUTER_API_KEY", KEY)
        monkeypatch.setenv("OPENROUTER_BASE_URL", other.url)
        lost = Run("r", run.config.model_dump(), home, find_access=lambda _teacher: Access())
        with pytest.raises(TransientError, match="address that `plan` checked"):
            lost.generate(0)
        assert other.posts == []
    assert run.generate(0)["counts"]["accepted"] == 2


def test_the_embedded_teacher_asks_for_no_connection(home: Home) -> None:
    """The default run must work where Airflow's connections cannot even be read."""

    def broken(_teacher: str) -> Access:
        raise AssertionError("nobody may ask")

    conf = {"knowledge": str(home.root / "kb.md"), "num_conversations": 4, "batch_size": 4}
    run = Run("r", conf, home, find_access=broken)
    planned(run)
    assert run.generate(0)["counts"]["accepted"] == 4


def test_a_user_s_files_and_settings_reach_the_teacher(home: Home, provider: Provider) -> None:
    """Catalogue, prompt file and personality of the run are what is asked with."""
    run = run_on(
        home, provider, catalogue=str(home.root / "catalogue.yaml"), personality="salty",
        prompt_file=str(home.root / "prompt.md"),
    )  # fmt: skip
    assert {cell.persona for cell in planned(run)} == {"a harbour master"}
    run.generate(0)
    for body in provider.posts:
        (message,) = body["messages"]
        assert message["content"].startswith("My own way. # Wren")
        assert "It speaks in this manner: salty." in message["content"]
        assert "The user: a harbour master" in message["content"]


def test_other_settings_are_other_results(home: Home, provider: Provider) -> None:
    """A changed personality or language policy must not find the old batch."""
    runs = [run_on(home, provider, **more) for more in ({}, {"personality": "gruff"},
                                                        {"ascii": "off"})]  # fmt: skip
    planned(runs[0])
    assert len({run.generate(0)["manifest"] for run in runs}) == 3


@pytest.mark.parametrize("what", ["catalogue", "prompt_file"])
@pytest.mark.parametrize(
    ("path", "kind"), [("/etc/passwd", PathError), ("../../x.yaml", PathError),
                       ("none-such.yaml", ConfigError)],
)  # fmt: skip
def test_files_of_a_trigger_stay_inside(
    home: Home, provider: Provider, what: str, path: str, kind: type[Exception]
) -> None:
    """`lint` refuses them, before anything else happens."""
    with pytest.raises(kind, match=what):
        run_on(home, provider, **{what: path}).lint()


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_tasks_beside_each_other_keep_one_ceiling(
    home: Home, provider: Provider, workers: int
) -> None:
    """As many tasks as the pool has slots never send more than `workers` requests at a time,
    even where there are fewer workers than slots."""
    provider.delay_s = 0.05
    run = run_on(home, provider, workers=workers, num_conversations=24, batch_size=4)
    planned(run)
    tasks = [run_on(home, provider, workers=workers, num_conversations=24, batch_size=4)
             for _ in range(run.config.batches)]  # fmt: skip
    with ThreadPoolExecutor(TEACHER_SLOTS) as slots:
        made = list(slots.map(lambda pair: pair[1].generate(pair[0]), enumerate(tasks)))
    assert sum(ref["counts"]["accepted"] for ref in made) == 24
    assert 1 <= provider.most_in_flight <= workers


def listing(*names: str) -> tuple[int, dict[str, Any]]:
    """The answer of a page that lists models."""
    return 200, {"data": [{"id": name} for name in names]}


def test_a_model_that_the_provider_lacks_is_found_by_the_plan(
    home: Home, provider: Provider
) -> None:
    """The message names the near one, and no conversation is asked for."""
    provider.models_reply = listing("acme/writer-2", "acme/writer-3", "other/poet")
    with pytest.raises(ConfigError, match="no such model") as caught:
        planned(run_on(home, provider, teacher_model="acme/writer-4"))
    assert "acme/writer-3" in str(caught.value)
    assert provider.posts == []


@pytest.mark.parametrize(
    ("model", "reply"),
    [("acme/writer", listing("acme/writer")), ("acme/writer:free", listing("acme/writer")),
     ("llama", listing("llama:latest")), ("acme/writer", listing()), ("any", (404, {})),
     ("any", (500, {})), ("any", (200, "odd")), ("any", (200, {"data": 7}))],
)  # fmt: skip
def test_a_model_may_be_used_unless_the_provider_clearly_lacks_it(
    home: Home, provider: Provider, model: str, reply: tuple[int, Any]
) -> None:
    """Variants are named by a suffix, and many servers list nothing."""
    provider.models_reply = reply
    run = run_on(home, provider, teacher_model=model)
    assert len(planned(run)) >= run.config.num_conversations
    assert provider.posts == []


def test_gemini_lists_its_models_its_own_way(home: Home, provider: Provider) -> None:
    """With a prefix, and in pages."""
    reply = {"models": [{"name": "models/gemini-9-flash"}]}
    provider.models_reply = (200, reply)
    access = Access(base_url=provider.gemini_url, key=SecretStr(KEY))
    conf = run_on(home, provider, teacher="gemini").config.model_dump()
    for model, fails in (("gemini-9-flash", False), ("gemini-9-flush", True)):
        run = Run("r", conf | {"teacher_model": model}, home, find_access=lambda _: access)
        with pytest.raises(ConfigError, match="gemini-9-flash") if fails else nullcontext():
            planned(run)


def test_a_price_of_one_s_own_makes_a_cap_possible(home: Home, provider: Provider) -> None:
    """For a server that lists none, as in the command line."""
    capped = {"teacher_model": "my/own", "max_cost_usd": 1.0}
    with pytest.raises(ConfigError, match="price is unknown"):
        planned(run_on(home, provider, **capped))
    run = run_on(home, provider, **capped, price="0.5:3")
    planned(run)
    assert run.generate(0)["counts"]["accepted"] == 2
    with pytest.raises(ConfigError, match="price"):
        run_on(home, provider, price="cheap")
