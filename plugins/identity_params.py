"""The trigger form: Airflow params made from RunConfig, so that form and library cannot differ.

Airflow refuses a value against its schema with 400 before a run exists; unknown keys and what
spans several fields is refused by the `lint` task, in RunConfig's own words.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import Param

from identity_ops.choices import choices
from identity_ops.config import STAGES, RunConfig
from identity_ops.store.paths import Home

SECTIONS = {
    "Knowledge": ("knowledge", "probes", "seed"),
    "Conversations": ("num_conversations", "batch_size", "catalogue", "ascii", "curate_judge"),
    "Teacher": (
        "teacher", "teacher_model", "temperature", "personality", "prompt_file", "workers",
        "max_cost_usd", "price",
        "max_requests_per_day",
    ),
    "Mixture": ("general", "identity_share"),
    "Training": (
        "base_model", "chat_template", "epochs", "learning_rate", "zero_stage", "num_processes",
        "offload", "hostfile", "track", "rounds", "round_conversations",
    ),
    "Gate and publishing": (
        "samples", "control", "min_name_accuracy", "rules", "require_approval", "publish_as",
    ),
    "Run again": ("force",),
}  # fmt: skip


def run_params() -> dict[str, Param]:
    """One param for each field of RunConfig, in the form's order and sections."""
    fields = RunConfig.model_json_schema()["properties"]
    there = choices(Home.from_env())
    return {
        name: _param(name, fields[name], section, there.get(name, []))
        for section, names in SECTIONS.items()
        for name in names
    }


def _param(name: str, field: dict[str, Any], section: str, there: list[str]) -> Param:
    schema = _flat({key: value for key, value in field.items() if key != "default"})
    if there:  # what is on disk first; a shown example that is not there is one of the form's
        schema["examples"] = list(dict.fromkeys([*there, *schema.get("examples", [])]))
    if name == "force":
        schema["examples"] = list(STAGES)  # the form shows an array's examples as choices
        schema["type"] = ["null", "array"]  # else an empty choice counts as a missing one
    if "const" in schema:
        schema["enum"] = [schema.pop("const")]  # the form shows no field for a const
    return Param(field["default"], section=section, **schema)


def _flat(schema: dict[str, Any]) -> dict[str, Any]:
    """`anyOf: [X, null]` as X that may be null: the form knows a type list, no anyOf."""
    options = schema.pop("anyOf", None)
    if options is None:
        return schema
    value = next(option for option in options if option["type"] != "null")
    return {**schema, **value, "type": ["null", value["type"]]}
