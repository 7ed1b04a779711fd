"""The DAG as Airflow sees it: it parses, is cheap to parse, and has the shape that was promised."""

from __future__ import annotations

import ast
import itertools
import sys
from typing import Any

import pytest
import yaml

from identity_ops.config import RunConfig
from identity_ops.errors import IdentityError, TerminalError, TransientError
from tests.dag.conftest import ROOT

CHAIN = (
    "lint", "plan", "generate", "refill", "curate", "approve", "mix", "train", "evaluate", "gate",
    "publish",
)  # fmt: skip


@pytest.fixture
def dag(seen: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = seen["dags"]["identity_sft"]
    return found


def test_every_dag_file_and_plugin_imports(seen: dict[str, Any]) -> None:
    """A broken file would only show as a missing DAG in production."""
    assert seen["errors"] == {}
    assert seen["plugin_errors"] == {}


def test_parsing_imports_nothing_heavy(seen: dict[str, Any]) -> None:
    """The DAG processor parses every few seconds, on machines without torch."""
    heavy = {"torch", "deepspeed", "pyarrow", "pandas", "numpy", "tiktoken", "training"}
    assert heavy.isdisjoint(seen["imported"])
    assert "identity_ops" in seen["imported"]


def test_the_chain_runs_in_order(dag: dict[str, Any]) -> None:
    """Each task waits for the one before it, and training waits for the base too, which no run
    pretrains before its plan has found that the teacher can be asked."""
    tasks = dag["tasks"]
    assert set(tasks) == {*CHAIN, "base"}
    for before, after in itertools.pairwise(CHAIN):
        assert before in tasks[after]["upstream"]
    assert tasks["base"]["upstream"] == ["plan"]
    assert tasks["mix"]["upstream"] == ["approve", "base"]


def test_only_generation_is_mapped_and_it_respects_the_teacher(dag: dict[str, Any]) -> None:
    """All requests to a teacher come from tasks in its pool."""
    tasks = dag["tasks"]
    assert [name for name, task in tasks.items() if task["mapped"]] == ["generate"]
    assert {name for name, task in tasks.items() if task["pool"] == "teacher"} == {
        "generate",
        "refill",
    }


def test_models_run_on_the_gpu_queue_one_at_a_time(dag: dict[str, Any]) -> None:
    """Queue and pool go together: workers without torch never see these tasks."""
    on_gpu = {name for name, task in dag["tasks"].items() if task["queue"] == "gpu"}
    assert on_gpu == {name for name, task in dag["tasks"].items() if task["pool"] == "gpu"}
    assert on_gpu == {"base", "train", "evaluate"}


def test_a_skipped_approval_does_not_skip_the_rest(dag: dict[str, Any]) -> None:
    """mix runs after a skipped approve, and not after a failed one."""
    assert dag["tasks"]["mix"]["trigger_rule"] == "none_failed"
    assert dag["tasks"]["approve"]["retries"] == 0


def test_every_task_asks_the_retry_mapping(dag: dict[str, Any]) -> None:
    """No task keeps paying for what cannot succeed."""
    assert all(task["policy"] for task in dag["tasks"].values())
    assert all(task["retries"] for name, task in dag["tasks"].items() if name != "approve")


def test_no_task_hangs_for_ever_nor_until_celery_delivers_it_again(dag: dict[str, Any]) -> None:
    """A training that hangs would hold the one GPU slot against every other run."""
    environment = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["x-airflow-environment"]
    again = environment["AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT"]
    for name, task in dag["tasks"].items():
        assert 24 <= task["hours"] < int(again) / 3600, name


def test_the_mapping_follows_the_error_tree(seen: dict[str, Any]) -> None:
    """Terminal errors fail at once, transient ones retry, whatever is added to the tree."""
    for name, action in seen["retries"].items():
        kind = _errors().get(name)
        if kind is not None and issubclass(kind, TerminalError):
            assert action == "fail", name
        elif kind is not None and issubclass(kind, TransientError):
            assert action == "retry", name
        else:
            assert action == "default", name
    assert "KeyError" in seen["retries"]


def test_each_result_is_measured_and_a_failed_run_told(dag: dict[str, Any]) -> None:
    """Metrics come from every task but the one that asks a person."""
    assert dag["tells"]
    assert all(task["measured"] for name, task in dag["tasks"].items() if name != "approve")


def test_what_it_makes_are_assets_and_the_knowledge_base_is_not(dag: dict[str, Any]) -> None:
    """A DAG that touched the knowledge base would trigger its own regeneration."""
    outlets = {name: task["outlets"] for name, task in dag["tasks"].items() if task["outlets"]}
    assert outlets == {"curate": ["identity_conversations"], "publish": ["identity_model"]}


def test_what_it_reads_and_makes_are_datasets_of_openlineage(dag: dict[str, Any]) -> None:
    """So that a lineage server shows which model came from which conversations."""
    found = {name: task["lineage"] for name, task in dag["tasks"].items() if any(task["lineage"])}
    assert found == {
        "lint": [["identity-ops/knowledge"], []],
        "curate": [[], ["identity-ops/conversations"]],
        "publish": [[], ["identity-ops/model"]],
    }


def test_the_form_has_every_parameter_and_explains_it(dag: dict[str, Any]) -> None:
    """Form and library are made from one model, so neither knows a field that the other lacks."""
    assert set(dag["params"]) == set(RunConfig.model_fields)
    for name, param in dag["params"].items():
        assert param["schema"]["title"], name
        assert param["schema"]["section"], name
        assert param["description"] or param["schema"].get("description"), name


def test_the_form_s_defaults_are_the_library_s(dag: dict[str, Any]) -> None:
    """Triggering without a change is a run with the defaults."""
    conf = {name: param["value"] for name, param in dag["params"].items()}
    assert RunConfig.parse(conf) == RunConfig.parse({})


def test_optional_fields_may_be_left_empty(dag: dict[str, Any]) -> None:
    """The form has no way to leave a field out: it sends null."""
    for name, param in dag["params"].items():
        if RunConfig.model_fields[name].default is None:
            assert "null" in param["schema"]["type"], name


def test_the_form_offers_choices_only_for_closed_sets(dag: dict[str, Any]) -> None:
    """Paths and model names stay free text."""
    chosen = {name for name, param in dag["params"].items() if "enum" in param["schema"]}
    assert chosen == {"teacher", "ascii", "zero_stage", "offload", "track"}


def test_a_key_of_the_environment_is_masked_in_a_task_s_log(seen: dict[str, Any]) -> None:
    """Airflow knows the passwords of connections, but not which variable is a key."""
    assert seen["masked"] == "sent with *** to it"


def test_dag_files_import_the_library_inside_tasks_only() -> None:
    """What a DAG file imports at its top is imported at every parse."""
    for path in (ROOT / "dags").glob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ImportFrom):
                assert not (node.module or "").startswith("identity_ops"), path


def test_no_plugin_module_shadows_another_module() -> None:
    """Airflow puts plugins into sys.modules by their bare names."""
    stems = [path.stem for path in (ROOT / "plugins").rglob("*.py")]
    assert len(stems) == len(set(stems))
    assert sys.stdlib_module_names.isdisjoint(stems)
    assert {path.name for path in ROOT.iterdir()}.isdisjoint(stems)


def test_dags_read_on_one_page() -> None:
    """A DAG file is the chain's table of contents."""
    for path in (ROOT / "dags").glob("*.py"):
        assert len(path.read_text().splitlines()) <= 120, path


def _errors() -> dict[str, type[IdentityError]]:
    import identity_ops.errors as module

    kinds = {name: kind for name, kind in vars(module).items() if isinstance(kind, type)}
    return {name: kind for name, kind in kinds.items() if issubclass(kind, IdentityError)}
