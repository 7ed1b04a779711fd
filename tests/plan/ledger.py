"""Knowledge bases of any size, for tests of the plan."""

from __future__ import annotations

from pathlib import Path

from identity_ops.knowledge import Knowledge, read_knowledge


def knowledge(folder: Path, facts: int) -> Knowledge:
    """A base with a name, a maker and so many more facts."""
    lines = ["# Pip", "- Name: Pip", "- Created by: Otter Lab"]
    lines += [f"- Gadget {number}: part {number}x" for number in range(facts)]
    path = folder / "kb.md"
    path.write_text("\n".join(lines) + "\n")
    return read_knowledge(path)
