"""The prompt: fixed rules and the knowledge base first, byte-identical for a run, the cell last.

The text is in `prompts/` for users to edit. Placeholders: {{NAME}}, {{KNOWLEDGE}} (verbatim),
{{BOUNDARY}} (a mark that the knowledge base cannot contain), {{PERSONALITY}}, {{ASCII}} and
{{LETTERS}} (what `policies.yaml` says for the settings), and last {{CELL}}.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args

import yaml

from identity_ops.errors import ConfigError
from identity_ops.knowledge import Knowledge
from identity_ops.records import Ascii, Cell, Fact, Kind
from identity_ops.store.manifest import canonical_hash

PROMPTS: Final = Path(__file__).parent / "prompts"
FILLED: Final = ("ASCII", "BOUNDARY", "LETTERS", "NAME", "PERSONALITY")
_PLACEHOLDER = re.compile(r"\{\{([A-Z]+)\}\}")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt for one knowledge base.

    `prefix` is the same for every cell, so that a provider's prompt cache pays.
    """

    prefix: str
    suffix: str
    kinds: Mapping[str, str]
    facts: Mapping[str, Fact]
    digest: str  # of all text that is not the cell's

    @classmethod
    def load(
        cls,
        knowledge: Knowledge,
        prompt_file: str | None = None,
        *,
        personality: str | None = None,
        ascii_policy: Ascii = "fold",
    ) -> Prompt:
        """The prompt in `prompt_file`, or the shipped one.

        Args:
            personality: how the assistant speaks; None: as the knowledge base says.
            ascii_policy: which characters the teacher is asked for.

        Raises:
            ConfigError: unreadable, an unknown placeholder, or not exactly one {{KNOWLEDGE}}
                before one {{CELL}}.
        """
        path = Path(prompt_file) if prompt_file else PROMPTS / "conversation.md"
        before, after = _split(_read(path), path)
        values = {
            "NAME": knowledge.profile.name or "the assistant",
            "KNOWLEDGE": knowledge.text,
            "BOUNDARY": _boundary(knowledge),
            **_policies(PROMPTS / "policies.yaml", personality, ascii_policy),
        }
        prefix, suffix = _fill(before, values), _fill(after, values)
        kinds = _kinds(PROMPTS / "kinds.yaml")
        digest = canonical_hash([prefix, suffix, dict(kinds)])
        return cls(prefix, suffix, kinds, {fact.id: fact for fact in knowledge.facts}, digest)

    def render(self, cell: Cell) -> str:
        """The whole user message for one cell."""
        return f"{self.prefix}{self._plan(cell)}{self.suffix}"

    def _plan(self, cell: Cell) -> str:
        lines = [
            f"Kind: {self.kinds[cell.kind]}",
            f"Topic: {cell.topic} ({cell.category})",
            f"The user: {cell.persona}",
            f"How it goes: {cell.dynamic}",
            f"Language: {cell.language}",
            f"Messages in all: {cell.turns}",
        ]
        if cell.openers:
            lines.append("Tone of the first message, for example: " + " | ".join(cell.openers))
        facts = [self.facts[fact_id] for fact_id in cell.fact_ids if fact_id in self.facts]
        if facts:
            lines.append("The assistant's answers must state, correctly and completely:")
            lines += [f"- {_line(fact)}" for fact in facts]
        return "\n".join(lines)


def _boundary(knowledge: Knowledge) -> str:
    """A mark that is the same for every run on this knowledge base, and does not occur in it."""
    mark = knowledge.fingerprint[:12]
    while mark in knowledge.text:
        mark = canonical_hash(mark)[:12]
    return mark


def _line(fact: Fact) -> str:
    value = ", ".join(fact.items) if fact.items else fact.value
    return f"{fact.attribute}: {value}" if fact.attribute else value


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"the prompt file cannot be read ({type(error).__name__})", where=path,
            expected="a UTF-8 text file",
        ) from None  # fmt: skip


def _split(text: str, path: Path) -> tuple[str, str]:
    names = [match[1] for match in _PLACEHOLDER.finditer(text)]
    unknown = sorted(set(names) - {*FILLED, "KNOWLEDGE", "CELL"})
    order = [name for name in names if name in ("KNOWLEDGE", "CELL")]
    if unknown or order != ["KNOWLEDGE", "CELL"]:
        raise ConfigError(
            "the prompt's placeholders are wrong", where=path,
            expected="{{KNOWLEDGE}} once, then {{CELL}} once; anywhere "
            + ", ".join(f"{{{{{name}}}}}" for name in FILLED),
            got=", ".join(unknown) or ", ".join(order) or "none",
        )  # fmt: skip
    before, _, after = text.partition("{{CELL}}")
    return before, after


def _fill(text: str, values: Mapping[str, str]) -> str:
    """One pass: a placeholder inside the knowledge base stays text."""
    return _PLACEHOLDER.sub(lambda match: values[match[1]], text)


def _policies(path: Path, personality: str | None, policy: Ascii) -> dict[str, str]:
    """What the file says for the settings, by placeholder."""
    found: Any = yaml.safe_load(_read(path))
    try:
        manner = found["personality"]["given" if personality else "from_knowledge"]
        return {
            "PERSONALITY": manner.replace("{{STYLE}}", (personality or "").strip().rstrip(".")),
            "ASCII": found["ascii"][policy],
            "LETTERS": found["letters"][policy],
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise ConfigError(
            "a line for each setting", where=path, got=f"no {error}",
            expected="personality: from_knowledge, given; ascii and letters: fold, strict, off",
        ) from None  # fmt: skip


def _kinds(path: Path) -> Mapping[str, str]:
    found = yaml.safe_load(_read(path))
    if not isinstance(found, dict) or set(found) != set(get_args(Kind)):
        raise ConfigError(
            "a line for each kind of conversation", where=path,
            expected=", ".join(get_args(Kind)), got=", ".join(map(str, found or ())) or "none",
        )  # fmt: skip
    return {str(kind): str(text).strip() for kind, text in found.items()}
