"""The form to fill in. Lint flags every placeholder that is left."""

from __future__ import annotations

from pathlib import Path

_TEMPLATE = Path(__file__).with_name("template.md")


def blank() -> str:
    """A knowledge base with a placeholder for each value."""
    return _TEMPLATE.read_text(encoding="utf-8")
