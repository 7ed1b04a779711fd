"""What Airflow is told of this package: plain data that can be trusted at every start."""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import json
from pathlib import Path

from jsonschema import validate

from identity_ops.airflow_provider import HOOKS_MODULE, provider_info
from identity_ops.config import RunConfig

ROOT = Path(__file__).resolve().parents[1]


def test_airflow_finds_it_by_its_entry_point() -> None:
    """An installed package needs no setting to be found."""
    found = next(
        entry for entry in importlib.metadata.entry_points(group="apache_airflow_provider")
        if entry.value.startswith("identity_ops.")
    )  # fmt: skip
    assert found.load() is provider_info


def test_it_has_the_form_that_airflow_demands() -> None:
    """One wrong key would stop the discovery of every provider."""
    spec = importlib.util.find_spec("airflow")
    assert spec is not None
    assert spec.origin is not None
    schema = json.loads(Path(spec.origin).with_name("provider_info.schema.json").read_text())
    validate(provider_info(), schema)


def test_every_teacher_with_a_key_has_a_connection_type_and_a_hook() -> None:
    """The names in the data are those of the classes, which are not imported to find out."""
    found = provider_info()["connection-types"]
    types = {each["connection-type"]: each["hook-class-name"] for each in found}
    teachers = RunConfig.model_json_schema()["properties"]["teacher"]["enum"]
    assert set(types) == set(teachers) - {"template"}
    tree = ast.parse((ROOT / "plugins" / f"{HOOKS_MODULE}.py").read_text())
    classes = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    assert {name.removeprefix(f"{HOOKS_MODULE}.") for name in types.values()} <= classes
