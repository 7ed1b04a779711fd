"""The assets: what the DAGs are made of and what they make.

The knowledge base is watched in the triggerer. It is an outlet of no task: only its owner changes
it, and a DAG that did would trigger itself.
"""

from __future__ import annotations

from airflow.sdk import Asset, AssetWatcher
from identity_watch import KnowledgeTrigger

KNOWLEDGE = Asset(
    "identity_knowledge",
    "identity-ops://knowledge",
    watchers=[AssetWatcher(name="identity_knowledge_files", trigger=KnowledgeTrigger())],
)
CONVERSATIONS = Asset("identity_conversations", "identity-ops://conversations")
MODEL = Asset("identity_model", "identity-ops://model")
