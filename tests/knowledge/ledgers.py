"""Short ways to write a knowledge base and to look at its ledger."""

from __future__ import annotations

from pathlib import Path

from identity_ops.knowledge import Profile, facts_of, lint_bytes, profile_of
from identity_ops.records import Fact

FULL = """# Nimbus
- **Name:** Nimbus
- **Creator:** Ada Holm
## Limitations
- Cannot scan images
"""
ROOT = Path(__file__).resolve().parents[2]


def facts(text: str) -> tuple[Fact, ...]:
    return facts_of(text, "kb.md")


def rows(text: str) -> list[tuple[str, str, str]]:
    """(role, attribute, value) of each fact."""
    return [(fact.role, fact.attribute, fact.value) for fact in facts(text)]


def values(text: str, role: str) -> list[str]:
    """The values of the facts of one role."""
    return [fact.value for fact in facts(text) if fact.role == role]


def profile(text: str) -> Profile:
    return profile_of(facts(text))


def rules(text: str | bytes) -> list[tuple[str, int]]:
    """(rule, line) of each finding."""
    data = text.encode() if isinstance(text, str) else text
    return [(finding.rule, finding.line) for finding in lint_bytes(data, "kb.md")]


def rule_names(text: str | bytes) -> set[str]:
    return {rule for rule, _ in rules(text)}
