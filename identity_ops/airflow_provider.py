"""What this package adds to Airflow: connection types for teachers, and assets for OpenLineage.

Airflow finds it by the entry point `apache_airflow_provider` and reads plain data, before its
plugins folder is on the path. The hooks lie in that folder, which alone imports Airflow; they are
imported when one is asked for. An Airflow without our plugins lists the types and cannot test them.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

HOOKS_MODULE: Final = "identity_hooks"
SCHEME: Final = "identity-ops"  # of the assets' addresses
_TYPES: Final = (  # connection type, hook, name in the form, example address
    ("openrouter", "OpenRouterHook", "OpenRouter", "https://openrouter.ai/api/v1"),
    ("gemini", "GeminiHook", "Gemini", "https://generativelanguage.googleapis.com/v1beta"),
    ("openai", "OpenAIHook", "OpenAI-compatible server", "http://127.0.0.1:8000/v1"),
)


def provider_info() -> dict[str, Any]:
    """As airflow/provider_info.schema.json asks for."""
    return {
        "package-name": "identity-ops",
        "name": "identity-ops",
        "description": "Teachers for identity-ops.",
        "connection-types": [_connection_type(*each) for each in _TYPES],
        "asset-uris": [
            {
                "schemes": [SCHEME],
                "handler": None,
                "to_openlineage_converter": f"{__name__}.to_openlineage",
            }
        ],
    }


def to_openlineage(asset: Any, _context: object) -> Any:
    """An asset of ours as a dataset, where Airflow's OpenLineage provider asks for it."""
    from openlineage.client.event_v2 import Dataset

    return Dataset(namespace=SCHEME, name=urlsplit(asset.uri).netloc)


def _connection_type(kind: str, hook: str, name: str, address: str) -> dict[str, Any]:
    return {
        "connection-type": kind,
        "hook-class-name": f"{HOOKS_MODULE}.{hook}",
        "hook-name": name,
        "ui-field-behaviour": {
            "hidden-fields": ["schema", "login", "port", "extra"],
            "relabeling": {"host": "Address", "password": "API key"},
            "placeholders": {"host": address},
        },
    }
