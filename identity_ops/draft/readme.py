"""Facts drafted from a README: what it states of the model, in the form of a knowledge base.

Nothing is invented. A statement goes in where it is about something that models have (a name, a
maker, a size, a limit); installation and usage stay out. What no knowledge base can do without
and the README does not say becomes a placeholder, which lint flags.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from identity_ops.errors import KnowledgeError
from identity_ops.knowledge import Knowledge, lint, read_knowledge
from identity_ops.records import Fact

# Heading -> the roles under it, in the order of the file.
SECTIONS: Final[dict[str, tuple[str, ...]]] = {
    "Basic Identity": (
        "name", "creator", "kind", "purpose", "version", "date", "license", "price", "language",
        "url", "contact", "base_creator",
    ),
    "Capabilities": ("capability",),
    "Limitations": ("limitation",),
    "Technical Details": (
        "architecture", "size", "layers", "width", "heads", "vocabulary", "context", "tokenizer",
        "data", "hardware", "time", "cost",
    ),
    "Personality": ("trait",),
}  # fmt: skip
UNREADABLE: Final = frozenset({"binary", "empty-file", "encoding"})
MANY: Final = frozenset({"capability", "limitation", "trait", "creator", "url", "data"})
NEEDED: Final = {
    "name": "- **Name:** {{NAME}}",
    "creator": "- **Creator:** {{CREATOR}}",
    "kind": "- **Kind:** {{WHAT IT IS}}",
    "capability": "- Can {{DO ONE THING}}",
    "limitation": "- Cannot {{DO ONE THING}}",
    "trait": "- **Tone:** {{TONE}}",
}


def from_readme(path: Path) -> str:
    """The draft, as markdown.

    Raises:
        KnowledgeError: the README is no text, or is over the size cap.
    """
    broken = next((found for found in lint(path) if found.rule in UNREADABLE), None)
    if broken is not None:
        raise KnowledgeError(broken.message, where=path, todo=broken.fix)
    knowledge = read_knowledge(path)
    lines = [f"# {knowledge.profile.name or '{{NAME}}'}", "", *_note(knowledge, path.name)]
    for heading, roles in SECTIONS.items():
        found = [line for role in roles for line in _stated(knowledge.facts, role)]
        if found:
            lines += ["", f"## {heading}", "", *found]
    return "\n".join(lines) + "\n"


def _stated(facts: Iterable[Fact], role: str) -> Iterator[str]:
    """Lines for what is said in this role: one for what a model has once, the first said."""
    count = 0
    for fact in facts:
        if fact.role == role and (role in MANY or not count):
            count += 1
            yield _line(fact)
    if not count and role in NEEDED:
        yield NEEDED[role]


def _line(fact: Fact) -> str:
    label = fact.attribute[:1].upper() + fact.attribute[1:]
    return f"- **{label}:** {fact.value}" if label else f"- {fact.value}"


def _note(knowledge: Knowledge, name: str) -> list[str]:
    known = {role for roles in SECTIONS.values() for role in roles}
    left = sum(1 for fact in knowledge.facts if fact.role not in known)
    return [
        "<!--",
        f"Drafted from the statements of {name}. Read every line: a README is not always about",
        f"the model. {left} statements were left out, for they say nothing that a model is asked",
        "of itself.",
        "-->",
    ]
