"""The knowledge base: markdown to a fact ledger, and what is wrong with it."""

from identity_ops.knowledge.findings import Finding
from identity_ops.knowledge.ledger import Knowledge, Profile, facts_of, profile_of, read_knowledge
from identity_ops.knowledge.lint import lint, lint_bytes

__all__ = [
    "Finding",
    "Knowledge",
    "Profile",
    "facts_of",
    "lint",
    "lint_bytes",
    "profile_of",
    "read_knowledge",
]
